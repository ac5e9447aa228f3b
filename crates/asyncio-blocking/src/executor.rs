//! [`Executor`]: anything that runs jobs in other threads; and what every one of them can do.

use std::sync::Arc;
use std::time::Duration;

use crate::map::Map;
use crate::{ConcurrentFuture, Job, Rejected, SubmitError};

/// Runs jobs, in threads of its own: Python's `concurrent.futures.Executor`.
///
/// The trait is object-safe and has one method, so that an event loop can be given any pool as
/// `Arc<dyn Executor>`; what users call is in [`ExecutorExt`].
///
/// # Examples
///
/// An executor that starts a thread for each job:
///
/// ```
/// use asyncio_blocking::{Executor, ExecutorExt, Job, Rejected};
///
/// struct ThreadEach;
///
/// impl Executor for ThreadEach {
///     fn execute(&self, job: Job) -> Result<(), Rejected> {
///         std::thread::spawn(|| job.run());
///         Ok(())
///     }
/// }
///
/// assert_eq!(ThreadEach.submit(|| 1 + 1)?.result(None)?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Executor: Send + Sync {
    /// Takes `job` over: it will be run, or dropped. Does not block, and does not run it here.
    ///
    /// # Errors
    ///
    /// Gives the job back, and says why it was not taken.
    fn execute(&self, job: Job) -> Result<(), Rejected>;
}

impl<E: Executor + ?Sized> Executor for &E {
    fn execute(&self, job: Job) -> Result<(), Rejected> {
        (**self).execute(job)
    }
}

impl<E: Executor + ?Sized> Executor for Arc<E> {
    fn execute(&self, job: Job) -> Result<(), Rejected> {
        (**self).execute(job)
    }
}

impl<E: Executor + ?Sized> Executor for Box<E> {
    fn execute(&self, job: Job) -> Result<(), Rejected> {
        (**self).execute(job)
    }
}

/// What can be done with every [`Executor`].
pub trait ExecutorExt: Executor {
    /// Has `f` called by a thread of the executor. A panic in it is the future's error.
    ///
    /// # Errors
    ///
    /// When the executor does not take the job: it is shut down, broken, or full. `f` is dropped;
    /// use [`Job::new`] to keep it.
    fn submit<T, F>(&self, f: F) -> Result<ConcurrentFuture<T>, SubmitError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (job, future) = Job::new(f);
        match self.execute(job) {
            Ok(()) => Ok(future),
            Err(rejected) => Err(rejected.into_parts().1),
        }
    }

    /// Has `f` called with each of `items`, all submitted before this returns, and gives the
    /// results in the order of the items, whatever the order in which they are done.
    ///
    /// `timeout` counts from this call, for all results together; `None` waits for ever. See
    /// [`Map`] for what happens at the first error.
    ///
    /// # Errors
    ///
    /// When the executor does not take one of the jobs: those before it are cancelled if they have
    /// not started.
    ///
    /// # Examples
    ///
    /// ```
    /// use asyncio_blocking::{ExecutorExt, ThreadPoolExecutor};
    ///
    /// let pool = ThreadPoolExecutor::new();
    /// let squares: Result<Vec<u32>, _> = pool.map(|n| n * n, 1..=4, None)?.collect();
    /// assert_eq!(squares?, [1, 4, 9, 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn map<A, T, F, I>(
        &self,
        f: F,
        items: I,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Map<T>, SubmitError>
    where
        F: Fn(A) -> T + Send + Sync + 'static,
        I: IntoIterator<Item = A>,
        A: Send + 'static,
        T: Send + 'static,
    {
        let f = Arc::new(f);
        let mut results = Map::new(timeout.into());
        for item in items {
            let f = Arc::clone(&f);
            results.push(self.submit(move || f(item))?);
        }
        Ok(results)
    }
}

impl<E: Executor + ?Sized> ExecutorExt for E {}
