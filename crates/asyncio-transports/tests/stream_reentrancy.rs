//! Every public call from every callback: what it gives rise to comes after the callback, the calls
//! keep their order, and nothing panics. Scenario P2.

mod stream_scene;

use asyncio_testkit::for_each_seed;
use asyncio_transports::{
    Buffered, BufferedProtocol, Protocol, Transport, connect_accepted_socket,
};
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::rc::Rc;
use stream_scene::{
    Action, Count, Kind, Log, METHODS, Recorder, connect, drain, reports, run, send, turns,
};

/// One call of the public surface.
type Call = fn(&Rc<dyn Transport>);

const CALLS: [(&str, Call); 12] = [
    ("write", |it| {
        let _ = it.write(b"x");
    }),
    ("write much", |it| {
        let _ = it.write(&vec![7; 200_000]);
    }),
    ("writelines", |it| {
        let lines = [IoSlice::new(b"a"), IoSlice::new(b""), IoSlice::new(b"b")];
        let _ = it.writelines(&lines);
    }),
    ("write_owned", |it| {
        let _ = it.write_owned(vec![7; 70_000]);
    }),
    ("write_eof", |it| it.write_eof()),
    ("pause_reading", |it| it.pause_reading()),
    ("resume_reading", |it| it.resume_reading()),
    ("limits", |it| {
        it.set_write_buffer_limits(Some(0), None).unwrap();
    }),
    ("try_read", |it| drop(it.try_read(&mut [0; 3]))),
    ("set_protocol", |it| {
        if let Some(same) = it.get_protocol() {
            it.set_protocol(same);
        }
    }),
    ("close", |it| it.close()),
    ("abort", |it| it.abort()),
];

/// Whether the calls come in the order that the documentation of `Protocol` gives.
#[track_caller]
fn assert_grammar(calls: &[String], what: &str) {
    let count = |call: &str| calls.iter().filter(|it| it.starts_with(call)).count();
    assert_eq!(count("made"), 1, "{what}: {calls:?}");
    assert!(count("lost") <= 1 && count("eof") <= 1, "{what}: {calls:?}");
    assert_eq!(calls[0], "made", "{what}: {calls:?}");
    if count("lost") == 1 {
        assert!(
            calls.last().unwrap().starts_with("lost"),
            "{what}: {calls:?}"
        );
    }
    if let Some(eof) = calls.iter().position(|it| it == "eof") {
        assert!(!calls[eof..].contains(&"data".into()), "{what}: {calls:?}");
    }
    let mut paused = false;
    for call in calls {
        if call == "pause" || call == "resume" {
            assert_eq!(call == "pause", !paused, "{what}: {calls:?}");
            paused = !paused;
        }
    }
}

/// Gives every method of the protocol a reason to be called.
async fn exercise(kind: Kind, protocol: Recorder, what: &str) -> (Log, Vec<String>) {
    let log = protocol.log.clone();
    let reports = reports();
    let (transport, _protocol, far) = connect(kind, protocol).await;
    let _ = far.send(b"some data");
    turns(3).await;
    let _ = transport.write(&vec![1; 8_000_000]);
    for _ in 0..200 {
        if !drain(&far).is_empty() {
            turns(1).await;
        }
    }
    turns(3).await;
    let _ = far.shutdown(Shutdown::Write);
    turns(3).await;
    drop(far);
    transport.resume_reading();
    turns(5).await;
    transport.abort();
    log.until("lost").await;
    turns(3).await;
    assert_grammar(&log.calls(), what);
    assert!(transport.get_protocol().is_none());
    let reports = reports.borrow().clone();
    (log, reports)
}

