//! Deadlines for whatever is awaited.
//!
//! | file | idea |
//! |---|---|
//! | [`deadline`] | `Timeout`: the handle to a deadline, and its states |
//! | [`timed`] | the future: a body in a scope that the deadline cancels |
//! | [`mod@wait_for`] | asyncio's older form |

mod deadline;
mod timed;
mod wait_for;

use std::future::{Future, IntoFuture};
use std::time::{Duration, Instant};

use crate::mapped::Mapped;

pub use deadline::{Timeout, TimeoutStateError};
pub use timed::Timed;
pub use wait_for::{Awaitable, Coroutine, Waitable, wait_for};

/// Runs `future` in this task, for at most `delay`. asyncio's `timeout`.
///
/// When the time is over, what `future` waits for is cancelled, innermost first, as by
/// `task.cancel()`: its clean-up runs, and is waited for; then the outcome is [`TimeoutError`].
/// A future that catches the cancellation and returns a value has its value returned. Only its own
/// cancellation becomes a `TimeoutError`: that of the task, or of a timeout further out, goes on
/// outwards, and so of several that expire together the outermost wins.
///
/// The time begins when `future` first has to wait: one that is ready at once costs no look at the
/// clock, and no timer. Among timers of the same moment it comes before those that `future` sets.
/// `Duration::ZERO` cancels what is not ready at once, one turn later; `Duration::MAX` and `None`
/// are no limit. To move the deadline, or ask whether it has passed, make a [`Timeout`] first.
///
/// # Errors
/// [`TimeoutError`](crate::TimeoutError).
///
/// # Panics
/// When it has to wait outside a running event loop, or waits on in another one.
///
/// # Cancel safety
/// Yes, if `future` is: dropping it drops `future` where it is, and its timer.
///
/// # Examples
/// ```
/// use asyncio_futures::{TimeoutError, timeout};
/// use asyncio_loop::{EventLoop, sleep};
/// use std::time::Duration;
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let ms = Duration::from_millis;
///     assert_eq!(timeout(ms(1), sleep(ms(1000))).await, Err(TimeoutError));
///     assert_eq!(timeout(ms(1000), async { 42 }).await, Ok(42));
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`TimeoutError`]: crate::TimeoutError
pub fn timeout<F>(delay: impl Into<Option<Duration>>, future: F) -> Timed<F::IntoFuture>
where
    F: IntoFuture,
{
    Timed::after(delay.into().unwrap_or(Duration::MAX), future.into_future())
}

/// [`timeout`] with a moment of the loop's clock instead of a delay. One that has passed cancels
/// what is not ready at once, one turn later; `None` is no limit. It looks at the clock when it begins.
///
/// # Errors
/// [`TimeoutError`](crate::TimeoutError).
///
/// # Panics
/// When it has to wait outside a running event loop, or waits on in another one.
///
/// # Cancel safety
/// As [`timeout`].
pub fn timeout_at<F>(when: impl Into<Option<Instant>>, future: F) -> Timed<F::IntoFuture>
where
    F: IntoFuture,
{
    match when.into() {
        Some(when) => Timed::at(when, future.into_future()),
        None => timeout(None, future),
    }
}

/// [`timeout`] for when running out of time is no error: `None` then. trio's `move_on_after`.
///
/// # Panics
/// When it has to wait outside a running event loop, or waits on in another one.
///
/// # Cancel safety
/// As [`timeout`].
///
/// # Examples
/// ```
/// use asyncio_futures::move_on_after;
/// use asyncio_loop::{EventLoop, sleep};
/// use std::time::Duration;
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let ms = Duration::from_millis;
///     let line = move_on_after(ms(1), async {
///         sleep(ms(1000)).await;
///         "an answer"
///     });
///     println!("{}", line.await.unwrap_or("no answer"));
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn move_on_after<F>(
    delay: impl Into<Option<Duration>>,
    future: F,
) -> impl Future<Output = Option<F::Output>>
where
    F: IntoFuture,
{
    Mapped::new(timeout(delay, future), Result::ok)
}
