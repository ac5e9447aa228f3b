//! The semaphore that is never released more often than acquired.

use std::fmt;
use std::rc::Rc;

use crate::error::{TooManyPermitsError, TryAcquireError};
use crate::semaphore::{AnySemaphorePermit, Semaphore, SemaphoreAcquire};

/// A [`Semaphore`] that never has more permits than at first. asyncio's
/// `BoundedSemaphore`: it finds the release that is one too many.
///
/// # Examples
/// ```
/// use asyncio_sync::{BoundedSemaphore, TooManyPermitsError};
///
/// let semaphore = BoundedSemaphore::new(1);
/// semaphore.try_acquire()?.forget();
/// assert!(semaphore.locked());
/// assert_eq!(semaphore.release(), Ok(()));
/// assert_eq!(semaphore.release(), Err(TooManyPermitsError));
/// # Ok::<(), asyncio_sync::TryAcquireError>(())
/// ```
pub struct BoundedSemaphore {
    semaphore: Semaphore,
}

impl BoundedSemaphore {
    /// A semaphore with `permits` permits, and never more; asyncio's default is 1.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        Self {
            semaphore: Semaphore::bounded(permits),
        }
    }

    /// Waits for a permit: [`Semaphore::acquire`].
    ///
    /// # Errors
    /// When the semaphore [is closed](Self::close), before or meanwhile.
    ///
    /// # Cancel safety
    /// Yes: dropped, it gives up its place, and passes on a permit that it was woken for.
    #[inline]
    pub fn acquire(&self) -> SemaphoreAcquire<&Self> {
        SemaphoreAcquire::of(self, 1)
    }

    /// [`acquire`](Self::acquire) for a permit with a reference to the semaphore of its own.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// Yes, as [`acquire`](Self::acquire).
    #[inline]
    pub fn acquire_owned(self: Rc<Self>) -> SemaphoreAcquire<Rc<Self>> {
        SemaphoreAcquire::of(self, 1)
    }

    /// Takes a permit if there is one and nobody waits.
    ///
    /// # Errors
    /// When there is none, or somebody waits, or the semaphore [is closed](Self::close).
    #[inline]
    pub fn try_acquire(&self) -> Result<AnySemaphorePermit<&Self>, TryAcquireError> {
        self.semaphore.raw.try_take(1)?;
        Ok(AnySemaphorePermit::of(self, 1))
    }

    /// [`try_acquire`](Self::try_acquire) for a permit with a reference to the semaphore of its own.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    pub fn try_acquire_owned(
        self: Rc<Self>,
    ) -> Result<AnySemaphorePermit<Rc<Self>>, TryAcquireError> {
        self.semaphore.raw.try_take(1)?;
        Ok(AnySemaphorePermit::of(self, 1))
    }

    /// Adds the permit that somebody has [forgotten](AnySemaphorePermit::forget); the first who
    /// waits gets it.
    ///
    /// # Errors
    /// When as many are free as there were at first.
    #[inline]
    pub fn release(&self) -> Result<(), TooManyPermitsError> {
        self.semaphore.release()
    }

    /// The permits that nobody has.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.semaphore.available_permits()
    }

    /// Whether [`acquire`](Self::acquire) would wait: there is no permit, or others wait.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.semaphore.locked()
    }

    /// Ends the semaphore: [`Semaphore::close`].
    pub fn close(&self) {
        self.semaphore.close();
    }

    /// Whether it was [closed](Self::close).
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.semaphore.is_closed()
    }

    pub(super) fn inner(&self) -> &Semaphore {
        &self.semaphore
    }
}

/// asyncio's default: one permit.
impl Default for BoundedSemaphore {
    fn default() -> Self {
        Self::new(1)
    }
}

impl fmt::Debug for BoundedSemaphore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BoundedSemaphore")
            .field("locked", &self.locked())
            .field("value", &self.available_permits())
            .field("waiters", &self.semaphore.raw.waiters.len())
            .finish()
    }
}