#[test]
fn every_call_may_come_from_every_callback_p2() {
    for kind in Kind::ALL {
        for method in METHODS {
            for (name, call) in CALLS {
                run(async || {
                    let what = format!("{kind:?}: {name} in {method}");
                    let called = Count::default();
                    let counting = called.clone();
                    let log = Log::default();
                    let protocol = Recorder::new(&log).on(method, move |transport| {
                        counting.up();
                        // Enough is enough: a write in resume_writing would go on for ever.
                        if counting.get() <= 3 {
                            call(transport);
                        }
                    });
                    let (_, reports) = exercise(kind, protocol, &what).await;
                    assert!(called.get() > 0, "{what}: never called");
                    assert!(reports.is_empty(), "{what}: {reports:?}");
                });
            }
        }
    }
}

#[test]
fn random_calls_from_random_callbacks_keep_the_order_p2() {
    for_each_seed(150, |rng| {
        let mut rng = rng.clone();
        run(async || {
            let log = Log::default();
            let mut protocol = Recorder::new(&log);
            for method in METHODS {
                let calls: Vec<Call> = (0..4).map(|_| CALLS[rng.index(CALLS.len())].1).collect();
                let mut times = rng.index(4);
                let action: Action = Box::new(move |transport| {
                    if times > 0 {
                        times -= 1;
                        calls.iter().for_each(|call| call(transport));
                    }
                });
                protocol = protocol.on(method, action);
            }
            exercise(Kind::ALL[rng.index(2)], protocol, "random").await;
        });
    });
}

#[test]
fn a_panic_in_any_method_is_reported_and_ends_the_connection_w11() {
    for kind in Kind::ALL {
        for method in METHODS {
            run(async || {
                let what = format!("{kind:?}: panic in {method}");
                let log = Log::default();
                let protocol = Recorder::new(&log).on(method, |_| panic!("of the user's"));
                let (log, reports) = exercise(kind, protocol, &what).await;
                assert_eq!(reports.len(), 1, "{what}: {reports:?}");
                assert!(
                    reports[0].starts_with("Fatal error: protocol."),
                    "{reports:?}"
                );
                let calls = log.calls();
                if method != "lost" {
                    assert_eq!(
                        calls[calls.len() - 2],
                        method,
                        "{what}: nothing else comes after"
                    );
                }
            });
        }
    }
}

#[test]
fn a_protocol_that_replaces_itself_hands_over_at_once_p2() {
    for method in ["made", "data", "pause", "resume", "eof"] {
        run(async || {
            let log = Log::default();
            let next = Recorder::new(&log).called("next ");
            let next: Rc<RefCell<dyn Protocol>> = Rc::new(RefCell::new(next));
            let protocol = Recorder::new(&log).on(method, move |transport| {
                transport.set_protocol(Rc::clone(&next));
            });
            let (transport, protocol, far) = connect(Kind::Tcp, protocol).await;
            drop(protocol);
            send(&far, b"data");
            log.until(if method == "made" {
                "next data"
            } else {
                "data"
            })
            .await;
            let _ = transport.write(&vec![1; 8_000_000]);
            for _ in 0..100 {
                drain(&far);
                turns(1).await;
            }
            drop(far);
            log.until("next lost").await;
            let calls = log.calls();
            let place = calls.iter().position(|call| call == method).unwrap();
            assert!(
                calls[place + 1..]
                    .iter()
                    .all(|call| call.starts_with("next "))
            );
        });
    }
}

/// There is nothing left that the next one could be told.
#[test]
fn a_protocol_that_replaces_itself_when_all_is_lost_is_the_last_p2() {
    run(async || {
        let log = Log::default();
        let held = Rc::new(());
        let next = Recorder::new(&log).called("next ");
        let holds = Rc::clone(&held);
        let next = next.on("lost", move |_| {
            let _ = &holds;
        });
        let next = RefCell::new(Some(Rc::new(RefCell::new(next))));
        let protocol = Recorder::new(&log).on("lost", move |transport| {
            transport.set_protocol(next.take().unwrap());
        });
        let (transport, _protocol, far) = connect(Kind::Tcp, protocol).await;
        drop(far);
        log.until("lost").await;
        turns(3).await;
        assert_eq!(log.calls(), ["made", "eof", "lost"]);
        assert!(transport.get_protocol().is_none());
        assert_eq!(Rc::strong_count(&held), 1, "nobody keeps it");
    });
}

