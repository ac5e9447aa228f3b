//! Connecting to a listener.

use std::error::Error;
use std::fmt;
use std::io;

use asyncio_reactor::{AsSource, Async};
use socket2::{SockAddr, Socket};

use super::address::Address;
use super::sys;
use crate::loop_ref::LoopRef;
use crate::watch;

/// Connects to `address`.
///
/// # Errors
/// [`ConnectError`], which names the address, inside an error of the same kind as the kernel's;
/// for a host that is resolved, what [`getaddrinfo`](crate::LoopRef::getaddrinfo) reports.
/// `WouldBlock` when the queue of a Unix listener is full: the kernel tells nobody when there is
/// room again.
///
/// # Panics
/// When polled outside a running loop, for a host to resolve.
///
/// # Cancel safety
/// No: the kernel goes on connecting. Close the socket; it can be closed at once.
///
/// # Examples
/// ```
/// use asyncio_loop::socket::{Domain, Type};
/// use asyncio_loop::{EventLoop, sock_connect};
///
/// let event_loop = EventLoop::new()?;
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// event_loop.run_until_complete(async {
///     let sock = event_loop.socket(Domain::IPV4, Type::STREAM)?;
///     sock_connect(&sock, listener.local_addr()?).await
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn sock_connect<S: AsSource>(
    sock: &Async<S>,
    address: impl Into<Address>,
) -> io::Result<()> {
    let address = address.into().resolve(sock).await?;
    connect(sock, &address)
        .await
        .map_err(|error| ConnectError::io(address, error))
}

async fn connect<S: AsSource>(sock: &Async<S>, address: &SockAddr) -> io::Result<()> {
    if sys::connect(sock.get_ref().as_source(), address)? {
        return Ok(());
    }
    // What was reported before is no news of this connect: a fresh socket counts as writable.
    sock.clear_writable();
    sock.write_io(|sock| sys::connected(sock.as_source())).await
}

impl LoopRef {
    /// Connects a socket that is not registered, and gives it back: for transports, which register
    /// it their own way. It is in non-blocking mode already. It is registered only while it has to
    /// wait, and it has not where the other end is on this machine.
    ///
    /// # Errors
    /// As [`sock_connect`]; `NotConnected` when the loop is closed. The socket is closed.
    ///
    /// # Cancel safety
    /// Yes: the socket is closed.
    pub async fn connect_socket(&self, sock: Socket, address: &SockAddr) -> io::Result<Socket> {
        watch::refuse_closed(self.inner())?;
        self.connect_unregistered(sock, address)
            .await
            .map_err(|error| ConnectError::io(address.clone(), error))
    }

    async fn connect_unregistered(&self, sock: Socket, to: &SockAddr) -> io::Result<Socket> {
        // The kernel may say that it is under way when it is through.
        if sys::connect(sock.as_source(), to)? || sock.peer_addr().is_ok() {
            return Ok(sock);
        }
        let sock = Async::new_nonblocking(&self.inner().reactor, sock)?;
        sock.write_io(|sock| sys::connected(sock.as_source()))
            .await?;
        Ok(sock.into_inner())
    }
}

/// A connect failed: inside the error of [`sock_connect`], from which [`io::Error::get_ref`] and a
/// downcast get it back.
#[derive(Debug)]
pub struct ConnectError {
    /// Where to.
    pub address: Address,
    /// Why.
    pub error: io::Error,
}

impl ConnectError {
    fn io(address: SockAddr, error: io::Error) -> io::Error {
        let address = Address::Socket(address);
        io::Error::new(error.kind(), Self { address, error })
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "connect to {}: {}", self.address, self.error)
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
