//! The guards: a lock that is read, or written.
//!
//! Readers share the value through an `Rc`, which each drops before it gives its permit back. So a
//! writer, who has all permits, has the only one.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use crate::rwlock::{ALL, RwLock};

/// What refers to a lock: `&RwLock<T>`, which a guard borrows, or `Rc<RwLock<T>>`, which it owns.
pub trait RwLockRef: sealed::Sealed {
    /// What the lock protects.
    type Value;

    /// The lock.
    fn lock(&self) -> &RwLock<Self::Value>;
}

mod sealed {
    use std::rc::Rc;

    use crate::rwlock::RwLock;

    pub trait Sealed {}
    impl<T> Sealed for &RwLock<T> {}
    impl<T> Sealed for Rc<RwLock<T>> {}
}

impl<T> RwLockRef for &RwLock<T> {
    type Value = T;

    fn lock(&self) -> &RwLock<T> {
        self
    }
}

impl<T> RwLockRef for Rc<RwLock<T>> {
    type Value = T;

    fn lock(&self) -> &RwLock<T> {
        self
    }
}

/// A lock that is read; dropping it lets writers in. The two kinds have names:
/// [`RwLockReadGuard`] and [`OwnedRwLockReadGuard`].
#[must_use = "dropping a guard releases its lock"]
pub struct AnyRwLockReadGuard<L: RwLockRef> {
    /// `None` once it is gone.
    held: Option<(L, Rc<L::Value>)>,
}

/// A lock that is written; dropping it lets others in. The two kinds have names:
/// [`RwLockWriteGuard`] and [`OwnedRwLockWriteGuard`].
#[must_use = "dropping a guard releases its lock"]
pub struct AnyRwLockWriteGuard<L: RwLockRef> {
    /// `None` once it is gone.
    held: Option<(L, Rc<L::Value>)>,
}

/// A lock that is read, borrowed: [`RwLock::read`].
pub type RwLockReadGuard<'a, T = ()> = AnyRwLockReadGuard<&'a RwLock<T>>;

/// A lock that is written, borrowed: [`RwLock::write`].
pub type RwLockWriteGuard<'a, T = ()> = AnyRwLockWriteGuard<&'a RwLock<T>>;

/// A lock that is read, with a reference to the lock of its own: [`RwLock::read_owned`].
pub type OwnedRwLockReadGuard<T = ()> = AnyRwLockReadGuard<Rc<RwLock<T>>>;

/// A lock that is written, with a reference to the lock of its own: [`RwLock::write_owned`].
pub type OwnedRwLockWriteGuard<T = ()> = AnyRwLockWriteGuard<Rc<RwLock<T>>>;

/// What a guard that is not gone has.
const HELD: &str = "a guard holds until it is gone";

impl<L: RwLockRef> AnyRwLockReadGuard<L> {
    /// The guard of one who has just got a permit.
    pub(super) fn of(lock: L) -> Self {
        let value = lock.lock().value.borrow().clone();
        let value = value.expect("nobody writes while somebody reads");
        Self {
            held: Some((lock, value)),
        }
    }
}

impl<L: RwLockRef> AnyRwLockWriteGuard<L> {
    /// The guard of one who has just got all permits.
    pub(super) fn of(lock: L) -> Self {
        let value = lock.lock().value.take();
        let value = value.expect("nobody else writes");
        Self {
            held: Some((lock, value)),
        }
    }

    /// Goes on as one who reads, and lets others who read in. No writer comes in between.
    pub fn downgrade(mut guard: Self) -> AnyRwLockReadGuard<L> {
        let (lock, value) = guard.held.take().expect(HELD);
        lock.lock().value.replace(Some(Rc::clone(&value)));
        lock.lock().permits.give_back(ALL - 1);
        AnyRwLockReadGuard {
            held: Some((lock, value)),
        }
    }
}

impl<L: RwLockRef> Drop for AnyRwLockReadGuard<L> {
    fn drop(&mut self) {
        if let Some((lock, value)) = self.held.take() {
            drop(value); // before anybody can write
            lock.lock().permits.give_back(1);
        }
    }
}

impl<L: RwLockRef> Drop for AnyRwLockWriteGuard<L> {
    fn drop(&mut self) {
        if let Some((lock, value)) = self.held.take() {
            lock.lock().value.replace(Some(value));
            lock.lock().permits.give_back(ALL);
        }
    }
}

impl<L: RwLockRef> Deref for AnyRwLockReadGuard<L> {
    type Target = L::Value;

    fn deref(&self) -> &L::Value {
        &self.held.as_ref().expect(HELD).1
    }
}

impl<L: RwLockRef> Deref for AnyRwLockWriteGuard<L> {
    type Target = L::Value;

    fn deref(&self) -> &L::Value {
        &self.held.as_ref().expect(HELD).1
    }
}

impl<L: RwLockRef> DerefMut for AnyRwLockWriteGuard<L> {
    fn deref_mut(&mut self) -> &mut L::Value {
        let value = &mut self.held.as_mut().expect(HELD).1;
        Rc::get_mut(value).expect("who writes has the only reference")
    }
}

impl<L: RwLockRef<Value: fmt::Debug>> fmt::Debug for AnyRwLockReadGuard<L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<L: RwLockRef<Value: fmt::Debug>> fmt::Debug for AnyRwLockWriteGuard<L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}
