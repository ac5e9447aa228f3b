//! `Lock`: one at a time, in order of arrival.
//!
//! | file | idea |
//! |---|---|
//! | [`raw`] | who holds it, and who waits |
//! | [`guard`] | the value while it is held |
//!
//! The value moves into the guard and back: so a guard may be owned, and needs no unsafe code.

mod guard;
mod raw;

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::claim::Request;
use crate::error::{NotAcquiredError, TryLockError};
use crate::waiters::Ticket;
use raw::{Held, RawLock};

pub use guard::{AnyLockGuard, LockGuard, LockRef, OwnedLockGuard};

/// Protects what tasks of one thread share over an `await`. asyncio's `Lock`.
///
/// It is held by a guard, which derefs to the value (`()`, where the lock protects something
/// outside) and releases when it is dropped. Who waits gets it in order of arrival. A release wakes
/// the one who has waited longest, and nobody gets ahead of it until it has run: there is no
/// barging. It is not re-entrant, and belongs to no task: any may release what another has
/// [forgotten](AnyLockGuard::forget).
///
/// The value moves into the guard and back, so box a large one.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, yield_now};
/// use asyncio_sync::Lock;
/// use std::rc::Rc;
///
/// let executor = Executor::new();
/// let balance = Rc::new(Lock::new(0));
/// let deposits: Vec<_> = (1..=3)
///     .map(|amount| {
///         let balance = Rc::clone(&balance);
///         executor.create_task(async move {
///             let mut balance = balance.acquire().await;
///             let before = *balance;
///             yield_now().await; // nobody else changes it meanwhile
///             *balance = before + amount;
///         })
///     })
///     .collect();
/// executor.run_until_stalled();
/// assert!(deposits.iter().all(|task| task.done()));
/// assert_eq!(*balance.try_acquire().unwrap(), 6);
/// ```
pub struct Lock<T = ()> {
    raw: RawLock,
    /// `None` while a guard has it.
    value: Cell<Option<T>>,
}

