//! Locks, semaphores, conditions, barriers, queues and channels for the tasks of one thread, with
//! asyncio's semantics.
//!
//! * [`Lock`], [`Condition`], [`Event`], [`Semaphore`], [`BoundedSemaphore`], [`Barrier`]:
//!   asyncio's `locks`.
//! * [`Queue`], [`LifoQueue`], [`PriorityQueue`]: asyncio's `queues`.
//! * [`oneshot`], [`mpsc`], [`broadcast`], [`watch`]: channels with ends, which asyncio has not.
//! * [`RwLock`], [`Notify`], [`OnceCell`], [`CapacityLimiter`]: neither has it those.
//!
//! # What really happens
//! There are no atomics and no locks below: everything is a `Cell` on one thread, and nothing here
//! is `Send`. What is free is taken without waiting, not even for a turn. Who has to wait is an
//! entry in one list, in order of arrival, whose memory is reused. Waking is waking a task: it runs
//! one turn later, in asyncio's order.
//!
//! A wait that is dropped, for a cancellation or by a `select!`, gives up its place; if it was woken
//! already, and has not run, its wake-up goes to the next. So nothing is lost and nobody hangs,
//! whenever it happens.
//!
//! Everything works under any executor that polls on one thread, and between several of them on
//! that thread: a task of another event loop is woken like one of this loop. (asyncio raises
//! there.) Another thread cannot get at it: the compiler refuses.
//!
//! # Example
//! ```
//! use asyncio_executor::Executor;
//! use asyncio_sync::{Queue, Semaphore};
//! use std::rc::Rc;
//!
//! let executor = Executor::new();
//! let queue = Rc::new(Queue::new(0));
//! let slots = Rc::new(Semaphore::new(2));
//! let worker = executor.create_task({
//!     let (queue, slots) = (queue.clone(), slots.clone());
//!     async move {
//!         let _slot = slots.acquire().await.unwrap();
//!         queue.get().await.unwrap()
//!     }
//! });
//! queue.put_nowait(42).unwrap();
//! assert_eq!(executor.run_until_complete(worker).unwrap().unwrap(), 42);
//! ```
//!
//! # What it does not do
//! It keeps no time: put a `timeout` around what waits. It crosses no threads. It does not detect
//! deadlocks, nor that a task takes a lock that it holds.
#![forbid(unsafe_code)]

mod barrier;
pub mod broadcast;
mod capacity_limiter;
mod channel;
mod claim;
mod condition;
mod error;
mod event;
mod lock;
pub mod mpsc;
mod notify;
mod once_cell;
pub mod oneshot;
mod queue;
mod rwlock;
mod semaphore;
mod waiters;
mod waker_cell;
pub mod watch;

pub use barrier::{Barrier, BarrierWait};
pub use capacity_limiter::{
    AlreadyBorrowsError, BorrowedToken, Borrower, CapacityLimiter, TryBorrowError,
};
pub use condition::{Condition, ConditionWait, ConditionWaitForgotten};
pub use error::{
    BrokenBarrierError, NotAcquiredError, SemaphoreClosed, TaskDoneError, TooManyPermitsError,
    TryAcquireError, TryLockError,
};
pub use event::{Event, EventWait};
pub use lock::{AnyLockGuard, Lock, LockAcquire, LockGuard, LockRef, OwnedLockGuard};
pub use notify::{Notified, Notify};
pub use once_cell::OnceCell;
pub use queue::{
    BaseQueue, Fifo, GetNowaitError, Lifo, LifoQueue, Priority, PriorityQueue, PutNowaitError,
    Queue, QueueEmpty, QueueFull, QueueGet, QueuePut, QueueShutDown, Store,
};
pub use rwlock::{
    AnyRwLockReadGuard, AnyRwLockWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockRead, RwLockReadGuard, RwLockRef, RwLockWrite, RwLockWriteGuard,
};
pub use semaphore::{
    AnySemaphorePermit, BoundedSemaphore, OwnedSemaphorePermit, Semaphore, SemaphoreAcquire,
    SemaphorePermit, SemaphoreRef,
};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
