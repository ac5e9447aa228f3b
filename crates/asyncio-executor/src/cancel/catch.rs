//! `catch_cancelled`: a body that a request drops, and code after it that goes on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::cancel::{Cancelled, Scope};

/// Runs `body` in a scope of its own. When a cancellation reaches it, the body is dropped where
/// it waits, and the code after goes on with `Err`: asyncio's `except CancelledError`.
///
/// The request is then answered: `task.cancel()` was a request, not an order. To let it go on
/// after some clean-up, use [`Cancelled::reraise`].
///
/// Outside an executor of this crate there is nobody to make a request, and the body just runs.
///
/// # Cancel safety
/// Yes. Dropping it drops the body; a request that was made and not answered goes to the scope
/// around.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, catch_cancelled};
///
/// let executor = Executor::new();
/// let task = executor.create_task(async {
///     let caught = catch_cancelled(std::future::pending::<()>()).await;
///     caught.is_err()
/// });
/// executor.run_until_stalled();
/// task.cancel_with("enough");
/// assert!(executor.run_until_complete(task).unwrap().unwrap());
/// ```
pub fn catch_cancelled<F: Future>(body: F) -> CatchCancelled<F> {
    CatchCancelled {
        body: Some(body),
        scope: Scope::new(),
    }
}

pin_project! {
    /// Future of [`catch_cancelled`].
    #[must_use = "futures do nothing unless polled"]
    pub struct CatchCancelled<F> {
        // Dropped before the scope closes.
        #[pin]
        body: Option<F>,
        scope: Scope,
    }
}

impl<F: Future> Future for CatchCancelled<F> {
    type Output = Result<F::Output, Cancelled>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.scope.poll(this.body, cx)
    }
}

impl<F> fmt::Debug for CatchCancelled<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CatchCancelled")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
