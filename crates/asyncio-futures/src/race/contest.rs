//! Branches in scopes of their own: the first that is ready wins, the others are cancelled.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use asyncio_executor::{Cancelled, Scope};
use pin_project_lite::pin_project;

use crate::race::decision::Decision;

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

    /// Requests its cancellation, before a poll that follows at once; drops it if it has not begun.
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
        if !this.scope.cancel_before_poll() {
            this.body.set(None);
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
        // From the first poll on.
        decision: Option<Decision<T>>,
    }
}

impl<B: Branches<T>, T> Contest<B, T> {
    pub(super) fn new(branches: B) -> Self {
        Self {
            branches,
            decision: None,
        }
    }
}

impl<B: Branches<T>, T> Future for Contest<B, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut this = self.project();
        let decision = this.decision.get_or_insert_with(Decision::new);
        let mut pending = false;
        let mut index = 0;
        while let Some(branch) = this.branches.as_mut().branch(index) {
            match branch.poll(cx) {
                Poll::Pending => pending = true,
                Poll::Ready(Some(Ok(output))) => decision.returned(output, index),
                Poll::Ready(None) => {}
                // Its own request was answered; or somebody else's.
                Poll::Ready(Some(Err(request))) => decision.let_through(request),
            }
            index += 1;
            let is_last = || this.branches.as_mut().branch(index).is_none();
            if let Some(winner) = decision.decide(is_last) {
                lose(this.branches.as_mut(), winner);
                // Once more from the first: those without clean-up end at once.
                (pending, index) = (false, 0);
            }
        }
        if pending || !decision.is_final() {
            return Poll::Pending;
        }
        match decision.end() {
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
