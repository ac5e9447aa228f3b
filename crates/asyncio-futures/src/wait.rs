//! Waiting for some of several tasks.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use asyncio_executor::End;
use asyncio_loop::{TimerHandle, get_running_loop};

use crate::child::{Child, assert_may_watch};
use crate::error::EmptySetError;
use crate::inbox::{Inbox, Sink};
use crate::running::running_spawner;

/// When a [`wait`](wait()) ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReturnWhen {
    /// When any of them has ended.
    FirstCompleted,
    /// When any of them has ended with an exception: panicked, or, in [`try_wait`], returned an
    /// `Err`. A cancellation is none. Otherwise when all have ended.
    FirstException,
    /// When all have ended.
    #[default]
    AllCompleted,
}

/// Waits until all of these tasks and futures have ended, or as
/// [`return_when`](Wait::return_when) says; gives them back as those that are done and those that
/// are pending, each in the order given. asyncio's `wait`.
///
/// It takes handles only ([`Child`]): what is pending is to be used afterwards. Nothing is ever
/// cancelled, also when the time of [`timeout`](Wait::timeout) is over, which is no error. A
/// handle that was given several times (a [`Future`](crate::Future), a
/// [`TaskRef`](asyncio_executor::TaskRef)) counts once.
///
/// What is done is a handle still: take its value by awaiting it, which takes no turn, or by
/// [`into_result`](asyncio_executor::Task::into_result); or look at it with
/// [`result`](asyncio_executor::Task::result).
///
/// # Errors
/// [`EmptySetError`] when there is nothing to wait for.
///
/// # Panics
/// When polled outside a running event loop, or when a handle belongs to another one and has not
/// ended.
///
/// # Cancel safety
/// Yes: dropping it cancels nothing. Owned handles are dropped with it, and their tasks go on; give
/// `&mut task` to keep them.
///
/// # Examples
/// ```
/// use asyncio_futures::{ReturnWhen, ensure_future, wait};
/// use asyncio_loop::{EventLoop, sleep};
/// use std::time::Duration;
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let tasks = [1, 1000].map(|ms| ensure_future(sleep(Duration::from_millis(ms))));
///     let (done, pending) = wait(tasks)
///         .return_when(ReturnWhen::FirstCompleted)
///         .await
///         .unwrap();
///     assert_eq!((done.len(), pending.len()), (1, 1));
///     for task in done {
///         match task.await {
///             Ok(()) => println!("slept"),
///             Err(error) => println!("no value: {error}"),
///         }
///     }
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait<I>(children: I) -> Wait<I::Item>
where
    I: IntoIterator<Item: Child>,
{
    Wait::new(children, |_| false)
}

/// [`wait`](wait()) for tasks and futures that return a `Result`: with
/// [`ReturnWhen::FirstException`], an `Err` ends it.
///
/// # Errors
/// [`EmptySetError`] when there is nothing to wait for.
///
/// # Panics
/// When polled outside a running event loop, or when a handle belongs to another one and has not
/// ended.
///
/// # Cancel safety
/// As [`wait`](wait()).
pub fn try_wait<I, T, E>(children: I) -> Wait<I::Item>
where
    I: IntoIterator<Item: Child<Output = Result<T, E>>>,
    T: 'static,
    E: 'static,
{
    Wait::new(children, |value| {
        matches!(value.downcast_ref::<Result<T, E>>(), Some(Err(_)))
    })
}

/// Future of [`wait`](wait()); its settings are made before it is awaited.
#[must_use = "futures do nothing unless polled"]
pub struct Wait<C: Child> {
    children: Vec<C>,
    timeout: Option<Duration>,
    return_when: ReturnWhen,
    is_failure: fn(&dyn Any) -> bool,
    state: State,
}

enum State {
    Fresh,
    Waiting {
        inbox: Rc<Inbox<Waiting>>,
        timer: Option<TimerHandle>,
    },
    Over,
}

