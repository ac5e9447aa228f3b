//! `sock_sendto` and `sock_recvfrom`: UDP, and Unix sockets with and without a name.

mod scene;

use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;

use asyncio_loop::{Address, EventLoop, sock_recv, sock_recvfrom, sock_recvfrom_into, sock_sendto};
use asyncio_reactor::Async;
use asyncio_testkit::Folder;
use scene::run;

on_every_selector! {
    datagrams_know_their_sender,
    a_long_datagram_is_cut,
    unix_datagrams_know_names_and_none,
}

fn datagrams_know_their_sender(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let bind = || {
            event_loop
                .register(UdpSocket::bind("127.0.0.1:0").unwrap())
                .unwrap()
        };
        let (one, two) = (bind(), bind());
        let address = |sock: &Async<UdpSocket>| sock.get_ref().local_addr().unwrap();
        assert_eq!(sock_sendto(&one, b"ping", address(&two)).await.unwrap(), 4);
        let (data, from) = sock_recvfrom(&two, 100).await.unwrap();
        let from = from.unwrap();
        assert_eq!(
            (&*data, from.as_socket()),
            (&b"ping"[..], Some(address(&one)))
        );
        assert_eq!(sock_sendto(&two, b"", from).await.unwrap(), 0);
        let mut buffer = [9; 4];
        let (n, from) = sock_recvfrom_into(&one, &mut buffer).await.unwrap();
        assert_eq!(
            (n, buffer, from.unwrap().as_socket()),
            (0, [9; 4], Some(address(&two)))
        );
        let by_name = sock_sendto(&one, b"name", ("localhost", address(&two).port())).await;
        assert_eq!(by_name.unwrap(), 4);
        assert_eq!(sock_recv(&two, 10).await.unwrap(), b"name");
    });
}

fn a_long_datagram_is_cut(event_loop: &EventLoop) {
    run(event_loop, async |event_loop| {
        let bind = || {
            event_loop
                .register(UdpSocket::bind("127.0.0.1:0").unwrap())
                .unwrap()
        };
        let (one, two) = (bind(), bind());
        let to = two.get_ref().local_addr().unwrap();
        for _ in 0..2 {
            sock_sendto(&one, b"0123456789", to).await.unwrap();
        }
        assert_eq!(sock_recvfrom(&two, 4).await.unwrap().0, b"0123");
        let mut buffer = [0; 3];
        assert_eq!(sock_recvfrom_into(&two, &mut buffer).await.unwrap().0, 3);
        assert_eq!(&buffer, b"012");
        // More than a datagram can hold.
        let error = sock_sendto(&one, &[0; 70_000], to).await.unwrap_err();
        assert!(error.raw_os_error().is_some());
    });
}

fn unix_datagrams_know_names_and_none(event_loop: &EventLoop) {
    let folder = Folder::new();
    let (here, there) = (folder.join("here"), folder.join("there"));
    run(event_loop, async |event_loop| {
        let named = event_loop
            .register(UnixDatagram::bind(&here).unwrap())
            .unwrap();
        let receiver = event_loop
            .register(UnixDatagram::bind(&there).unwrap())
            .unwrap();
        let unnamed = event_loop
            .register(UnixDatagram::unbound().unwrap())
            .unwrap();
        sock_sendto(&named, b"n", &*there).await.unwrap();
        let (_, from) = sock_recvfrom(&receiver, 9).await.unwrap();
        assert_eq!(from.unwrap().as_pathname(), Some(&*here));
        sock_sendto(&unnamed, b"u", Address::from(there))
            .await
            .unwrap();
        assert!(sock_recvfrom(&receiver, 9).await.unwrap().1.is_none());
    });
}
