//! A future whose panic is a value.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use asyncio_executor::PanicPayload;
use pin_project_lite::pin_project;

pin_project! {
    /// Catches the panic of a poll. Not polled again after that, only dropped.
    pub(crate) struct CatchPanic<F> {
        #[pin]
        body: F,
    }
}

impl<F> CatchPanic<F> {
    pub(crate) fn new(body: F) -> Self {
        Self { body }
    }
}

impl<F: Future> Future for CatchPanic<F> {
    type Output = Result<F::Output, PanicPayload>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let body = self.project().body;
        match catch_unwind(AssertUnwindSafe(|| body.poll(cx))) {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(PanicPayload::new(payload))),
        }
    }
}
