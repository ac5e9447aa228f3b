//! [`ConcurrentPromise`]: the producing half of a [`ConcurrentFuture`] that no executor fills.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::{ConcurrentFuture, ConcurrentFutureRef, Packet, Shared};
use crate::{JobError, JobPanic};

/// The producing half of a [`ConcurrentFuture`]: whoever holds it owes the result.
///
/// For what is computed elsewhere than in a pool, such as a coroutine on the loop of another
/// thread. Dropping it without a result cancels the future, so that nobody waits in vain.
///
/// # Examples
///
/// ```
/// use asyncio_blocking::ConcurrentPromise;
///
/// let (promise, mut future) = ConcurrentPromise::new();
/// std::thread::spawn(move || promise.set_result(6 * 7));
/// assert_eq!(future.result(None)?, 42);
/// # Ok::<(), asyncio_blocking::ResultError>(())
/// ```
#[must_use = "dropping a promise cancels its future"]
pub struct ConcurrentPromise<T: Send + 'static> {
    packet: Arc<Packet<T, ()>>,
}

impl<T: Send + 'static> ConcurrentPromise<T> {
    /// A promise and its future.
    pub fn new() -> (Self, ConcurrentFuture<T>) {
        let packet = Packet::new(());
        (
            Self {
                packet: Arc::clone(&packet),
            },
            ConcurrentFuture::new(packet),
        )
    }

    /// Says that work begins. False if the future has been cancelled: then do not begin. After
    /// `true` it cannot be cancelled any more. Saying it again changes nothing.
    ///
    /// A promise that never says it can be cancelled until it is fulfilled.
    #[must_use = "if this is false, nobody wants the result any more"]
    pub fn set_running_or_notify_cancel(&self) -> bool {
        self.packet.start()
    }

    /// The value. Wakes and calls everybody who waits, in this thread, before it returns.
    ///
    /// # Errors
    ///
    /// Gives the value back if the future was cancelled.
    pub fn set_result(self, value: T) -> Result<(), T> {
        match self.packet.finish(Ok(value)) {
            Err(Ok(value)) => Err(value),
            _ => Ok(()),
        }
    }

    /// The error, for instance [`JobError::Cancelled`]. Wakes and calls everybody who waits.
    ///
    /// # Errors
    ///
    /// Gives the error back if the future was cancelled.
    pub fn set_error(self, error: JobError) -> Result<(), JobError> {
        match self.packet.finish(Err(error)) {
            Err(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// What the work panicked with.
    ///
    /// # Errors
    ///
    /// Gives the payload back if the future was cancelled.
    pub fn set_panic(
        self,
        payload: Box<dyn Any + Send + 'static>,
    ) -> Result<(), Box<dyn Any + Send + 'static>> {
        match self.set_error(JobError::Panicked(JobPanic::new(payload))) {
            Err(JobError::Panicked(panic)) => Err(panic.into_inner()),
            _ => Ok(()),
        }
    }

    /// A reference to the future, for instance to be told by a done-callback that it is cancelled.
    #[must_use]
    pub fn reference(&self) -> ConcurrentFutureRef {
        ConcurrentFutureRef::new(Arc::clone(&self.packet) as Arc<dyn Shared>)
    }
}

impl<T: Send + 'static> Drop for ConcurrentPromise<T> {
    fn drop(&mut self) {
        // Refused if there is a result: then all is well.
        let _ = self.packet.finish(Err(JobError::Cancelled));
    }
}

impl<T: Send + 'static> fmt::Debug for ConcurrentPromise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrentPromise")
            .field("state", &self.packet.phase())
            .finish()
    }
}
