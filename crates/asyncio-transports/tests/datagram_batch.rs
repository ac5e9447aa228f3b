//! Many datagrams by one system call: they are the same datagrams, in the same order.
#![cfg(feature = "udp-batch")]

mod datagram_scene;

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;

use asyncio_executor::yield_now;
use asyncio_loop::create_task;
use asyncio_transports::{
    DatagramEndpoint, DatagramProtocol, DatagramTransport, SockName, create_datagram_endpoint,
    open_datagram_endpoint,
};
use datagram_scene::{Log, Recorder, internet, nobody, peer, some_turns, until};
use socket2::SockAddr;

on_every_selector! {
    what_is_sent_in_segments_comes_as_datagrams,
    answers_come_back_in_order_n11,
    answers_go_to_whom_they_are_for,
    the_largest_datagrams_arrive_n11,
    a_receiver_that_stops_in_a_batch_is_given_the_rest_later_d2,
    a_close_in_a_batch_ends_it,
    nobody_listening_is_an_error_that_passes_n11,
    a_handle_receives_one_by_one,
    the_rest_of_a_batch_wakes_those_who_wait,
    a_truncated_datagram_says_so_n11,
    segments_need_a_length,
    unix_sockets_are_refused,
}

/// Answers each datagram with its bytes.
#[derive(Default)]
struct Echo(Option<Rc<dyn DatagramTransport>>);

impl DatagramProtocol for Echo {
    fn connection_made(&mut self, transport: Rc<dyn DatagramTransport>) {
        self.0 = Some(transport);
    }

    fn datagram_received(&mut self, data: &[u8], from: &SockAddr) {
        let _ = self.0.as_ref().unwrap().sendto(data, Some(from)).unwrap();
    }

    fn connection_lost(&mut self, _error: Option<io::Error>) {
        self.0 = None;
    }
}

async fn echo() -> (SocketAddr, Rc<dyn DatagramTransport>) {
    let builder = create_datagram_endpoint(Echo::default).local_addr(("127.0.0.1", 0));
    let (transport, _protocol) = builder.batch(true).await.unwrap();
    (address_of(&transport), transport)
}

async fn recording(protocol: Recorder) -> (Rc<dyn DatagramTransport>, Rc<RefCell<Recorder>>) {
    let builder = create_datagram_endpoint(|| protocol).local_addr(("127.0.0.1", 0));
    builder.batch(true).await.unwrap()
}

async fn toward(address: SocketAddr) -> DatagramEndpoint {
    let builder = open_datagram_endpoint().remote_addr(address);
    builder.batch(true).await.unwrap()
}

fn address_of(transport: &Rc<dyn DatagramTransport>) -> SocketAddr {
    internet(transport.get_extra_info().map(|SockName(address)| address))
}

async fn what_is_sent_in_segments_comes_as_datagrams() {
    let log = Log::default();
    let (transport, _protocol) = recording(Recorder::new(&log)).await;
    let client = toward(address_of(&transport)).await;
    let text: String = (0..1000).map(|number| format!("{number:04}")).collect();
    client
        .send_segments(text.as_bytes(), 4, None)
        .await
        .unwrap();
    client.send_segments(b"aabbc", 2, None).await.unwrap();
    // Longer than the kernel sends together.
    let long = vec![b'x'; 4000 + 4000 + 1];
    client.send_segments(&long, 4000, None).await.unwrap();
    until("all come", || log.len() == 1 + 1000 + 3 + 3).await;
    let noted = log.take();
    for (number, text) in noted[1..=1000].iter().enumerate() {
        assert_eq!(*text, format!("received {number:04}"));
    }
    let rest = ["aa", "bb", "c", "4000 bytes", "4000 bytes", "x"];
    assert_eq!(noted[1001..], rest.map(|text| format!("received {text}")));
}

async fn answers_come_back_in_order_n11() {
    let (address, _transport) = echo().await;
    let client = toward(address).await;
    let lengths = [
        4, 4, 4, 0, 4, 2, 4, 4, 0, 0, 1400, 1400, 7, 9, 2000, 2000, 1,
    ];
    for length in lengths {
        client.send(&vec![1; length]).await.unwrap();
    }
    let mut buffer = vec![0; 65_535];
    for length in lengths {
        let received = client.recv_from(&mut buffer).await.unwrap();
        assert_eq!((received.len, received.truncated), (length, false));
        assert_eq!(internet(received.from), address);
    }
}

async fn answers_go_to_whom_they_are_for() {
    let (address, _transport) = echo().await;
    let peers: Vec<(UdpSocket, SocketAddr)> = (0..5).map(|_| peer()).collect();
    for round in 0..8_u8 {
        for (number, (peer, _)) in peers.iter().enumerate() {
            let text = [round, u8::try_from(number).unwrap()];
            peer.send_to(&text, address).unwrap();
        }
    }
    some_turns().await;
    for round in 0..8_u8 {
        for (number, (peer, _)) in peers.iter().enumerate() {
            let mut text = [0; 8];
            assert_eq!(peer.recv_from(&mut text).unwrap(), (2, address));
            assert_eq!(text[..2], [round, u8::try_from(number).unwrap()]);
        }
    }
}

