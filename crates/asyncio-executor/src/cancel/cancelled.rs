//! The value of a cancellation, and letting it go on outwards.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::task::Poll;

use crate::cancel::request;
use crate::error::Message;
use crate::home;

/// A request that a scope has answered: what `except CancelledError as e` binds in Python.
///
/// Code that only had to clean up goes on with the cancellation by [`reraise`](Self::reraise).
#[derive(Clone, Debug)]
#[must_use = "a cancellation that is neither reraised nor meant to be swallowed is lost"]
pub struct Cancelled {
    pub(crate) request: u64,
    pub(crate) message: Option<Message>,
}

impl Cancelled {
    /// The message that the request was made with.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// [`reraise`](Self::reraise) for futures that are written by hand: to be called inside a poll
    /// that then returns pending, as all later polls have to.
    pub fn go_on(self) {
        go_on(self.request, self.message);
    }

    /// Lets the cancellation go on outwards from here: the next scope around answers it. Never
    /// returns; the future stays pending until the scope that answers drops it.
    ///
    /// Outside every task and scope there is nobody to answer, and it waits for ever.
    ///
    /// # Cancel safety
    /// Yes: dropping it before its first poll swallows the cancellation, later it has gone.
    ///
    /// # Examples
    /// ```
    /// use asyncio_executor::{Executor, TaskError, catch_cancelled, yield_now};
    ///
    /// let executor = Executor::new();
    /// let task = executor.create_task(async {
    ///     if let Err(cancelled) = catch_cancelled(std::future::pending::<()>()).await {
    ///         yield_now().await; // clean up
    ///         cancelled.reraise().await
    ///     }
    /// });
    /// executor.run_until_stalled();
    /// task.cancel();
    /// let outcome = executor.run_until_complete(task).unwrap();
    /// assert!(matches!(outcome, Err(TaskError::Cancelled(None))));
    /// ```
    pub async fn reraise(self) -> ! {
        match unwind(self.request, self.message).await {}
    }

    /// Makes the request anew, at the scope around: it is answered at the next `await` there, and
    /// what runs now goes on until then. It counts as the same request, and no more.
    ///
    /// For code that has a result which must not be lost to the cancellation: a task group's
    /// errors, for example. Outside every task and scope it does nothing.
    pub fn renew(self) {
        renew(self.message);
    }
}

/// Makes the requests that are counted here anew, though they were answered, as one: the scope
/// around answers it at the next `await`. What [`Cancelled::renew`] does for a request that somebody
/// else has caught, and asyncio by `task.uncancel()` and `task.cancel()`.
///
/// Nothing happens if there are [none](crate::requests_around).
pub fn renew_requests() {
    if crate::requests_around() > 0 {
        renew(None);
    }
}

/// Marks the scope around, unless it is marked already. The number is a new one, so that nobody
/// takes the request for the one that was answered.
fn renew(message: Option<Message>) {
    home::with(|local| {
        if let Some(local) = local {
            let here = local.tree.here(local);
            if local.tree.pending(here) == 0 {
                local.tree.set_pending(here, local.tree.next_request());
                local.tree.with(here, |here| here.message = message);
            }
        }
    });
}

/// Ends the code around as cancelled, as `raise CancelledError(message)` does in Python: the
/// next scope outwards answers it. Never returns, so the `.await` fits wherever a value is wanted;
/// where a future of a certain type is wanted, put it into an `async` block.
///
/// # Cancel safety
/// Yes, as [`Cancelled::reraise`].
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, catch_cancelled, raise_cancelled};
///
/// async fn even(number: u32) -> u32 {
///     if number % 2 == 1 {
///         raise_cancelled("odd").await;
///     }
///     number
/// }
///
/// let executor = Executor::new();
/// let caught = executor.run_until_complete(catch_cancelled(even(3))).unwrap();
/// assert_eq!(caught.unwrap_err().message(), Some("odd"));
/// ```
pub async fn raise_cancelled<'a>(message: impl Into<Option<&'a str>>) -> ! {
    let message = message.into().map(Message::from);
    match unwind(0, message).await {}
}

/// Marks the scope around as unwinding once, and stays pending. A request number of 0 asks for
/// a new one.
fn unwind(request: u64, message: Option<Message>) -> impl Future<Output = Infallible> {
    let mut message = Some(message);
    poll_fn(move |_| {
        if let Some(message) = message.take() {
            go_on(request, message);
        }
        Poll::Pending
    })
}

fn go_on(request: u64, message: Option<Message>) {
    home::with(|local| {
        let Some(local) = local else { return };
        let request = if request == 0 {
            local.tree.next_request()
        } else {
            request
        };
        request::unwind_into(local, local.tree.here(local), request, message);
    });
}
