//! Panics in every place where foreign code is called: each has one defined outcome, and the
//! worker goes on (W11, N17).

use std::future::Future;
use std::panic::panic_any;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use asyncio_blocking::{
    ConcurrentPromise, Executor, ExecutorExt, Job, JobError, ResultError, ThreadPoolExecutor,
};

const LONG: Option<Duration> = Some(Duration::from_secs(20));

/// Panics when it is dropped.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("{}", self.0);
        }
    }
}

/// Panics when it is dropped, with a payload that panics when it is dropped, …
struct Chain;

impl Drop for Chain {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic_any(Self);
        }
    }
}

/// One worker, so that what comes next shows whether it has survived.
fn pool() -> ThreadPoolExecutor {
    ThreadPoolExecutor::builder()
        .max_workers(1)
        .build()
        .unwrap()
}

#[track_caller]
fn assert_alive(pool: &ThreadPoolExecutor) {
    assert_eq!(
        pool.submit(|| "alive").unwrap().result(LONG).unwrap(),
        "alive"
    );
    assert_eq!(pool.metrics().threads, 1);
}

#[test]
fn a_panic_in_a_job_is_returned_to_the_caller_n17() {
    let pool = pool();
    let mut future = pool
        .submit(|| -> u8 { panic!("of job {}", Arc::new(1)) })
        .unwrap();
    let Err(ResultError::Job(JobError::Panicked(payload))) = future.result(LONG) else {
        panic!("the panic is lost");
    };
    assert_eq!(payload.message().unwrap(), "of job 1");
    assert_alive(&pool);
}

#[test]
fn a_panic_can_be_awaited_w11() {
    let pool = pool();
    let future = pool.submit(|| panic_any(42_u64)).unwrap();
    let error = futures_lite::future::block_on(future).unwrap_err();
    assert_eq!(error.to_string(), "the job panicked: (no message)");
    let payload = error.into_panic().unwrap().into_inner();
    assert_eq!(payload.downcast_ref(), Some(&42_u64));
    assert_alive(&pool);
}

#[test]
fn a_panic_in_a_callback_stops_neither_the_others_nor_the_worker_w11() {
    let pool = pool();
    let (open, gate) = channel::<()>();
    let (tell, told) = channel();
    let future = pool
        .submit(move || gate.recv_timeout(LONG.unwrap()))
        .unwrap();
    future.add_done_callback(|_| panic!("of the callback"));
    future.add_done_callback(|_| panic_any(Chain));
    future.add_done_callback(move |_| tell.send(()).unwrap());
    open.send(()).unwrap();
    told.recv_timeout(LONG.unwrap()).unwrap();
    assert_alive(&pool);
}

#[test]
fn a_panic_in_a_late_callback_does_not_reach_the_caller_w11() {
    let (promise, future) = ConcurrentPromise::new();
    promise.set_result(()).unwrap();
    future.add_done_callback(|_| panic!("of the late callback"));
}

#[test]
fn a_panic_in_the_destructor_of_an_unwanted_result_stops_nobody_w11() {
    let pool = pool();
    drop(pool.submit(|| Bomb("of the result")).unwrap());
    assert_alive(&pool);
    drop(pool.submit(|| Chain).unwrap());
    assert_alive(&pool);

    // Whether the worker or the future's owner lets go of it last is chance, and not seen.
    let future = pool.submit(|| Bomb("of the finished result")).unwrap();
    assert!(future.wait(LONG));
    assert_alive(&pool);
    drop(future);
}

#[test]
fn a_panic_in_the_destructor_of_a_cancelled_closure_stops_nobody_w11() {
    let pool = pool();
    let (open, gate) = channel::<()>();
    let blocker = pool
        .submit(move || gate.recv_timeout(LONG.unwrap()))
        .unwrap();
    let bomb = Bomb("of the closure");
    let future = pool.submit(move || std::mem::forget(bomb)).unwrap();
    assert!(future.cancel());
    open.send(()).unwrap();
    drop(blocker);
    assert_alive(&pool);

    let bomb = Bomb("of the dropped job");
    drop(Job::new(move || std::mem::forget(bomb)).0);
}

#[test]
fn a_panicking_waker_does_not_stop_the_worker_w11() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("of the waker");
        }
    }

    let pool = pool();
    let (open, gate) = channel::<()>();
    let (tell, told) = channel();
    let future = pool
        .submit(move || gate.recv_timeout(LONG.unwrap()))
        .unwrap();
    future.add_done_callback(move |_| tell.send(()).unwrap());
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Panics));
    assert!(
        future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    open.send(()).unwrap();
    told.recv_timeout(LONG.unwrap())
        .expect("callbacks are called all the same");
    assert!(
        future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    );
    assert_alive(&pool);
}

#[test]
fn a_job_run_by_hand_does_not_panic_w11() {
    struct Here;
    impl Executor for Here {
        fn execute(&self, job: Job) -> Result<(), asyncio_blocking::Rejected> {
            job.run();
            Ok(())
        }
    }
    let mut future = Here.submit(|| panic!("of the job")).unwrap();
    assert!(matches!(
        future.result(LONG),
        Err(ResultError::Job(JobError::Panicked(_)))
    ));
}