async fn the_largest_datagrams_arrive_n11() {
    let (address, _transport) = echo().await;
    let client = toward(address).await;
    let mut buffer = vec![0; 65_535];
    for length in [65_507, 65_506, 1453, 1452] {
        client.send(&vec![2; length]).await.unwrap();
        let received = client.recv_from(&mut buffer).await.unwrap();
        assert_eq!((received.len, received.truncated), (length, false));
    }
}

async fn a_receiver_that_stops_in_a_batch_is_given_the_rest_later_d2() {
    let log = Log::default();
    let reacting = |method: &str, transport: &Rc<dyn DatagramTransport>| {
        if method == "received" {
            transport.pause_reading();
        }
    };
    let (transport, _protocol) = recording(Recorder::reacting(&log, reacting)).await;
    let client = toward(address_of(&transport)).await;
    for number in 0..5 {
        client.send(format!("{number}").as_bytes()).await.unwrap();
    }
    log.expect(&["made"]);
    for number in 0..5 {
        until("one comes", || log.len() > 0).await;
        some_turns().await;
        log.expect(&[&format!("received {number}")]);
        transport.resume_reading();
    }
    transport.pause_reading();
    client.send(b"later").await.unwrap();
    some_turns().await;
    log.expect(&[]);
    transport.resume_reading();
    until("it comes", || log.len() > 0).await;
    log.expect(&["received later"]);
}

async fn a_close_in_a_batch_ends_it() {
    let log = Log::default();
    let reacting = |method: &str, transport: &Rc<dyn DatagramTransport>| {
        if method == "received" {
            transport.close();
        }
    };
    let (transport, protocol) = recording(Recorder::reacting(&log, reacting)).await;
    let client = toward(address_of(&transport)).await;
    client.send_segments(b"01234", 1, None).await.unwrap();
    until("it is lost", || log.last() == "lost").await;
    log.expect(&["made", "received 0", "lost"]);
    assert_eq!(Rc::strong_count(&protocol), 1);
}

async fn nobody_listening_is_an_error_that_passes_n11() {
    let log = Log::default();
    let protocol = Recorder::new(&log);
    let builder = create_datagram_endpoint(|| protocol).remote_addr(nobody());
    let (transport, _protocol) = builder.batch(true).await.unwrap();
    for told in [2, 3] {
        let _ = transport.sendto(b"is anybody there", None).unwrap();
        until("the refusal comes", || log.len() == told).await;
    }
    log.expect(&[
        "made",
        "error connection refused",
        "error connection refused",
    ]);
}

async fn a_handle_receives_one_by_one() {
    let builder = open_datagram_endpoint().local_addr(("127.0.0.1", 0));
    let server = builder.batch(true).await.unwrap();
    let client = toward(internet(server.local_addr().ok())).await;
    client.send_segments(b"0123456789", 1, None).await.unwrap();
    let mut buffer = [0; 4];
    for number in b'0'..=b'9' {
        let received = server.recv_from(&mut buffer).await.unwrap();
        assert_eq!((received.len, buffer[0]), (1, number));
    }
    let error = server.try_recv_from(&mut buffer).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

async fn the_rest_of_a_batch_wakes_those_who_wait() {
    let builder = open_datagram_endpoint().local_addr(("127.0.0.1", 0));
    let server = Rc::new(builder.batch(true).await.unwrap());
    let client = toward(internet(server.local_addr().ok())).await;
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let server = server.clone();
            create_task(async move {
                let mut buffer = [0; 4];
                server.recv_from(&mut buffer).await.map(|_| buffer[0])
            })
        })
        .collect();
    yield_now().await;
    // All of it is received here, before an event could tell the others.
    client.send_segments(b"0123", 1, None).await.unwrap();
    let mut buffer = [0; 4];
    server.try_recv_from(&mut buffer).unwrap();
    let mut all = vec![buffer[0]];
    for task in tasks {
        all.push(task.await.unwrap().unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, b"0123");
}

async fn a_truncated_datagram_says_so_n11() {
    let builder = open_datagram_endpoint().local_addr(("127.0.0.1", 0));
    let server = builder.batch(true).await.unwrap();
    let client = toward(internet(server.local_addr().ok())).await;
    client.send(b"0123456789").await.unwrap();
    let mut buffer = [0; 4];
    let received = server.recv_from(&mut buffer).await.unwrap();
    assert_eq!((received.len, received.truncated), (4, true));
    assert_eq!(&buffer, b"0123");
}

async fn segments_need_a_length() {
    let client = toward(peer().1).await;
    let plain = open_datagram_endpoint()
        .remote_addr(peer().1)
        .await
        .unwrap();
    for (endpoint, segment) in [(&client, 0), (&plain, 4)] {
        let error = endpoint
            .send_segments(b"x", segment, None)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}

async fn unix_sockets_are_refused() {
    let (one, _two) = UnixDatagram::pair().unwrap();
    let error = open_datagram_endpoint().sock(one).batch(true).await;
    assert_eq!(error.unwrap_err().kind(), io::ErrorKind::InvalidInput);
}
