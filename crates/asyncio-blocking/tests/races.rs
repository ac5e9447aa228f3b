//! Two threads at one future, many times: nothing is lost, nobody waits for ever. All end by
//! themselves; a hang shows as a time-out of twenty seconds.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use asyncio_blocking::{ConcurrentPromise, ExecutorExt, ResultError, ThreadPoolExecutor};
use futures_lite::future::block_on;

const LONG: Option<Duration> = Some(Duration::from_secs(20));

/// Runs both in threads of their own, which pass a barrier before each of the rounds.
fn race<A: Send, B: Send>(
    rounds: usize,
    mut pair: impl FnMut() -> (A, B),
    one: impl Fn(A) + Sync,
    other: impl Fn(B) + Sync,
) {
    let barrier = Barrier::new(2);
    let (to_one, ones) = sync_channel(16);
    let (to_other, others) = sync_channel(16);
    thread::scope(|scope| {
        scope.spawn(|| {
            for a in ones {
                barrier.wait();
                one(a);
            }
        });
        scope.spawn(|| {
            for b in others {
                barrier.wait();
                other(b);
            }
        });
        for _ in 0..rounds {
            let (a, b) = pair();
            to_one.send(a).unwrap();
            to_other.send(b).unwrap();
        }
        drop((to_one, to_other));
    });
}

/// The result is there in time or the wait times out; then it can be fetched.
#[test]
fn a_time_out_that_races_the_result_loses_nothing_w2() {
    race(
        20_000,
        ConcurrentPromise::new,
        |promise| promise.set_result(1).unwrap(),
        |mut future| match future.result(Some(Duration::from_nanos(500))) {
            Ok(value) => assert_eq!(value, 1),
            Err(ResultError::TimedOut) => assert_eq!(future.result(LONG).unwrap(), 1),
            Err(other) => panic!("{other}"),
        },
    );
}

/// Of a cancellation and a start, one wins, and both sides know which.
#[test]
fn a_cancellation_that_races_the_start_has_one_winner_w2() {
    race(
        20_000,
        || {
            let (promise, future) = ConcurrentPromise::new();
            let (tell, told) = sync_channel(1);
            ((promise, told), (future, tell))
        },
        |(promise, cancelled)| {
            let started = promise.set_running_or_notify_cancel();
            let set = promise.set_result(()).is_ok();
            assert_eq!(started, set);
            let cancelled = cancelled.recv_timeout(LONG.unwrap()).unwrap();
            assert_ne!(started, cancelled);
        },
        |(mut future, tell)| {
            let cancelled = future.cancel();
            assert_eq!(future.result(LONG).is_err(), cancelled);
            tell.send(cancelled).unwrap();
        },
    );
}

/// A waiter that polled and goes away while the other thread completes.
#[test]
fn a_waiter_dropped_while_the_other_thread_completes_w3() {
    race(
        100_000,
        || {
            let (promise, future) = ConcurrentPromise::new();
            let value = Arc::new(());
            ((promise, Arc::clone(&value)), (future, value))
        },
        |(promise, value)| promise.set_result(value).unwrap(),
        |(mut future, _value)| {
            let waker = thread_waker();
            let poll = Pin::new(&mut future).poll(&mut Context::from_waker(&waker));
            assert!(!matches!(poll, Poll::Ready(Err(_))));
            drop(future);
        },
    );
}

/// The same with a blocking waiter whose time is up.
#[test]
fn a_blocking_waiter_that_gives_up_while_the_other_thread_completes_w3() {
    race(
        20_000,
        ConcurrentPromise::new,
        |promise| promise.set_result(()).unwrap(),
        |mut future| {
            let _ = future.result(Some(Duration::from_nanos(100)));
        },
    );
}

/// A callback that is added while the future completes is called once.
#[test]
fn a_callback_that_races_the_completion_is_called_once_w2() {
    race(
        20_000,
        || {
            let (promise, future) = ConcurrentPromise::new();
            let (tell, told) = sync_channel(2);
            ((promise, told), (future, tell))
        },
        |(promise, told)| {
            promise.set_result(()).unwrap();
            told.recv_timeout(LONG.unwrap()).unwrap();
            assert!(told.recv_timeout(LONG.unwrap()).is_err(), "called twice");
        },
        |(future, tell)| future.add_done_callback(move |_| tell.send(()).unwrap()),
    );
}

/// One job at a time, each awaited: a wake-up that is lost, of the worker or of the waiter, hangs.
#[test]
fn a_ping_pong_with_the_pool_loses_no_wake_up_w8() {
    let pool = ThreadPoolExecutor::builder()
        .max_workers(2)
        .build()
        .unwrap();
    block_on(async {
        for round in 0..100_000_u32 {
            assert_eq!(pool.submit(move || round).unwrap().await.unwrap(), round);
        }
    });
}

/// The same with pauses, so that the worker falls asleep at every moment of the submission.
#[test]
fn submissions_that_race_a_worker_falling_asleep_lose_nothing_w8() {
    let pool = ThreadPoolExecutor::builder()
        .max_workers(2)
        .build()
        .unwrap();
    for round in 0..20_000_u32 {
        let mut future = pool.submit(move || round).unwrap();
        assert_eq!(future.result(LONG).unwrap(), round);
        // From nothing to a bit more than the worker's lookout takes.
        for _ in 0..(round % 64) * 16 {
            std::hint::spin_loop();
        }
    }
}

/// The same where the worker's thread may be ending.
#[test]
fn submissions_that_race_a_retiring_worker_lose_nothing_w8() {
    let pool = ThreadPoolExecutor::builder()
        .max_workers(2)
        .keep_alive(Duration::from_micros(1))
        .build()
        .unwrap();
    for round in 0..5_000_u32 {
        let mut future = pool.submit(move || round).unwrap();
        assert_eq!(future.result(LONG).unwrap(), round);
        for _ in 0..(round % 64) * 32 {
            std::hint::spin_loop();
        }
    }
}

/// A waker of this thread, allocated anew, so that a sanitizer sees its use after free.
fn thread_waker() -> Waker {
    struct Unpark(thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    Waker::from(Arc::new(Unpark(thread::current())))
}
