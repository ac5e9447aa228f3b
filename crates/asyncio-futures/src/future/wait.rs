//! Awaiting a future.

use std::fmt;
use std::future::{self, IntoFuture};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use asyncio_executor::{Claim, MainFuture, RunError, Settled, TaskError};

use crate::future::Future;
use crate::future::cell::FutureCell;

/// Future of `future.await`.
#[must_use = "futures do nothing unless polled"]
pub struct FutureWait<T: 'static> {
    cell: Rc<FutureCell<T>>,
    claim: Claim,
    /// The number of our waker; 0 for none.
    waker: u64,
}

impl<T: Clone> future::Future for FutureWait<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { cell, claim, waker } = self.get_mut();
        claim.poll(
            cx,
            || Rc::clone(cell) as _,
            |cx| {
                let Some(outcome) = cell.outcome.get() else {
                    let location = cell.location;
                    cell.spawner
                        .assert_may_wait(format_args!("the future created at {location}"));
                    *waker = cell.keep_waker(*waker, cx.waker());
                    return Poll::Pending;
                };
                cell.retrieve();
                let cancelled = match outcome {
                    Err(TaskError::Cancelled(message)) => Some(message.clone()),
                    Err(TaskError::Panicked(_)) | Ok(_) => None,
                };
                let value = outcome.clone();
                Poll::Ready(Settled { value, cancelled })
            },
        )
    }
}

impl<T> Drop for FutureWait<T> {
    fn drop(&mut self) {
        if self.waker != 0 {
            self.cell.remove(self.waker);
        }
    }
}

impl<T: Clone> IntoFuture for Future<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = FutureWait<T>;

    fn into_future(self) -> FutureWait<T> {
        FutureWait {
            cell: self.0,
            claim: Claim::new(),
            waker: 0,
        }
    }
}

impl<T: Clone> IntoFuture for &Future<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = FutureWait<T>;

    fn into_future(self) -> FutureWait<T> {
        self.clone().into_future()
    }
}

impl<T: Clone> MainFuture for Future<T> {
    type Output = Result<T, TaskError>;
    type Future = FutureWait<T>;

    const IS_HANDLE: bool = true;

    fn into_main(self) -> FutureWait<T> {
        self.into_future()
    }

    fn output(output: Self::Output) -> Result<Self::Output, RunError> {
        Ok(output)
    }
}

impl<T> fmt::Debug for FutureWait<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FutureWait").finish_non_exhaustive()
    }
}
