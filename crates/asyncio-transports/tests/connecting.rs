//! `create_connection`: getting a connection, and everything that may come in the way.

mod net;

use std::future::IntoFuture;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_futures::timeout;
use asyncio_loop::socket::{Domain, Protocol as IpProtocol};
use asyncio_loop::{AddrInfoHints, ConnectError, GaiError};
use asyncio_testkit::{Census, Child};
use asyncio_transports::{
    BindError, Flow, PeerName, SockName, create_connection, create_server, open_datagram_endpoint,
};
use net::{Echo, Recorder, Seen, Silent, guarded_run, listener, refusing, run, unreachable};

#[test]
fn it_returns_when_the_protocol_knows_its_transport() {
    guarded_run(async |_| {
        let (listener, address) = listener();
        let seen = Seen::default();
        let recorder = Recorder::new(&seen);
        let (transport, protocol) = create_connection(|| recorder, address).await.unwrap();
        assert_eq!(seen.take(), ["made"]);
        let made = protocol.borrow().transport.clone().unwrap();
        assert!(Rc::ptr_eq(&made, &transport));

        let (mut peer, from) = listener.accept().unwrap();
        let peer_name = transport.get_extra_info::<PeerName>().unwrap().0;
        let sock_name = transport.get_extra_info::<SockName>().unwrap().0;
        assert_eq!(peer_name.as_socket(), Some(address));
        assert_eq!(sock_name.as_socket(), Some(from));

        assert_eq!(transport.write(b"ping"), Flow::Open);
        let mut ping = [0; 4];
        peer.read_exact(&mut ping).unwrap();
        assert_eq!(&ping, b"ping");
        peer.write_all(b"pong").unwrap();
        drop(peer);
        seen.until("lost", 1).await;
        assert_eq!(seen.take(), ["pong", "eof", "lost"]);
    });
}

#[test]
fn nothing_happens_before_it_is_awaited() {
    run(async |_| {
        let (listener, address) = listener();
        drop(create_connection(Echo::default, address));
        drop(create_connection(Echo::default, address).into_future());
        listener.set_nonblocking(true).unwrap();
        let nobody = listener.accept().unwrap_err();
        assert_eq!(nobody.kind(), io::ErrorKind::WouldBlock);
    });
}

#[test]
fn a_host_and_a_port_are_resolved() {
    run(async |_| {
        let (_listener, address) = listener();
        let port = address.port();
        for host in ["127.0.0.1", "localhost"] {
            // If `localhost` is ::1, too, nobody listens there.
            let (transport, _) = create_connection(Echo::default, (host, port))
                .await
                .unwrap();
            let peer = transport.get_extra_info::<PeerName>().unwrap().0;
            assert_eq!(peer.as_socket(), Some(address));
            transport.close();
        }
        let text = port.to_string();
        let (transport, _) = create_connection(Echo::default, ("127.0.0.1", &*text))
            .family(Domain::IPV4)
            .proto(IpProtocol::TCP)
            .flags(AddrInfoHints::new().numeric_host(true))
            .await
            .unwrap();
        transport.close();
    });
}

#[test]
fn a_refused_connect_names_the_address_n9() {
    guarded_run(async |_| {
        let (_bound, address) = refusing();
        let error = create_connection(Echo::default, address).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let inner: ConnectError = error.downcast().unwrap();
        assert_eq!(inner.address.to_string(), address.to_string());
    });
}

#[test]
fn an_unreachable_address_is_an_error_at_once_n9() {
    guarded_run(async |_| {
        let error = create_connection(Echo::default, unreachable())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NetworkUnreachable);
    });
}

