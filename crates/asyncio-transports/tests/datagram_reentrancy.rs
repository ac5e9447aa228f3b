//! What protocols do to their endpoint in the middle of a call: everything, and panics.

mod datagram_scene;

use std::cell::{Cell, RefCell, RefMut};
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;

use asyncio_executor::yield_now;
use asyncio_loop::EventLoop;
use asyncio_reactor::SelectorKind;
use asyncio_testkit::{Child, Rng, for_each_seed};
use asyncio_transports::{
    DatagramProtocol, DatagramTransport, Flow, create_datagram_endpoint, open_datagram_endpoint,
};
use datagram_scene::{
    Log, Recorder, guarded_with_threads, note_errors, peer, run, some_turns, until,
};
use socket2::SockAddr;

on_every_selector! {
    a_protocol_may_put_another_in_its_place,
    a_panic_in_any_method_is_reported_and_the_endpoint_goes_on_w11,
    a_close_in_any_method_comes_after_it_p2,
    an_abort_in_any_method_comes_after_it_p2,
    a_pause_that_a_method_gives_rise_to_comes_after_it_p2,
    an_error_that_a_method_gives_rise_to_comes_after_it_p2,
    errors_that_cause_errors_leave_room_for_others_p2,
    errors_that_wait_have_a_bound_d2,
    a_protocol_that_sends_while_it_is_borrowed_is_told_later,
    a_protocol_that_stays_borrowed_is_a_fatal_error,
    a_factory_that_panics_leaves_nothing_open_w11,
}

const METHODS: [&str; 6] = ["made", "received", "error", "pause", "resume", "lost"];

/// Brings an endpoint through all its methods, and returns what it noted.
async fn through_all(react: impl FnMut(&str, &Rc<dyn DatagramTransport>) + 'static) -> Vec<String> {
    let log = Log::default();
    let protocol = Recorder::reacting(&log, react);
    let (one, far) = UnixDatagram::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    let builder = create_datagram_endpoint(|| protocol).sock(one);
    let (transport, _protocol) = builder.await.unwrap();
    let _ = transport.set_write_buffer_limits(Some(100), Some(50));
    let _ = far.send(b"x");
    some_turns().await;
    // Larger than any datagram may be.
    let _ = transport.sendto(&vec![0; 10_000_000], None).unwrap();
    let mut sent = 0;
    while transport.sendto(b"0123456789", None).unwrap() == Flow::Open && sent < 10_000 {
        sent += 1;
    }
    some_turns().await;
    while far.recv(&mut [0; 16]).is_ok() {}
    some_turns().await;
    transport.close();
    until("it is lost", || {
        log.last() == "lost" || log.last().starts_with("lost ")
    })
    .await;
    log.take()
}

async fn a_panic_in_any_method_is_reported_and_the_endpoint_goes_on_w11() {
    let names = [
        "connection_made",
        "datagram_received",
        "error_received",
        "pause_writing",
        "resume_writing",
        "connection_lost",
    ];
    for (bad, name) in METHODS.into_iter().zip(names) {
        let errors = note_errors();
        let noted = through_all(move |method, _| {
            assert!(method != bad, "on purpose");
        })
        .await;
        let methods: Vec<_> = noted
            .iter()
            .map(|it| it.split(' ').next().unwrap())
            .collect();
        assert_eq!(methods, METHODS, "with a panic in {bad}");
        errors.expect(&[&format!("protocol.{name}() failed: panicked: on purpose")]);
    }
}

