//! Results in the order in which they come.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use asyncio_executor::{End, IntoTask, Spawner, TaskError};
use asyncio_loop::{TimerHandle, get_running_loop};
use futures_lite::Stream;
use slab::Slab;

use crate::child::{Child, assert_may_watch};
use crate::error::TimeoutError;
use crate::inbox::{Inbox, Sink};
use crate::running::running_spawner;

/// Runs tasks and futures concurrently, and gives their results in the order in which they end:
/// asyncio's `as_completed`. [`next`](AsCompleted::next) waits for one; what is returned is a
/// [`Stream`] as well.
///
/// Futures become tasks at once. Each item is a result; an index or a name has to be a part of it.
/// A handle that was given several times counts once.
///
/// # Panics
/// Outside a running event loop. When a handle belongs to another one and has not ended; when its
/// items are waited for in another one.
///
/// # Cancel safety
/// Yes: waiting for the next item loses nothing when it is dropped. Dropping the stream cancels
/// nothing: the tasks that are left go on.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, yield_now};
/// use asyncio_futures::as_completed;
///
/// let executor = Executor::new();
/// let order = executor.run_until_complete(async {
///     let mut results = as_completed([3, 1, 2].map(|turns| async move {
///         for _ in 0..turns {
///             yield_now().await;
///         }
///         turns
///     }));
///     let mut order = Vec::new();
///     while let Some(result) = results.next().await {
///         order.push(result.unwrap());
///     }
///     order
/// });
/// assert_eq!(order.unwrap(), [1, 2, 3]);
/// ```
#[track_caller]
pub fn as_completed<I>(tasks: I) -> AsCompleted<<I::Item as IntoTask>::Handle>
where
    I: IntoIterator,
    I::Item: IntoTask<Handle: Child>,
{
    let spawner = running_spawner(None);
    let mut seen = HashSet::new();
    let mut children = Slab::new();
    for task in tasks {
        let child = task.into_task(&spawner);
        if child
            .identity()
            .is_none_or(|identity| seen.insert(identity))
        {
            assert_may_watch(&child, &spawner);
            children.insert(child);
        }
    }
    AsCompleted::of(&spawner, children)
}

/// The number of a child, for its observer.
fn number(index: usize) -> u32 {
    // Each child takes dozens of bytes, so memory ends before the numbers do.
    u32::try_from(index).expect("fewer than 2^32 tasks")
}

/// Stream of [`as_completed()`].
#[must_use = "the tasks run anyway, but their results come only to who asks for them"]
pub struct AsCompleted<C: Child> {
    /// A child goes when its item has come; so there is one for each item that is left.
    children: Slab<C>,
    inbox: Rc<Inbox<Completed>>,
    /// Items that came as timeouts, for children that are still there.
    timed_out: usize,
}

/// What the observers of the children share with the stream.
struct Completed {
    /// Ended, and not asked for yet.
    ready: RefCell<VecDeque<u32>>,
    /// How many have not ended.
    pending: Cell<usize>,
    waker: RefCell<Option<Waker>>,
    expired: Cell<bool>,
    timer: RefCell<Option<TimerHandle>>,
}

impl Completed {
    fn new(pending: usize) -> Self {
        Self {
            ready: RefCell::default(),
            pending: Cell::new(pending),
            waker: RefCell::default(),
            expired: Cell::new(false),
            timer: RefCell::default(),
        }
    }

    fn wake(&self) {
        let waker = self.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn cancel_timer(&self) {
        let timer = self.timer.take();
        if let Some(timer) = timer {
            timer.cancel();
        }
    }
}

impl Sink for Completed {
    fn child_ended(&self, index: u32, _: End) {
        self.ready.borrow_mut().push_back(index);
        self.pending.set(self.pending.get().saturating_sub(1));
        if self.pending.get() == 0 {
            self.cancel_timer();
        }
        self.wake();
    }
}

impl<C: Child> AsCompleted<C> {
    /// The results of no tasks: of those that are [added](Self::add).
    ///
    /// # Panics
    /// Outside a running event loop.
    ///
    /// # Examples
    /// ```
    /// use asyncio_executor::Executor;
    /// use asyncio_futures::AsCompleted;
    ///
    /// let executor = Executor::new();
    /// let sum = executor.run_until_complete(async {
    ///     let mut jobs = AsCompleted::new();
    ///     for number in 1..=3 {
    ///         jobs.add(async move { number * 2 });
    ///     }
    ///     let mut sum = 0;
    ///     while let Some(result) = jobs.next().await {
    ///         sum += result.unwrap();
    ///     }
    ///     sum
    /// });
    /// assert_eq!(sum.unwrap(), 12);
    /// ```
    #[track_caller]
    pub fn new() -> Self {
        Self::of(&running_spawner(None), Slab::new())
    }

    fn of(spawner: &Spawner, children: Slab<C>) -> Self {
        let inbox = Inbox::new(spawner, Completed::new(children.len()));
        for (index, child) in &children {
            child.observe(inbox.as_observer(), number(index));
        }
        Self {
            children,
            inbox,
            timed_out: 0,
        }
    }