/// Cancelled while it resolves, connects, waits to try the next address, or waits for
/// `connection_made`: after each number of turns.
#[test]
fn cancelled_at_any_stage_it_leaves_nothing_behind_p6() {
    let silent = Silent::new();
    guarded_run(async |event_loop| {
        let (listener, address) = listener();
        let before = Census::take().descriptors();
        for turns in 0..8 {
            for to in [vec![address], vec![silent.address, address]] {
                let task = event_loop.create_task(async move {
                    let delay = Duration::from_millis(1);
                    let connecting = create_connection(Echo::default, to);
                    let (transport, _) = connecting.happy_eyeballs_delay(delay).await?;
                    transport.abort();
                    io::Result::Ok(())
                });
                for _ in 0..turns {
                    yield_now().await;
                }
                task.cancel();
                // It may have come to its end before.
                let _ = task.await;
                for _ in 0..3 {
                    yield_now().await;
                }
                listener.set_nonblocking(true).unwrap();
                while listener.accept().is_ok() {}
                assert_eq!(Census::take().descriptors(), before, "after {turns} turns");
            }
            let port = address.port();
            let by_name = create_connection(Echo::default, ("localhost", port));
            let task = event_loop.create_task(by_name.into_future());
            yield_now().await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn a_timeout_ends_it_and_closes_its_sockets_p6() {
    let silent = Silent::new();
    guarded_run(async |_| {
        let connecting = create_connection(Echo::default, silent.address);
        assert!(timeout(Duration::from_millis(5), connecting).await.is_err());
    });
}

#[test]
fn names_that_are_not_found_are_the_resolvers_error_n15() {
    run(async |_| {
        let numeric = AddrInfoHints::new().numeric_host(true);
        let error = create_connection(Echo::default, ("no address", 80))
            .flags(numeric)
            .await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.downcast::<GaiError>().is_ok());
        let local = create_connection(Echo::default, ("127.0.0.1", 80))
            .flags(numeric)
            .local_addr(("no address", 0))
            .await;
        assert!(local.unwrap_err().downcast::<GaiError>().is_ok());
    });
}

#[test]
fn no_address_at_all_is_an_error_n15() {
    run(async |_| {
        let none = create_connection(Echo::default, Vec::new());
        let of_another_family =
            create_connection(Echo::default, ([127, 0, 0, 1], 9).into_address())
                .family(Domain::IPV6);
        for nowhere in [none, of_another_family] {
            let error = nowhere.await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert_eq!(error.to_string(), "getaddrinfo() returned empty list");
        }
    });
}

trait IntoAddress {
    fn into_address(self) -> SocketAddr;
}

impl IntoAddress for ([u8; 4], u16) {
    fn into_address(self) -> SocketAddr {
        SocketAddr::from(self)
    }
}

#[test]
fn it_is_bound_to_the_local_address() {
    guarded_run(async |_| {
        let (listener, address) = listener();
        for local in ["127.0.0.1", "127.0.0.2", "localhost"] {
            let (transport, _) = create_connection(Echo::default, address)
                .local_addr((local, 0))
                .await
                .unwrap();
            let (_, from) = listener.accept().unwrap();
            let expected = local.parse().unwrap_or(Ipv4Addr::LOCALHOST);
            assert_eq!(from.ip(), expected);
            transport.abort();
        }
    });
}

#[test]
fn a_local_address_that_cannot_be_bound_to_is_an_error_n9() {
    guarded_run(async |_| {
        let (_listener, address) = listener();
        let (_bound, in_use) = refusing();
        let local = |local: SocketAddr| create_connection(Echo::default, address).local_addr(local);
        let error = local(in_use).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let text = error.to_string();
        let expected = format!("error while attempting to bind on address {in_use}: ");
        assert!(text.starts_with(&expected), "{text}");
        assert!(error.downcast::<BindError>().is_ok());

        let error = local("[::1]:0".parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(
            error
                .to_string()
                .starts_with("no matching local address with family=")
        );

        let path = create_connection(Echo::default, address).local_addr(std::path::Path::new("x"));
        assert_eq!(path.await.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    });
}

/// The kernel chooses the port of a socket that connects, and one day it chooses the very port
/// that it connects to, on which nobody listens: it is connected to itself then.
#[test]
fn a_connection_to_oneself_is_refused_n10() {
    run(async |_| {
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
        let range = range.unwrap_or_default();
        let first: u16 = range
            .split_whitespace()
            .next()
            .map_or(32768, |it| it.parse().unwrap());
        // Not the one that another run of this test may be at.
        let port = first + 1000 + 2 * (std::process::id() % 5000) as u16;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // Linux goes round every other port of the range, in steps of one to eight by chance: each
        // round comes to ours once in four or five times, and here are some sixty.
        let mut itself = 0;
        for _ in 0..200_000 {
            let connecting = create_connection(Echo::default, address);
            let error = connecting.await.expect_err("nobody listens");
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            itself += usize::from(error.to_string().contains("connected to itself"));
            if itself == 1 {
                break;
            }
        }
        assert!(
            itself > 0 || !cfg!(target_os = "linux"),
            "it never came to it"
        );
        // Who chooses the port means it.
        let (free, address) = refusing();
        drop(free);
        let to_itself = create_connection(Echo::default, address).local_addr(address);
        to_itself.await.unwrap().0.abort();
    });
}

#[test]
fn a_thousand_connections_at_once() {
    run(async |event_loop| {
        let server = create_server(Echo::default, ("127.0.0.1", 0));
        let server = server.backlog(1000).await.unwrap();
        let address = net::internet(server.sockets()[0].getsockname());
        let seen = Seen::default();
        let tasks: Vec<_> = (0..500)
            .map(|_| {
                let recorder = Recorder::new(&seen);
                event_loop.create_task(create_connection(|| recorder, address).into_future())
            })
            .collect();
        for task in tasks {
            let (transport, _) = task.await.unwrap().unwrap();
            assert_eq!(transport.write(b"x"), Flow::Open);
        }
        seen.until("x", 500).await;
        server.close();
        server.close_clients();
        server.wait_closed().await;
        seen.until("lost", 500).await;
    });
}

#[test]
fn a_factory_that_panics_closes_the_socket() {
    guarded_run(async |event_loop| {
        let (listener, address) = listener();
        let factory = || -> Echo { panic!("no protocol") };
        let task = event_loop.create_task(create_connection(factory, address).into_future());
        assert!(task.await.unwrap_err().is_panic());
        let (mut peer, _) = listener.accept().unwrap();
        assert_eq!(peer.read(&mut [0]).unwrap(), 0);
    });
}

/// What is handed in works in any mode.
#[test]
fn a_socket_that_blocks_is_made_not_to_n13() {
    guarded_run(async |_| {
        let (listener, address) = listener();
        let near = TcpStream::connect(address).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let seen = Seen::default();
        let recorder = Recorder::new(&seen);
        let (transport, _) = create_connection(|| recorder, near).await.unwrap();
        far.write_all(b"hello").unwrap();
        seen.until("hello", 1).await;
        transport.close();
        seen.until("lost", 1).await;
        assert_eq!(far.read(&mut [0]).unwrap(), 0);
    });
}

#[test]
fn a_listener_is_no_connection_n13() {
    run(async |_| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let socket = socket2::Socket::from(listener);
        let error = create_connection(Echo::default, socket).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
        assert!(
            error
                .to_string()
                .starts_with("A connected socket was expected, got ")
        );
        // It was not touched.
        let refused: asyncio_transports::RefusedSocket = error.downcast().unwrap();
        let _client = TcpStream::connect(address).unwrap();
        refused.socket.accept().unwrap();
    });
}

#[test]
fn a_socket_of_datagrams_is_refused_n13() {
    run(async |_| {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(socket.local_addr().unwrap()).unwrap();
        let socket = socket2::Socket::from(socket);
        let error = create_connection(Echo::default, socket).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(
            error
                .to_string()
                .starts_with("A Stream Socket was expected, got "),
            "{error}"
        );
        assert!(
            error
                .downcast::<asyncio_transports::RefusedSocket>()
                .is_ok()
        );
    });
}

/// Nothing is left to make a socket with: an error that says so, for each kind of endpoint, and all
/// goes well when there is room again.
#[test]
fn without_descriptors_nothing_opens_and_nothing_is_lost_n9() {
    let name = "without_descriptors_nothing_opens_and_nothing_is_lost_n9";
    let outcome = Child::new(name).descriptors_max(64).run(|| {
        run(async |event_loop| {
            let (listener, address) = listener();
            let before = (Census::take().descriptors(), event_loop.metrics().sources);
            let mut taken = Vec::new();
            while let Ok(file) = std::fs::File::open("/dev/null") {
                taken.push(file);
            }
            let all_taken = io::Error::from(rustix::io::Errno::MFILE).to_string();
            for to in [vec![address], vec![address; 3]] {
                let error = create_connection(Echo::default, to).all_errors(true).await;
                let text = error.unwrap_err().to_string();
                assert!(text.contains(&all_taken), "{text}");
            }
            let error = open_datagram_endpoint().local_addr(("127.0.0.1", 0)).await;
            assert!(error.unwrap_err().to_string().contains(&all_taken));

            // With none left, and with one for two addresses: it does not serve half of them.
            for left in 0..2 {
                taken.truncate(taken.len() - left);
                let server = create_server(Echo::default, (["127.0.0.1", "127.0.0.2"], 0));
                let error = server.await.unwrap_err();
                assert!(error.to_string().contains(&all_taken), "{error}");
            }

            drop(taken);
            let now = (Census::take().descriptors(), event_loop.metrics().sources);
            assert_eq!(now, before);
            let (transport, _) = create_connection(Echo::default, address).await.unwrap();
            listener.accept().unwrap();
            transport.abort();
        });
    });
    if let Some(outcome) = outcome {
        outcome.assert_success();
    }
}
