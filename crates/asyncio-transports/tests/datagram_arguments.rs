//! The arguments of a datagram endpoint: asyncio's checks, and what they make.

mod datagram_scene;

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;

use asyncio_loop::socket::{Domain, Protocol};
use asyncio_loop::{AddrInfoHints, GaiError};
use asyncio_testkit::Folder;
use asyncio_transports::{DatagramEndpoint, open_datagram_endpoint};
use datagram_scene::{internet, peer};

on_every_selector! {
    without_an_address_a_family_is_needed,
    a_socket_excludes_what_would_change_it,
    a_stream_socket_is_refused_n13,
    a_socket_is_made_non_blocking_n13,
    a_connected_socket_is_known_to_be,
    addresses_of_two_families_do_not_join,
    a_family_picks_among_the_addresses_of_a_name,
    names_that_do_not_exist_are_the_resolvers_error,
    a_path_is_no_host_and_a_host_no_path,
    a_port_is_shared_if_both_say_so,
    broadcast_is_not_connected,
    a_socket_file_that_is_left_over_is_replaced,
    a_socket_file_in_use_is_left_alone,
    other_files_are_left_alone,
    the_first_error_is_told,
    an_ipv6_scope_is_kept_n10,
}

#[track_caller]
fn refused(opened: io::Result<DatagramEndpoint>, message: &str) {
    let error = opened.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let text = error.to_string();
    assert!(text.contains(message), "{text}");
}

/// As all builders: what is made outside a loop runs on the loop on which it is awaited.
#[test]
fn a_builder_needs_no_loop_before_it_is_awaited() {
    let builder = open_datagram_endpoint().local_addr(("127.0.0.1", 0));
    let event_loop = asyncio_loop::EventLoop::new().unwrap();
    let opened = event_loop.run_until_complete(builder.into_future());
    assert!(opened.unwrap().is_ok());
}

async fn without_an_address_a_family_is_needed() {
    let opened = open_datagram_endpoint().await;
    refused(opened, "unexpected address family");
    let unbound = open_datagram_endpoint().family(Domain::IPV4).await.unwrap();
    let address = internet(unbound.local_addr().ok());
    assert_eq!(address, "0.0.0.0:0".parse().unwrap());
    open_datagram_endpoint().family(Domain::UNIX).await.unwrap();
}

async fn a_socket_excludes_what_would_change_it() {
    let sock = || UdpSocket::bind("127.0.0.1:0").unwrap();
    let opened = open_datagram_endpoint()
        .sock(sock())
        .local_addr(("127.0.0.1", 7))
        .remote_addr(("localhost", 8))
        .family(Domain::IPV4)
        .proto(Protocol::UDP)
        .flags(AddrInfoHints::new())
        .reuse_port(true)
        .allow_broadcast(true)
        .await;
    let error = opened.unwrap_err().to_string();
    let listed = "socket modifier keyword arguments can not be used when sock is specified. \
         (local_addr=127.0.0.1:7, remote_addr=localhost:8, family=AF_INET, proto=";
    assert!(error.starts_with(listed), "{error}");
    assert!(
        error.ends_with("reuse_port=true, allow_broadcast=true)"),
        "{error}"
    );
    let off = open_datagram_endpoint().sock(sock()).reuse_port(false);
    off.allow_broadcast(false).await.unwrap();
}

async fn a_stream_socket_is_refused_n13() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sock = listener.try_clone().unwrap();
    let opened = open_datagram_endpoint().sock(sock).await;
    refused(opened, "A datagram socket was expected, got Socket");
    // The duplicate was closed, and the socket is not.
    assert!(listener.local_addr().is_ok());
}

