//! `sock_connect` and `sock_accept`: getting connections, and not getting them.

mod scene;

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_loop::socket::{Domain, SockAddr, Socket, Type};
use asyncio_loop::{ConnectError, EventLoop, sock_accept, sock_connect, sock_recv, sock_sendall};
use asyncio_testkit::Folder;
use scene::run;

on_every_selector! {
    a_connect_that_is_refused_names_the_address,
    a_connect_by_name_is_resolved_for_its_socket,
    a_host_is_no_address_of_a_unix_socket,
    a_unix_listener_is_reached_by_its_path,
    a_full_unix_listener_is_an_error,
    a_socket_that_is_not_registered_is_connected_and_given_back,
    an_accepted_connection_is_not_blocking_and_not_inherited_n13,
    an_accept_that_is_cancelled_loses_no_connection_p6,
    a_connection_that_was_given_up_is_no_error_of_the_listener_p13,
}

fn a_connect_that_is_refused_names_the_address(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        // A port that is bound and not listened on refuses.
        let bound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        bound
            .bind(&SockAddr::from(
                "127.0.0.1:0".parse::<SocketAddr>().unwrap(),
            ))
            .unwrap();
        let address = bound.local_addr().unwrap().as_socket().unwrap();
        let sock = event_loop.socket(Domain::IPV4, Type::STREAM).unwrap();
        let error = sock_connect(&sock, address).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(
            error
                .to_string()
                .starts_with(&format!("connect to {address}: ")),
            "{error}"
        );
        let inner = error
            .get_ref()
            .unwrap()
            .downcast_ref::<ConnectError>()
            .unwrap();
        assert_eq!(inner.address.to_string(), address.to_string());
        assert!(inner.error.raw_os_error().is_some());
    });
}

fn a_connect_by_name_is_resolved_for_its_socket(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost"] {
            let sock = event_loop.socket(Domain::IPV4, Type::STREAM).unwrap();
            sock_connect(&sock, (host, port)).await.unwrap();
            assert_eq!(
                sock.get_ref()
                    .peer_addr()
                    .unwrap()
                    .as_socket()
                    .unwrap()
                    .port(),
                port
            );
        }
        let sock = event_loop.socket(Domain::IPV4, Type::STREAM).unwrap();
        assert!(sock_connect(&sock, ("::1", port)).await.is_err());
    });
}

fn a_host_is_no_address_of_a_unix_socket(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let sock = event_loop.socket(Domain::UNIX, Type::STREAM).unwrap();
        let error = sock_connect(&sock, ("127.0.0.1", 80)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

fn a_unix_listener_is_reached_by_its_path(event_loop: &EventLoop) {
    let folder = Folder::new();
    let path = folder.join("socket");
    run(event_loop, async |event_loop| {
        let sock = || event_loop.socket(Domain::UNIX, Type::STREAM).unwrap();
        let error = sock_connect(&sock(), &*path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
        let listener = event_loop
            .register(UnixListener::bind(&path).unwrap())
            .unwrap();
        let near = sock();
        sock_connect(&near, path.clone()).await.unwrap();
        let (far, from) = event_loop.sock_accept(&listener).await.unwrap();
        assert!(from.is_unnamed());
        sock_sendall(&near, b"by path").await.unwrap();
        assert_eq!(sock_recv(&far, 10).await.unwrap(), b"by path");
        let too_long = PathBuf::from("x".repeat(1000));
        assert_eq!(
            sock_connect(&sock(), too_long).await.unwrap_err().kind(),
            io::ErrorKind::InvalidInput
        );
    });
}

/// The kernel does not wait there, and has no event for the end of it.
fn a_full_unix_listener_is_an_error(event_loop: &EventLoop) {
    let folder = Folder::new();
    let path = folder.join("socket");
    run(event_loop, async |event_loop| {
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        listener.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        listener.listen(0).unwrap();
        let mut connected = Vec::new();
        let error = loop {
            let sock = event_loop.socket(Domain::UNIX, Type::STREAM).unwrap();
            match sock_connect(&sock, &*path).await {
                Ok(()) => connected.push(sock),
                Err(error) => break error,
            }
            assert!(connected.len() < 100);
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    });
}

/// Transports connect so, and register the socket their own way.
fn a_socket_that_is_not_registered_is_connected_and_given_back(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let sources = event_loop.metrics().sources;
        let socket = || {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = SockAddr::from(listener.local_addr().unwrap());
        let connected = event_loop.connect_socket(socket(), &address).await.unwrap();
        assert_eq!(connected.peer_addr().unwrap(), address);
        assert_eq!(event_loop.metrics().sources, sources);
        event_loop.register(connected).unwrap();

        let bound = socket();
        let any = "127.0.0.1:0".parse::<SocketAddr>().unwrap();
        bound.bind(&any.into()).unwrap();
        let address = bound.local_addr().unwrap();
        let error = event_loop.connect_socket(socket(), &address).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.downcast::<ConnectError>().is_ok());

        // One that is not answered waits, and is closed with the wait.
        bound.listen(0).unwrap();
        let mut queued = Vec::new();
        for _ in 0..10 {
            let connecting = event_loop.connect_socket(socket(), &address);
            match timeout(event_loop.clone(), connecting).await {
                Some(connected) => queued.push(connected.unwrap()),
                None => break,
            }
        }
        assert!(queued.len() < 10);
        assert_eq!(event_loop.metrics().sources, sources);
    });
}

/// `None` if it has not ended in a few turns, for this crate is below that of the timeouts.
async fn timeout<F: Future>(event_loop: asyncio_loop::LoopRef, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    for _ in 0..20 {
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx)));
        if let std::task::Poll::Ready(output) = polled.await {
            return Some(output);
        }
        let turn = event_loop.time() + Duration::from_millis(1);
        asyncio_loop::sleep_until(turn).await;
    }
    None
}

