//! The initializer: called once by each thread; when it fails, the pool is broken.

use std::cell::Cell;
use std::convert::Infallible;
use std::error::Error;
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use asyncio_blocking::{ExecutorExt, JobError, ResultError, SubmitError, ThreadPoolExecutor};

const LONG: Duration = Duration::from_secs(20);
const MESSAGE: &str = "a thread initializer failed, the thread pool is not usable anymore";

#[test]
fn each_thread_is_initialized_once_before_its_first_job() {
    thread_local! { static CALLS: Cell<u32> = const { Cell::new(0) }; }
    let threads = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&threads);
    let pool = ThreadPoolExecutor::builder()
        .max_workers(2)
        .initializer(move || {
            CALLS.set(CALLS.get() + 1);
            count.fetch_add(1, Ordering::SeqCst);
            Ok::<(), Infallible>(())
        })
        .build()
        .unwrap();
    for _ in 0..10 {
        let both_here = Arc::new(Barrier::new(2));
        let futures = [(); 2].map(|()| {
            let both_here = Arc::clone(&both_here);
            pool.submit(move || {
                both_here.wait();
                CALLS.get()
            })
            .unwrap()
        });
        for mut future in futures {
            assert_eq!(future.result(Some(LONG)).unwrap(), 1);
        }
    }
    assert_eq!(threads.load(Ordering::SeqCst), 2);
}

/// What a failed initializer leaves behind, whether it returned an error or panicked.
fn assert_breaks(fail: impl Fn() -> Result<(), String> + Send + Sync + 'static, cause: &str) {
    let (open, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let pool = ThreadPoolExecutor::builder()
        .max_workers(1)
        .initializer(move || {
            gate.lock()
                .unwrap()
                .recv_timeout(LONG)
                .map_err(|error| error.to_string())?;
            fail()
        })
        .build()
        .unwrap();
    // Three jobs wait behind the initializer.
    let futures: Vec<_> = (0..3)
        .map(|number| pool.submit(move || number).unwrap())
        .collect();
    open.send(()).unwrap();
    for mut future in futures {
        let Err(ResultError::Job(JobError::Broken(broken))) = future.result(Some(LONG)) else {
            panic!("a job of a broken pool must fail");
        };
        assert_eq!(broken.to_string(), format!("{MESSAGE}: {cause}"));
        assert_eq!(broken.source().unwrap().to_string(), cause);
        assert!(!future.cancelled());
    }
    let error = pool.submit(|| ()).unwrap_err();
    assert!(matches!(error, SubmitError::Broken(_)), "{error:?}");
    assert!(error.to_string().starts_with(MESSAGE));
    pool.shutdown(true, false);
    assert!(matches!(
        pool.submit(|| ()).unwrap_err(),
        SubmitError::Broken(_)
    ));
    assert_eq!(pool.metrics().threads, 0);
}

#[test]
fn a_failing_initializer_breaks_the_pool_n17() {
    assert_breaks(|| Err("no database".into()), "no database");
}

#[test]
fn a_panicking_initializer_breaks_the_pool_n17() {
    assert_breaks(|| panic!("no {}", "luck"), "it panicked: no luck");
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("of the payload");
        }
    }
}

#[test]
fn an_initializer_whose_panic_panics_when_it_is_dropped_breaks_the_pool_w11() {
    assert_breaks(|| panic_any(Bomb), "it panicked: (no message)");
}

#[test]
fn a_job_that_runs_when_the_pool_breaks_ends_as_usual() {
    let calls = AtomicUsize::new(0);
    let pool = ThreadPoolExecutor::builder()
        .max_workers(2)
        .initializer(move || match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(()),
            _ => Err("only one"),
        })
        .build()
        .unwrap();
    let (open, gate) = channel::<()>();
    let (tell, told) = channel();
    let mut running = pool
        .submit(move || {
            tell.send(()).unwrap();
            gate.recv_timeout(LONG)
        })
        .unwrap();
    told.recv_timeout(LONG).unwrap();
    let mut second = pool.submit(|| ()).unwrap();
    assert!(matches!(
        second.result(Some(LONG)),
        Err(ResultError::Job(JobError::Broken(_)))
    ));
    open.send(()).unwrap();
    running.result(Some(LONG)).unwrap().unwrap();
}

/// A panic in lazy initialization leaves what is not touched by it working: another pool.
#[test]
fn a_broken_pool_can_be_replaced_r1() {
    let calls = Arc::new(AtomicUsize::new(0));
    let build = || {
        let calls = Arc::clone(&calls);
        ThreadPoolExecutor::builder()
            .initializer(move || -> Result<(), Infallible> {
                assert!(calls.fetch_add(1, Ordering::SeqCst) > 0, "the first time");
                Ok(())
            })
            .build()
            .unwrap()
    };
    assert!(build().submit(|| ()).unwrap().result(Some(LONG)).is_err());
    assert_eq!(build().submit(|| 1).unwrap().result(Some(LONG)).unwrap(), 1);
}
