//! `ThreadPoolExecutor` at work: which threads there are, what they are called, what waits.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use asyncio_blocking::{
    ConcurrentFuture, ConfigError, Executor, ExecutorExt, Job, ResultError, SubmitError,
    ThreadPoolExecutor,
};

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

fn name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

/// Ends with the thread that has called `watch`.
struct EndOfThread(Sender<()>);

impl Drop for EndOfThread {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// A channel that is told when the calling thread ends.
fn watch(tell: Sender<()>) {
    thread_local! {
        static END: std::cell::RefCell<Option<EndOfThread>> = const { std::cell::RefCell::new(None) };
    }
    END.with(|end| *end.borrow_mut() = Some(EndOfThread(tell)));
}

#[test]
fn no_thread_is_started_before_the_first_job() {
    let pool = ThreadPoolExecutor::new();
    let metrics = pool.metrics();
    assert_eq!((metrics.threads, metrics.idle, metrics.queued), (0, 0, 0));
    let processors = thread::available_parallelism().unwrap().get();
    assert_eq!(metrics.max_workers, (processors + 4).min(32));
}

#[test]
fn a_thread_is_started_only_when_no_worker_is_idle() {
    let pool = pool(8);
    for round in 0..100 {
        pool.submit(move || round)
            .unwrap()
            .result(Some(LONG))
            .unwrap();
        // The worker is idle a moment after it has completed its job.
        let end = Instant::now() + LONG;
        while pool.metrics().idle == 0 {
            assert!(Instant::now() < end, "the worker does not come back");
            thread::yield_now();
        }
    }
    assert_eq!(pool.metrics().threads, 1);
}

#[test]
fn as_many_jobs_run_at_once_as_there_may_be_workers() {
    let pool = pool(4);
    let all_here = Arc::new(Barrier::new(5));
    let futures: Vec<_> = (0..4)
        .map(|_| {
            let all_here = Arc::clone(&all_here);
            pool.submit(move || {
                all_here.wait();
                name()
            })
            .unwrap()
        })
        .collect();
    assert_eq!(pool.metrics().threads, 4);
    // Returns only if all four run at the same time.
    all_here.wait();
    let names: BTreeSet<_> = futures
        .into_iter()
        .map(|mut future| future.result(Some(LONG)).unwrap())
        .collect();
    assert_eq!(names.len(), 4);
}

#[test]
fn no_more_threads_than_allowed_and_jobs_wait_in_order() {
    let pool = pool(1);
    let (open, _running) = blocker(&pool);
    let (tell, told) = channel();
    let futures: Vec<_> = (0..10)
        .map(|number| {
            let tell = tell.clone();
            pool.submit(move || tell.send(number).unwrap()).unwrap()
        })
        .collect();
    let metrics = pool.metrics();
    assert_eq!((metrics.threads, metrics.idle, metrics.queued), (1, 0, 10));
    assert!(
        futures
            .iter()
            .all(|future| !future.running() && !future.done())
    );
    drop((open, tell));
    assert_eq!(told.iter().collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
}

#[test]
fn threads_are_named_after_the_prefix_and_their_number() {
    let pool = ThreadPoolExecutor::builder()
        .thread_name_prefix("disk")
        .build()
        .unwrap();
    let (_open, _running) = blocker(&pool);
    let mut second = pool.submit(name).unwrap();
    assert_eq!(second.result(Some(LONG)).unwrap(), "disk_1");
}

#[test]
fn pools_without_a_prefix_are_numbered() {
    let names = [pool(1), pool(1)].map(|pool| pool.submit(name).unwrap().result(None).unwrap());
    let numbers = names.map(|name| {
        let (pool, thread) = name
            .strip_prefix("ThreadPoolExecutor-")
            .unwrap()
            .split_once('_')
            .unwrap();
        assert_eq!(thread, "0");
        pool.parse::<usize>().unwrap()
    });
    assert!(numbers[0] < numbers[1]);
    let unnamed = ThreadPoolExecutor::new()
        .submit(name)
        .unwrap()
        .result(None)
        .unwrap();
    assert!(unnamed.starts_with("ThreadPoolExecutor-"), "{unnamed}");
}

#[test]
fn a_queued_job_can_be_cancelled_a_running_one_cannot_n17() {
    let pool = pool(1);
    let (open, mut running) = blocker(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let queued = pool
        .submit(move || count.fetch_add(1, Ordering::SeqCst))
        .unwrap();
    assert!(running.running() && !running.cancel());
    assert!(queued.cancel() && queued.cancelled());
    drop(open);
    running.result(Some(LONG)).unwrap();
    pool.submit(|| ()).unwrap().result(Some(LONG)).unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert!(!running.cancelled());
}

#[test]
fn dropping_a_future_does_not_cancel_its_job() {
    let pool = pool(1);
    let (open, _running) = blocker(&pool);
    let (tell, told) = channel();
    drop(pool.submit(move || tell.send(()).unwrap()).unwrap());
    drop(open);
    told.recv_timeout(LONG).unwrap();
}

#[test]
fn a_full_queue_rejects_and_gives_the_job_back() {
    let pool = ThreadPoolExecutor::builder()
        .max_workers(1)
        .max_queue(2)
        .build()
        .unwrap();
    let (open, _running) = blocker(&pool);
    let waiting = [pool.submit(|| 1).unwrap(), pool.submit(|| 2).unwrap()];
    let (job, mut future) = Job::new(|| 3);
    let rejected = pool.execute(job).unwrap_err();
    assert!(matches!(
        rejected.error(),
        SubmitError::QueueFull { limit: 2 }
    ));
    assert_eq!(
        rejected.to_string(),
        "the queue is full: 2 jobs are waiting"
    );
    rejected.into_parts().0.run();
    assert_eq!(future.result(None).unwrap(), 3);
    drop(open);
    for (mut future, value) in waiting.into_iter().zip([1, 2]) {
        assert_eq!(future.result(Some(LONG)).unwrap(), value);
    }
    assert_eq!(
        pool.submit(|| 4).unwrap().result(Some(LONG)).unwrap(),
        4,
        "there is room again"
    );
}

#[test]
fn senseless_settings_are_errors() {
    let error = ThreadPoolExecutor::builder()
        .max_workers(0)
        .build()
        .unwrap_err();
    assert_eq!(error, ConfigError::MaxWorkers);
    assert_eq!(error.to_string(), "max_workers must be greater than 0");
    let error = ThreadPoolExecutor::builder()
        .max_queue(0)
        .build()
        .unwrap_err();
    assert_eq!(error, ConfigError::MaxQueue);
    let error = ThreadPoolExecutor::builder()
        .thread_name_prefix("a\0b")
        .build()
        .unwrap_err();
    assert_eq!(error, ConfigError::ThreadNamePrefix);
}

#[test]
fn idle_threads_end_and_their_numbers_are_used_again_n17() {
    let pool = ThreadPoolExecutor::builder()
        .max_workers(3)
        .thread_name_prefix("idle")
        .keep_alive(Duration::from_millis(1))
        .build()
        .unwrap();
    let (tell, told): (Sender<()>, Receiver<()>) = channel();
    for _round in 0..3 {
        let both_here = Arc::new(Barrier::new(2));
        let futures = [(); 2].map(|()| {
            let (both_here, tell) = (Arc::clone(&both_here), tell.clone());
            pool.submit(move || {
                watch(tell);
                both_here.wait();
                name()
            })
            .unwrap()
        });
        let names: BTreeSet<_> = futures
            .map(|mut future| future.result(Some(LONG)).unwrap())
            .into_iter()
            .collect();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["idle_0", "idle_1"]);
        // Not before both threads have ended by themselves.
        told.recv_timeout(LONG).unwrap();
        told.recv_timeout(LONG).unwrap();
        assert_eq!(pool.metrics().threads, 0);
    }
}

#[test]
fn a_pool_whose_threads_end_at_once_loses_no_job() {
    let pool = ThreadPoolExecutor::builder()
        .max_workers(2)
        .keep_alive(Duration::ZERO)
        .build()
        .unwrap();
    for round in 0..500 {
        let mut future = pool.submit(move || round).unwrap();
        assert_eq!(future.result(Some(LONG)).unwrap(), round);
    }
}

#[test]
fn a_stray_unpark_does_not_confuse_a_sleeping_worker() {
    let pool = pool(1);
    let worker = pool
        .submit(thread::current)
        .unwrap()
        .result(Some(LONG))
        .unwrap();
    for round in 0..200 {
        worker.unpark();
        let (mut future, again) = (pool.submit(move || round).unwrap(), worker.clone());
        again.unpark();
        assert_eq!(future.result(Some(LONG)).unwrap(), round);
    }
    assert_eq!(pool.metrics().threads, 1);
}

#[test]
fn a_hundred_thousand_jobs_from_four_threads_all_run() {
    let pool = Arc::new(pool(4));
    let ran = Arc::new(AtomicUsize::new(0));
    let submitters: Vec<_> = (0..4)
        .map(|_| {
            let (pool, ran) = (Arc::clone(&pool), Arc::clone(&ran));
            thread::spawn(move || {
                let futures: Vec<_> = (0..25_000)
                    .map(|_| {
                        let ran = Arc::clone(&ran);
                        pool.submit(move || ran.fetch_add(1, Ordering::Relaxed))
                            .unwrap()
                    })
                    .collect();
                for mut future in futures {
                    future.result(Some(LONG)).unwrap();
                }
            })
        })
        .collect();
    for submitter in submitters {
        submitter.join().unwrap();
    }
    assert_eq!(ran.load(Ordering::Relaxed), 100_000);
    assert_eq!(pool.metrics().queued, 0);
}

/// asyncio's `run_in_executor` passes any executor on: the trait is object-safe.
#[test]
fn a_pool_can_be_used_through_the_trait() {
    let executor: Arc<dyn Executor> = Arc::new(pool(1));
    assert_eq!(executor.submit(|| 5).unwrap().result(None).unwrap(), 5);
    let boxed: Box<dyn Executor> = Box::new(Arc::clone(&executor));
    assert_eq!(boxed.submit(|| 6).unwrap().result(None).unwrap(), 6);
}

#[test]
fn a_job_may_submit_to_its_own_pool() {
    let pool = Arc::new(pool(1));
    let inner = Arc::clone(&pool);
    let mut outer = pool
        .submit(move || inner.submit(|| "inner").unwrap())
        .unwrap();
    let mut inner = outer.result(Some(LONG)).unwrap();
    assert_eq!(inner.result(Some(LONG)).unwrap(), "inner");
    assert!(matches!(
        inner.result(Some(LONG)),
        Err(ResultError::Job(asyncio_blocking::JobError::Taken))
    ));
}
