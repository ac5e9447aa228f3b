//! Locks, events, conditions, semaphores and barriers for the tasks of one thread:
//! [`asyncio.locks`](https://docs.python.org/3/library/asyncio-sync.html).
//!
//! `async with lock:` is `let guard = lock.acquire().await;`, up to the end of the guard's life.
//! Where a program acquires in one place and releases in another, it forgets the guard.
//!
//! [`RwLock`], [`Notify`], [`OnceCell`] and [`CapacityLimiter`] are not Python's.
//!
//! # Examples
//! ```
//! use asyncio::{Lock, gather, yield_now};
//! use std::rc::Rc;
//!
//! async fn deposit(balance: Rc<Lock<u32>>, amount: u32) {
//!     let mut balance = balance.acquire().await;
//!     let before = *balance;
//!     yield_now().await; // nobody else has the lock meanwhile
//!     *balance = before + amount;
//! }
//!
//! asyncio::run(async {
//!     let balance = Rc::new(Lock::new(0));
//!     gather((1..=3).map(|amount| deposit(balance.clone(), amount))).await.unwrap();
//!     assert_eq!(*balance.acquire().await, 6);
//!
//!     balance.acquire().await.forget(); // `await lock.acquire()`
//!     balance.release().unwrap(); // `lock.release()`
//! })?;
//! # Ok::<(), asyncio::RunError>(())
//! ```

pub use asyncio_sync::{
    AlreadyBorrowsError, AnyLockGuard, AnyRwLockReadGuard, AnyRwLockWriteGuard, AnySemaphorePermit,
    Barrier, BarrierWait, BorrowedToken, Borrower, BoundedSemaphore, BrokenBarrierError,
    CapacityLimiter, Condition, ConditionWait, ConditionWaitForgotten, Event, EventWait, Lock,
    LockAcquire, LockGuard, LockRef, NotAcquiredError, Notified, Notify, OnceCell, OwnedLockGuard,
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock, RwLockRead,
    RwLockReadGuard, RwLockRef, RwLockWrite, RwLockWriteGuard, Semaphore, SemaphoreAcquire,
    SemaphoreClosed, SemaphorePermit, SemaphoreRef, TooManyPermitsError, TryAcquireError,
    TryBorrowError, TryLockError,
};
