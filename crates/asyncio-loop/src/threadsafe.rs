//! The handle to a loop for other threads.

use std::fmt;
use std::future::Future;

use asyncio_blocking::{ConcurrentFuture, ConcurrentPromise};
use asyncio_executor::{Closed, Door, ThreadsafeHandle};

use crate::current::get_running_loop;
use crate::relay::relay;

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
        let door = self.door.clone();
        self.door.call_soon_threadsafe(move || {
            if promise.reference().cancelled() {
                return;
            }
            let running = get_running_loop();
            // A panic in making the future is the future's, as one in running it.
            let task = running.create_task(async move { coroutine().await });
            relay(running.inner(), door, task, promise);
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
