//! `Condition`: a lock, and waiting for what others change under it.
//!
//! | file | idea |
//! |---|---|
//! | [`wait`] | giving the lock away until one is notified, and getting it back |

mod wait;

use std::fmt;
use std::rc::Rc;

use crate::error::{NotAcquiredError, TryLockError};
use crate::lock::{AnyLockGuard, Lock, LockAcquire, LockGuard, LockRef};
use crate::waiters::Waiters;

pub use wait::{ConditionWait, ConditionWaitForgotten};

/// Waiting, under a lock, for what others change under it. asyncio's `Condition`.
///
/// It has a lock of its own, or one that it shares with others.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_sync::Condition;
/// use std::rc::Rc;
///
/// let executor = Executor::new();
/// let stock = Rc::new(Condition::new(0));
/// let buyer = executor.create_task({
///     let stock = stock.clone();
///     async move {
///         let guard = stock.acquire().await;
///         let mut stock = stock.wait_for(guard, |stock| *stock >= 2).await;
///         *stock -= 2;
///     }
/// });
/// executor
///     .run_until_complete(async {
///         for _ in 0..2 {
///             *stock.acquire().await += 1;
///             let guard = stock.acquire().await;
///             stock.notify(1).unwrap();
///             drop(guard);
///         }
///         buyer.await.unwrap();
///     })
///     .unwrap();
/// assert_eq!(*stock.try_acquire().unwrap(), 0);
/// ```
pub struct Condition<T = ()> {
    lock: Rc<Lock<T>>,
    waiters: Waiters,
}

impl<T> Condition<T> {
    /// A condition with a lock of its own, which protects `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self::with_lock(Rc::new(Lock::new(value)))
    }

    /// A condition of a lock that others use, too: asyncio's `Condition(lock)`.
    #[must_use]
    pub fn with_lock(lock: Rc<Lock<T>>) -> Self {
        Self {
            lock,
            waiters: Waiters::default(),
        }
    }

    /// The lock.
    #[must_use]
    pub fn lock(&self) -> &Rc<Lock<T>> {
        &self.lock
    }

    /// Waits for the lock and takes it: [`Lock::acquire`].
    ///
    /// # Cancel safety
    /// Yes, as [`Lock::acquire`].
    #[inline]
    pub fn acquire(&self) -> LockAcquire<&Lock<T>> {
        self.lock.acquire()
    }

    /// Takes the lock if it is free: [`Lock::try_acquire`].
    ///
    /// # Errors
    /// As [`Lock::try_acquire`].
    pub fn try_acquire(&self) -> Result<LockGuard<'_, T>, TryLockError> {
        self.lock.try_acquire()
    }

    /// Releases a lock whose guard was forgotten: [`Lock::release`].
    ///
    /// # Errors
    /// As [`Lock::release`].
    pub fn release(&self) -> Result<(), NotAcquiredError> {
        self.lock.release()
    }

    /// Whether somebody holds the lock.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.lock.locked()
    }

    /// Releases the lock, waits until [`notify`](Self::notify) chooses this one, and takes the
    /// lock again, which is what the guard that comes back says.
    ///
    /// It may come back though nothing has changed, so look again: [`wait_for`](Self::wait_for)
    /// does.
    ///
    /// A request to cancel ends the wait for a notification, but it has the lock again before the
    /// cancellation goes on outwards, however often it is requested meanwhile; the last request's
    /// message counts. Its notification, if it has had one, goes to somebody else. The guard is
    /// dropped with the wait, so code around that answers the request does not hold the lock; after
    /// [`wait_forgotten`](Self::wait_forgotten) it does.
    ///
    /// # Panics
    /// When `guard` is of another lock.
    ///
    /// # Cancel safety
    /// Yes: dropped, it does not take the lock again; a notification that it has had goes to
    /// somebody else.
    pub fn wait<L: LockRef<Value = T>>(&self, guard: AnyLockGuard<L>) -> ConditionWait<'_, L> {
        assert!(
            std::ptr::eq(AnyLockGuard::lock(&guard), &raw const *self.lock),
            "the guard is of another lock than the condition"
        );
        ConditionWait::new(self, guard)
    }

    /// Waits until `predicate` is true of the value: looks at once, and again whenever it was
    /// notified.
    ///
    /// # Panics
    /// As [`wait`](Self::wait).
    ///
    /// # Cancel safety
    /// Yes, as [`wait`](Self::wait).
    pub async fn wait_for<L: LockRef<Value = T>>(
        &self,
        mut guard: AnyLockGuard<L>,
        mut predicate: impl FnMut(&mut T) -> bool,
    ) -> AnyLockGuard<L> {
        while !predicate(&mut guard) {
            guard = self.wait(guard).await;
        }
        guard
    }

    /// [`wait`](Self::wait) under a lock whose guard was [forgotten](AnyLockGuard::forget): it is
    /// locked again, without a guard, when this comes back, and also when it is cancelled.
    /// asyncio's `await condition.wait()` word for word.
    ///
    /// # Errors
    /// When nobody holds the lock, or a guard does.
    ///
    /// # Cancel safety
    /// A request to cancel gets the lock again, as in [`wait`](Self::wait). Dropped in the middle,
    /// as a foreign `select!` does, it leaves the lock to others.
    pub fn wait_forgotten(&self) -> ConditionWaitForgotten<'_, T> {
        ConditionWaitForgotten::new(self)
    }

    /// Wakes up to `n` of those who wait, in order of arrival. They go on when they have the lock.
    ///
    /// # Errors
    /// When nobody holds the lock.
    pub fn notify(&self, n: usize) -> Result<(), NotAcquiredError> {
        if !self.locked() {
            return Err(NotAcquiredError);
        }
        self.notify_some(n);
        Ok(())
    }

    /// Wakes everybody who waits now.
    ///
    /// # Errors
    /// When nobody holds the lock.
    pub fn notify_all(&self) -> Result<(), NotAcquiredError> {
        self.notify(self.waiters.len())
    }

    fn notify_some(&self, n: usize) {
        // A foreign waker that comes back and waits again is not woken twice.
        for _ in 0..n.min(self.waiters.len()) {
            if !self.waiters.wake_next() {
                return;
            }
        }
    }
}

impl<T: Default> Default for Condition<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for Condition<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Condition")
            .field("locked", &self.locked())
            .field("waiters", &self.waiters.len())
            .finish_non_exhaustive()
    }
}
