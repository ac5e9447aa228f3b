//! The end of a pool: what still runs, what is cancelled, who waits for whom.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use asyncio_blocking::{ConcurrentFuture, ExecutorExt, SubmitError, ThreadPoolExecutor};
use futures_lite::future::{block_on, poll_once};

const LONG: Duration = Duration::from_secs(20);

fn pool(max_workers: usize) -> ThreadPoolExecutor {
    ThreadPoolExecutor::builder()
        .max_workers(max_workers)
        .build()
        .unwrap()
}

/// A job that has started and ends when the sender is dropped.
fn blocker(pool: &ThreadPoolExecutor) -> (Sender<()>, ConcurrentFuture<()>) {
    let (open, gate) = channel::<()>();
    let (tell, told) = channel();
    let future = pool
        .submit(move || {
            tell.send(()).unwrap();
            let _ = gate.recv_timeout(LONG);
        })
        .unwrap();
    told.recv_timeout(LONG).unwrap();
    (open, future)
}

#[test]
fn a_job_after_the_shutdown_is_rejected_n17() {
    let pool = pool(1);
    pool.submit(|| ()).unwrap().result(None).unwrap();
    pool.shutdown(true, false);
    let error = pool.submit(|| ()).unwrap_err();
    assert!(matches!(error, SubmitError::ShutDown));
    assert_eq!(
        error.to_string(),
        "cannot schedule new futures after shutdown"
    );
    assert_eq!(pool.metrics().threads, 0);
}

#[test]
fn a_pool_that_was_never_used_shuts_down() {
    let pool = pool(1);
    pool.shutdown(true, true);
    pool.shutdown(true, false);
    assert!(pool.submit(|| ()).is_err());
    block_on(pool.wait_closed());
}

#[test]
fn what_waits_is_still_run() {
    let pool = pool(1);
    let (open, _running) = blocker(&pool);
    let futures: Vec<_> = (0..100)
        .map(|number| pool.submit(move || number).unwrap())
        .collect();
    pool.shutdown(false, false);
    drop(open);
    pool.shutdown(true, false);
    for (number, mut future) in futures.into_iter().enumerate() {
        assert!(future.done());
        assert_eq!(future.result(None).unwrap(), number);
    }
}

#[test]
fn cancel_futures_cancels_what_waits_and_lets_the_running_end() {
    let pool = pool(1);
    let (open, mut running) = blocker(&pool);
    let cancelled = Arc::new(AtomicUsize::new(0));
    let futures: Vec<_> = (0..100)
        .map(|_| {
            let future = pool.submit(|| ()).unwrap();
            let cancelled = Arc::clone(&cancelled);
            future.add_done_callback(move |future| {
                cancelled.fetch_add(usize::from(future.cancelled()), Ordering::SeqCst);
            });
            future
        })
        .collect();
    pool.shutdown(false, true);
    assert!(futures.iter().all(ConcurrentFuture::cancelled));
    assert_eq!(cancelled.load(Ordering::SeqCst), 100);
    assert!(running.running());
    drop(open);
    running.result(Some(LONG)).unwrap();
    pool.shutdown(true, true);
}

#[test]
fn a_second_shutdown_may_ask_for_more() {
    let pool = pool(1);
    let (open, _running) = blocker(&pool);
    let waiting = pool.submit(|| ()).unwrap();
    pool.shutdown(false, false);
    assert!(!waiting.done());
    pool.shutdown(false, true);
    assert!(waiting.cancelled());
    drop(open);
}

#[test]
fn idle_workers_end_at_the_shutdown() {
    let pool = pool(3);
    let blockers: Vec<_> = (0..3).map(|_| blocker(&pool)).collect();
    assert_eq!(pool.metrics().threads, 3);
    for (open, mut running) in blockers {
        drop(open);
        running.result(Some(LONG)).unwrap();
    }
    pool.shutdown(true, false);
    assert_eq!(pool.metrics().threads, 0);
}