impl<T> Lock<T> {
    /// A lock that is free.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self {
            raw: RawLock::default(),
            value: Cell::new(Some(value)),
        }
    }

    /// Waits until the lock is free and everybody who came before has had it, and takes it.
    /// Does not wait, not even for a turn, when it is free and nobody waits.
    ///
    /// # Cancel safety
    /// Yes: dropped, it gives up its place, and passes on a wake-up that it has had. Who asks again
    /// waits at the tail.
    #[inline]
    pub fn acquire(&self) -> LockAcquire<&Self> {
        LockAcquire::of(self)
    }

    /// [`acquire`](Self::acquire) for a guard that owns a reference to the lock: it can be kept
    /// in a struct, or moved into a task.
    ///
    /// # Cancel safety
    /// Yes, as [`acquire`](Self::acquire).
    ///
    /// # Examples
    /// ```
    /// use asyncio_executor::Executor;
    /// use asyncio_sync::{Lock, OwnedLockGuard};
    /// use std::rc::Rc;
    ///
    /// let executor = Executor::new();
    /// let lock = Rc::new(Lock::new(vec![1]));
    /// let guard: OwnedLockGuard<_> =
    ///     executor.run_until_complete(Rc::clone(&lock).acquire_owned()).unwrap();
    /// let task = executor.create_task(async move { guard.len() });
    /// assert_eq!(executor.run_until_complete(task).unwrap().unwrap(), 1);
    /// ```
    #[inline]
    pub fn acquire_owned(self: Rc<Self>) -> LockAcquire<Rc<Self>> {
        LockAcquire::of(self)
    }

    /// Takes the lock if it is free and nobody waits for it.
    ///
    /// # Errors
    /// When somebody holds it, or waits for it.
    #[inline]
    pub fn try_acquire(&self) -> Result<LockGuard<'_, T>, TryLockError> {
        self.raw.try_take()?;
        Ok(AnyLockGuard::of(self))
    }

    /// [`try_acquire`](Self::try_acquire) for a guard that owns a reference to the lock.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    pub fn try_acquire_owned(self: Rc<Self>) -> Result<OwnedLockGuard<T>, TryLockError> {
        self.raw.try_take()?;
        Ok(AnyLockGuard::of(self))
    }

    /// Whether somebody holds it. Between a release and the run of the one that was woken by it
    /// nobody does; [`try_acquire`](Self::try_acquire) does not get it then either.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.raw.held() != Held::No
    }

    /// Releases a lock whose guard was [forgotten](AnyLockGuard::forget), and wakes who
    /// has waited longest.
    ///
    /// # Errors
    /// When nobody holds it (asyncio's `RuntimeError`), or a guard does, which releases it itself.
    pub fn release(&self) -> Result<(), NotAcquiredError> {
        if self.raw.held() != Held::Forgotten {
            return Err(NotAcquiredError);
        }
        self.raw.release();
        Ok(())
    }

    /// The value: nobody else can have the lock.
    ///
    /// `None` only where a guard was leaked with `std::mem::forget`.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    /// Ends the lock, and gives the value back.
    ///
    /// `None` only where a guard was leaked with `std::mem::forget`.
    #[must_use]
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    #[inline]
    fn take_value(&self) -> T {
        self.value
            .take()
            .expect("a lock that is free has its value")
    }

    #[inline]
    fn put_value(&self, value: T) {
        self.value.set(Some(value));
    }

    /// Makes the hold that [`poll_take`](Self::poll_take) gave one without a guard.
    pub(crate) fn forget_taken(&self) {
        self.raw.hold(Held::Forgotten);
    }

    /// Waits for the lock and takes it, without a guard yet; as part of a claim, if it is.
    pub(crate) fn poll_take(
        &self,
        ticket: &mut Ticket,
        cx: &Context<'_>,
        claim: Option<&Rc<Request>>,
    ) -> Poll<()> {
        self.raw.poll_take(ticket, cx, claim)
    }

    /// Gives up a wait that was begun by [`poll_take`](Self::poll_take).
    pub(crate) fn give_up(&self, ticket: &mut Ticket) {
        self.raw.give_up(ticket);
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Lock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> fmt::Debug for Lock<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Lock")
            .field("locked", &self.locked())
            .field("waiters", &self.raw.waiters.len())
            .finish_non_exhaustive()
    }
}

/// Future of [`Lock::acquire`] and [`Lock::acquire_owned`].
#[must_use = "futures do nothing unless polled"]
pub struct LockAcquire<L: LockRef> {
    /// `None` once it was ready.
    lock: Option<L>,
    ticket: Ticket,
}

impl<L: LockRef> LockAcquire<L> {
    #[inline]
    fn of(lock: L) -> Self {
        Self {
            lock: Some(lock),
            ticket: Ticket::default(),
        }
    }
}

/// Nothing in it is pinned.
impl<L: LockRef> Unpin for LockAcquire<L> {}

impl<L: LockRef> Future for LockAcquire<L> {
    type Output = AnyLockGuard<L>;

    /// # Panics
    /// When polled again after it was ready.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<AnyLockGuard<L>> {
        let Self { lock, ticket } = &mut *self;
        let raw = &lock.as_ref().expect("polled after completion").lock().raw;
        ready!(raw.poll_take(ticket, cx, None));
        Poll::Ready(AnyLockGuard::of(
            lock.take().expect("polled after completion"),
        ))
    }
}

impl<L: LockRef> Drop for LockAcquire<L> {
    #[inline]
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            lock.lock().raw.give_up(&mut self.ticket);
        }
    }
}

impl<L: LockRef> fmt::Debug for LockAcquire<L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LockAcquire")
            .field("waits", &!self.ticket.is_fresh())
            .finish_non_exhaustive()
    }
}
