//! [`Job`]: what an executor is given to run, once.

use std::fmt;
use std::sync::Arc;

use crate::JobError;
use crate::future::{ConcurrentFuture, ConcurrentFutureRef, Packet, Runnable, Runner, Typed};

/// One piece of work for an [`Executor`](crate::Executor), and the duty to run it.
///
/// A job that is dropped without having been run cancels its future, so that nobody waits for it
/// in vain. It is one allocation, which it shares with its future.
#[must_use = "dropping a job without running it cancels its future"]
pub struct Job {
    /// `None` once it was run or failed.
    packet: Option<Arc<dyn Runnable>>,
}

impl Job {
    /// A job that calls `f`, and the future of its value.
    ///
    /// This is what [`submit`](crate::ExecutorExt::submit) does before it hands the job over. Do
    /// it yourself if you want the job back when it is rejected.
    ///
    /// # Examples
    ///
    /// ```
    /// use asyncio_blocking::{Executor, Job, ThreadPoolExecutor};
    ///
    /// let pool = ThreadPoolExecutor::new();
    /// let (job, mut future) = Job::new(|| "done");
    /// if let Err(rejected) = pool.execute(job) {
    ///     rejected.into_parts().0.run(); // then this thread does it
    /// }
    /// assert_eq!(future.result(None)?, "done");
    /// # Ok::<(), asyncio_blocking::ResultError>(())
    /// ```
    pub fn new<T, F>(f: F) -> (Self, ConcurrentFuture<T>)
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let packet = Packet::new(f);
        let future = ConcurrentFuture::new(Arc::clone(&packet) as Arc<dyn Typed<T>>);
        (
            Self {
                packet: Some(packet),
            },
            future,
        )
    }

    /// Runs it in this thread, unless it was cancelled; completes its future. Never panics: a
    /// panic of the closure becomes the future's error, one of a waker, done-callback or
    /// destructor is reported by the panic hook.
    pub fn run(self) {
        self.run_by(&());
    }

    /// As `run`, by somebody who wants to know how far it is.
    pub(crate) fn run_by(mut self, runner: &dyn Runner) {
        if let Some(packet) = self.packet.take() {
            packet.run(runner);
        }
    }

    /// Ends it without running it: its future fails with `error`.
    pub fn fail(mut self, error: JobError) {
        if let Some(packet) = self.packet.take() {
            packet.fail(error);
        }
    }

    /// Whether its future was cancelled: running it would do nothing.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.reference().is_some_and(|future| future.cancelled())
    }

    /// Something by which this job is known again, also when it has changed hands.
    pub(crate) fn claim(&self) -> Claim {
        Claim(self.packet.clone())
    }

    fn reference(&self) -> Option<ConcurrentFutureRef> {
        self.packet
            .as_ref()
            .map(|packet| ConcurrentFutureRef::new(Arc::clone(packet) as _))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if let Some(packet) = self.packet.take() {
            packet.fail(JobError::Cancelled);
        }
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("future", &self.reference())
            .finish()
    }
}

/// Knows a job again. Keeps its allocation alive, so that no other job can stand at its address.
pub(crate) struct Claim(Option<Arc<dyn Runnable>>);

impl Claim {
    pub(crate) fn is_for(&self, job: &Job) -> bool {
        match (&self.0, &job.packet) {
            (Some(one), Some(other)) => Arc::as_ptr(one).addr() == Arc::as_ptr(other).addr(),
            _ => false,
        }
    }
}
