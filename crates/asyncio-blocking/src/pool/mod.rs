//! [`ThreadPoolExecutor`]: a bounded pool of named threads.
//!
//! `builder` says what the pool shall be; `crew` is the pool and what its handle does; `summon` is
//! how workers come to jobs, `search` how a worker comes by its next job; `worker` is a thread's
//! main function.

mod builder;
mod crew;
mod search;
mod summon;
mod worker;

use std::fmt;
use std::sync::Arc;

pub use self::builder::{ConfigError, ThreadPoolBuilder};
use self::crew::Crew;
use crate::sync::thread;
use crate::{Executor, Job, Rejected};

/// A bounded pool of named threads: Python's `concurrent.futures.ThreadPoolExecutor`.
///
/// A job that is submitted is taken by an idle worker; only if there is none, and there are fewer
/// than `max_workers`, a thread is started; otherwise the job waits in one first-in-first-out
/// queue. Which worker takes it, and in which order jobs end, is not promised. A worker that has
/// had nothing to do for `keep_alive` ends.
///
/// Before it sleeps, one idle worker of a pool looks out for the next job for some 20 µs (not on a
/// machine with one processor). This is why a chain of short jobs needs no system call, and costs
/// at most that much processor time each time the pool runs dry.
///
/// # Dropping
///
/// Dropping it does what leaving Python's `with` does: `shutdown(true, false)`. It blocks until
/// every job that was submitted has run. Not so
/// * if [`shutdown`](Self::shutdown) was called before: then that call has decided, and dropping
///   does not wait;
/// * in one of the pool's own workers (the last `Arc` of it was owned by a job): waiting would be
///   for oneself. The workers end when the queue is empty.
///
/// # Examples
///
/// ```
/// use asyncio_blocking::{ExecutorExt, ThreadPoolExecutor};
///
/// let pool = ThreadPoolExecutor::builder().max_workers(2).thread_name_prefix("io").build()?;
/// let name = pool.submit(|| std::thread::current().name().map(str::to_owned))?.result(None)?;
/// assert_eq!(name.as_deref(), Some("io_0"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ThreadPoolExecutor {
    crew: Arc<Crew>,
}

impl ThreadPoolExecutor {
    /// A pool with the default settings of [`ThreadPoolBuilder`]. No thread is started before the
    /// first job.
    #[must_use]
    pub fn new() -> Self {
        Self {
            crew: Crew::new(builder::Settings::default()),
        }
    }

    /// A pool with settings that make sense.
    fn with(settings: builder::Settings) -> Self {
        Self {
            crew: Crew::new(settings),
        }
    }

    /// To choose the settings.
    pub fn builder() -> ThreadPoolBuilder {
        ThreadPoolBuilder::default()
    }

    /// Takes no more jobs.
    ///
    /// Those that wait are still run, or, with `cancel_futures`, cancelled. With `wait`, blocks
    /// until all threads of the pool have ended; in one of these threads it does not wait, since
    /// that would be for ever. May be called again, with other arguments.
    ///
    /// In a task of an event loop use `shutdown(false, …)` and then
    /// [`wait_closed`](Self::wait_closed).
    pub fn shutdown(&self, wait: bool, cancel_futures: bool) {
        self.crew.close(cancel_futures);
        if wait && !self.crew.is_ours(&thread::current()) {
            self.crew.wait_closed();
        }
    }

    /// Waits until the pool has been shut down and all its threads have ended. It does not shut it
    /// down.
    ///
    /// # Cancel safety
    ///
    /// Safe: it only watches.
    ///
    /// # Examples
    ///
    /// ```
    /// use asyncio_blocking::{ExecutorExt, ThreadPoolExecutor};
    ///
    /// # futures_lite::future::block_on(async {
    /// let pool = ThreadPoolExecutor::new();
    /// let last = pool.submit(|| "runs")?;
    /// pool.shutdown(false, false);
    /// assert!(pool.submit(|| "does not").is_err());
    /// pool.wait_closed().await;
    /// assert_eq!(last.await?, "runs");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn wait_closed(&self) {
        while let Some(listener) = self.crew.listen_closed() {
            listener.await;
        }
    }

    /// What the pool is doing at this moment.
    #[must_use]
    pub fn metrics(&self) -> PoolMetrics {
        self.crew.metrics()
    }
}

impl Executor for ThreadPoolExecutor {
    fn execute(&self, job: Job) -> Result<(), Rejected> {
        self.crew.submit(job)
    }
}

impl Default for ThreadPoolExecutor {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for ThreadPoolExecutor {
    fn drop(&mut self) {
        if !self.crew.is_closed_by_user() {
            self.shutdown(true, false);
        }
    }
}

impl fmt::Debug for ThreadPoolExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPoolExecutor")
            .field("metrics", &self.metrics())
            .finish()
    }
}

/// What a [`ThreadPoolExecutor`] is doing. Each number is true at its moment, the four are not of
/// one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolMetrics {
    /// As many threads as there may be.
    pub max_workers: usize,
    /// Threads that there are.
    pub threads: usize,
    /// Those that have nothing to do.
    pub idle: usize,
    /// Jobs that no thread has taken yet.
    pub queued: usize,
}
