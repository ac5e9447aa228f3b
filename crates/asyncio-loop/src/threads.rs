//! Blocking jobs on other threads: `run_in_executor`, `to_thread`, and the default executor.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use asyncio_blocking::{
    ConcurrentFuture, Executor, Job, JobError, SubmitError, ThreadPoolBuilder, ThreadPoolExecutor,
};
use asyncio_executor::{SendContext, Task, raise_cancelled};
use pin_project_lite::pin_project;

use crate::current::get_running_loop;
use crate::loop_ref::LoopRef;
use crate::sleep::sleep;
use crate::watch;

/// How long `asyncio.run` gives the threads of the default executor to end: 300 s, asyncio's
/// `THREAD_JOIN_TIMEOUT`. For [`LoopRef::shutdown_default_executor`].
pub const THREAD_JOIN_TIMEOUT: Duration = Duration::from_secs(300);

/// How the default executor was shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "threads may be left running"]
pub enum ShutdownOutcome {
    /// All its jobs are done and its threads have ended, or it had never been used.
    Complete,
    /// The time was up before. asyncio warns in that case; what is left goes on by itself.
    TimedOut {
        /// Threads that had not ended.
        threads: usize,
        /// Jobs that no thread had begun.
        queued: usize,
    },
}

/// The default executor was shut down ([`LoopRef::shutdown_default_executor`]) and takes no jobs
/// any more. It is inside [`SubmitError::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultExecutorShutDown;

impl std::fmt::Display for DefaultExecutorShutDown {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("executor shutdown has been called")
    }
}

impl std::error::Error for DefaultExecutorShutDown {}

/// Settings of the default executor: `min(32, processors + 4)` threads called `asyncio_N`.
pub(crate) fn default_executor() -> ThreadPoolBuilder {
    ThreadPoolExecutor::builder().thread_name_prefix("asyncio")
}

impl LoopRef {
    /// Has `f` called by a thread of `executor`, or of the loop's default executor for `None`, and
    /// returns the task of its result, to be awaited, gathered or shielded like every other.
    ///
    /// The job is handed over at once, not at the task's first step. Context variables declared
    /// with [`ContextVar::shared`](asyncio_executor::ContextVar::shared) are carried over.
    ///
    /// Cancelling the task cancels the job if it has not started; its closure is dropped here
    /// then. A job that runs is not interrupted, and its result is dropped. A panic of the job is
    /// the task's panic ([`TaskError::Panicked`](asyncio_executor::TaskError)), and so is, with a
    /// message, the failure of the executor's initializer before the job started. A job that its
    /// executor cancels ends the task as cancelled.
    ///
    /// The default executor is made when it is first used: a [`ThreadPoolExecutor`] with
    /// `min(32, processors + 4)` threads called `asyncio_N`.
    ///
    /// # Errors
    /// When the executor does not take the job: shut down, full, or no thread can be started. With
    /// [`DefaultExecutorShutDown`] inside [`SubmitError::Other`] after
    /// [`shutdown_default_executor`](Self::shutdown_default_executor), or with an
    /// [`io::Error`](std::io::Error) on a closed loop. `f` is dropped.
    ///
    /// # Examples
    /// ```
    /// use asyncio_loop::{EventLoop, get_running_loop};
    ///
    /// let event_loop = EventLoop::new()?;
    /// let size = event_loop.run_until_complete(async {
    ///     let read = || std::fs::read("Cargo.toml");
    ///     let task = get_running_loop().run_in_executor(None, read)?;
    ///     std::io::Result::Ok(task.await??.len())
    /// })??;
    /// assert!(size > 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn run_in_executor<T, F>(
        &self,
        executor: Option<&dyn Executor>,
        f: F,
    ) -> Result<Task<T>, SubmitError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let result = self.submit(executor, f)?;
        Ok(self.create_task(Value::new(result)))
    }

    /// Turns the result of a job of another thread into a task of this loop, as asyncio's
    /// `wrap_future`: cancelling the task cancels the job if it has not started.
    ///
    /// It ends like a task of [`run_in_executor`](Self::run_in_executor); a future whose value
    /// has been taken makes it panic.
    #[track_caller]
    pub fn wrap_future<T: Send + 'static>(&self, future: ConcurrentFuture<T>) -> Task<T> {
        self.create_task(Value::new(Waiting::new(future)))
    }

    /// Makes `executor` what [`run_in_executor`](Self::run_in_executor) and [`to_thread`] use,
    /// instead of the loop's own; takes one by value or in an `Arc`. The loop shuts it down when
    /// it closes, without waiting.
    ///
    /// The executor before goes on with the jobs that it has; nobody waits for it.
    pub fn set_default_executor(&self, executor: impl Into<Arc<ThreadPoolExecutor>>) {
        self.inner().default_executor.replace(executor.into());
        if self.is_closed() {
            self.inner().default_executor.close(false);
        }
    }

    /// Shuts the default executor down and waits until its jobs are done and its threads have
    /// ended, at most for `timeout`; `None` waits for ever. The facade's `run` gives
    /// [`THREAD_JOIN_TIMEOUT`].
    ///
    /// From the first poll on, the default executor takes no jobs any more; executors that are
    /// named explicitly are not concerned.
    ///
    /// # Panics
    /// When polled outside a running loop, with a timeout.
    ///
    /// # Cancel safety
    /// Yes: it only waits, and can be called again. The executor stays shut down.
    pub async fn shutdown_default_executor(
        &self,
        timeout: impl Into<Option<Duration>>,
    ) -> ShutdownOutcome {
        self.inner().default_executor_shut_down.set(true);
        let Some(pool) = self.inner().default_executor.existing() else {
            return ShutdownOutcome::Complete;
        };
        pool.shutdown(false, false);
        let mut ended = pin!(pool.wait_closed());
        let mut time = pin!(timeout.into().map(sleep));
        std::future::poll_fn(|cx| {
            if ended.as_mut().poll(cx).is_ready() {
                return Poll::Ready(ShutdownOutcome::Complete);
            }
            let is_up = |time: Pin<&mut _>| Future::poll(time, cx).is_ready();
            if !time.as_mut().as_pin_mut().is_some_and(is_up) {
                return Poll::Pending;
            }
            let left = pool.metrics();
            Poll::Ready(ShutdownOutcome::TimedOut {
                threads: left.threads,
                queued: left.queued,
            })
        })
        .await
    }

    /// Hands a job over.
    fn submit<T, F>(&self, executor: Option<&dyn Executor>, f: F) -> Result<Waiting<T>, SubmitError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        watch::refuse_closed(self.inner()).map_err(|error| SubmitError::Other(error.into()))?;
        match SendContext::current() {
            None => self.execute(executor, Job::new(f)),
            Some(context) => self.execute(executor, Job::new(move || context.run(f))),
        }
    }

    fn execute<T: Send + 'static>(
        &self,
        executor: Option<&dyn Executor>,
        (job, future): (Job, ConcurrentFuture<T>),
    ) -> Result<Waiting<T>, SubmitError> {
        let inner = self.inner();
        let taken = match executor {
            Some(executor) => executor.execute(job),
            None if inner.default_executor_shut_down.get() => {
                return Err(SubmitError::Other(DefaultExecutorShutDown.into()));
            }
            None => inner.default_executor.execute(job),
        };
        match taken {
            Ok(()) => {
                inner.lookout.arm();
                Ok(Waiting::new(future))
            }
            Err(rejected) => Err(rejected.into_parts().1),
        }
    }
}