/// The old one is dropped when its method is over, which is no place for its destructor to do harm.
async fn a_protocol_may_put_another_in_its_place() {
    struct First(Log, Option<Rc<dyn DatagramTransport>>);
    impl DatagramProtocol for First {
        fn connection_made(&mut self, transport: Rc<dyn DatagramTransport>) {
            self.1 = Some(transport);
        }
        fn datagram_received(&mut self, data: &[u8], _: &SockAddr) {
            let transport = self.1.take().unwrap();
            let next = Rc::new(RefCell::new(Recorder::new(&self.0)));
            transport.set_protocol(next);
            self.0.note(format!("first {}", data.escape_ascii()));
        }
    }
    impl Drop for First {
        fn drop(&mut self) {
            self.0.note("dropped");
            panic!("on purpose");
        }
    }

    let (log, errors) = (Log::default(), note_errors());
    let (one, far) = UnixDatagram::pair().unwrap();
    let first = First(log.clone(), None);
    let builder = create_datagram_endpoint(|| first).sock(one);
    let (transport, protocol) = builder.await.unwrap();
    drop(protocol);
    far.send(b"a").unwrap();
    far.send(b"b").unwrap();
    until("both have come", || log.len() == 3).await;
    assert!(transport.get_protocol().is_some());
    transport.close();
    until("it is lost", || log.len() == 4).await;
    log.expect(&["first a", "dropped", "received b", "lost"]);
    assert!(transport.get_protocol().is_none());
    errors.expect(&["panic in a destructor: panicked: on purpose"]);
}

async fn a_close_in_any_method_comes_after_it_p2() {
    ends_in_any_method(|transport| transport.close()).await;
}

async fn an_abort_in_any_method_comes_after_it_p2() {
    ends_in_any_method(|transport| transport.abort()).await;
}

async fn ends_in_any_method(end: fn(&Rc<dyn DatagramTransport>)) {
    for bad in METHODS {
        let inside = Rc::new(Cell::new(false));
        let noted = through_all(move |method, transport| {
            assert!(!inside.replace(true), "one method in another");
            if method == bad {
                end(transport);
                assert!(transport.is_closing());
                assert_eq!(transport.sendto(b"x", None).unwrap(), Flow::Closed);
            }
            inside.set(false);
        })
        .await;
        let lost = noted.iter().filter(|it| it.starts_with("lost")).count();
        assert_eq!(lost, 1, "{noted:?}");
        assert_eq!(noted[0], "made");
        assert!(noted.iter().any(|it| it.starts_with(bad)), "{noted:?}");
    }
}

async fn a_pause_that_a_method_gives_rise_to_comes_after_it_p2() {
    let log = Log::default();
    let notes = log.clone();
    let (one, _far) = UnixDatagram::pair().unwrap();
    let protocol = Recorder::reacting(&log, move |method, transport| {
        if method == "made" {
            while transport.sendto(&[0; 1000], None).unwrap() == Flow::Open {}
            notes.note("made is over");
        }
    });
    let builder = create_datagram_endpoint(|| protocol).sock(one);
    let (transport, _protocol) = builder.await.unwrap();
    log.expect(&["made", "made is over", "pause"]);
    assert!(transport.get_write_buffer_size() > 64 * 1024);
}

async fn an_error_that_a_method_gives_rise_to_comes_after_it_p2() {
    let log = Log::default();
    let notes = log.clone();
    let protocol = Recorder::reacting(&log, move |method, transport| {
        if method == "made" {
            let _ = transport.sendto(&[0; 70_000], None).unwrap();
            notes.note("made is over");
        }
    });
    let builder = create_datagram_endpoint(|| protocol).remote_addr(peer().1);
    let (_transport, _protocol) = builder.await.unwrap();
    assert_eq!(log.len(), 3);
    let noted = log.take();
    assert_eq!(noted[..2], ["made", "made is over"]);
    assert!(noted[2].starts_with("error"));
}

async fn errors_that_cause_errors_leave_room_for_others_p2() {
    let log = Log::default();
    let protocol = Recorder::reacting(&log, |method, transport| {
        if method == "error" {
            let _ = transport.sendto(&[0; 70_000], None).unwrap();
        }
    });
    let builder = create_datagram_endpoint(|| protocol).remote_addr(peer().1);
    let (transport, _protocol) = builder.await.unwrap();
    let _ = transport.sendto(&[0; 70_000], None).unwrap();
    let before = log.len();
    for _ in 0..100 {
        yield_now().await;
    }
    let errors = log.len() - before;
    assert!((99..=101).contains(&errors), "{errors}");
    transport.abort();
    some_turns().await;
    assert_eq!(log.last(), "lost");
}

