//! The protocol form: the order of calls, errors, flow control, the end.

mod datagram_scene;

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;

use asyncio_executor::{ContextVar, yield_now};
use asyncio_loop::{create_task, get_running_loop, sleep};
use asyncio_testkit::{Folder, needs};
use asyncio_transports::{
    DatagramTransport, Flow, PeerName, SockName, TransportSocket, TruncatedDatagram,
    create_datagram_endpoint,
};
use datagram_scene::{Log, Recorder, internet, nobody, peer, run_simulated, some_turns, until};
use socket2::{SockAddr, Socket};

on_every_selector! {
    an_endpoint_lives_in_order,
    who_opened_it_goes_on_before_the_first_datagram,
    an_empty_datagram_is_data_n11,
    the_largest_datagram_arrives_n11,
    a_datagram_larger_than_the_buffer_is_an_error_n11,
    a_datagram_that_cannot_be_sent_is_an_error_n11,
    nobody_listening_is_an_error_that_passes_n11,
    an_address_of_another_family_is_an_error_n11,
    an_unnamed_sender_has_an_unnamed_address,
    only_the_own_address_is_sent_to,
    what_waits_is_sent_in_order_when_there_is_room,
    flow_control_pauses_above_the_high_mark_and_resumes_at_the_low_one,
    a_full_queue_takes_no_more_d2,
    empty_datagrams_count_d2,
    a_flood_is_received_in_parts_d2,
    close_sends_what_waits,
    abort_drops_what_waits,
    a_send_after_the_end_is_refused,
    reading_pauses_and_goes_on,
    a_pause_in_connection_made_wins,
    an_error_does_not_spin_while_reading_is_paused,
    an_error_of_each_pause_is_told_after_it_n11,
    the_protocol_runs_in_the_context_of_its_maker,
    a_creation_that_is_given_up_closes,
}

type Endpoint = (Rc<dyn DatagramTransport>, Rc<RefCell<Recorder>>);

async fn bound(protocol: Recorder) -> Endpoint {
    let builder = create_datagram_endpoint(|| protocol).local_addr(("127.0.0.1", 0));
    builder.await.unwrap()
}

async fn connected_to(address: SocketAddr, protocol: Recorder) -> Endpoint {
    let builder = create_datagram_endpoint(|| protocol).remote_addr(address);
    builder.await.unwrap()
}

fn address_of(transport: &Rc<dyn DatagramTransport>) -> SocketAddr {
    internet(transport.get_extra_info().map(|SockName(address)| address))
}

/// Two ends of Unix sockets, the first of which soon has no room.
async fn unix_pair(protocol: Recorder) -> (Endpoint, UnixDatagram) {
    let (one, two) = UnixDatagram::pair().unwrap();
    let builder = create_datagram_endpoint(|| protocol).sock(one);
    (builder.await.unwrap(), two)
}

/// Sends until the kernel takes no more; returns how many it has taken.
fn fill(transport: &Rc<dyn DatagramTransport>) -> usize {
    let mut sent = 0;
    while transport.get_write_buffer_size() == 0 {
        let number = format!("{sent}");
        assert_eq!(
            transport.sendto(number.as_bytes(), None).unwrap(),
            Flow::Open
        );
        sent += 1;
    }
    sent - 1
}

fn receive_all(far: &UnixDatagram) -> Vec<String> {
    far.set_nonblocking(true).unwrap();
    let mut all = Vec::new();
    let mut buffer = [0; 100_000];
    while let Ok(len) = far.recv(&mut buffer) {
        all.push(String::from_utf8_lossy(&buffer[..len]).into_owned());
    }
    all
}

async fn an_endpoint_lives_in_order() {
    let log = Log::default();
    let (far, far_address) = peer();
    let (transport, protocol) = bound(Recorder::new(&log)).await;
    log.expect(&["made"]);
    let to: SockAddr = far_address.into();
    assert_eq!(
        transport.sendto(b"question", Some(&to)).unwrap(),
        Flow::Open
    );
    let mut buffer = [0; 16];
    let (len, from) = far.recv_from(&mut buffer).unwrap();
    assert_eq!(
        (&buffer[..len], from),
        (&b"question"[..], address_of(&transport))
    );
    for text in ["one", "two", "three"] {
        far.send_to(text.as_bytes(), from).unwrap();
    }
    until("three datagrams come", || log.len() == 3).await;
    log.expect(&["received one", "received two", "received three"]);
    assert!(transport.get_extra_info::<PeerName>().is_none());
    let socket: TransportSocket = transport.get_extra_info().unwrap();
    socket.with(|socket| socket.set_broadcast(true)).unwrap();
    assert!(socket.with(|socket| socket.broadcast()).unwrap());
    transport.close();
    assert!(transport.is_closing() && !transport.is_reading());
    transport.close();
    log.expect(&[]);
    yield_now().await;
    log.expect(&["lost"]);
    assert!(socket.fileno().is_err());
    // The socket is closed, and nothing holds the protocol.
    assert!(transport.get_extra_info::<SockName>().is_none());
    assert_eq!(Rc::strong_count(&protocol), 1);
    transport.abort();
    some_turns().await;
    log.expect(&[]);
}

