//! The process-wide pool. In a process of its own, because it counts threads.

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use asyncio_blocking::{ElasticExecutor, ExecutorExt, JobError, ResultError};

/// Threads of the pool, which have names of their own; how many others there are is the test
/// harness's and a sanitizer's business.
#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with("blocking-"))
        .count()
}

/// Version 1.7.0 of `blocking` never ends a thread. In real time: half a second is the pool's own
/// keep-alive, which cannot be changed; a busy machine may take a minute.
#[cfg(target_os = "linux")]
#[test]
fn idle_threads_end_n17() {
    let together = Arc::new(Barrier::new(8));
    // The pool starts another thread for more than five waiting jobs an idle one; it gets there.
    let futures: Vec<_> = (0..200)
        .map(|number| {
            let together = Arc::clone(&together);
            ElasticExecutor
                .submit(move || {
                    if number < 8 {
                        together.wait();
                    }
                })
                .unwrap()
        })
        .collect();
    for mut future in futures {
        future.result(Some(Duration::from_secs(20))).unwrap();
    }
    let most = threads();
    assert!(most >= 8, "{most} threads");
    let end = Instant::now() + Duration::from_secs(60);
    while threads() > 0 {
        assert!(
            Instant::now() < end,
            "{} threads of {most} are still there",
            threads()
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn panics_reach_the_caller() {
    let mut future = ElasticExecutor.submit(|| panic!("elastic")).unwrap();
    let Err(ResultError::Job(JobError::Panicked(payload))) = future.result(None) else {
        panic!("the panic is lost");
    };
    assert_eq!(payload.into_inner().downcast_ref(), Some(&"elastic"));
}

#[test]
fn jobs_are_awaited_like_any() {
    let future = ElasticExecutor.submit(|| 3).unwrap();
    assert_eq!(futures_lite::future::block_on(future).unwrap(), 3);
}
