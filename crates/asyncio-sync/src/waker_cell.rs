//! The place of one waker: where there is only ever one who waits.

use std::cell::{Cell, RefCell};
use std::task::{Context, Waker};

use crate::waiters::{discard, wake};

/// The waker of the one who waits, if anybody does.
#[derive(Default)]
pub(crate) struct WakerCell {
    waker: RefCell<Option<Waker>>,
    /// It was woken since somebody began to wait.
    woken: Cell<bool>,
}

impl WakerCell {
    /// Keeps the waker of what is being polled now.
    pub(crate) fn keep(&self, cx: &Context<'_>) {
        let kept = |waker: &Waker| waker.will_wake(cx.waker());
        if self.waker.borrow().as_ref().is_some_and(kept) {
            return;
        }
        // A foreign waker's clone and drop are foreign code: with no borrow held.
        self.woken.set(false);
        let new = cx.waker().clone();
        if self.woken.get() {
            return wake(new); // for what the clone has done
        }
        if let Some(old) = self.waker.replace(Some(new)) {
            discard(old);
        }
    }

    /// Wakes the one who waits.
    #[inline]
    pub(crate) fn wake(&self) {
        self.woken.set(true);
        if let Some(waker) = self.waker.take() {
            wake(waker);
        }
    }

    /// Nobody waits any more.
    pub(crate) fn clear(&self) {
        if let Some(old) = self.waker.take() {
            discard(old);
        }
    }
}