async fn a_socket_is_made_non_blocking_n13() {
    let sock = UdpSocket::bind("127.0.0.1:0").unwrap();
    let endpoint = open_datagram_endpoint().sock(sock).await.unwrap();
    let error = endpoint.try_recv_from(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    assert!(endpoint.peer_addr().is_none());
}

async fn a_connected_socket_is_known_to_be() {
    let (far, address) = peer();
    let sock = UdpSocket::bind("127.0.0.1:0").unwrap();
    sock.connect(address).unwrap();
    let endpoint = open_datagram_endpoint().sock(sock).await.unwrap();
    assert_eq!(internet(endpoint.peer_addr().cloned()), address);
    endpoint.send(b"known").await.unwrap();
    assert_eq!(far.recv(&mut [0; 8]).unwrap(), 5);
    let (one, _two) = UnixDatagram::pair().unwrap();
    let endpoint = open_datagram_endpoint().sock(one).await.unwrap();
    assert!(endpoint.peer_addr().unwrap().is_unnamed());
}

async fn addresses_of_two_families_do_not_join() {
    let opened = open_datagram_endpoint()
        .local_addr(("127.0.0.1", 0))
        .remote_addr(("::1", 9));
    refused(opened.await, "can not get address information");
    let opened = open_datagram_endpoint()
        .family(Domain::IPV6)
        .local_addr(peer().1);
    refused(opened.await, "can not get address information");
}

async fn a_family_picks_among_the_addresses_of_a_name() {
    let endpoint = open_datagram_endpoint()
        .local_addr(("localhost", 0))
        .family(Domain::IPV4)
        .await
        .unwrap();
    assert!(internet(endpoint.local_addr().ok()).is_ipv4());
    // A resolved address, and one that is spelled out, are of one kind.
    let endpoint = open_datagram_endpoint()
        .local_addr(("localhost", 0))
        .remote_addr(peer().1)
        .await
        .unwrap();
    assert!(internet(endpoint.local_addr().ok()).is_ipv4());
}

async fn names_that_do_not_exist_are_the_resolvers_error() {
    let numeric = AddrInfoHints::new().numeric_host(true);
    let opened = open_datagram_endpoint()
        .remote_addr(("no.such.name.invalid", 9))
        .flags(numeric)
        .await;
    let error = opened.unwrap_err();
    assert!(
        error.get_ref().is_some_and(|it| it.is::<GaiError>()),
        "{error}"
    );
}

async fn a_path_is_no_host_and_a_host_no_path() {
    let path = std::path::Path::new("nowhere");
    let opened = open_datagram_endpoint()
        .family(Domain::UNIX)
        .local_addr(("127.0.0.1", 0));
    refused(opened.await, "a path is expected");
    let opened = open_datagram_endpoint()
        .local_addr(path)
        .remote_addr(("127.0.0.1", 9));
    refused(opened.await, "a path is expected");
    let opened = open_datagram_endpoint()
        .family(Domain::IPV4)
        .local_addr(path);
    refused(opened.await, "a host and a port are expected");
}

async fn a_port_is_shared_if_both_say_so() {
    let first = open_datagram_endpoint()
        .local_addr(("127.0.0.1", 0))
        .reuse_port(true)
        .await
        .unwrap();
    let address = first.local_addr().unwrap();
    let alone = open_datagram_endpoint().local_addr(address.clone()).await;
    assert_eq!(alone.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    let second = open_datagram_endpoint()
        .local_addr(address.clone())
        .reuse_port(true)
        .await
        .unwrap();
    assert_eq!(second.local_addr().unwrap(), address);
}

async fn broadcast_is_not_connected() {
    let broadcast = open_datagram_endpoint()
        .remote_addr(("255.255.255.255", 9))
        .allow_broadcast(true)
        .await
        .unwrap();
    assert!(broadcast.get_ref().broadcast().unwrap());
    assert!(broadcast.get_ref().peer_addr().is_err());
    let to = internet(broadcast.peer_addr().cloned());
    assert_eq!(to, "255.255.255.255:9".parse().unwrap());
    let error = broadcast.send_to(b"x", peer().1).await.unwrap_err();
    let expected = "Invalid address: must be None or 255.255.255.255:9";
    assert_eq!(error.to_string(), expected);
    // Without it, the kernel does not let one connect there.
    let plain = open_datagram_endpoint().remote_addr(("255.255.255.255", 9));
    assert!(plain.await.is_err());
}

async fn a_socket_file_that_is_left_over_is_replaced() {
    let folder = Folder::new();
    let path = folder.join("left-over");
    drop(UnixDatagram::bind(&path).unwrap());
    let endpoint = open_datagram_endpoint().local_addr(&*path).await.unwrap();
    assert_eq!(endpoint.local_addr().unwrap().as_pathname(), Some(&*path));
    let client = open_datagram_endpoint().remote_addr(&*path).await.unwrap();
    client.send(b"x").await.unwrap();
    assert_eq!(endpoint.recv_from(&mut [0; 8]).await.unwrap().len, 1);
}

async fn a_socket_file_in_use_is_left_alone() {
    let folder = Folder::new();
    let path = folder.join("in-use");
    let first = UnixDatagram::bind(&path).unwrap();
    let opened = open_datagram_endpoint().local_addr(&*path).await;
    assert_eq!(opened.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    let client = UnixDatagram::unbound().unwrap();
    client.send_to(b"still here", &path).unwrap();
    assert_eq!(first.recv(&mut [0; 16]).unwrap(), 10);
}

async fn other_files_are_left_alone() {
    let folder = Folder::new();
    let path = folder.join("file");
    std::fs::write(&path, "precious").unwrap();
    let opened = open_datagram_endpoint().local_addr(&*path).await;
    assert_eq!(opened.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    // A link to a socket file is not one: what it points to stays, and so does the link.
    let (socket, link) = (folder.join("socket"), folder.join("link"));
    drop(UnixDatagram::bind(&socket).unwrap());
    std::os::unix::fs::symlink(&socket, &link).unwrap();
    let opened = open_datagram_endpoint().local_addr(&*link).await;
    assert_eq!(opened.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    assert!(socket.exists() && link.exists());
}

async fn the_first_error_is_told() {
    let taken = peer();
    let opened = open_datagram_endpoint().local_addr(taken.1).await;
    assert_eq!(opened.unwrap_err().kind(), io::ErrorKind::AddrInUse);
}

async fn an_ipv6_scope_is_kept_n10() {
    let near: std::net::SocketAddrV6 = "[fe80::1]:9".parse().unwrap();
    let scoped = std::net::SocketAddrV6::new(*near.ip(), 9, 0, 1);
    let toward = open_datagram_endpoint()
        .family(Domain::IPV6)
        .allow_broadcast(true)
        .remote_addr(std::net::SocketAddr::V6(scoped))
        .await
        .unwrap();
    let kept = internet(toward.peer_addr().cloned());
    assert_eq!(kept, std::net::SocketAddr::V6(scoped));
}
