//! The guard: a lock that is held, and the value that it protects.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use crate::lock::Lock;
use crate::lock::raw::Held;

/// What refers to a lock: `&Lock<T>`, which a guard borrows, or `Rc<Lock<T>>`, which it owns.
pub trait LockRef: sealed::Sealed {
    /// What the lock protects.
    type Value;

    /// The lock.
    fn lock(&self) -> &Lock<Self::Value>;
}

mod sealed {
    use std::rc::Rc;

    use crate::lock::Lock;

    pub trait Sealed {}
    impl<T> Sealed for &Lock<T> {}
    impl<T> Sealed for Rc<Lock<T>> {}
}

impl<T> LockRef for &Lock<T> {
    type Value = T;

    #[inline]
    fn lock(&self) -> &Lock<T> {
        self
    }
}

impl<T> LockRef for Rc<Lock<T>> {
    type Value = T;

    #[inline]
    fn lock(&self) -> &Lock<T> {
        self
    }
}

/// A lock that is held; dropping it releases the lock. The two kinds have names:
/// [`LockGuard`] and [`OwnedLockGuard`].
#[must_use = "dropping a guard releases its lock"]
pub struct AnyLockGuard<L: LockRef> {
    /// `None` for a guard that was forgotten.
    held: Option<(L, L::Value)>,
}

/// A lock that is held, borrowed: [`Lock::acquire`].
pub type LockGuard<'a, T = ()> = AnyLockGuard<&'a Lock<T>>;

/// A lock that is held, with a reference to the lock of its own: [`Lock::acquire_owned`].
pub type OwnedLockGuard<T = ()> = AnyLockGuard<Rc<Lock<T>>>;

impl<L: LockRef> AnyLockGuard<L> {
    /// The guard of a lock that was just taken.
    #[inline]
    pub(crate) fn of(lock: L) -> Self {
        let value = lock.lock().take_value();
        Self {
            held: Some((lock, value)),
        }
    }

    /// The lock that is held.
    #[must_use]
    pub fn lock(guard: &Self) -> &Lock<L::Value> {
        guard.parts().0.lock()
    }

    /// Keeps the lock locked without a guard, until somebody calls [`Lock::release`]: asyncio's
    /// `await lock.acquire()` in one place, and `lock.release()` in another.
    ///
    /// # Examples
    /// ```
    /// use asyncio_sync::Lock;
    ///
    /// let lock: Lock = Lock::new(());
    /// lock.try_acquire().unwrap().forget();
    /// assert!(lock.locked());
    /// lock.release()?;
    /// assert!(!lock.locked());
    /// # Ok::<(), asyncio_sync::NotAcquiredError>(())
    /// ```
    pub fn forget(mut self) {
        if let Some((lock, value)) = self.held.take() {
            lock.lock().put_value(value);
            lock.lock().raw.hold(Held::Forgotten);
        }
    }

    /// Releases the lock, and gives back what refers to it.
    pub(crate) fn into_lock(mut self) -> Option<L> {
        let (lock, value) = self.held.take()?;
        lock.lock().put_value(value);
        lock.lock().raw.release();
        Some(lock)
    }

    fn parts(&self) -> &(L, L::Value) {
        self.held.as_ref().expect("a guard holds until it is gone")
    }
}

impl<L: LockRef> Deref for AnyLockGuard<L> {
    type Target = L::Value;

    #[inline]
    fn deref(&self) -> &L::Value {
        &self.parts().1
    }
}

impl<L: LockRef> DerefMut for AnyLockGuard<L> {
    #[inline]
    fn deref_mut(&mut self) -> &mut L::Value {
        &mut self
            .held
            .as_mut()
            .expect("a guard holds until it is gone")
            .1
    }
}

impl<L: LockRef> Drop for AnyLockGuard<L> {
    #[inline]
    fn drop(&mut self) {
        if let Some((lock, value)) = self.held.take() {
            lock.lock().put_value(value);
            lock.lock().raw.release();
        }
    }
}

impl<L: LockRef<Value: fmt::Debug>> fmt::Debug for AnyLockGuard<L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<L: LockRef<Value: fmt::Display>> fmt::Display for AnyLockGuard<L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}
