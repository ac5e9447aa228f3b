//! J2: what may cross threads, and what must not.

use asyncio_transports::{
    Awaited, BindError, ConnectAcceptedSocket, ConnectErrors, CreateConnection, CreateServer,
    DatagramEndpoint, DatagramEndpointBuilder, Destination, FileSink, Layered, ListenOn, Opened,
    Opening, Port, RefusedSocket, Role, Sendfile, SendfileNotAvailableError, Server,
    ShutdownReport, SockSendfile, TransportSocket, TruncatedDatagram, WithProtocol,
};
#[cfg(unix)]
use asyncio_transports::{CreateUnixConnection, CreateUnixServer, TransportPipe, UnixEndpoint};
use static_assertions::{assert_impl_all, assert_not_impl_any};

type Factory = fn() -> ();

assert_impl_all!(BindError: std::error::Error, Send, Sync);
assert_impl_all!(ConnectErrors: std::error::Error, Send, Sync);
assert_impl_all!(RefusedSocket: std::error::Error, Send, Sync);
assert_impl_all!(Destination: Send, Sync);
assert_impl_all!(ListenOn: Send, Sync);
assert_impl_all!(Port: Send, Sync, Clone);
assert_impl_all!(Role: Send, Sync, Clone);
assert_impl_all!(ShutdownReport: Send, Sync, Copy);
assert_impl_all!(SendfileNotAvailableError: std::error::Error, Send, Sync);
assert_not_impl_any!(FileSink: Send, Sync);
assert_not_impl_any!(Sendfile<'_>: Send, Sync);
assert_not_impl_any!(SockSendfile<'_, socket2::Socket>: Send, Sync);
assert_not_impl_any!(Layered: Send, Sync);
assert_not_impl_any!(Opened: Send, Sync);
assert_not_impl_any!(Opening: Send, Sync);
assert_not_impl_any!(Server: Send, Sync);
assert_not_impl_any!(TransportSocket: Send, Sync);
assert_not_impl_any!(ConnectAcceptedSocket<Factory>: Send, Sync);
assert_not_impl_any!(CreateConnection<Factory>: Send, Sync);
assert_not_impl_any!(CreateServer<Factory>: Send, Sync);
assert_impl_all!(Awaited: Send, Sync, Copy);
assert_impl_all!(TruncatedDatagram: std::error::Error, Send, Sync);
assert_not_impl_any!(DatagramEndpoint: Send, Sync);
assert_impl_all!(DatagramEndpointBuilder<Awaited>: Send, Sync);
assert_impl_all!(DatagramEndpointBuilder<WithProtocol<Factory>>: Send, Sync);
#[cfg(unix)]
assert_not_impl_any!(TransportPipe: Send, Sync);
#[cfg(unix)]
assert_impl_all!(UnixEndpoint: Send, Sync);
#[cfg(unix)]
assert_not_impl_any!(CreateUnixConnection<Factory>: Send, Sync);
#[cfg(unix)]
assert_not_impl_any!(CreateUnixServer<Factory>: Send, Sync);

/// J2: the assertions above hold, or this file does not compile. An error of a connect goes with a
/// result to wherever it is wanted, the socket in it included.
#[test]
fn an_error_with_a_socket_in_it_crosses_threads_j2() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let event_loop = asyncio_loop::EventLoop::new().unwrap();
    let refused = event_loop.run_until_complete(async move {
        struct Quiet;
        impl asyncio_transports::Protocol for Quiet {}
        let socket = socket2::Socket::from(socket);
        let refused = asyncio_transports::create_connection(|| Quiet, socket).await;
        refused.map(drop).unwrap_err()
    });
    let refused = refused.unwrap();
    let back = std::thread::spawn(move || refused.downcast::<RefusedSocket>().unwrap());
    let back = back.join().unwrap().socket;
    assert_eq!(back.local_addr().unwrap().as_socket(), Some(address));
}