#[test]
fn many_threads_may_wait_for_the_end() {
    let pool = Arc::new(pool(2));
    let (open, _running) = blocker(&pool);
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || pool.shutdown(true, false))
        })
        .collect();
    drop(open);
    for waiter in waiters {
        waiter.join().unwrap();
    }
    assert_eq!(pool.metrics().threads, 0);
}

#[test]
fn the_end_can_be_awaited() {
    let pool = pool(1);
    let (open, _running) = blocker(&pool);
    block_on(async {
        assert!(
            poll_once(pool.wait_closed()).await.is_none(),
            "it is not shut down"
        );
        pool.shutdown(false, false);
        assert!(poll_once(pool.wait_closed()).await.is_none(), "a job runs");
        drop(open);
        pool.wait_closed().await;
    });
    assert_eq!(pool.metrics().threads, 0);
}

#[test]
fn dropping_a_pool_waits_for_its_jobs() {
    let done = Arc::new(Mutex::new(Vec::new()));
    let pool = pool(1);
    let (open, _running) = blocker(&pool);
    for number in 0..10 {
        let done = Arc::clone(&done);
        drop(
            pool.submit(move || done.lock().unwrap().push(number))
                .unwrap(),
        );
    }
    let dropper = thread::spawn(move || drop(pool));
    drop(open);
    dropper.join().unwrap();
    assert_eq!(*done.lock().unwrap(), (0..10).collect::<Vec<_>>());
}

#[test]
fn dropping_a_pool_that_was_shut_down_does_not_wait() {
    let pool = pool(1);
    let (open, mut running) = blocker(&pool);
    pool.shutdown(false, false);
    drop(pool);
    // Had the drop waited, the job would have ended by its own time-out.
    assert!(running.running());
    drop(open);
    running.result(Some(LONG)).unwrap();
}

#[test]
fn a_pool_can_be_dropped_by_its_own_worker() {
    let pool = Arc::new(pool(2));
    let (open, gate) = channel::<()>();
    let (tell, told) = channel();
    let last = Arc::clone(&pool);
    let mut future = pool
        .submit(move || {
            gate.recv_timeout(LONG).unwrap();
            let queued = last.submit(move || tell.send(()).unwrap()).unwrap();
            assert_eq!(Arc::strong_count(&last), 1);
            drop(last);
            drop(queued);
        })
        .unwrap();
    drop(pool);
    open.send(()).unwrap();
    future
        .result(Some(LONG))
        .expect("the drop did not wait for its own thread");
    told.recv_timeout(LONG).expect("what waited is still run");
}

#[test]
fn a_worker_may_shut_its_own_pool_down() {
    let pool = Arc::new(pool(1));
    let inner = Arc::clone(&pool);
    let mut future = pool.submit(move || inner.shutdown(true, false)).unwrap();
    future.result(Some(LONG)).unwrap();
    pool.shutdown(true, false);
    assert!(pool.submit(|| ()).is_err());
}

/// Submitting while the pool is shut down: each job is either rejected, or it ends.
#[test]
fn a_job_that_races_the_shutdown_is_run_or_rejected() {
    for round in 0..100 {
        let pool = Arc::new(pool(2));
        let submitters: Vec<_> = (0..2)
            .map(|_| {
                let pool = Arc::clone(&pool);
                thread::spawn(move || {
                    let mut accepted = Vec::new();
                    while let Ok(future) = pool.submit(|| ()) {
                        accepted.push(future);
                    }
                    accepted
                })
            })
            .collect();
        if round % 2 == 0 {
            thread::yield_now();
        }
        pool.shutdown(true, round % 3 == 0);
        for submitter in submitters {
            for future in submitter.join().unwrap() {
                assert!(future.wait(Some(LONG)), "round {round}: a job was lost");
            }
        }
        assert_eq!(pool.metrics().threads, 0);
        assert_eq!(pool.metrics().queued, 0);
    }
}
