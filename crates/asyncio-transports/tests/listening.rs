//! `create_server`: which sockets are made, with which options, and which are not.

mod net;

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::rc::Rc;

use asyncio_loop::socket::{Domain, Protocol as IpProtocol};
use asyncio_testkit::Census;
use asyncio_transports::{
    BindError, PeerName, RefusedSocket, Server, SockName, TransportSocket, create_connection,
    create_server,
};
use net::{Echo, Recorder, Seen, guarded_run, internet, listener, note_errors, refusing, run};
use socket2::Socket;

fn addresses(server: &Server) -> Vec<SocketAddr> {
    let sockets = server.sockets();
    sockets
        .iter()
        .map(|it| internet(it.getsockname()))
        .collect()
}

fn parse(addresses: &[&str]) -> Vec<SocketAddr> {
    addresses.iter().map(|it| it.parse().unwrap()).collect()
}

/// The order is that of the arguments; asyncio's is that of a set.
#[test]
fn each_address_has_a_socket_in_order_and_once() {
    guarded_run(async |_| {
        let hosts = ["127.0.0.2", "127.0.0.1", "127.0.0.2", "::1"];
        let server = create_server(Echo::default, (hosts, 0)).await.unwrap();
        let found: Vec<_> = addresses(&server)
            .iter()
            .map(|it| it.ip().to_string())
            .collect();
        assert_eq!(found, ["127.0.0.2", "127.0.0.1", "::1"]);
        server.close();

        let hosts = ["localhost", "127.0.0.1"];
        let server = create_server(Echo::default, (hosts, 0))
            .family(Domain::IPV4)
            .await
            .unwrap();
        assert_eq!(addresses(&server).len(), 1);
        server.close();
    });
}

#[test]
fn port_0_is_one_port_for_both_families_n10() {
    guarded_run(async |_| {
        for _ in 0..20 {
            let server = create_server(Echo::default, ("", 0)).await.unwrap();
            let found = addresses(&server);
            let families: BTreeSet<_> = found.iter().map(SocketAddr::is_ipv6).collect();
            assert_eq!(families.len(), 2, "{found:?}");
            let ports: BTreeSet<_> = found.iter().map(SocketAddr::port).collect();
            assert_eq!(ports.len(), 1, "{found:?}");
            assert_ne!(found[0].port(), 0);
            for host in ["127.0.0.1", "::1"] {
                TcpStream::connect((host, found[0].port())).unwrap();
            }
            server.close();
        }
    });
}

/// The port that the kernel chooses for the first address may be in use on the second.
#[test]
fn a_port_that_is_taken_on_another_address_is_chosen_anew_n10() {
    run(async |_| {
        // A third of the ports that the kernel chooses from.
        let taken: Vec<_> = (0..4000)
            .map_while(|_| TcpListener::bind("127.0.0.2:0").ok())
            .collect();
        assert!(taken.len() > 1000);
        for _ in 0..50 {
            let hosts = ["127.0.0.1", "127.0.0.2"];
            let server = create_server(Echo::default, (hosts, 0)).await.unwrap();
            let found = addresses(&server);
            assert_eq!(found[0].port(), found[1].port());
            server.close();
        }
    });
}

/// An IPv6 socket does not serve IPv4, so that both can be bound to one port.
#[test]
fn ipv6_is_ipv6_only_n10() {
    guarded_run(async |_| {
        let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        let server = create_server(Echo::default, any).await.unwrap();
        let port = addresses(&server)[0].port();
        assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
        TcpStream::connect(("::1", port)).unwrap();
        server.close();
    });
}

#[test]
fn an_address_in_use_closes_those_bound_before_n14() {
    guarded_run(async |_| {
        let (_listener, in_use) = listener();
        let (free, address) = refusing();
        drop(free);
        let before = Census::take().descriptors();
        let on = vec![address, in_use];
        let error = create_server(Echo::default, on).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let expected =
            format!("error while attempting to bind on address {in_use}: address already in use");
        assert!(error.to_string().starts_with(&expected), "{error}");
        let inner: BindError = error.downcast().unwrap();
        assert_eq!(inner.address.to_string(), in_use.to_string());
        assert_eq!(Census::take().descriptors(), before);
        TcpListener::bind(address).unwrap();
    });
}

