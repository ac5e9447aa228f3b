//! Awaiting a handle: by value, through `&mut`, and as the main future of a run.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A handle that is awaited through `IntoFuture`, by value or as `&mut handle`.
pub trait Handle: Unpin {
    /// What the `await` gives.
    type Outcome;

    /// Waits for the end, as a claim: a request to cancel the one who waits is passed on.
    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Ends the claim of a wait that is given up.
    fn stop_waiting(&mut self);

    /// Takes the outcome.
    ///
    /// # Panics
    /// When it has not ended, or the outcome was taken before.
    fn take_outcome(&mut self) -> Self::Outcome;
}

/// Future of `handle.await`. Dropping it drops the handle.
#[must_use = "futures do nothing unless polled"]
pub struct Awaited<H>(pub(crate) H);

impl<H: Handle> Future for Awaited<H> {
    type Output = H::Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<H::Outcome> {
        ready!(self.0.poll_done(cx));
        Poll::Ready(self.0.take_outcome())
    }
}

impl<H> fmt::Debug for Awaited<H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Awaited").finish_non_exhaustive()
    }
}

/// Future of `(&mut handle).await`. Dropping it leaves the handle as it is.
#[must_use = "futures do nothing unless polled"]
pub struct AwaitedMut<'a, H: Handle>(pub(crate) &'a mut H);

impl<H: Handle> Future for AwaitedMut<'_, H> {
    type Output = H::Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<H::Outcome> {
        ready!(self.0.poll_done(cx));
        Poll::Ready(self.0.take_outcome())
    }
}

impl<H: Handle> Drop for AwaitedMut<'_, H> {
    fn drop(&mut self) {
        self.0.stop_waiting();
    }
}

impl<H: Handle> fmt::Debug for AwaitedMut<'_, H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AwaitedMut").finish_non_exhaustive()
    }
}

/// Waits for the end of a handle and leaves the outcome in it: `run_until_complete(&mut handle)`.
#[must_use = "futures do nothing unless polled"]
pub struct Watch<'a, H: Handle>(pub(crate) Option<&'a mut H>);

impl<'a, H: Handle> Future for Watch<'a, H> {
    type Output = &'a H;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'a H> {
        if let Some(handle) = &mut self.0 {
            ready!(handle.poll_done(cx));
        }
        Poll::Ready(self.0.take().expect("polled after completion"))
    }
}

impl<H: Handle> Drop for Watch<'_, H> {
    fn drop(&mut self) {
        if let Some(handle) = &mut self.0 {
            handle.stop_waiting();
        }
    }
}

impl<H: Handle> fmt::Debug for Watch<'_, H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Watch").finish_non_exhaustive()
    }
}
