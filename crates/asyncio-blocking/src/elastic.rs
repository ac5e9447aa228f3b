//! [`ElasticExecutor`]: the process-wide pool of the `blocking` crate.

use crate::{Executor, Job, Rejected};

/// The pool of the `blocking` crate, which the whole process shares: it grows with its queue up
/// to 500 threads (the variable `BLOCKING_MAX_THREADS`, read once, says otherwise: 1 to 10,000),
/// its threads are called `blocking-N` and end after half a second without work.
///
/// Choose it for short waits on files, and for libraries that must not own threads: it needs no
/// shutting down, and it cannot be shut down. It starts another thread only when more than five
/// jobs wait for each idle one, so a job may stand behind a long one; where each must start at
/// once, or be bounded, named or waited for at the end, use a
/// [`ThreadPoolExecutor`](crate::ThreadPoolExecutor).
///
/// It rejects nothing. Its queue has no limit, which is the `blocking` crate's decision; if the
/// system refuses it a thread, jobs wait for the threads that it has.
///
/// # Examples
///
/// ```
/// use asyncio_blocking::{ElasticExecutor, ExecutorExt};
///
/// let pool = ElasticExecutor; // there is one: it has no state, and no `new`
/// let pi = pool.submit(|| std::f64::consts::PI)?;
/// assert!(futures_lite::future::block_on(pi)? > 3.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ElasticExecutor;

impl Executor for ElasticExecutor {
    fn execute(&self, job: Job) -> Result<(), Rejected> {
        blocking::unblock(move || job.run()).detach();
        Ok(())
    }
}