/// What the observers of the children share with the one who waits.
struct Waiting {
    return_when: ReturnWhen,
    is_failure: fn(&dyn Any) -> bool,
    left: Cell<usize>,
    released: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Waiting {
    fn release(&self) {
        self.released.set(true);
        let waker = self.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Sink for Waiting {
    fn child_ended(&self, _: u32, end: End) {
        self.left.set(self.left.get().saturating_sub(1));
        let enough = match self.return_when {
            ReturnWhen::FirstCompleted => true,
            ReturnWhen::FirstException => matches!(end, End::Failed | End::Panicked),
            ReturnWhen::AllCompleted => false,
        };
        if enough || self.left.get() == 0 {
            self.release();
        }
    }

    fn is_failure(&self, value: &dyn Any) -> bool {
        (self.is_failure)(value)
    }
}

impl<C: Child> Wait<C> {
    fn new(children: impl IntoIterator<Item = C>, is_failure: fn(&dyn Any) -> bool) -> Self {
        let mut seen = HashSet::new();
        let children = children
            .into_iter()
            .filter(|child| {
                child
                    .identity()
                    .is_none_or(|identity| seen.insert(identity))
            })
            .collect();
        Self {
            children,
            timeout: None,
            return_when: ReturnWhen::default(),
            is_failure,
            state: State::Fresh,
        }
    }

    /// Waits for at most this long; `None` is no limit. The time begins when it is first polled.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// When to end; the default is [`ReturnWhen::AllCompleted`].
    pub fn return_when(mut self, return_when: ReturnWhen) -> Self {
        self.return_when = return_when;
        self
    }

    fn start(&self) -> State {
        let waiting = Waiting {
            return_when: self.return_when,
            is_failure: self.is_failure,
            left: Cell::new(self.children.len()),
            released: Cell::new(false),
            waker: RefCell::default(),
        };
        let spawner = running_spawner(None);
        for child in &self.children {
            assert_may_watch(child, &spawner);
        }
        let inbox = Inbox::new(&spawner, waiting);
        let timer = self.timeout.map(|timeout| {
            let inbox = Rc::clone(&inbox);
            get_running_loop().call_later(timeout, move || inbox.sink.release())
        });
        // Unlike a group, it waits a turn also for what is done already, as asyncio does.
        for (index, child) in (0..).zip(&self.children) {
            child.observe(inbox.as_observer(), index);
        }
        State::Waiting { inbox, timer }
    }

    fn stop(&mut self) {
        if let State::Waiting { inbox, timer } = std::mem::replace(&mut self.state, State::Over) {
            if let Some(timer) = timer {
                timer.cancel();
            }
            inbox.close();
            let observer = inbox.as_observer();
            for child in &self.children {
                child.unobserve(&observer);
            }
        }
    }
}

impl<C: Child> Unpin for Wait<C> {}

impl<C: Child> Future for Wait<C> {
    type Output = Result<(Vec<C>, Vec<C>), EmptySetError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::Fresh = self.state {
            if self.children.is_empty() {
                self.state = State::Over;
                return Poll::Ready(Err(EmptySetError));
            }
            self.state = self.start();
        }
        match &self.state {
            State::Waiting { inbox, .. } if !inbox.sink.released.get() => {
                let spawner = inbox.spawner();
                spawner.assert_may_wait(format_args!("what becomes of several tasks"));
                let waker = Some(cx.waker().clone());
                let old = inbox.sink.waker.replace(waker);
                drop(old);
                Poll::Pending
            }
            State::Waiting { .. } => {
                self.stop();
                let children = std::mem::take(&mut self.children);
                Poll::Ready(Ok(children.into_iter().partition(Child::done)))
            }
            State::Fresh | State::Over => panic!("polled after completion"),
        }
    }
}

impl<C: Child> Drop for Wait<C> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<C: Child> fmt::Debug for Wait<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Wait")
            .field("children", &self.children.len())
            .field("timeout", &self.timeout)
            .field("return_when", &self.return_when)
            .finish_non_exhaustive()
    }
}
