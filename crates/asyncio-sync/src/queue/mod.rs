//! `Queue`, `LifoQueue` and `PriorityQueue`: work for tasks that take it when they can.
//!
//! | file | idea |
//! |---|---|
//! | [`store`] | the items, and their order |
//! | [`change`] | putting in and taking out, counted whatever happens |
//! | [`get`] | waiting for an item |
//! | [`put`] | waiting for room |
//! | [`error`] | why there was none |

mod change;
mod error;
mod get;
mod put;
mod store;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;

use crate::error::TaskDoneError;
use crate::event::Event;
use crate::waiters::Waiters;
use change::TellAll;

pub use error::{GetNowaitError, PutNowaitError, QueueEmpty, QueueFull, QueueShutDown};
pub use get::QueueGet;
pub use put::QueuePut;
pub use store::{Fifo, Lifo, Priority, Store};

/// A queue between the tasks of one thread. asyncio's `Queue`.
///
/// A put wakes one who waits for an item, and that one takes the item when it runs: until then
/// somebody else may take it, and then it waits again, behind the others. Likewise for room.
///
/// Who puts items in, and who takes them out and works on them, need not know of each other:
/// [`join`](BaseQueue::join) waits until all work is [done](BaseQueue::task_done), and
/// [`shutdown`](BaseQueue::shutdown) ends the waiting.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_sync::Queue;
/// use std::rc::Rc;
///
/// let executor = Executor::new();
/// let queue = Rc::new(Queue::new(2)); // never more than two items
/// let worker = executor.create_task({
///     let queue = queue.clone();
///     async move {
///         let mut sum = 0;
///         while let Ok(item) = queue.get().await {
///             sum += item;
///             queue.task_done().unwrap();
///         }
///         sum // it was shut down
///     }
/// });
/// let sum = executor.run_until_complete(async {
///     for item in 1..=10 {
///         queue.put(item).await.unwrap(); // waits for room
///     }
///     queue.join().await; // all ten have been worked on
///     queue.shutdown(false);
///     worker.await.unwrap()
/// });
/// assert_eq!(sum.unwrap(), 55);
/// ```
pub type Queue<T> = BaseQueue<T, Fifo<T>>;

/// A queue whose last item leaves first. asyncio's `LifoQueue`.
pub type LifoQueue<T> = BaseQueue<T, Lifo<T>>;

/// A queue whose lowest item leaves first; of equal ones the one that came first, which asyncio
/// does not promise. asyncio's `PriorityQueue`.
///
/// Its methods panic when the comparison of items does, or uses the queue. An item that was being
/// put in is in it then, in no particular place; one that was being taken out is dropped, and
/// counts as done.
///
/// # Examples
/// ```
/// use asyncio_sync::PriorityQueue;
///
/// let queue = PriorityQueue::new(0);
/// for item in [(2, "write"), (1, "read"), (2, "close")] {
///     queue.put_nowait(item)?;
/// }
/// assert_eq!(queue.get_nowait()?, (1, "read"));
/// assert_eq!(queue.get_nowait()?, (2, "close"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type PriorityQueue<T> = BaseQueue<T, Priority<T>>;

/// What the queues have in common: [`Queue`], [`LifoQueue`], [`PriorityQueue`], and those over a
/// [`Store`] of your own.
pub struct BaseQueue<T, S: Store<T>> {
    store: RefCell<S>,
    /// 0 for no limit.
    maxsize: usize,
    /// Below how many items another one may be put in; 0 once it was shut down.
    limit: Cell<usize>,
    getters: Waiters,
    putters: Waiters,
    unfinished: Cell<usize>,
    /// Set while nothing is unfinished.
    finished: Event,
    items: PhantomData<T>,
}

impl<T, S: Store<T> + Default> BaseQueue<T, S> {
    /// A queue for at most `maxsize` items; 0 is no limit, as in asyncio, whose default that is.
    #[must_use]
    pub fn new(maxsize: usize) -> Self {
        Self::with_store(maxsize, S::default())
    }
}

impl<T, S: Store<T>> BaseQueue<T, S> {
    /// A queue over items of your own order; those that are in it already count as unfinished.
    #[must_use]
    pub fn with_store(maxsize: usize, store: S) -> Self {
        let unfinished = store.len();
        let finished = Event::new();
        if unfinished == 0 {
            finished.set();
        }
        Self {
            store: RefCell::new(store),
            maxsize,
            limit: Cell::new(if maxsize == 0 { usize::MAX } else { maxsize }),
            getters: Waiters::default(),
            putters: Waiters::default(),
            unfinished: Cell::new(unfinished),
            finished,
            items: PhantomData,
        }
    }