/// Names its methods, and panics in one.
struct Fragile {
    log: Log,
    panics_in: &'static str,
    buffer: [u8; 8],
}

impl Fragile {
    fn called(&self, method: &'static str) {
        self.log.note(method);
        assert_ne!(method, self.panics_in, "of the user's");
    }
}

impl BufferedProtocol for Fragile {
    fn get_buffer(&mut self, _: Option<usize>) -> &mut [u8] {
        self.called("get_buffer");
        &mut self.buffer
    }

    fn buffer_updated(&mut self, _: usize) {
        self.called("buffer_updated");
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.log.note(format!("lost {}", error.is_some()));
    }
}

#[test]
fn a_panic_with_a_buffer_of_the_protocols_own_ends_the_connection_w11() {
    for panics_in in ["get_buffer", "buffer_updated"] {
        run(async || {
            let log = Log::default();
            let reports = reports();
            let protocol = Buffered(Fragile {
                log: log.clone(),
                panics_in,
                buffer: [0; 8],
            });
            let (near, far) = Kind::Tcp.pair();
            let connected = connect_accepted_socket(|| protocol, near).await;
            send(&far, b"data");
            log.until("lost").await;
            let calls = log.calls();
            assert_eq!(calls[calls.len() - 2..], [panics_in, "lost true"]);
            let expected = format!("Fatal error: protocol.{panics_in}() call failed.");
            assert_eq!(*reports.borrow(), [expected]);
            drop(connected);
        });
    }
}

#[test]
fn a_transport_may_be_closed_by_another_whose_event_comes_first_p2() {
    run(async || {
        let log = Log::default();
        let victim: Rc<RefCell<Option<Rc<dyn Transport>>>> = Rc::default();
        let aim = Rc::clone(&victim);
        let (near, far) = Kind::Unix.pair();
        let (other_near, other_far) = Kind::Unix.pair();
        let killer = Recorder::new(&log).called("killer ").on("data", move |_| {
            aim.borrow().as_ref().unwrap().abort();
        });
        let victims = Recorder::new(&log).called("victim ");
        let _killer = connect_accepted_socket(|| killer, near).await.unwrap();
        let (transport, _) = connect_accepted_socket(|| victims, other_near)
            .await
            .unwrap();
        *victim.borrow_mut() = Some(transport);
        // Both events are in the same batch.
        send(&far, b"now");
        send(&other_far, b"too late");
        log.until("victim lost").await;
        assert_eq!(log.count("victim data"), 0);
    });
}

#[test]
#[expect(
    clippy::await_holding_refcell_ref,
    reason = "the mistake is what is tested"
)]
fn a_protocol_that_is_borrowed_when_it_is_to_be_called_ends_its_connection() {
    run(async || {
        let log = Log::default();
        let reports = reports();
        let (transport, protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        let borrowed = protocol.borrow();
        send(&far, b"for nobody");
        while reports.borrow().is_empty() {
            turns(1).await;
        }
        drop(borrowed);
        log.until("lost").await;
        assert_eq!(*reports.borrow(), ["Fatal error on transport"]);
        assert_eq!(log.calls(), ["made", "lost: Other"]);
        assert!(transport.is_closing());
    });
}

#[test]
fn a_method_that_the_user_calls_may_write_until_it_is_paused() {
    run(async || {
        let log = Log::default();
        let (_transport, protocol, far) = connect(Kind::Tcp, Recorder::new(&log)).await;
        {
            // Borrowed, as inside a method of the user's own.
            let protocol = protocol.borrow_mut();
            let _ = protocol
                .transport
                .as_ref()
                .unwrap()
                .write(&vec![1; 8_000_000]);
            assert_eq!(log.calls(), ["made"]);
        }
        log.until("pause").await;
        while log.count("resume") == 0 {
            drain(&far);
            turns(1).await;
        }
        assert_eq!(log.calls(), ["made", "pause", "resume"]);
    });
}
