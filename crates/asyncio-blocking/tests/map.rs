//! `map`: submitted at once, taken in order, one time-out for all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asyncio_blocking::{
    ElasticExecutor, ExecutorExt, JobError, ResultError, SubmitError, ThreadPoolExecutor,
};

const LONG: Duration = Duration::from_secs(20);

fn pool(max_workers: usize) -> ThreadPoolExecutor {
    ThreadPoolExecutor::builder()
        .max_workers(max_workers)
        .build()
        .unwrap()
}

/// Blocks the only worker of a pool until it is dropped.
fn block(pool: &ThreadPoolExecutor) -> Sender<()> {
    let (open, gate) = channel::<()>();
    let (tell, told) = channel();
    drop(
        pool.submit(move || {
            tell.send(()).unwrap();
            let _ = gate.recv_timeout(LONG);
        })
        .unwrap(),
    );
    told.recv_timeout(LONG).unwrap();
    open
}

#[test]
fn results_come_in_the_order_of_the_items() {
    let pool = pool(2);
    let (open, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let done = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&done);
    // The first item ends after all the others.
    let results = pool
        .map(
            move |number| {
                if number == 0 {
                    gate.lock().unwrap().recv_timeout(LONG).unwrap();
                } else if count.fetch_add(1, Ordering::SeqCst) == 8 {
                    open.send(()).unwrap();
                }
                number
            },
            0..10,
            Some(LONG),
        )
        .unwrap();
    assert_eq!(
        results.map(Result::unwrap).collect::<Vec<_>>(),
        (0..10).collect::<Vec<_>>()
    );
    assert_eq!(done.load(Ordering::SeqCst), 9);
}

#[test]
fn all_jobs_are_submitted_before_the_first_result_is_asked_for() {
    let pool = pool(1);
    let open = block(&pool);
    let results = pool.map(|number: u8| number, [1, 2, 3], None).unwrap();
    assert_eq!(pool.metrics().queued, 3);
    assert_eq!(results.size_hint(), (1, Some(3)));
    drop(open);
    assert_eq!(results.map(Result::unwrap).sum::<u8>(), 6);
}

#[test]
fn the_first_error_ends_it_and_cancels_the_rest() {
    let pool = pool(1);
    let open = block(&pool);
    let ran = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&ran);
    let (reached, wait) = channel();
    let (go, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let mut results = pool
        .map(
            move |number| {
                log.lock().unwrap().push(number);
                assert_ne!(number, 1, "a bad number");
                if number == 2 {
                    reached.send(()).unwrap();
                    gate.lock().unwrap().recv_timeout(LONG).unwrap();
                }
            },
            0..5,
            Some(LONG),
        )
        .unwrap();
    drop(open);
    results.next().unwrap().unwrap();
    // 2 runs already when the error of 1 is seen; 3 and 4 have not started.
    wait.recv_timeout(LONG).unwrap();
    assert!(matches!(
        results.next(),
        Some(Err(ResultError::Job(JobError::Panicked(_))))
    ));
    assert!(results.next().is_none());
    go.send(()).unwrap();
    pool.shutdown(true, false);
    assert_eq!(*ran.lock().unwrap(), [0, 1, 2]);
}

#[test]
fn the_time_out_counts_for_all_results_together() {
    let pool = pool(1);
    let open = block(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let mut results = pool
        .map(
            move |_| count.fetch_add(1, Ordering::SeqCst),
            0..3,
            Some(Duration::from_millis(1)),
        )
        .unwrap();
    assert!(matches!(results.next(), Some(Err(ResultError::TimedOut))));
    assert!(results.next().is_none());
    drop(open);
    pool.shutdown(true, false);
    assert_eq!(
        ran.load(Ordering::SeqCst),
        0,
        "what had not started is cancelled"
    );
}

#[test]
fn what_is_there_is_given_even_when_the_time_is_up() {
    let pool = pool(1);
    let results = pool
        .map(|number: u8| number, [7], Some(Duration::ZERO))
        .unwrap();
    pool.shutdown(true, false);
    assert_eq!(results.map(Result::unwrap).collect::<Vec<_>>(), [7]);
}

#[test]
fn dropping_the_results_cancels_what_has_not_started() {
    let pool = pool(1);
    let open = block(&pool);
    let held = Arc::new(());
    let inside = Arc::clone(&held);
    drop(pool.map(move |_| Arc::clone(&inside), 0..3, None).unwrap());
    assert_eq!(Arc::strong_count(&held), 1, "the closures are gone already");
    drop(open);
}

#[test]
fn a_rejection_in_the_middle_cancels_what_came_before() {
    let pool = ThreadPoolExecutor::builder()
        .max_workers(1)
        .max_queue(2)
        .build()
        .unwrap();
    let open = block(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let error = pool
        .map(move |_| count.fetch_add(1, Ordering::SeqCst), 0..3, None)
        .unwrap_err();
    assert!(matches!(error, SubmitError::QueueFull { limit: 2 }));
    drop(open);
    pool.shutdown(true, false);
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

#[test]
fn map_works_on_every_executor() {
    let results = ElasticExecutor
        .map(|number| number + 1, [1, 2, 3], Some(LONG))
        .unwrap();
    assert_eq!(results.map(Result::unwrap).collect::<Vec<_>>(), [2, 3, 4]);
}
