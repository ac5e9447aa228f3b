//! Giving the others a turn.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Waits until everything that is ready now has had its turn: asyncio's `sleep(0)`.
///
/// # Cancel safety
/// Yes.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, yield_now};
/// use std::{cell::RefCell, rc::Rc};
///
/// let executor = Executor::new();
/// let log = Rc::new(RefCell::new(vec![]));
/// for name in ["a", "b"] {
///     let log = log.clone();
///     executor
///         .create_task(async move {
///             log.borrow_mut().push(format!("{name}1"));
///             yield_now().await;
///             log.borrow_mut().push(format!("{name}2"));
///         })
///         .detach();
/// }
/// executor.run_until_stalled();
/// assert_eq!(*log.borrow(), ["a1", "b1", "a2", "b2"]);
/// ```
pub fn yield_now() -> YieldNow {
    YieldNow(false)
}

/// Future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct YieldNow(bool);

impl Future for YieldNow {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        crate::cancel::note_yield();
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
