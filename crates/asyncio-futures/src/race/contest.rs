//! Branches in scopes of their own: the first that is ready wins, the others are cancelled.

use std::future::Future;
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
            Some(scope) => drop(scope.cancel()),
            None => this.body.set(None),
        }
    }
}

/// The branches of a race.
pub(super) trait Branches<T> {
    /// The one of this number; they are numbered from 0.
    fn branch(self: Pin<&mut Self>, index: usize) -> Option<Pin<&mut dyn Contestant<T>>>;
}

pin_project! {
    /// Runs the branches to the end of all, and returns what the first has returned. (An `async fn`
    /// would have room for the branches several times.)
    #[must_use = "futures do nothing unless polled"]
    pub(super) struct Contest<B, T> {
        #[pin]
        branches: B,
        // The requests around at entry.
        around: Option<u32>,
        winner: Option<(T, usize)>,
        // The winner stays, and the others have been cancelled.
        decided: bool,
        // A request from outside, which has gone on outwards unless there is a winner.
        cancelled: Option<Cancelled>,
    }
}

impl<B: Branches<T>, T> Contest<B, T> {
    pub(super) fn new(branches: B) -> Self {
        Self {
            branches,
            around: None,
            winner: None,
            decided: false,
            cancelled: None,
        }
    }
}

impl<B: Branches<T>, T> Future for Contest<B, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut this = self.project();
        let around = *this.around.get_or_insert_with(requests_around);
        let mut pending = false;
        let mut index = 0;
        while let Some(branch) = this.branches.as_mut().branch(index) {
            match branch.poll(cx) {
                Poll::Pending => pending = true,
                Poll::Ready(Some(Ok(output)))
                    if this.winner.is_none() && this.cancelled.is_none() =>
                {
                    *this.winner = Some((output, index));
                }
                // What a loser has returned is dropped.
                Poll::Ready(None | Some(Ok(_))) => {}
                // Its own request was answered; or somebody else's.
                Poll::Ready(Some(Err(request))) => {
                    if !*this.decided {
                        *this.winner = None;
                        if this.cancelled.is_none() {
                            // The others get the same request, unless they have answered it.
                            request.clone().go_on();
                        }
                    }
                    *this.cancelled = Some(request);
                }
            }
            index += 1;
            if *this.decided {
                continue;
            }
            if let Some((_, first)) = *this.winner {
                // While a request is around, the others may be about to let it through: then that
                // is the outcome, and not what a branch that swallowed it has returned.
                let mut is_last = || this.branches.as_mut().branch(index).is_none();
                if requests_around() <= around || is_last() {
                    *this.decided = true;
                    lose(this.branches.as_mut(), first);
                    // Once more from the first: those without clean-up end at once.
                    (pending, index) = (false, 0);
                }
            }
        }
        if pending || !*this.decided {
            return Poll::Pending;
        }
        if let Some(request) = this.cancelled.take()
            && requests_around() > around
        {
            request.renew();
        }
        match this.winner.take() {
            Some((output, _)) => Poll::Ready(output),
            None => Poll::Pending,
        }
    }
}

/// Cancels all but the winner.
fn lose<T>(mut branches: Pin<&mut impl Branches<T>>, winner: usize) {
    let mut index = 0;
    while let Some(branch) = branches.as_mut().branch(index) {
        if index != winner {
            branch.lose();
        }
        index += 1;
    }
}