    /// Adds a task, whose result comes in its turn: what a `JoinSet` is used for elsewhere. After
    /// the last result there is one more to come then. A handle that was given before counts again.
    ///
    /// # Panics
    /// Outside a running event loop. When a handle belongs to another one than the results, and has
    /// not ended.
    ///
    /// # Examples
    /// ```
    /// use asyncio_executor::Executor;
    /// use asyncio_futures::as_completed;
    ///
    /// async fn half(number: u32) -> u32 {
    ///     number / 2
    /// }
    ///
    /// let executor = Executor::new();
    /// let seen = executor.run_until_complete(async {
    ///     let mut jobs = as_completed([half(13)]);
    ///     let mut seen = Vec::new();
    ///     while let Some(Ok(number)) = jobs.next().await {
    ///         seen.push(number);
    ///         if number > 1 {
    ///             jobs.add(half(number));
    ///         }
    ///     }
    ///     seen
    /// });
    /// assert_eq!(seen.unwrap(), [6, 3, 1]);
    /// ```
    #[track_caller]
    pub fn add(&mut self, task: impl IntoTask<Handle = C>) {
        let child = task.into_task(&running_spawner(None));
        assert_may_watch(&child, self.inbox.spawner());
        let completed = &self.inbox.sink;
        completed.pending.set(completed.pending.get() + 1);
        let index = self.children.insert(child);
        let observer = self.inbox.as_observer();
        self.children[index].observe(observer, number(index));
    }

    /// Waits for at most this long, from now. Then each item that is left is a [`TimeoutError`];
    /// the tasks go on.
    ///
    /// # Panics
    /// Outside a running event loop.
    pub fn timeout(self, timeout: Duration) -> AsCompletedWithin<C> {
        if self.inbox.sink.pending.get() > 0 {
            let inbox = Rc::clone(&self.inbox);
            let timer = get_running_loop().call_later(timeout, move || {
                inbox.close();
                inbox.sink.expired.set(true);
                inbox.sink.wake();
            });
            let old = self.inbox.sink.timer.replace(Some(timer));
            drop(old);
        }
        AsCompletedWithin(self)
    }

    /// Waits for the next result; `None` when all have been given.
    ///
    /// # Cancel safety
    /// Yes: a result that was not given is given by the next call.
    pub async fn next(&mut self) -> Option<Result<C::Output, TaskError>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The outcome of the next child whose end has come up.
    fn take_ready(&mut self) -> Option<Result<C::Output, TaskError>> {
        let index = self.inbox.sink.ready.borrow_mut().pop_front()?;
        let child = self.children.try_remove(index as usize)?;
        Some(child.into_outcome())
    }

    /// How many items are still to come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.children.len() - self.timed_out
    }

    /// Whether all items have come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The results of no tasks, as [`AsCompleted::new`].
impl<C: Child> Default for AsCompleted<C> {
    /// # Panics
    /// Outside a running event loop.
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Child> Unpin for AsCompleted<C> {}

impl<C: Child> Stream for AsCompleted<C> {
    type Item = Result<C::Output, TaskError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_empty() {
            return Poll::Ready(None);
        }
        if let Some(outcome) = self.take_ready() {
            return Poll::Ready(Some(outcome));
        }
        let spawner = self.inbox.spawner();
        spawner.assert_may_wait(format_args!("what becomes of several tasks"));
        let waker = Some(cx.waker().clone());
        let old = self.inbox.sink.waker.replace(waker);
        drop(old);
        Poll::Pending
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

impl<C: Child> Drop for AsCompleted<C> {
    fn drop(&mut self) {
        self.inbox.close();
        self.inbox.sink.cancel_timer();
        let observer = self.inbox.as_observer();
        for (_, child) in &self.children {
            child.unobserve(&observer);
        }
    }
}

impl<C: Child> fmt::Debug for AsCompleted<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AsCompleted")
            .field("left", &self.len())
            .finish_non_exhaustive()
    }
}

/// Stream of [`AsCompleted::timeout`].
#[must_use = "the tasks run anyway, but their results come only to who asks for them"]
pub struct AsCompletedWithin<C: Child>(AsCompleted<C>);

impl<C: Child> AsCompletedWithin<C> {
    /// Waits for the next result; `None` when all have been given.
    ///
    /// # Cancel safety
    /// Yes: a result that was not given is given by the next call.
    pub async fn next(&mut self) -> Option<Result<Result<C::Output, TaskError>, TimeoutError>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<C: Child> Stream for AsCompletedWithin<C> {
    type Item = Result<Result<C::Output, TaskError>, TimeoutError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.0).poll_next(cx);
        if polled.is_pending() && self.0.inbox.sink.expired.get() {
            self.0.timed_out += 1;
            return Poll::Ready(Some(Err(TimeoutError)));
        }
        polled.map(|item| item.map(Ok))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<C: Child> fmt::Debug for AsCompletedWithin<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("AsCompletedWithin")
            .field(&self.0)
            .finish()
    }
}
