//! `RwLock`: many who read, or one who writes, in order of arrival.
//!
//! | file | idea |
//! |---|---|
//! | [`guard`] | the value while it is read or written |
//!
//! It is a semaphore of whose permits a reader takes one, and a writer all.

mod guard;

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::error::TryLockError;
use crate::semaphore::raw::RawSemaphore;
use crate::waiters::Ticket;

pub use guard::{
    AnyRwLockReadGuard, AnyRwLockWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard,
    RwLockReadGuard, RwLockRef, RwLockWriteGuard,
};

/// The permits of a lock: what a writer takes.
const ALL: usize = usize::MAX;

/// Protects what many tasks of one thread read at once, and one writes alone, over an `await`.
///
/// It is fair: in order of arrival, and a reader who comes while a writer waits waits behind it. So
/// who reads must not wait for another read of the same lock. asyncio has none.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_sync::RwLock;
/// use std::rc::Rc;
///
/// let executor = Executor::new();
/// let config = Rc::new(RwLock::new(String::from("a")));
/// executor
///     .run_until_complete(async {
///         let (one, two) = (config.read().await, config.read().await);
///         assert_eq!(*one, *two);
///         assert!(config.try_write().is_err());
///         drop((one, two));
///         config.write().await.push('b');
///     })
///     .unwrap();
/// assert_eq!(*config.try_read().unwrap(), "ab");
/// ```
pub struct RwLock<T = ()> {
    permits: RawSemaphore,
    /// `None` while a writer has it.
    value: RefCell<Option<Rc<T>>>,
}

impl<T> RwLock<T> {
    /// A lock that nobody has.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self {
            permits: RawSemaphore::new(ALL, ALL),
            value: RefCell::new(Some(Rc::new(value))),
        }
    }

    /// Waits until nobody writes and everybody who came before has had the lock, to read; not at
    /// all, not even for a turn, if that is so.
    ///
    /// # Cancel safety
    /// Yes: dropped, it gives up its place, and passes on a wake-up that it has had.
    #[inline]
    pub fn read(&self) -> RwLockRead<&Self> {
        RwLockRead(Taking::of(self, 1))
    }

    /// Waits until nobody reads or writes and everybody who came before has had the lock, to
    /// write.
    ///
    /// # Cancel safety
    /// Yes: dropped, it gives up its place, and passes on a wake-up that it has had.
    #[inline]
    pub fn write(&self) -> RwLockWrite<&Self> {
        RwLockWrite(Taking::of(self, ALL))
    }

    /// [`read`](Self::read) for a guard that owns a reference to the lock.
    ///
    /// # Cancel safety
    /// Yes, as [`read`](Self::read).
    pub fn read_owned(self: Rc<Self>) -> RwLockRead<Rc<Self>> {
        RwLockRead(Taking::of(self, 1))
    }

    /// [`write`](Self::write) for a guard that owns a reference to the lock.
    ///
    /// # Cancel safety
    /// Yes, as [`write`](Self::write).
    pub fn write_owned(self: Rc<Self>) -> RwLockWrite<Rc<Self>> {
        RwLockWrite(Taking::of(self, ALL))
    }

    /// The lock to read, if nobody writes or waits.
    ///
    /// # Errors
    /// When somebody writes, or waits.
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        self.try_take(1)?;
        Ok(AnyRwLockReadGuard::of(self))
    }

    /// The lock to write, if nobody has it or waits for it.
    ///
    /// # Errors
    /// When somebody has it, or waits for it.
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        self.try_take(ALL)?;
        Ok(AnyRwLockWriteGuard::of(self))
    }

    /// [`try_read`](Self::try_read) for a guard that owns a reference to the lock.
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read).
    pub fn try_read_owned(self: Rc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        self.try_take(1)?;
        Ok(AnyRwLockReadGuard::of(self))
    }

    /// [`try_write`](Self::try_write) for a guard that owns a reference to the lock.
    ///
    /// # Errors
    /// As [`try_write`](Self::try_write).
    pub fn try_write_owned(self: Rc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        self.try_take(ALL)?;
        Ok(AnyRwLockWriteGuard::of(self))
    }

    /// The value: nobody else can have the lock.
    ///
    /// `None` only where a guard was leaked with `std::mem::forget`.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        Rc::get_mut(self.value.get_mut().as_mut()?)
    }

    /// Ends the lock, and gives the value back.
    ///
    /// `None` only where a guard was leaked with `std::mem::forget`.
    #[must_use]
    pub fn into_inner(self) -> Option<T> {
        Rc::into_inner(self.value.into_inner()?)
    }

    /// Nothing closes the semaphore.
    fn try_take(&self, amount: usize) -> Result<(), TryLockError> {
        self.permits.try_take(amount).map_err(|_| TryLockError)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> fmt::Debug for RwLock<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken = ALL - self.permits.permits();
        formatter
            .debug_struct("RwLock")
            .field("readers", &if taken == ALL { 0 } else { taken })
            .field("written", &(taken == ALL))
            .field("waiters", &self.permits.waiters.len())
            .finish_non_exhaustive()
    }
}

/// A wait for a lock, to read or to write.
struct Taking<L: RwLockRef> {
    /// `None` once it was ready.
    lock: Option<L>,
    amount: usize,
    ticket: Ticket,
}

impl<L: RwLockRef> Taking<L> {
    fn of(lock: L, amount: usize) -> Self {
        Self {
            lock: Some(lock),
            amount,
            ticket: Ticket::default(),
        }
    }

    fn poll(&mut self, cx: &Context<'_>) -> Poll<L> {
        let lock = self.lock.as_ref().expect("polled after completion").lock();
        // Nothing closes the semaphore.
        let _ = ready!(lock.permits.poll_take(&mut self.ticket, cx, self.amount));
        Poll::Ready(self.lock.take().expect("polled after completion"))
    }
}

impl<L: RwLockRef> Drop for Taking<L> {
    fn drop(&mut self) {
        if let Some(lock) = &self.lock {
            lock.lock().permits.give_up(&mut self.ticket, self.amount);
        }
    }
}

macro_rules! futures {
    ($($(#[$about:meta])* $name:ident -> $guard:ident;)+) => {
        $(
            $(#[$about])*
            #[must_use = "futures do nothing unless polled"]
            pub struct $name<L: RwLockRef>(Taking<L>);

            /// Nothing in it is pinned.
            impl<L: RwLockRef> Unpin for $name<L> {}

            impl<L: RwLockRef> Future for $name<L> {
                type Output = $guard<L>;

                /// # Panics
                /// When polled again after it was ready.
                fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<$guard<L>> {
                    self.0.poll(cx).map($guard::of)
                }
            }

            impl<L: RwLockRef> fmt::Debug for $name<L> {
                fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter
                        .debug_struct(stringify!($name))
                        .field("waits", &!self.0.ticket.is_fresh())
                        .finish_non_exhaustive()
                }
            }
        )+
    };
}

futures! {
    /// Future of [`RwLock::read`] and [`RwLock::read_owned`].
    RwLockRead -> AnyRwLockReadGuard;
    /// Future of [`RwLock::write`] and [`RwLock::write_owned`].
    RwLockWrite -> AnyRwLockWriteGuard;
}