async fn who_opened_it_goes_on_before_the_first_datagram() {
    let log = Log::default();
    let sock = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (far, _) = peer();
    far.send_to(b"early", sock.local_addr().unwrap()).unwrap();
    let protocol = Recorder::new(&log);
    let (_transport, _protocol) = create_datagram_endpoint(|| protocol)
        .sock(sock)
        .await
        .unwrap();
    log.note("opened");
    until("it comes", || log.len() == 3).await;
    log.expect(&["made", "opened", "received early"]);
}

async fn an_empty_datagram_is_data_n11() {
    let log = Log::default();
    let (far, far_address) = peer();
    let (transport, _protocol) = connected_to(far_address, Recorder::new(&log)).await;
    let _ = transport.sendto(b"", None).unwrap();
    assert_eq!(far.recv_from(&mut [0; 8]).unwrap().0, 0);
    far.send_to(b"", address_of(&transport)).unwrap();
    far.send_to(b"after", address_of(&transport)).unwrap();
    until("both come", || log.len() == 3).await;
    log.expect(&["made", "received ", "received after"]);
}

async fn the_largest_datagram_arrives_n11() {
    let log = Log::default();
    let (near, _near) = bound(Recorder::new(&log)).await;
    let (far, _far) = connected_to(address_of(&near), Recorder::new(&Log::default())).await;
    let _ = far.sendto(&[1; 65_507], None).unwrap();
    until("it comes", || log.len() == 2).await;
    log.expect(&["made", "received 65507 bytes"]);
}

async fn a_datagram_larger_than_the_buffer_is_an_error_n11() {
    let log = Log::default();
    let ((_transport, _protocol), far) = unix_pair(Recorder::new(&log)).await;
    let far = Socket::from(far);
    let is_sent = far.set_send_buffer_size(400_000).is_ok() && far.send(&[1; 300_000]).is_ok();
    if !needs("a net.core.wmem_max for 300,000 bytes", is_sent) {
        return;
    }
    far.send(b"after").unwrap();
    until("both come", || log.len() == 3).await;
    let expected = io::Error::from(io::ErrorKind::InvalidData).kind();
    log.expect(&["made", &format!("error {expected}"), "received after"]);
    let error = TruncatedDatagram { from: None };
    assert!(!error.to_string().is_empty());
}

async fn a_datagram_that_cannot_be_sent_is_an_error_n11() {
    let log = Log::default();
    let (far, far_address) = peer();
    let (transport, _protocol) = connected_to(far_address, Recorder::new(&log)).await;
    assert_eq!(transport.sendto(&[0; 65_508], None).unwrap(), Flow::Open);
    assert_eq!(log.len(), 2);
    assert!(log.take()[1].starts_with("error"));
    let _ = transport.sendto(b"goes on", None).unwrap();
    assert_eq!(far.recv_from(&mut [0; 8]).unwrap().0, 7);
}

async fn nobody_listening_is_an_error_that_passes_n11() {
    let log = Log::default();
    let (transport, _protocol) = connected_to(nobody(), Recorder::new(&log)).await;
    for told in [2, 3] {
        let _ = transport.sendto(b"is anybody there", None).unwrap();
        until("the refusal comes", || log.len() == told).await;
    }
    log.expect(&[
        "made",
        "error connection refused",
        "error connection refused",
    ]);
    assert!(!transport.is_closing());
}

async fn an_address_of_another_family_is_an_error_n11() {
    let log = Log::default();
    let (transport, _protocol) = bound(Recorder::new(&log)).await;
    let six: SocketAddr = "[::1]:9".parse().unwrap();
    let _ = transport.sendto(b"x", Some(&six.into())).unwrap();
    assert!(log.last().starts_with("error"));
    let folder = Folder::new();
    let path = SockAddr::unix(folder.join("x")).unwrap();
    let _ = transport.sendto(b"x", Some(&path)).unwrap();
    assert_eq!(log.len(), 3);
    assert!(!transport.is_closing());
}