/// Has `f` called by a thread of the running loop's default executor, and waits for its value.
///
/// Nothing happens before the first poll. Context variables declared with
/// [`ContextVar::shared`](asyncio_executor::ContextVar::shared) are carried over. A job that the
/// executor cancels ends the code around as cancelled.
///
/// # Errors
/// When the executor does not take the job, or its initializer fails before the job starts: see
/// [`LoopRef::run_in_executor`].
///
/// # Panics
/// Goes on with a panic of `f`. When polled outside a running loop.
///
/// # Cancel safety
/// No: the value is lost. A job that has not started is cancelled, one that runs goes on to its
/// end and its value is dropped.
///
/// # Examples
/// ```
/// use asyncio_loop::{EventLoop, to_thread};
///
/// let event_loop = EventLoop::new()?;
/// let hosts = event_loop.run_until_complete(to_thread(|| std::fs::read("/etc/hosts")))?;
/// assert!(hosts?.is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn to_thread<T, F>(f: F) -> Result<T, SubmitError>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let result = get_running_loop().submit(None, f)?;
    match result.await {
        Ok(value) => Ok(value),
        Err(JobError::Broken(broken)) => Err(SubmitError::Broken(broken)),
        Err(error) => end(error).await,
    }
}

/// Turns the result of a job of another thread into a task of the running loop; see
/// [`LoopRef::wrap_future`].
///
/// # Panics
/// Outside a running loop.
#[track_caller]
pub fn wrap_future<T: Send + 'static>(future: ConcurrentFuture<T>) -> Task<T> {
    get_running_loop().wrap_future(future)
}

pin_project! {
    /// The result of a job, for who waits for it. Dropped before the job's end it cancels the job,
    /// if that has not started.
    pub(crate) struct Waiting<T>
    where
        T: Send,
        T: 'static,
    {
        #[pin]
        future: ConcurrentFuture<T>,
        done: bool,
    }

    impl<T> PinnedDrop for Waiting<T>
    where
        T: Send,
        T: 'static,
    {
        fn drop(this: Pin<&mut Self>) {
            if !this.done {
                this.future.cancel();
            }
        }
    }
}

impl<T: Send + 'static> Waiting<T> {
    pub(crate) fn new(future: ConcurrentFuture<T>) -> Self {
        Self {
            future,
            done: false,
        }
    }
}

impl<T: Send + 'static> Future for Waiting<T> {
    type Output = Result<T, JobError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.future.poll(cx);
        *this.done = polled.is_ready();
        polled
    }
}

pin_project! {
    /// What a task of a job does: waits, and ends as the job has ended. Written by hand because it
    /// is moved twice on its way into its task: an `async fn` would be three times as large.
    struct Value<T>
    where
        T: Send,
        T: 'static,
    {
        #[pin]
        result: Waiting<T>,
        // How the task ends when the job gave no value, which is rare.
        end: Option<Pin<Box<dyn Future<Output = T>>>>,
    }
}

impl<T: Send + 'static> Value<T> {
    fn new(result: Waiting<T>) -> Self {
        Self { result, end: None }
    }
}

impl<T: Send + 'static> Future for Value<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.project();
        if this.end.is_none() {
            match ready!(this.result.poll(cx)) {
                Ok(value) => return Poll::Ready(value),
                Err(error) => *this.end = Some(Box::pin(end(error))),
            }
        }
        match this.end {
            Some(end) => end.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

/// Ends the code around as the job has ended, which gave no value.
async fn end<T>(error: JobError) -> T {
    match error {
        JobError::Cancelled => raise_cancelled(None).await,
        // Its own thread has called the panic hook.
        JobError::Panicked(panic) => panic.resume(),
        other => resume_unwind(Box::new(other.to_string())),
    }
}