/// bpo-30945: a host may have addresses of a family that this machine does not have.
#[test]
fn an_address_that_is_not_ours_is_passed_over() {
    guarded_run(async |event_loop| {
        let errors = note_errors(&event_loop);
        // Of the block for documentation, RFC 5737 and RFC 3849.
        let foreign = parse(&["203.0.113.1:0", "[2001:db8::1]:0"]);
        let mut on = foreign.clone();
        on.extend(parse(&["127.0.0.1:0"]));
        let server = create_server(Echo::default, on.clone()).await.unwrap();
        assert_eq!(addresses(&server).len(), 1);
        server.close();
        assert_eq!(errors.take(), [""; 0]);

        event_loop.set_debug(true);
        create_server(Echo::default, on).await.unwrap().close();
        let told = errors.take();
        assert_eq!(told.len(), 2);
        let expected = "create_server() passes over an address: \
                        error while attempting to bind on address 203.0.113.1:0: ";
        assert!(told[0].starts_with(expected), "{told:?}");

        let error = create_server(Echo::default, foreign).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        let expected = "could not bind on any address out of [203.0.113.1:0, [2001:db8::1]:0]";
        assert_eq!(error.to_string(), expected);
    });
}

#[test]
fn a_protocol_that_is_none_is_an_error() {
    run(async |_| {
        let udp = create_server(Echo::default, ("127.0.0.1", 0)).proto(IpProtocol::UDP);
        assert!(udp.await.is_err());
    });
}

/// Two servers on one port, and the kernel gives each some of the connections.
#[test]
#[cfg(target_os = "linux")]
fn a_reused_port_is_shared_n10() {
    guarded_run(async |_| {
        let server = |seen: &Seen, port| {
            let seen = seen.clone();
            create_server(move || Recorder::new(&seen), ("127.0.0.1", port)).reuse_port(true)
        };
        let seen = [Seen::default(), Seen::default()];
        let first = server(&seen[0], 0).await.unwrap();
        let address = addresses(&first)[0];
        let alone = create_server(Echo::default, address).await.unwrap_err();
        assert_eq!(alone.kind(), io::ErrorKind::AddrInUse);
        let second = server(&seen[1], address.port()).await.unwrap();
        let clients: Vec<_> = (0..64)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        while seen.iter().map(|it| it.count("made")).sum::<usize>() < clients.len() {
            asyncio_executor::yield_now().await;
        }
        // Each connection goes either way: that all go one way happens once in 2⁶³ times.
        assert!(seen.iter().all(|it| it.count("made") > 0));
        for server in [first, second] {
            server.close();
            server.abort_clients();
            server.wait_closed().await;
        }
    });
}

#[test]
fn options_reach_the_sockets() {
    guarded_run(async |_| {
        let server = create_server(Echo::default, ("127.0.0.1", 0))
            .keep_alive(true)
            .reuse_address(false)
            .backlog(1)
            .await
            .unwrap();
        let socket = &server.sockets()[0];
        assert!(socket.with(|socket| socket.keepalive()).unwrap());
        assert!(!socket.with(|socket| socket.reuse_address()).unwrap());
        server.close();
        let gone = socket.getsockname().unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotConnected);

        let server = create_server(Echo::default, ("127.0.0.1", 0))
            .await
            .unwrap();
        let socket = &server.sockets()[0];
        assert!(!socket.with(|socket| socket.keepalive()).unwrap());
        assert!(socket.with(|socket| socket.reuse_address()).unwrap());
        server.close();
    });
}

