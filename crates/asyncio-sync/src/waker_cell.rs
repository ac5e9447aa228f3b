//! The place of one waker: where there is only ever one who waits.

use std::cell::RefCell;
use std::task::{Context, Waker};

use crate::waiters::wake;

/// The waker of the one who waits, if anybody does.
#[derive(Default)]
pub(crate) struct WakerCell(RefCell<Option<Waker>>);

impl WakerCell {
    /// Keeps the waker of what is being polled now.
    pub(crate) fn keep(&self, cx: &Context<'_>) {
        let kept = |waker: &Waker| waker.will_wake(cx.waker());
        if self.0.borrow().as_ref().is_some_and(kept) {
            return;
        }
        // A foreign waker's clone and drop are foreign code: with no borrow held.
        let new = Some(cx.waker().clone());
        let old = self.0.replace(new);
        drop(old);
    }

    /// Wakes the one who waits.
    #[inline]
    pub(crate) fn wake(&self) {
        let waker = self.0.take();
        if let Some(waker) = waker {
            wake(waker);
        }
    }

    /// Nobody waits any more.
    pub(crate) fn clear(&self) {
        let old = self.0.take();
        drop(old);
    }
}