async fn errors_that_wait_have_a_bound_d2() {
    let log = Log::default();
    let protocol = Recorder::reacting(&log, |method, transport| {
        if method == "made" {
            for _ in 0..1000 {
                let _ = transport.sendto(&[0; 70_000], None).unwrap();
            }
        }
    });
    let builder = create_datagram_endpoint(|| protocol).remote_addr(peer().1);
    let (_transport, _protocol) = builder.await.unwrap();
    some_turns().await;
    assert_eq!(log.len(), 1 + 64);
}

async fn a_protocol_that_sends_while_it_is_borrowed_is_told_later() {
    let log = Log::default();
    let builder = create_datagram_endpoint({
        let protocol = Recorder::new(&log);
        || protocol
    });
    let (transport, protocol) = builder.remote_addr(peer().1).await.unwrap();
    {
        let _borrowed = protocol.borrow_mut();
        let _ = transport.sendto(&[0; 70_000], None).unwrap();
        log.expect(&["made"]);
    }
    some_turns().await;
    assert_eq!(log.len(), 1);
    assert!(log.last().starts_with("error"));
    assert!(!transport.is_closing());
}

/// A borrow that clippy does not see held across an `await`, as it would be in a user's struct.
struct Held<'a>(#[expect(dead_code)] RefMut<'a, Recorder>);

async fn a_protocol_that_stays_borrowed_is_a_fatal_error() {
    // For what comes, and for what a send of its own has given rise to.
    for own in [false, true] {
        let (log, errors) = (Log::default(), note_errors());
        let protocol = Recorder::new(&log);
        let (one, far) = UnixDatagram::pair().unwrap();
        let builder = create_datagram_endpoint(|| protocol).sock(one);
        let (transport, protocol) = builder.await.unwrap();
        let borrowed = Held(protocol.borrow_mut());
        if own {
            let _ = transport.sendto(&vec![0; 10_000_000], None).unwrap();
        } else {
            far.send(b"x").unwrap();
        }
        until("it is noticed", || transport.is_closing()).await;
        drop(borrowed);
        until("it is lost", || log.len() == 2).await;
        let noted = log.take();
        assert!(
            noted[1].starts_with("lost the protocol is borrowed"),
            "{noted:?}"
        );
        let reported = errors.take();
        assert_eq!(reported.len(), 1);
        assert!(reported[0].starts_with("Fatal error on datagram transport: the protocol"));
    }
}

