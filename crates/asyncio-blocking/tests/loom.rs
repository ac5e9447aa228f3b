//! Every interleaving of two or three threads at a future and at a pool, up to a number of
//! preemptions (`LOOM_MAX_PREEMPTIONS`). Built with `--cfg loom` only; the atomics of
//! `concurrent-queue` and `event-listener` are modelled, too.
#![cfg(loom)]

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use asyncio_blocking::{
    ConcurrentFuture, ConcurrentPromise, ExecutorExt, JobError, ThreadPoolExecutor,
};
use loom::sync::Arc;
use loom::thread;

/// Unparks the thread that made it.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

/// Wakes nobody, but is a value of its own.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: std::sync::Arc<Self>) {}
}

/// Polls until it is ready, and sleeps in between: a lost wake-up is a deadlock, which loom finds.
fn block_on<T: Send + 'static>(future: ConcurrentFuture<T>) -> Result<T, JobError> {
    let waker = Waker::from(std::sync::Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn loom_a_result_that_races_the_poll_arrives_w2() {
    loom::model(|| {
        let (promise, future) = ConcurrentPromise::new();
        let completer = thread::spawn(move || promise.set_result(Arc::new(7)).unwrap());
        assert_eq!(*block_on(future).unwrap(), 7);
        completer.join().unwrap();
    });
}

#[test]
fn loom_a_result_that_races_the_blocking_wait_arrives_w2() {
    loom::model(|| {
        let (promise, mut future) = ConcurrentPromise::new();
        let completer = thread::spawn(move || promise.set_result(Arc::new(7)).unwrap());
        assert_eq!(*future.result(None).unwrap(), 7);
        completer.join().unwrap();
    });
}

#[test]
fn loom_a_cancellation_that_races_start_and_result_has_one_winner_w2() {
    loom::model(|| {
        let (promise, mut future) = ConcurrentPromise::new();
        let reference = future.reference();
        let worker = thread::spawn(move || {
            let started = promise.set_running_or_notify_cancel();
            assert_eq!(promise.set_result(()).is_ok(), started);
            started
        });
        let canceller = thread::spawn(move || reference.cancel());
        let ended_well = future.result(None).is_ok();
        assert_eq!(worker.join().unwrap(), ended_well);
        assert_eq!(canceller.join().unwrap(), !ended_well);
    });
}

#[test]
fn loom_a_waiter_that_goes_away_while_the_result_comes_leaks_nothing_w3() {
    loom::model(|| {
        let (promise, mut future) = ConcurrentPromise::new();
        // Loom's `Arc` tells what is leaked, and what is used after it was freed.
        let completer = thread::spawn(move || promise.set_result(Arc::new(7)).is_ok());
        let waker = Waker::from(std::sync::Arc::new(Nobody));
        let poll = pin!(&mut future).poll(&mut Context::from_waker(&waker));
        assert!(!matches!(poll, Poll::Ready(Err(_))));
        drop(future);
        assert!(completer.join().unwrap());
    });
}

#[test]
fn loom_a_callback_that_races_the_result_is_called_once_w2() {
    loom::model(|| {
        let (promise, future) = ConcurrentPromise::new();
        let calls = std::sync::Arc::new(AtomicUsize::new(0));
        let completer = thread::spawn(move || promise.set_result(()).unwrap());
        let count = std::sync::Arc::clone(&calls);
        future.add_done_callback(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        completer.join().unwrap();
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    });
}

/// Each submission finds the worker at another place on its way to sleep.
#[test]
fn loom_a_worker_that_falls_asleep_misses_no_job_w8() {
    loom::model(|| {
        let pool = ThreadPoolExecutor::builder()
            .max_workers(1)
            .build()
            .unwrap();
        let first = pool.submit(|| 1).unwrap();
        let second = pool.submit(|| 2).unwrap();
        assert_eq!(block_on(second).unwrap(), 2);
        assert_eq!(block_on(first).unwrap(), 1);
        pool.shutdown(true, false);
    });
}

/// Two jobs of which one ends only when the other runs: both get a worker.
#[test]
fn loom_two_jobs_get_two_workers_w8() {
    loom::model(|| {
        let pool = ThreadPoolExecutor::builder()
            .max_workers(2)
            .build()
            .unwrap();
        let (promise, mut other) = ConcurrentPromise::new();
        let waits = pool.submit(move || other.result(None).unwrap()).unwrap();
        drop(pool.submit(move || promise.set_result(3)).unwrap());
        assert_eq!(block_on(waits).unwrap(), 3);
        pool.shutdown(true, false);
    });
}

/// A submission that races the end is rejected, or its job ends.
#[test]
fn loom_a_submission_that_races_the_shutdown_is_not_lost_w8() {
    loom::model(|| {
        let pool = Arc::new(
            ThreadPoolExecutor::builder()
                .max_workers(1)
                .build()
                .unwrap(),
        );
        let shared = Arc::clone(&pool);
        let closer = thread::spawn(move || shared.shutdown(false, false));
        if let Ok(future) = pool.submit(|| 5) {
            match block_on(future) {
                Ok(value) => assert_eq!(value, 5),
                Err(error) => assert!(error.is_cancelled()),
            }
        }
        closer.join().unwrap();
        pool.shutdown(true, false);
    });
}