async fn an_unnamed_sender_has_an_unnamed_address() {
    struct Unnamed(Rc<Cell<Option<bool>>>);
    impl asyncio_transports::DatagramProtocol for Unnamed {
        fn datagram_received(&mut self, _data: &[u8], from: &SockAddr) {
            self.0.set(Some(from.is_unnamed()));
        }
    }
    let folder = Folder::new();
    let path = folder.join("named");
    let seen = Rc::new(Cell::new(None));
    let protocol = Unnamed(seen.clone());
    let builder = create_datagram_endpoint(|| protocol).local_addr(&*path);
    let (_transport, _protocol) = builder.await.unwrap();
    UnixDatagram::unbound()
        .unwrap()
        .send_to(b"x", &path)
        .unwrap();
    until("it comes", || seen.get().is_some()).await;
    assert_eq!(seen.get(), Some(true));
}

async fn only_the_own_address_is_sent_to() {
    let (_far, far_address) = peer();
    let (transport, _protocol) = connected_to(far_address, Recorder::new(&Log::default())).await;
    let _ = transport.sendto(b"x", Some(&far_address.into())).unwrap();
    let other: SockAddr = nobody().into();
    let error = transport.sendto(b"x", Some(&other)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let expected = format!("Invalid address: must be None or {far_address}");
    assert_eq!(error.to_string(), expected);
    let PeerName(known) = transport.get_extra_info().unwrap();
    assert_eq!(internet(Some(known)), far_address);
    let (unconnected, _protocol) = bound(Recorder::new(&Log::default())).await;
    let error = unconnected.sendto(b"x", None).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

async fn what_waits_is_sent_in_order_when_there_is_room() {
    let ((transport, _protocol), far) = unix_pair(Recorder::new(&Log::default())).await;
    let sent = fill(&transport);
    // The first that waits, its header counted.
    assert_eq!(
        transport.get_write_buffer_size(),
        sent.to_string().len() + 8
    );
    for number in sent + 1..sent + 200 {
        let _ = transport
            .sendto(number.to_string().as_bytes(), None)
            .unwrap();
    }
    let mut all = Vec::new();
    until("all come", || {
        all.extend(receive_all(&far));
        all.len() == sent + 200
    })
    .await;
    let expected: Vec<_> = (0..sent + 200).map(|number| number.to_string()).collect();
    assert_eq!(all, expected);
    assert_eq!(transport.get_write_buffer_size(), 0);
}

async fn flow_control_pauses_above_the_high_mark_and_resumes_at_the_low_one() {
    let log = Log::default();
    let ((transport, _protocol), far) = unix_pair(Recorder::new(&log)).await;
    assert!(transport.set_write_buffer_limits(Some(1), Some(2)).is_err());
    transport.set_write_buffer_limits(Some(300), None).unwrap();
    assert_eq!(transport.get_write_buffer_limits().low, 75);
    fill(&transport);
    log.expect(&["made"]);
    let room = 300 - transport.get_write_buffer_size() - 8;
    assert_eq!(transport.sendto(&vec![0; room], None).unwrap(), Flow::Open);
    assert_eq!(transport.get_write_buffer_size(), 300);
    log.expect(&[]);
    assert_eq!(transport.sendto(b"", None).unwrap(), Flow::Paused);
    log.expect(&["pause"]);
    assert_eq!(transport.sendto(b"more", None).unwrap(), Flow::Paused);
    log.expect(&[]);
    receive_all(&far);
    until("it goes on", || log.len() > 0).await;
    log.expect(&["resume"]);
    assert_eq!(transport.sendto(b"x", None).unwrap(), Flow::Open);
}

async fn a_full_queue_takes_no_more_d2() {
    let (one, far) = UnixDatagram::pair().unwrap();
    let log = Log::default();
    let protocol = Recorder::new(&log);
    let (transport, _protocol) = create_datagram_endpoint(|| protocol)
        .sock(one)
        .send_queue_limit(10, 100)
        .await
        .unwrap();
    let sent = fill(&transport);
    let error = transport.sendto(&[0; 100], None).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let before = transport.get_write_buffer_size();
    for _ in 0..9 {
        assert_eq!(transport.sendto(b"", None).unwrap(), Flow::Open);
    }
    for _ in 0..1000 {
        let error = transport.sendto(b"", None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
    assert_eq!(transport.get_write_buffer_size(), before + 9 * 8);
    let mut came = 0;
    until("what was taken comes", || {
        came += receive_all(&far).len();
        came == sent + 10
    })
    .await;
    let _ = transport.sendto(b"room again", None).unwrap();
    log.expect(&["made"]);
}

async fn empty_datagrams_count_d2() {
    let log = Log::default();
    let ((transport, _protocol), _far) = unix_pair(Recorder::new(&log)).await;
    fill(&transport);
    let mut waiting = 0;
    while transport.sendto(b"", None).unwrap() == Flow::Open {
        waiting += 1;
    }
    assert!((8000..8192).contains(&waiting), "{waiting}");
    log.expect(&["made", "pause"]);
}

async fn a_flood_is_received_in_parts_d2() {
    let log = Log::default();
    let (far, _) = peer();
    let (transport, _protocol) = bound(Recorder::new(&log)).await;
    for _ in 0..200 {
        far.send_to(b"", address_of(&transport)).unwrap();
    }
    let mut most = 0;
    let mut all = 0;
    until("all come", || {
        let now = log.take().len();
        most = most.max(now);
        all += now;
        all == 201
    })
    .await;
    assert_eq!(most, 32);
}

async fn close_sends_what_waits() {
    let log = Log::default();
    let ((transport, _protocol), far) = unix_pair(Recorder::new(&log)).await;
    let sent = fill(&transport);
    let _ = transport.sendto(b"last", None).unwrap();
    transport.close();
    assert!(transport.is_closing());
    assert_eq!(transport.sendto(b"too late", None).unwrap(), Flow::Closed);
    some_turns().await;
    log.expect(&["made"]);
    let mut all = Vec::new();
    until("it is lost", || {
        all.extend(receive_all(&far));
        log.len() > 0
    })
    .await;
    all.extend(receive_all(&far));
    log.expect(&["lost"]);
    assert_eq!(all.len(), sent + 2);
    assert_eq!(all.last().unwrap(), "last");
}

async fn abort_drops_what_waits() {
    let log = Log::default();
    let ((transport, _protocol), far) = unix_pair(Recorder::new(&log)).await;
    let sent = fill(&transport);
    transport.close();
    transport.abort();
    assert_eq!(transport.get_write_buffer_size(), 0);
    log.expect(&["made"]);
    yield_now().await;
    log.expect(&["lost"]);
    assert_eq!(receive_all(&far).len(), sent);
}

async fn a_send_after_the_end_is_refused() {
    let log = Log::default();
    let (far, far_address) = peer();
    let (transport, _protocol) = connected_to(far_address, Recorder::new(&log)).await;
    transport.abort();
    assert_eq!(transport.sendto(b"x", None).unwrap(), Flow::Closed);
    some_turns().await;
    for _ in 0..10 {
        assert_eq!(transport.sendto(b"x", None).unwrap(), Flow::Closed);
    }
    transport.pause_reading();
    transport.resume_reading();
    transport.set_write_buffer_limits(Some(0), None).unwrap();
    log.expect(&["made", "lost"]);
    far.set_nonblocking(true).unwrap();
    assert!(far.recv_from(&mut [0; 8]).is_err());
}

async fn reading_pauses_and_goes_on() {
    let log = Log::default();
    let (far, _) = peer();
    let (transport, _protocol) = bound(Recorder::reacting(&log, |method, transport| {
        if method == "received" {
            transport.pause_reading();
        }
    }))
    .await;
    for number in 0..3_u8 {
        far.send_to(&[b'0' + number], address_of(&transport))
            .unwrap();
    }
    log.expect(&["made"]);
    for number in 0..3 {
        until("one comes", || log.len() > 0).await;
        some_turns().await;
        assert!(!transport.is_reading());
        log.expect(&[&format!("received {number}")]);
        transport.resume_reading();
        assert!(transport.is_reading());
        log.expect(&[]);
    }
    // What came while it was paused.
    transport.pause_reading();
    some_turns().await;
    far.send_to(b"late", address_of(&transport)).unwrap();
    some_turns().await;
    log.expect(&[]);
    transport.resume_reading();
    until("it comes", || log.len() > 0).await;
    log.expect(&["received late"]);
}

async fn a_pause_in_connection_made_wins() {
    let log = Log::default();
    let sock = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (far, _) = peer();
    far.send_to(b"early", sock.local_addr().unwrap()).unwrap();
    let protocol = Recorder::reacting(&log, |method, transport| {
        if method == "made" {
            transport.pause_reading();
        }
    });
    let builder = create_datagram_endpoint(|| protocol).sock(sock);
    let (transport, _protocol) = builder.await.unwrap();
    some_turns().await;
    log.expect(&["made"]);
    transport.resume_reading();
    until("it comes", || log.len() > 0).await;
    log.expect(&["received early"]);
}

async fn an_error_does_not_spin_while_reading_is_paused() {
    let log = Log::default();
    let (transport, _protocol) = connected_to(nobody(), Recorder::new(&log)).await;
    transport.pause_reading();
    let _ = transport.sendto(b"x", None).unwrap();
    some_turns().await;
    let before = get_running_loop().metrics().turns;
    sleep(std::time::Duration::from_millis(20)).await;
    let turns = get_running_loop().metrics().turns - before;
    assert!(turns <= 20, "{turns}");
    transport.resume_reading();
    until("the refusal comes", || log.len() == 2).await;
    log.expect(&["made", "error connection refused"]);
}

/// Also where an error is reported once while nothing is wanted, as by `poll(2)`: it lasts.
async fn an_error_of_each_pause_is_told_after_it_n11() {
    let log = Log::default();
    let (transport, _protocol) = connected_to(nobody(), Recorder::new(&log)).await;
    log.expect(&["made"]);
    for _ in 0..3 {
        transport.pause_reading();
        let _ = transport.sendto(b"is anybody there", None).unwrap();
        some_turns().await;
        log.expect(&[]);
        transport.resume_reading();
        until("the refusal comes", || log.len() == 1).await;
        log.expect(&["error connection refused"]);
    }
}

async fn the_protocol_runs_in_the_context_of_its_maker() {
    static WHO: ContextVar<&str> = ContextVar::new("who");
    let log = Log::default();
    let notes = log.clone();
    let (far, _) = peer();
    let _token = WHO.set("maker");
    let (transport, _protocol) = bound(Recorder::reacting(&Log::default(), move |method, _| {
        notes.note(format!("{method}: {}", WHO.get().unwrap_or("nobody")));
    }))
    .await;
    far.send_to(b"x", address_of(&transport)).unwrap();
    until("it comes", || log.len() == 2).await;
    let closing = create_task(async move {
        WHO.set("other");
        transport.close();
    });
    closing.await.unwrap();
    some_turns().await;
    log.expect(&["made: maker", "received: maker", "lost: maker"]);
}

async fn a_creation_that_is_given_up_closes() {
    let log = Log::default();
    let protocol = Recorder::new(&log);
    let (one, far) = UnixDatagram::pair().unwrap();
    let task = create_task(async move {
        let opened = create_datagram_endpoint(|| protocol).sock(one).await;
        opened.map(drop)
    });
    // It runs up to the wait for `connection_made`.
    yield_now().await;
    task.cancel();
    assert!(task.await.is_err());
    until("it is lost", || log.len() == 2).await;
    log.expect(&["made", "lost"]);
    assert!(far.send(b"x").is_err());
}

/// The kernel does not tell an unconnected Unix socket when its receiver has room again.
#[test]
fn room_that_nobody_tells_of_is_found() {
    let folder = Folder::new();
    let path = folder.join("receiver");
    let ((), waited) = run_simulated(async {
        let far = UnixDatagram::bind(&path).unwrap();
        let to = SockAddr::unix(&path).unwrap();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let builder = create_datagram_endpoint(|| protocol).local_addr(&*folder.join("sender"));
        let (transport, _protocol) = builder.await.unwrap();
        let mut sent = 0;
        while transport.get_write_buffer_size() < 100 {
            let _ = transport.sendto(b"x", Some(&to)).unwrap();
            sent += 1;
        }
        sleep(std::time::Duration::from_secs(1)).await;
        let mut came = receive_all(&far).len();
        while came < sent {
            sleep(std::time::Duration::from_millis(1)).await;
            came += receive_all(&far).len();
        }
        assert_eq!(transport.get_write_buffer_size(), 0);
        // Nothing is left behind by one that waits to try again.
        while transport.get_write_buffer_size() < 100 {
            let _ = transport.sendto(b"x", Some(&to)).unwrap();
        }
        transport.abort();
        yield_now().await;
        log.expect(&["made", "lost"]);
        assert_eq!(get_running_loop().metrics().timers, 0);
    });
    assert!(waited < std::time::Duration::from_secs(2), "{waited:?}");
}
