//! `Semaphore` and `BoundedSemaphore`: so many at a time, in order of arrival.
//!
//! | file | idea |
//! |---|---|
//! | [`raw`] | the count, and those who wait |
//! | [`permit`] | permits that somebody has |
//! | [`bounded`] | the semaphore that is never released more often than acquired |

mod bounded;
mod permit;
pub(crate) mod raw;

use std::fmt;
use std::rc::Rc;

use crate::error::{TooManyPermitsError, TryAcquireError};
use raw::RawSemaphore;

pub use bounded::BoundedSemaphore;
pub use permit::{
    AnySemaphorePermit, OwnedSemaphorePermit, SemaphoreAcquire, SemaphorePermit, SemaphoreRef,
};

/// A number of permits, of which each task takes some and gives them back. asyncio's `Semaphore`.
///
/// Who waits gets them in order of arrival; nobody who comes later gets ahead, also not where it
/// asks for fewer. A permit is taken for the one that is woken when it is woken, so it cannot be
/// snatched away.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, yield_now};
/// use asyncio_sync::Semaphore;
/// use std::{cell::Cell, rc::Rc};
///
/// let executor = Executor::new();
/// let two_at_a_time = Rc::new(Semaphore::new(2));
/// let (running, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
/// for _ in 0..10 {
///     let (semaphore, running, most) = (two_at_a_time.clone(), running.clone(), most.clone());
///     executor
///         .create_task(async move {
///             let _permit = semaphore.acquire().await.unwrap();
///             running.set(running.get() + 1);
///             most.set(most.get().max(running.get()));
///             yield_now().await;
///             running.set(running.get() - 1);
///         })
///         .detach();
/// }
/// executor.run_until_stalled();
/// assert_eq!((most.get(), running.get()), (2, 0));
/// ```
pub struct Semaphore {
    raw: RawSemaphore,
}

impl Semaphore {
    /// As many permits as a semaphore can have.
    pub const PERMITS_MAX: usize = usize::MAX;

    /// A semaphore with `permits` permits; asyncio's default is 1.
    #[must_use]
    pub fn new(permits: usize) -> Self {
        Self {
            raw: RawSemaphore::new(permits, Self::PERMITS_MAX),
        }
    }

    /// Waits for a permit, in order of arrival; not at all, not even for a turn, if there is one
    /// and nobody waits.
    ///
    /// # Errors
    /// When the semaphore [is closed](Self::close), before or meanwhile.
    ///
    /// # Cancel safety
    /// Yes: dropped, it gives up its place, and passes on a permit that it was woken for. Who asks
    /// again waits at the tail.
    #[inline]
    pub fn acquire(&self) -> SemaphoreAcquire<&Self> {
        SemaphoreAcquire::of(self, 1)
    }

    /// Waits for `amount` permits, which come all at once. While the one whose turn it is waits
    /// for many, those behind it wait, too. More than there will ever be is waited for for ever.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// Yes, as [`acquire`](Self::acquire).
    #[inline]
    pub fn acquire_many(&self, amount: usize) -> SemaphoreAcquire<&Self> {
        SemaphoreAcquire::of(self, amount)
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

    /// [`acquire_many`](Self::acquire_many) for permits with a reference to the semaphore of their
    /// own.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// Yes, as [`acquire`](Self::acquire).
    #[inline]
    pub fn acquire_many_owned(self: Rc<Self>, amount: usize) -> SemaphoreAcquire<Rc<Self>> {
        SemaphoreAcquire::of(self, amount)
    }

    /// Takes a permit if there is one and nobody waits.
    ///
    /// # Errors
    /// When there is none, or somebody waits, or the semaphore [is closed](Self::close).
    #[inline]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `amount` permits if there are as many and nobody waits.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    #[inline]
    pub fn try_acquire_many(&self, amount: usize) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.raw.try_take(amount)?;
        Ok(AnySemaphorePermit::of(self, amount))
    }

    /// [`try_acquire`](Self::try_acquire) for a permit with a reference to the semaphore of its own.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    pub fn try_acquire_owned(self: Rc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// [`try_acquire_many`](Self::try_acquire_many) for permits with a reference to the semaphore
    /// of their own.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    pub fn try_acquire_many_owned(
        self: Rc<Self>,
        amount: usize,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.raw.try_take(amount)?;
        Ok(AnySemaphorePermit::of(self, amount))
    }

    /// Adds one permit, which the first who waits gets. For permits that were
    /// [forgotten](AnySemaphorePermit::forget); others give themselves back.
    ///
    /// # Errors
    /// When there are `usize::MAX` permits already.
    #[inline]
    pub fn release(&self) -> Result<(), TooManyPermitsError> {
        self.raw.add(1)
    }

    /// Adds permits, which those who wait get first.
    ///
    /// # Errors
    /// When there would be more than `usize::MAX`; then none are added.
    pub fn add_permits(&self, amount: usize) -> Result<(), TooManyPermitsError> {
        self.raw.add(amount)
    }

    /// The permits that nobody has.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.raw.permits()
    }

    /// Whether [`acquire`](Self::acquire) would wait: there is no permit, or others wait.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.raw.locked()
    }

    /// Ends the semaphore: who waits and who comes gets an error. Permits that somebody has, or
    /// was woken for, are not touched.
    pub fn close(&self) {
        self.raw.close();
    }

    /// Whether it was [closed](Self::close).
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.raw.is_closed()
    }

    /// A semaphore that never has more permits than at first.
    fn bounded(permits: usize) -> Self {
        Self {
            raw: RawSemaphore::new(permits, permits),
        }
    }

    fn this(&self) -> &Self {
        self
    }
}

/// asyncio's default: one permit.
impl Default for Semaphore {
    fn default() -> Self {
        Self::new(1)
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Semaphore")
            .field("locked", &self.locked())
            .field("value", &self.available_permits())
            .field("waiters", &self.raw.waiters.len())
            .finish()
    }
}
