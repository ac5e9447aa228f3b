//! `wait_for`: a timeout around one await.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use asyncio_executor::{Cancellation, yield_now};
use pin_project_lite::pin_project;

use crate::child::Child;
use crate::error::TimeoutError;
use crate::running::running_spawner;
use crate::timeout::timeout;
use crate::wait::wait;

/// What [`wait_for()`] takes: a future, or a handle. `Kind` tells the two apart, and is inferred.
pub trait Awaitable<Kind>: IntoFuture {
    /// Its outcome, where there is no time to wait.
    fn give_up(self) -> impl Future<Output = Result<Self::Output, TimeoutError>>;
}

/// The kind of a future.
#[derive(Debug)]
pub enum Coroutine {}

/// The kind of a handle: a task, a [`Future`](crate::Future), a group.
#[derive(Debug)]
pub enum Waitable {}

impl<F: Future> Awaitable<Coroutine> for F {
    async fn give_up(self) -> Result<F::Output, TimeoutError> {
        drop(self);
        // As many turns as asyncio takes to make a task of it, cancel that and see it end; a loop
        // around this must not starve the others.
        for _ in 0..3 {
            yield_now().await;
        }
        Err(TimeoutError)
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

/// Waits for a future, a task or another handle, for at most `timeout`; for as long as it takes
/// with `None`. asyncio's `wait_for`.
///
/// It is [`timeout`](timeout()) around an `await` in this task, and what that says of clean-up and
/// of values returned in spite of it holds here. With `Duration::ZERO` a future is dropped before
/// its first step; a handle is cancelled and waited for, unless it is done.
///
/// # Errors
/// [`TimeoutError`].
///
/// # Panics
/// When it has to wait outside a running event loop.
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
///     let outcome = wait_for(sleeping, Some(Duration::from_millis(1))).await;
///     assert_eq!(outcome, Err(TimeoutError));
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn wait_for<A, Kind>(
    awaitable: A,
    limit: Option<Duration>,
) -> impl Future<Output = Result<A::Output, TimeoutError>>
where
    A: Awaitable<Kind>,
{
    match limit {
        None => WaitFor::Unlimited {
            future: awaitable.into_future(),
        },
        Some(Duration::ZERO) => WaitFor::GivenUp {
            future: awaitable.give_up(),
        },
        Some(limit) => WaitFor::Limited {
            future: timeout(limit, awaitable),
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
