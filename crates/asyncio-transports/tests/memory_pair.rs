//! Connections in memory: what a test decides on is what happens, at the moment it says.

mod suite;

use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_loop::{EventLoop, get_running_loop, sleep};
use asyncio_testkit::{Watchdog, exclusive, guarded};
use asyncio_timers::ManualClock;
use asyncio_transports::testing::{MemoryEnd, Wire, memory_pair, memory_pair_on};
use asyncio_transports::{Flow, Transport};
use suite::{Call, Log, Recorder, bytes};

const SECOND: Duration = Duration::from_secs(1);

#[track_caller]
fn run<F: Future<Output = ()>>(main: impl Fn() -> F) {
    guarded(|| {
        let _watchdog = Watchdog::start("a run of a loop", Duration::from_secs(30));
        let clock = ManualClock::new();
        let event_loop = EventLoop::builder().simulated(&clock).unwrap();
        event_loop
            .build()
            .unwrap()
            .run_until_complete(main())
            .unwrap();
    });
}

fn start(end: MemoryEnd, log: &Rc<Log>) -> Rc<dyn Transport> {
    end.start(Recorder::new(log).keep_open()).unwrap().0
}

/// Two transports, what they are told, and what the left one sends on.
async fn connected() -> ([Rc<dyn Transport>; 2], [Rc<Log>; 2], Wire) {
    let (left, right) = memory_pair();
    let wire = left.wire();
    let logs = [Log::new(), Log::new()];
    let ends = [start(left, &logs[0]), start(right, &logs[1])];
    yield_now().await;
    yield_now().await;
    (ends, logs, wire)
}

#[test]
fn bytes_and_their_end_take_the_latency() {
    run(|| async {
        let ([left, _right], [_, log], wire) = connected().await;
        let begin = get_running_loop().time();
        wire.set_latency(3 * SECOND);
        let _ = left.write(b"a");
        sleep(SECOND).await;
        left.write_eof();
        log.until_call(Call::Data(b"a".to_vec())).await;
        assert_eq!(get_running_loop().time() - begin, 3 * SECOND);
        log.until_call(Call::Eof).await;
        assert_eq!(get_running_loop().time() - begin, 4 * SECOND);
    });
}

#[test]
fn what_is_sent_first_arrives_first_whatever_the_latency() {
    run(|| async {
        let ([left, _right], [_, log], wire) = connected().await;
        let begin = get_running_loop().time();
        wire.set_latency(5 * SECOND);
        let _ = left.write(b"slow");
        wire.set_latency(SECOND);
        let _ = left.write(b" and quick");
        log.until(|log| log.data() == b"slow and quick").await;
        assert_eq!(get_running_loop().time() - begin, 5 * SECOND);
    });
}

#[test]
fn a_stall_keeps_what_is_sent_until_it_is_over() {
    run(|| async {
        let ([left, right], [back, log], wire) = connected().await;
        wire.stall();
        let _ = left.write(b"stalled");
        // The other direction goes on.
        let _ = right.write(b"not stalled");
        back.until(|log| log.data() == b"not stalled").await;
        sleep(60 * SECOND).await;
        assert_eq!(log.calls(), [Call::Made]);
        assert_eq!(wire.unread(), 7);
        wire.go_on();
        log.until(|log| log.data() == b"stalled").await;
        assert_eq!(wire.unread(), 0);
    });
}

#[test]
fn the_capacity_is_all_that_is_kept() {
    run(|| async {
        let ([left, right], [_, log], wire) = connected().await;
        wire.set_capacity(10);
        right.pause_reading();
        assert_eq!(left.write(&bytes(25)), Flow::Open);
        assert_eq!(wire.unread(), 10);
        assert_eq!(left.get_write_buffer_size(), 15);
        wire.set_capacity(12);
        yield_now().await;
        yield_now().await;
        assert_eq!(wire.unread(), 12);
        right.resume_reading();
        log.until(|log| log.count() == 25).await;
        assert_eq!(log.data(), bytes(25));
        assert_eq!(left.get_write_buffer_size(), 0);
    });
}

#[test]
fn a_read_gives_no_more_than_it_may() {
    run(|| async {
        let (left, right) = memory_pair();
        left.wire().set_read_max(3);
        let sizes = Rc::new(std::cell::RefCell::new(Vec::new()));
        let list = Rc::clone(&sizes);
        let log = Log::new();
        let right = right.start(Recorder::new(&log).on_call(move |call, _| {
            if let Call::Data(data) = call {
                list.borrow_mut().push(data.len());
            }
        }));
        let left = start(left, &Log::new());
        yield_now().await;
        let _ = left.write(b"12345678");
        left.close();
        assert_eq!(log.until_lost().await, None);
        assert_eq!(*sizes.borrow(), [3, 3, 2]);
        assert!(right.is_ok());
    });
}

#[test]
fn a_reset_loses_what_is_under_way() {
    run(|| async {
        let ([left, _right], logs, wire) = connected().await;
        wire.set_latency(SECOND);
        let _ = left.write(b"lost");
        wire.reset();
        for log in logs {
            let error = log.until_lost().await;
            assert_eq!(error, Some(std::io::ErrorKind::ConnectionReset));
            assert!(log.data().is_empty());
        }
        assert_eq!(wire.unread(), 0);
        sleep(2 * SECOND).await;
    });
}

#[test]
fn who_leaves_bytes_unread_resets_the_connection() {
    run(|| async {
        let ([left, right], [log, _], _) = connected().await;
        right.pause_reading();
        let _ = left.write(b"nobody reads this");
        right.close();
        let error = log.until_lost().await;
        assert_eq!(error, Some(std::io::ErrorKind::ConnectionReset));
    });
}

#[test]
fn an_end_that_is_dropped_before_it_is_a_transport_is_closed() {
    run(|| async {
        let (left, right) = memory_pair();
        let log = Log::new();
        let left = start(left, &log);
        drop(right);
        log.until_call(Call::Eof).await;
        left.close();
        assert_eq!(log.until_lost().await, None);
    });
}

#[test]
fn what_comes_before_an_end_is_a_transport_is_kept_for_it() {
    run(|| async {
        let (left, right) = memory_pair();
        let left = start(left, &Log::new());
        let _ = left.write(b"early");
        left.close();
        sleep(SECOND).await;
        let log = Log::new();
        let right = start(right, &log);
        log.until_call(Call::Eof).await;
        assert_eq!(log.data(), b"early");
        right.close();
        assert_eq!(log.until_lost().await, None);
    });
}

#[test]
fn a_closed_loop_has_no_transports() {
    let _alone = exclusive();
    let event_loop = EventLoop::new().unwrap();
    let (left, right) = memory_pair_on(&event_loop);
    event_loop.close();
    for end in [left, right] {
        let refused = end.start(Recorder::new(&Log::new()));
        let error = refused.map(drop).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
    }
}