#[test]
fn a_socket_that_is_bound_or_listens_is_served_n13() {
    guarded_run(async |_| {
        let seen = Seen::default();
        let (listens, _) = listener();
        let (bound, _) = refusing();
        for (count, socket) in [listens.into(), bound].into_iter().enumerate() {
            let recorder = seen.clone();
            let server = create_server(move || Recorder::new(&recorder), socket)
                .await
                .unwrap();
            let _client = TcpStream::connect(addresses(&server)[0]).unwrap();
            seen.until("made", count + 1).await;
            server.close();
            server.abort_clients();
            server.wait_closed().await;
        }
    });
}

/// asyncio goes on with the first address, and takes the server for one that serves; before an error
/// closed ours, clients could connect to the first, and nobody ever answered.
#[test]
fn an_address_that_somebody_else_listens_on_meanwhile_closes_the_server() {
    guarded_run(async |_| {
        let server = create_server(Echo::default, (["127.0.0.1", "127.0.0.2"], 0))
            .start_serving(false)
            .await
            .unwrap();
        let found = addresses(&server);
        let meanwhile = Socket::new(Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        meanwhile.set_reuse_address(true).unwrap();
        meanwhile.bind(&found[1].into()).unwrap();
        meanwhile.listen(1).unwrap();

        let error = server.start_serving().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let refused = TcpStream::connect(found[0]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert!(!server.is_serving());
        assert!(server.sockets().is_empty());
        server.wait_closed().await;
        let closed = server.serve_forever().await.unwrap_err();
        assert_eq!(closed.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn sockets_that_cannot_listen_are_given_back_n13() {
    guarded_run(async |_| {
        let (listener, address) = listener();
        let near = TcpStream::connect(address).unwrap();
        let (_far, _) = listener.accept().unwrap();
        let error = create_server(Echo::default, Socket::from(near))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(
            error
                .to_string()
                .starts_with("A socket to listen on was expected, got ")
        );
        let refused: RefusedSocket = error.downcast().unwrap();
        assert_eq!(
            refused.socket.peer_addr().unwrap().as_socket(),
            Some(address)
        );

        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let error = create_server(Echo::default, Socket::from(udp))
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("A Stream Socket was expected, got ")
        );
    });
}

/// A `SockAddr` by itself shows its family and its size.
#[test]
fn a_socket_shows_its_addresses_as_people_write_them() {
    guarded_run(async |_| {
        let server = create_server(Echo::default, ("127.0.0.1", 0))
            .await
            .unwrap();
        let socket = server.sockets().remove(0);
        let (number, address) = (socket.fileno().unwrap(), addresses(&server)[0]);
        let shown = format!("TransportSocket {{ fd: {number}, laddr: {address} }}");
        assert_eq!(format!("{socket:?}"), shown);
        let name = SockName(address.into());
        assert_eq!(format!("{name:?}"), format!("SockName({address})"));

        let (client, _) = create_connection(Echo::default, address).await.unwrap();
        let connected: TransportSocket = client.get_extra_info().unwrap();
        let ends = format!(", raddr: {address} }}");
        assert!(format!("{connected:?}").ends_with(&ends), "{connected:?}");
        let transport = format!("{client:?}");
        assert!(
            transport.contains(&format!(" peer: {address}, ")),
            "{transport}"
        );
        let name: PeerName = client.get_extra_info().unwrap();
        assert_eq!(format!("{name:?}"), format!("PeerName({address})"));
        client.abort();
        server.close();
        server.wait_closed().await;
        assert_eq!(format!("{socket:?}"), "TransportSocket { .. }");
    });
}

#[test]
fn a_closed_server_lets_go_of_its_factory() {
    run(async |_| {
        let alive = Rc::new(());
        let kept = alive.clone();
        let factory = move || {
            let _ = &kept;
            Echo::default()
        };
        let server = create_server(factory, ("127.0.0.1", 0)).await.unwrap();
        assert_eq!(Rc::strong_count(&alive), 2);
        server.close();
        assert_eq!(Rc::strong_count(&alive), 1);
    });
}
