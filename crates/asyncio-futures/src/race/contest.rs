//! Branches in scopes of their own: the first that is ready wins, the others are cancelled.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use asyncio_executor::{Cancelled, Scope, requests_around};
use pin_project_lite::pin_project;

pin_project! {
    /// A future that can be cancelled alone.
    pub(super) struct Branch<F> {
        // Dropped before the scope closes.
        #[pin]
        body: Option<F>,
        scope: Scope,
    }
}

impl<F> Branch<F> {
    pub(super) fn new(body: F) -> Self {
        Self {
            body: Some(body),
            scope: Scope::new(),
        }
    }
}

/// A branch of any type.
pub(super) trait Contestant<T> {
    /// `None` when it has ended before.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T, Cancelled>>>;

    /// Requests its cancellation; drops it if it has not begun.
    fn lose(self: Pin<&mut Self>);
}

impl<F: Future> Contestant<F::Output> for Branch<F> {
    fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<F::Output, Cancelled>>> {
        let this = self.project();
        if this.body.is_none() {
            return Poll::Ready(None);
        }
        this.scope.poll(this.body, cx).map(Some)
    }

    fn lose(self: Pin<&mut Self>) {
        let mut this = self.project();
        match this.scope.reference() {
            Some(scope) => drop(scope.cancel(None)),
            None => this.body.set(None),
        }
    }
}

/// Runs the branches to the end of all, and returns what the first has returned.
pub(super) async fn contest<T>(branches: &mut [Pin<&mut dyn Contestant<T>>]) -> T {
    let around = requests_around();
    let mut winner: Option<(T, usize)> = None;
    let mut decided = false;
    let mut cancelled = None;
    poll_fn(|cx| {
        let mut pending = false;
        let mut index = 0;
        while let Some(branch) = branches.get_mut(index) {
            match branch.as_mut().poll(cx) {
                Poll::Pending => pending = true,
                Poll::Ready(Some(Ok(output))) if winner.is_none() && cancelled.is_none() => {
                    winner = Some((output, index));
                }
                // What a loser has returned is dropped.
                Poll::Ready(None | Some(Ok(_))) => {}
                // Its own request was answered; or somebody else's.
                Poll::Ready(Some(Err(request))) => {
                    if !decided {
                        winner = None;
                        if cancelled.is_none() {
                            // The others get the same request, unless they have answered it.
                            request.clone().go_on();
                        }
                    }
                    cancelled = Some(request);
                }
            }
            index += 1;
            // While a request is around, the others may be about to let it through: then that is
            // the outcome, and not what a branch that swallowed it has returned.
            let at_once = requests_around() <= around || index == branches.len();
            if let Some((_, first)) = &winner
                && !decided
                && at_once
            {
                decided = true;
                for (other, branch) in branches.iter_mut().enumerate() {
                    if other != *first {
                        branch.as_mut().lose();
                    }
                }
                // Once more from the first: those without clean-up end at once.
                (pending, index) = (false, 0);
            }
        }
        if pending || !decided {
            return Poll::Pending;
        }
        if let Some(request) = cancelled.take()
            && requests_around() > around
        {
            request.renew();
        }
        match winner.take() {
            Some((output, _)) => Poll::Ready(output),
            None => Poll::Pending,
        }
    })
    .await
}