/// N13, as far as this layer goes: what comes from a listener is ours alone and does not block.
fn an_accepted_connection_is_not_blocking_and_not_inherited_n13(event_loop: &EventLoop) {
    use rustix::fs::{OFlags, fcntl_getfl};
    use rustix::io::{FdFlags, fcntl_getfd};
    run(event_loop, async |event_loop| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let listener = event_loop.register(listener).unwrap();
        let (peer, _) = sock_accept(&listener).await.unwrap();
        let made = event_loop.socket(Domain::IPV4, Type::DGRAM).unwrap();
        for sock in [&peer, &made] {
            assert!(
                fcntl_getfl(sock.get_ref())
                    .unwrap()
                    .contains(OFlags::NONBLOCK)
            );
            assert!(
                fcntl_getfd(sock.get_ref())
                    .unwrap()
                    .contains(FdFlags::CLOEXEC)
            );
        }
        // A socket that does not listen: an error, and none that would wait.
        assert_eq!(
            sock_accept(&made).await.unwrap_err().kind(),
            io::ErrorKind::Unsupported
        );
    });
}

fn an_accept_that_is_cancelled_loses_no_connection_p6(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let listener = event_loop
            .register(TcpListener::bind("127.0.0.1:0").unwrap())
            .unwrap();
        let address = listener.get_ref().local_addr().unwrap();
        let listener = Rc::new(listener);
        for _ in 0..20 {
            let accepting = listener.clone();
            let accept = event_loop.create_task(async move { sock_accept(&accepting).await });
            yield_now().await;
            // The connection is there, and the task is cancelled before it has looked.
            let mut client = TcpStream::connect(address).unwrap();
            accept.cancel();
            let outcome = accept.await;
            assert!(outcome.unwrap_err().is_cancelled());
            let (peer, _) = sock_accept(&listener).await.unwrap();
            sock_sendall(&peer, b"!").await.unwrap();
            client.read_exact(&mut [0]).unwrap();
        }
    });
}

/// The peer resets before it is accepted: Linux hands it out, others report `ECONNABORTED`; the
/// next one is accepted in any case.
fn a_connection_that_was_given_up_is_no_error_of_the_listener_p13(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let listener = event_loop
            .register(TcpListener::bind("127.0.0.1:0").unwrap())
            .unwrap();
        let address = listener.get_ref().local_addr().unwrap();
        let reset = TcpStream::connect(address).unwrap();
        socket2::SockRef::from(&reset)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(reset);
        let good = TcpStream::connect(address).unwrap();
        let own = good.local_addr().unwrap();
        while sock_accept(&listener).await.unwrap().1.as_socket() != Some(own) {}
    });
}
