//! [`ConcurrentFuture`]: a result that another thread is going to provide.

mod calls;
mod cell;
mod packet;
mod promise;

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

pub(crate) use self::packet::{Packet, Runnable, Runner, Shared, Typed};
pub use self::promise::ConcurrentPromise;
use crate::{JobError, ResultError};

/// A done-callback.
pub(crate) type Callback = Box<dyn FnOnce(&ConcurrentFutureRef) + Send>;

/// The result of a job that runs in another thread: Python's `concurrent.futures.Future`.
///
/// It can be waited for in both worlds: [`result`](Self::result) blocks the thread, `.await`
/// suspends the task. It is a unique handle, because a value in Rust has one owner: the value
/// goes to the first `result` or `await` that sees it, what comes later gets
/// [`JobError::Taken`]. [`reference`](Self::reference) gives as many [`ConcurrentFutureRef`]s as
/// one wants, which can do everything but take the value.
///
/// Dropping it does *not* cancel the job, as in Python: it runs, and its value is dropped by
/// whoever lets go of it last, usually the worker. A panic of its destructor is reported by the
/// panic hook and goes no further. Call [`cancel`](Self::cancel) first if it shall not run.
///
/// # Cancel safety
///
/// Dropping the `await` (or `&mut future` in a `select`) loses nothing: the future can be awaited
/// again, by another task too; the last one that polled is woken. The job is not cancelled.
///
/// # Examples
///
/// ```
/// use asyncio_blocking::{ExecutorExt, ThreadPoolExecutor};
///
/// let pool = ThreadPoolExecutor::new();
/// let mut sum = pool.submit(|| (1..=10).sum::<u32>())?;
/// assert_eq!(sum.result(None)?, 55); // blocks this thread
///
/// let product = pool.submit(|| (1..=5).product::<u32>())?;
/// let product = futures_lite::future::block_on(product); // suspends this task
/// assert_eq!(product?, 120);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a job's error, and its panic, is only seen by whoever asks for its result"]
pub struct ConcurrentFuture<T> {
    packet: Arc<dyn Typed<T>>,
    /// `Send` and `Sync` as a lock around the value would be.
    value: PhantomData<Mutex<T>>,
}

impl<T: Send + 'static> ConcurrentFuture<T> {
    pub(crate) fn new(packet: Arc<dyn Typed<T>>) -> Self {
        Self {
            packet,
            value: PhantomData,
        }
    }

    /// Blocks this thread until the job is done and takes its value. `None` waits for ever, as
    /// does a time that is too long to be counted; zero does not wait.
    ///
    /// Never call it in a task of an event loop: use `.await` there. In a job of the same pool it
    /// blocks a worker, and if all workers wait in this way for jobs that are queued behind them,
    /// they wait for ever (as in Python).
    ///
    /// # Errors
    ///
    /// [`ResultError::TimedOut`] if it is not done in time: it goes on, and `result` may be called
    /// again. Otherwise [`ResultError::Job`]: the job was cancelled, it panicked, its pool broke,
    /// or the value has been taken already.
    pub fn result(&mut self, timeout: impl Into<Option<Duration>>) -> Result<T, ResultError> {
        self.wait(timeout);
        // After a time-out too: the job may have ended since.
        match self.packet.cell().take() {
            Some(outcome) => Ok(outcome?),
            None => Err(ResultError::TimedOut),
        }
    }

    /// Blocks this thread until the job is done or the time is up (`None`: for ever); returns
    /// whether it is done. The value stays where it is.
    pub fn wait(&self, timeout: impl Into<Option<Duration>>) -> bool {
        wait(&*self.packet, timeout.into())
    }

    /// Asks that the job shall not run. True if it will not: it had not started, or was cancelled
    /// before. False if it is running or done: it cannot be stopped then.
    ///
    /// The closure of a cancelled job is dropped here and now, and the done-callbacks are called
    /// by this thread.
    pub fn cancel(&self) -> bool {
        shared(&self.packet).cancel()
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.packet.phase() == cell::Phase::Cancelled
    }

    /// Whether the job is being run at this moment.
    #[must_use]
    pub fn running(&self) -> bool {
        self.packet.phase() == cell::Phase::Running
    }

    /// Whether it is cancelled or finished.
    #[must_use]
    pub fn done(&self) -> bool {
        self.packet.phase().is_done()
    }

    /// Calls `callback` when the job is done or cancelled: in the thread that completes or cancels
    /// it, in the order of adding, after blocked threads and the awaiting task were woken. If that
    /// is past, `callback` is called before this returns, by this thread.
    ///
    /// Callbacks are not called inside each other: one that becomes due while this thread calls
    /// another is called after that has returned.
    ///
    /// A panic in `callback` is reported by the panic hook and goes no further.
    pub fn add_done_callback(&self, callback: impl FnOnce(&ConcurrentFutureRef) + Send + 'static) {
        shared(&self.packet).add_done_callback(Box::new(callback));
    }

    /// A reference to this future that does not own the value.
    #[must_use]
    pub fn reference(&self) -> ConcurrentFutureRef {
        ConcurrentFutureRef::new(shared(&self.packet))
    }
}

impl<T: Send + 'static> Future for ConcurrentFuture<T> {
    type Output = Result<T, JobError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.packet.cell().poll(cx.waker())
    }
}

impl<T> fmt::Debug for ConcurrentFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrentFuture")
            .field("state", &self.packet.phase())
            .finish()
    }
}

/// A reference to a [`ConcurrentFuture`] of any type: asks, cancels, waits, but does not own the
/// value.
#[derive(Clone)]
pub struct ConcurrentFutureRef {
    packet: Arc<dyn Shared>,
}

impl ConcurrentFutureRef {
    pub(crate) fn new(packet: Arc<dyn Shared>) -> Self {
        Self { packet }
    }

    /// As [`ConcurrentFuture::wait`].
    pub fn wait(&self, timeout: impl Into<Option<Duration>>) -> bool {
        wait(&*self.packet, timeout.into())
    }

    /// As [`ConcurrentFuture::cancel`].
    pub fn cancel(&self) -> bool {
        Arc::clone(&self.packet).cancel()
    }

    /// As [`ConcurrentFuture::cancelled`].
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.packet.phase() == cell::Phase::Cancelled
    }

    /// As [`ConcurrentFuture::running`].
    #[must_use]
    pub fn running(&self) -> bool {
        self.packet.phase() == cell::Phase::Running
    }

    /// As [`ConcurrentFuture::done`].
    #[must_use]
    pub fn done(&self) -> bool {
        self.packet.phase().is_done()
    }

    /// As [`ConcurrentFuture::add_done_callback`].
    pub fn add_done_callback(&self, callback: impl FnOnce(&Self) + Send + 'static) {
        Arc::clone(&self.packet).add_done_callback(Box::new(callback));
    }
}

impl fmt::Debug for ConcurrentFutureRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrentFutureRef")
            .field("state", &self.packet.phase())
            .finish()
    }
}

/// The view of a packet that does not know the value's type.
fn shared<T: 'static>(packet: &Arc<dyn Typed<T>>) -> Arc<dyn Shared> {
    Arc::<dyn Typed<T>>::clone(packet)
}

fn wait(packet: &(impl Shared + ?Sized), timeout: Option<Duration>) -> bool {
    // A deadline that the clock cannot express is no deadline.
    packet.wait_until(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
}