    /// How many items are in it.
    #[inline]
    #[must_use]
    pub fn qsize(&self) -> usize {
        self.store.borrow().len()
    }

    /// How many items it may hold; 0 for any number.
    #[must_use]
    pub fn maxsize(&self) -> usize {
        self.maxsize
    }

    /// Whether there are no items in it.
    #[inline]
    #[must_use]
    pub fn empty(&self) -> bool {
        self.qsize() == 0
    }

    /// Whether there is no room.
    #[inline]
    #[must_use]
    pub fn full(&self) -> bool {
        self.maxsize != 0 && self.qsize() >= self.maxsize
    }

    /// Puts an item in, and waits for room if there is none.
    ///
    /// # Errors
    /// When the queue was shut down, before or meanwhile; the item comes back.
    ///
    /// # Cancel safety
    /// Yes for the queue: dropped, nothing was put, and a wake-up that it has had is passed on. The
    /// item is dropped with it.
    #[inline]
    pub fn put(&self, item: T) -> QueuePut<'_, T, S> {
        QueuePut::new(self, item)
    }

    /// Puts an item in if there is room.
    ///
    /// # Errors
    /// When there is none, or the queue was shut down; the item comes back.
    #[inline]
    pub fn put_nowait(&self, item: T) -> Result<(), PutNowaitError<T>> {
        self.put_in(item).map_err(|item| match self.is_shutdown() {
            true => PutNowaitError::ShutDown(QueueShutDown(item)),
            false => PutNowaitError::Full(QueueFull(item)),
        })
    }

    /// Takes the next item, and waits for one if there is none.
    ///
    /// # Errors
    /// When the queue was shut down, before or meanwhile, and is empty.
    ///
    /// # Cancel safety
    /// Yes: dropped, it has taken nothing, and a wake-up that it has had is passed on.
    #[inline]
    pub fn get(&self) -> QueueGet<'_, T, S> {
        QueueGet::new(self)
    }

    /// Takes the next item if there is one.
    ///
    /// # Errors
    /// When there is none; a queue that was shut down says so.
    #[inline]
    pub fn get_nowait(&self) -> Result<T, GetNowaitError> {
        match self.take_out() {
            Some(item) => Ok(item),
            None if self.is_shutdown() => Err(GetNowaitError::ShutDown(QueueShutDown(()))),
            None => Err(GetNowaitError::Empty(QueueEmpty)),
        }
    }

    /// Says that the work on an item is done: once for each item that was taken, for those who
    /// [`join`](Self::join).
    ///
    /// # Errors
    /// When it was called more often than there were items.
    pub fn task_done(&self) -> Result<(), TaskDoneError> {
        if self.unfinished.get() == 0 {
            return Err(TaskDoneError);
        }
        self.has_done(1);
        Ok(())
    }

    /// Waits until the work on every item that was put in is [done](Self::task_done); not at all if
    /// it is.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn join(&self) {
        if self.unfinished.get() > 0 {
            self.finished.wait().await;
        }
    }

    /// Ends the queue: nothing can be put in any more, and who waits is told. What is in it can
    /// still be taken; or, if this is `immediate`, is dropped, and counts as done.
    pub fn shutdown(&self, immediate: bool) {
        self.limit.set(0);
        let mut dropped = Vec::new();
        // Everybody is told, whatever foreign code does: an order, and at last the items' own.
        let _told = TellAll(self);
        if immediate {
            self.take_all(&mut dropped);
        }
    }

    /// Whether it was [shut down](Self::shutdown).
    #[inline]
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        self.limit.get() == 0
    }
}

/// A queue without a limit, asyncio's default.
impl<T, S: Store<T> + Default> Default for BaseQueue<T, S> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<T, S: Store<T>> fmt::Debug for BaseQueue<T, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Queue")
            .field("maxsize", &self.maxsize())
            .field("qsize", &self.qsize())
            .field("getters", &self.getters.len())
            .field("putters", &self.putters.len())
            .field("unfinished", &self.unfinished.get())
            .field("shutdown", &self.is_shutdown())
            .finish_non_exhaustive()
    }
}
