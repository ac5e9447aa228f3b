//! The system refuses a thread. In a process of its own, because the second test takes the
//! process's memory limit down.

use std::sync::mpsc::channel;
use std::time::Duration;

use asyncio_blocking::{Executor, ExecutorExt, Job, SubmitError, ThreadPoolExecutor};

const LONG: Duration = Duration::from_secs(20);

/// No worker at all: the job would wait for ever, so it is given back.
#[test]
fn without_any_worker_the_job_is_rejected_with_the_systems_error_n17() {
    // More stack than there are addresses.
    let pool = ThreadPoolExecutor::builder()
        .max_workers(1)
        .stack_size(1 << 50)
        .build()
        .unwrap();
    for _ in 0..3 {
        let (job, mut future) = Job::new(|| "by hand");
        let (job, error) = pool.execute(job).unwrap_err().into_parts();
        assert!(matches!(error, SubmitError::Spawn(_)), "{error:?}");
        assert!(!future.done(), "the job lives");
        job.run();
        assert_eq!(future.result(None).unwrap(), "by hand");
    }
    let metrics = pool.metrics();
    assert_eq!((metrics.threads, metrics.queued), (0, 0));
}

/// One worker, and no second: the job waits for the first.
#[cfg(target_os = "linux")]
#[test]
fn with_a_worker_the_job_waits_for_that_one_n17() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    // Each stack takes 8 GiB of addresses (not of memory).
    let pool = ThreadPoolExecutor::builder()
        .max_workers(2)
        .stack_size(8 << 30)
        .build()
        .unwrap();
    let (open, gate) = channel::<()>();
    let (tell, told) = channel();
    let mut first = pool
        .submit(move || {
            tell.send(()).unwrap();
            gate.recv_timeout(LONG)
        })
        .unwrap();
    told.recv_timeout(LONG).unwrap();

    // From here on there is room for one gigabyte more, not for eight.
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    let page = u64::try_from(rustix::param::page_size()).unwrap();
    let before = getrlimit(Resource::As);
    let limit = Rlimit {
        current: Some(pages * page + (1 << 30)),
        maximum: before.maximum,
    };
    setrlimit(Resource::As, limit).unwrap();
    let second = pool.submit(|| "waited");
    let metrics = pool.metrics();
    setrlimit(Resource::As, before).unwrap();

    let mut second = second.expect("it is taken: there is a worker");
    assert_eq!((metrics.threads, metrics.queued), (1, 1));
    assert!(!second.done());
    open.send(()).unwrap();
    first.result(Some(LONG)).unwrap().unwrap();
    assert_eq!(second.result(Some(LONG)).unwrap(), "waited");
}
