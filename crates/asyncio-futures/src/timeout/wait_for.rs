//! `wait_for`: a timeout around one await.

use std::cell::Cell;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use asyncio_executor::{Cancellation, Dispatch, Entry, Spawner};
use pin_project_lite::pin_project;

use crate::child::Child;
use crate::error::TimeoutError;
use crate::running::running_spawner;
use crate::timeout::timed::Timed;
use crate::wait::wait;

/// What [`wait_for()`] takes: a future, or a handle. `Kind` tells the two apart, and is inferred.
pub trait Awaitable<Kind>: IntoFuture {
    /// Its outcome, where there is no time to wait: what `wait_for` with `Duration::ZERO` does. A
    /// future is dropped, or in a loop with [eager](asyncio_loop::LoopRef::set_eager) tasks polled
    /// once and then cancelled; a handle is cancelled, unless it is done. The end is waited for.
    ///
    /// # Errors
    /// [`TimeoutError`], unless it had an outcome already, or has one in spite of the cancellation.
    ///
    /// # Panics
    /// When polled outside a running executor, unless it is a handle that is done; and when a handle
    /// belongs to another one and is not done.
    ///
    /// # Cancel safety
    /// The cancellation is requested in the first poll, and is not taken back. Dropped after that, a
    /// future has been dropped as well; a task goes on with its clean-up, and what it still returns
    /// is its handle's.
    fn give_up(self) -> impl Future<Output = Result<Self::Output, TimeoutError>>;
}

/// The kind of a future.
#[derive(Debug)]
pub enum Coroutine {}

/// The kind of a handle: a task, a [`Future`](crate::Future), a group.
#[derive(Debug)]
pub enum Waitable {}

/// asyncio makes a task of the future, cancels it, and sees it end. What that task would do is done
/// here, in the same turns; a loop around this does not starve the others.
impl<F: Future> Awaitable<Coroutine> for F {
    async fn give_up(self) -> Result<F::Output, TimeoutError> {
        let spawner = running_spawner(None);
        if spawner.eager() {
            // Such a task has its first step at once.
            // Boxed: otherwise there would be room for the future twice.
            let mut body = Box::pin(Timed::expiring(self));
            let mut has_waited = false;
            let outcome = poll_fn(|cx| {
                let polled = body.as_mut().poll(cx);
                has_waited |= polled.is_pending();
                polled
            })
            .await;
            if has_waited {
                end_seen(&spawner, 1).await;
            }
            return outcome;
        }
        drop(self);
        end_seen(&spawner, 2).await;
        Err(TimeoutError)
    }
}

/// Waits until, after so many entries of the ready queue that come one from the other, a future is
/// set. Whoever waits is in the queue only then.
async fn end_seen(spawner: &Spawner, entries: u32) {
    let seen = Seen {
        future: crate::Future::new_on(spawner),
        entries: Cell::new(entries),
    };
    let future = seen.future.clone();
    spawner.push(Entry::dispatch(Rc::new(seen)));
    // Nobody else has the future, so that it ends as cancelled only with the one who waits.
    let _ = future.await;
}

struct Seen {
    future: crate::Future<()>,
    entries: Cell<u32>,
}

impl Dispatch for Seen {
    fn run(self: Rc<Self>) {
        let left = self.entries.get().saturating_sub(1);
        self.entries.set(left);
        if left == 0 {
            // Cancelled meanwhile, perhaps.
            let _ = self.future.set_result(());
        } else {
            let spawner = self.future.spawner().clone();
            spawner.push(Entry::dispatch(self));
        }
    }
}

impl<C: Child + IntoFuture> Awaitable<Waitable> for C {
    async fn give_up(self) -> Result<<Self as IntoFuture>::Output, TimeoutError> {
        if self.done() {
            return Ok(self.await);
        }
        let spawner = running_spawner(None);
        let target = self.target(&spawner);
        Cancellation::request(None, |request| target.pass_on(&spawner, request));
        let (mut done, _) = wait([self]).await.map_err(|_| TimeoutError)?;
        match done.pop() {
            Some(child) if !child.cancelled() => Ok(child.await),
            _ => Err(TimeoutError),
        }
    }
}

/// Waits for a future, a task or another handle, for at most `limit`; for as long as it takes
/// with `None`. asyncio's `wait_for`.
///
/// It is [`timeout`](crate::timeout()) around an `await` in this task, and what that says of clean-up and
/// of values returned in spite of it holds here. With `Duration::ZERO` a future is dropped before
/// its first step, or cancelled after it if tasks are [eager](asyncio_loop::LoopRef::set_eager); a
/// handle is cancelled and waited for, unless it is done.
///
/// # Errors
/// [`TimeoutError`].
///
/// # Panics
/// With a limit, when it has to wait outside a running event loop, or waits on in another one.
///
/// # Cancel safety
/// Yes, if the future is: dropping it drops the future where it is, and leaves a task to go on.
/// Cancelling the awaiting side cancels the task, and waits for it.
///
/// # Examples
/// ```
/// use asyncio_futures::{TimeoutError, wait_for};
/// use asyncio_loop::{EventLoop, sleep};
/// use std::time::Duration;
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let sleeping = sleep(Duration::from_secs(1000));
///     let outcome = wait_for(sleeping, Duration::from_millis(1)).await;
///     assert_eq!(outcome, Err(TimeoutError));
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait_for<A, Kind>(
    awaitable: A,
    limit: impl Into<Option<Duration>>,
) -> impl Future<Output = Result<A::Output, TimeoutError>>
where
    A: Awaitable<Kind>,
{
    match limit.into() {
        None => WaitFor::Unlimited {
            future: awaitable.into_future(),
        },
        Some(Duration::ZERO) => WaitFor::GivenUp {
            future: awaitable.give_up(),
        },
        Some(limit) => WaitFor::Limited {
            future: Timed::after(limit, awaitable.into_future()),
        },
    }
}

pin_project! {
    /// Future of `wait_for`. Written by hand because an `async fn` would have room for the future
    /// twice: as its argument, and where it is awaited.
    #[project = Kinds]
    enum WaitFor<U, L, G> {
        Unlimited { #[pin] future: U },
        Limited { #[pin] future: L },
        GivenUp { #[pin] future: G },
    }
}

impl<U, L, G> Future for WaitFor<U, L, G>
where
    U: Future,
    L: Future<Output = Result<U::Output, TimeoutError>>,
    G: Future<Output = Result<U::Output, TimeoutError>>,
{
    type Output = Result<U::Output, TimeoutError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Kinds::Unlimited { future } => future.poll(cx).map(Ok),
            Kinds::Limited { future } => future.poll(cx),
            Kinds::GivenUp { future } => future.poll(cx),
        }
    }
}
