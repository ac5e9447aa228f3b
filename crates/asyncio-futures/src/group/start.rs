//! Children that say when they are ready: trio's `nursery.start`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use asyncio_executor::{Dispatch, Entry, Spawner, Task};

use crate::group::error::{ChildFailed, StartError};
use crate::group::handle::TaskGroup;

/// What a child that was made by [`TaskGroup::start`] says with that it is ready.
///
/// Dropping it says that the child never will be.
#[must_use = "dropping it tells the starter that the child is never ready"]
pub struct Ready<V: 'static> {
    line: Rc<Line<V>>,
    spawner: Spawner,
}

/// Between the child and who starts it.
struct Line<V> {
    value: Cell<Option<V>>,
    /// Nothing more comes.
    closed: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl<V: 'static> Ready<V> {
    /// Tells the starter this value. What the child does from now on is its own affair.
    pub fn set(self, value: V) {
        self.line.value.set(Some(value));
        self.line.wake();
    }
}

impl<V: 'static> Drop for Ready<V> {
    /// The starter hears of it a turn later: by then a failure of the child, if that is the
    /// reason, has reached the group, and the starter may have been cancelled for it.
    fn drop(&mut self) {
        if !self.line.closed.get() {
            self.spawner.push(Entry::dispatch(Rc::clone(&self.line)));
        }
    }
}

impl<V> fmt::Debug for Ready<V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ready").finish_non_exhaustive()
    }
}

impl<V: 'static> Dispatch for Line<V> {
    fn run(self: Rc<Self>) {
        self.closed.set(true);
        self.wake();
    }

    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("end of the start of a task group's child")
    }
}

impl<V> Line<V> {
    fn wake(&self) {
        let waker = self.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<V, StartError>> {
        // A foreign waker's clone is foreign code, which may say that the child is ready: before it
        // is asked.
        let waker = cx.waker().clone();
        if let Some(value) = self.value.take() {
            self.closed.set(true);
            return Poll::Ready(Ok(value));
        }
        if self.closed.get() {
            return Poll::Ready(Err(StartError::NeverReady));
        }
        let old = self.waker.replace(Some(waker));
        drop(old);
        Poll::Pending
    }
}

/// Cancels the child of a start that is given up.
struct Starting(Option<Task<Result<(), ChildFailed>>>);

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.cancel();
        }
    }
}

impl<E: 'static> TaskGroup<E> {
    /// Makes a task of `child`, and waits until it says that it is ready: by [`Ready::set`], with
    /// a value for the one who waits here. trio's `start`; asyncio has none.
    ///
    /// It is for services that others are to use once they listen: the address they listen on is
    /// the value. Afterwards the child goes on as any other of the group.
    ///
    /// # Errors
    /// [`StartError::Closed`] where [`create_task`](Self::create_task) is refused;
    /// [`StartError::NeverReady`] when the child ends first, or drops its [`Ready`].
    ///
    /// # Cancel safety
    /// Yes. Cancelled or dropped before it has the value, it requests the child's cancellation, also
    /// if the child is ready meanwhile; the group waits for it as for every child.
    ///
    /// # Examples
    /// ```
    /// use asyncio_executor::{Executor, yield_now};
    /// use asyncio_futures::{Ready, task_group};
    ///
    /// async fn serve(ready: Ready<u16>) -> Result<(), std::io::Error> {
    ///     yield_now().await; // binds
    ///     ready.set(8080);
    ///     yield_now().await; // serves
    ///     Ok(())
    /// }
    ///
    /// let executor = Executor::new();
    /// let port = executor.run_until_complete(task_group(async |group| {
    ///     let port = group.start(serve).await?;
    ///     Ok(port)
    /// }));
    /// assert_eq!(port.unwrap().unwrap(), 8080);
    /// ```
    pub async fn start<V, F>(&self, child: F) -> Result<V, StartError>
    where
        F: AsyncFnOnce(Ready<V>) -> Result<(), E> + 'static,
        V: 'static,
    {
        let line = Rc::new(Line {
            value: Cell::new(None),
            closed: Cell::new(false),
            waker: RefCell::default(),
        });
        let ready = Ready {
            line: Rc::clone(&line),
            spawner: self.spawner().clone(),
        };
        let task = self.create_task(async move { child(ready).await })?;
        let mut starting = Starting(Some(task));
        let outcome = poll_fn(|cx| line.poll(cx)).await;
        if let Some(task) = starting.0.take() {
            task.detach();
        }
        outcome
    }
}