async fn a_factory_that_panics_leaves_nothing_open_w11() {
    let (one, far) = UnixDatagram::pair().unwrap();
    let task = asyncio_loop::create_task(async move {
        let factory = || -> Recorder { panic!("on purpose") };
        create_datagram_endpoint(factory).sock(one).await.map(drop)
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(far.send(b"x").is_err());
}

/// Everything that users can call, from everywhere, in random orders.
#[test]
fn any_call_in_any_callback_p2() {
    guarded_with_threads(|| {
        for_each_seed(60, |rng| {
            let rng = Rc::new(RefCell::new(Rng::new(rng.next_u64())));
            run(SelectorKind::Default, random_life(&rng));
        });
    });
}

async fn random_life(rng: &Rc<RefCell<Rng>>) {
    let log = Log::default();
    let (one, far) = UnixDatagram::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    let inside = Rc::new(RefCell::new(rng.clone()));
    let protocol = Recorder::reacting(&log, move |_, transport| {
        let rng = inside.borrow().clone();
        let calls = rng.borrow_mut().below(3);
        for _ in 0..calls {
            any_call(&rng, transport);
        }
    });
    let errors = note_errors();
    let builder = create_datagram_endpoint(|| protocol).sock(one);
    let (transport, protocol) = builder.await.unwrap();
    for _ in 0..200 {
        let peer = rng.borrow_mut().below(4);
        match peer {
            0 => _ = far.send(b"to near"),
            1 => while far.recv(&mut [0; 16]).is_ok() {},
            _ => {}
        }
        if rng.borrow_mut().one_in(2) {
            any_call(rng, &transport);
        }
        yield_now().await;
    }
    transport.abort();
    until("it is lost", || Rc::strong_count(&protocol) == 1).await;
    let noted = log.take();
    assert_eq!(noted[0], "made");
    assert!(noted[noted.len() - 1].starts_with("lost"), "{noted:?}");
    assert_eq!(noted.iter().filter(|it| it.starts_with("lost")).count(), 1);
    let flow = noted.iter().filter(|it| *it == "pause" || *it == "resume");
    for (index, call) in flow.enumerate() {
        assert_eq!(call, ["pause", "resume"][index % 2]);
    }
    errors.expect(&[]);
}

fn any_call(rng: &Rc<RefCell<Rng>>, transport: &Rc<dyn DatagramTransport>) {
    let choice = rng.borrow_mut().below(200);
    match choice {
        0 => transport.close(),
        1 => transport.abort(),
        2..30 => transport.pause_reading(),
        30..60 => transport.resume_reading(),
        60..80 => {
            let high = usize::try_from(rng.borrow_mut().below(3)).unwrap() * 100;
            transport.set_write_buffer_limits(Some(high), None).unwrap();
        }
        80..90 => {
            let _ = transport.sendto(&vec![0; 1_000_000], None).unwrap();
        }
        _ => {
            let _ = transport.sendto(b"to far", None).unwrap();
        }
    }
}

/// A loop that closes lets go of its endpoints: nothing is called any more, nothing is left.
#[test]
fn a_loop_that_closes_drops_its_endpoints() {
    guarded_with_threads(|| {
        let log = Log::default();
        let (one, far) = UnixDatagram::pair().unwrap();
        let event_loop = EventLoop::new().unwrap();
        let protocol = Recorder::new(&log);
        let opened = event_loop
            .run_until_complete(async { create_datagram_endpoint(|| protocol).sock(one).await });
        let (transport, protocol) = opened.unwrap().unwrap();
        far.send(b"x").unwrap();
        while transport.sendto(b"x", None).unwrap() == Flow::Open {}
        drop(event_loop);
        log.expect(&["made", "pause"]);
        assert_eq!(Rc::strong_count(&protocol), 1);
        assert!(far.send(b"x").is_err());
        transport.close();
        transport.abort();
        transport.resume_reading();
        assert_eq!(transport.sendto(b"x", None).unwrap(), Flow::Closed);
        log.expect(&[]);
    });
}

const EMFILE: i32 = 24;

/// Without descriptors, an error, and what is open goes on.
#[test]
fn no_descriptor_is_left() {
    let child = Child::new("no_descriptor_is_left").descriptors_max(64);
    let outcome = child.run(|| {
        run(SelectorKind::Default, async {
            let opened = open_datagram_endpoint().local_addr(("127.0.0.1", 0)).await;
            let near = opened.unwrap();
            let own = near.local_addr().unwrap();
            let mut kept = Vec::new();
            let error = loop {
                match open_datagram_endpoint().remote_addr(own.clone()).await {
                    Ok(endpoint) => kept.push(endpoint),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.raw_os_error(), Some(EMFILE), "{error}");
            let log = Log::default();
            let protocol = Recorder::new(&log);
            let builder = create_datagram_endpoint(|| protocol);
            let error = builder.remote_addr(own.clone()).await.err().unwrap();
            assert_eq!(error.raw_os_error(), Some(EMFILE));
            log.expect(&[]);
            near.send_to(b"x", own.clone()).await.unwrap();
            assert_eq!(near.recv_from(&mut [0; 8]).await.unwrap().len, 1);
            kept.pop();
            open_datagram_endpoint().remote_addr(own).await.unwrap();
        });
    });
    if let Some(outcome) = outcome {
        outcome.assert_success();
    }
}
