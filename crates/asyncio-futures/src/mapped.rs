//! A future whose output is changed. An `async` block would have room for the future twice, once as
//! what it captured and once where it is awaited, and an `async fn` three times.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

pin_project! {
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Mapped<F, M> {
        #[pin]
        future: F,
        map: Option<M>,
    }
}

impl<F, M> Mapped<F, M> {
    pub(crate) fn new(future: F, map: M) -> Self {
        Self {
            future,
            map: Some(map),
        }
    }
}

impl<F, M, T> Future for Mapped<F, M>
where
    F: Future,
    M: FnOnce(F::Output) -> T,
{
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.project();
        let output = ready!(this.future.poll(cx));
        let map = this.map.take().expect("polled after completion");
        Poll::Ready(map(output))
    }
}
