//! The handle to a loop for other threads.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use asyncio_blocking::{ConcurrentFuture, ConcurrentPromise, JobError};
use asyncio_executor::{Closed, Door, TaskError, TaskFuture, TaskRef, ThreadsafeHandle};

use crate::current::get_running_loop;

/// The way into a loop from any thread: `Send`, `Sync`, and cheap to clone. It may outlive the
/// loop; every call is refused then.
#[derive(Clone)]
pub struct LoopHandle {
    door: Door,
}

impl LoopHandle {
    pub(crate) fn new(door: Door) -> Self {
        Self { door }
    }

    /// Has `callback` called on the loop's thread, in order of the calls of this thread, and
    /// wakes the loop if it sleeps: at most one system call for any number of calls.
    ///
    /// # Errors
    /// [`Closed`] when the loop is closed. A callback that was accepted and has not run when the
    /// loop closes is dropped on the loop's thread.
    pub fn call_soon_threadsafe(
        &self,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<ThreadsafeHandle, Closed> {
        self.door.call_soon_threadsafe(callback)
    }

    /// Has the loop run the future that `coroutine` makes there, and returns a future that any
    /// thread can wait for. The future itself need not be `Send`: it is made on the loop's thread.
    ///
    /// Cancelling the returned future cancels the task. A task that is cancelled by somebody else,
    /// or whose loop is closed, cancels the returned future.
    ///
    /// # Errors
    /// [`Closed`] when the loop is closed.
    ///
    /// # Examples
    /// ```
    /// use asyncio_loop::{EventLoop, sleep};
    /// use std::time::Duration;
    ///
    /// let event_loop = EventLoop::new()?;
    /// let handle = event_loop.handle();
    /// let thread = std::thread::spawn(move || {
    ///     let coroutine = || async {
    ///         sleep(Duration::from_millis(1)).await;
    ///         6 * 7
    ///     };
    ///     let answer = handle.run_coroutine_threadsafe(coroutine).unwrap().result(None).unwrap();
    ///     handle.stop().unwrap();
    ///     answer
    /// });
    /// event_loop.run_forever()?;
    /// assert_eq!(thread.join().unwrap(), 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run_coroutine_threadsafe<C, F>(
        &self,
        coroutine: C,
    ) -> Result<ConcurrentFuture<F::Output>, Closed>
    where
        C: FnOnce() -> F + Send + 'static,
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        let (promise, future) = ConcurrentPromise::new();
        self.door.call_soon_threadsafe(move || {
            let running = get_running_loop();
            // A panic in making the future is the future's, as one in running it.
            let task = running.create_task(async move { coroutine().await });
            let relay = Relay {
                task: task.task_ref(),
                end: Some(task.into_future()),
                promise: Some(promise),
                watching: false,
            };
            running.create_task(relay).detach();
        })?;
        Ok(future)
    }

    /// Ends the loop's run after its current turn: [`LoopRef::stop`](crate::LoopRef::stop).
    ///
    /// # Errors
    /// [`Closed`] when the loop is closed.
    pub fn stop(&self) -> Result<(), Closed> {
        self.door
            .call_soon_threadsafe(|| get_running_loop().stop())
            .map(drop)
    }

    /// Whether the loop has been closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.door.is_closed()
    }
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LoopHandle")
            .field("closed", &self.is_closed())
            .finish()
    }
}

/// Carries a task's outcome to another thread, and a cancellation back.
struct Relay<T: Send + 'static> {
    /// What a cancellation is passed on to.
    task: TaskRef,
    /// Gone when the outcome was carried over.
    end: Option<TaskFuture<T>>,
    promise: Option<ConcurrentPromise<T>>,
    /// Whether a cancellation will wake us.
    watching: bool,
}

impl<T: Send + 'static> Future for Relay<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let (Some(end), Some(promise)) = (&mut this.end, &this.promise) else {
            return Poll::Ready(());
        };
        let reference = promise.reference();
        let Poll::Ready(outcome) = Pin::new(end).poll(cx) else {
            // Woken by the task's end, or by the cancellation; the first poll asks for that.
            if reference.cancelled() {
                if this.task.cancelling() == 0 {
                    this.task.cancel();
                }
            } else if !std::mem::replace(&mut this.watching, true) {
                let waker = cx.waker().clone();
                reference.add_done_callback(move |_| waker.wake());
            }
            return Poll::Pending;
        };
        this.end = None;
        if let Some(promise) = this.promise.take() {
            // Refused if the future was cancelled: nobody waits for the outcome then.
            let _ = match outcome {
                Ok(value) => promise.set_result(value).map_err(drop),
                Err(TaskError::Cancelled(_)) => {
                    promise.set_error(JobError::Cancelled).map_err(drop)
                }
                Err(TaskError::Panicked(payload)) => {
                    promise.set_panic(payload.into_inner()).map_err(drop)
                }
            };
        }
        Poll::Ready(())
    }
}
