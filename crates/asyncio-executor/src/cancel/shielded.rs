//! The shielded body: no request goes in.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::cancel::{Kind, Scope};

/// Runs `body` so that no cancellation from outside reaches it: it goes on to its end, and its
/// value is returned. A request that was made meanwhile is then answered at the next `await`
/// outside.
///
/// It is the place for steps that must not be torn apart, and that end by themselves: whoever
/// cancels waits for them, and so does a `timeout` around, which returns the body's value if it
/// comes late. asyncio has no such thing; its `shield` keeps a *task* from being cancelled, and
/// does not wait for it.
///
/// Scopes inside work as ever: a timeout in the body ends what it is around, and a cancellation
/// that the body itself raises goes on outwards.
///
/// # Cancel safety
/// It has no await at which it could be cancelled. Dropping it drops `body` where it is; a request
/// that it kept goes to the scope around.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, TaskError, shielded, yield_now};
/// use std::{cell::Cell, rc::Rc};
///
/// let executor = Executor::new();
/// let written = Rc::new(Cell::new(false));
/// let task = executor.create_task({
///     let written = written.clone();
///     async move {
///         shielded(async {
///             yield_now().await; // half of it
///             written.set(true);
///         })
///         .await;
///         yield_now().await; // the request is answered here
///         unreachable!()
///     }
/// });
/// executor.run_ready(1, None);
/// task.cancel();
/// let outcome = executor.run_until_complete(task).unwrap();
/// assert!(matches!(outcome, Err(TaskError::Cancelled(None))));
/// assert!(written.get());
/// ```
pub fn shielded<F: Future>(body: F) -> Shielded<F> {
    Shielded {
        body: Some(body),
        scope: Scope::new(),
    }
}

pin_project! {
    /// Future of [`shielded`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Shielded<F> {
        // Dropped before the scope closes.
        #[pin]
        body: Option<F>,
        scope: Scope,
    }
}

impl<F: Future> Future for Shielded<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.body.is_none() {
            // A cancellation has gone on outwards.
            return Poll::Pending;
        }
        match this.scope.poll_as(|| Kind::Shield, this.body, cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(output)) => Poll::Ready(output),
            // One that began inside.
            Poll::Ready(Err(cancelled)) => {
                cancelled.go_on();
                Poll::Pending
            }
        }
    }
}

impl<F> fmt::Debug for Shielded<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Shielded")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
