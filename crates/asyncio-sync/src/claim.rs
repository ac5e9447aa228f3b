//! A request to cancel that a wait takes over, to answer it later.

use std::cell::{Cell, RefCell};
use std::task::{Context, Waker};

use asyncio_executor::{Cancellation, Claimed, Message};

use crate::waiters::wake;

/// The requests that have reached one claim, of which the last one counts.
#[derive(Default)]
pub(crate) struct Request {
    made: Cell<bool>,
    message: RefCell<Option<Message>>,
    /// Wakes who waits, to answer.
    waker: RefCell<Option<Waker>>,
}

impl Request {
    /// Whether there is one that was not taken.
    pub(crate) fn is_made(&self) -> bool {
        self.made.get()
    }

    /// Takes the last request: its message.
    pub(crate) fn take(&self) -> Option<Option<Message>> {
        self.made.take().then(|| self.message.take())
    }

    /// Has what is being polled now woken by the next request.
    pub(crate) fn keep_waker(&self, cx: &Context<'_>) {
        let kept = |waker: &Waker| waker.will_wake(cx.waker());
        if self.waker.borrow().as_ref().is_some_and(kept) {
            return;
        }
        // A foreign waker's clone and drop are foreign code: with no borrow held.
        let new = Some(cx.waker().clone());
        let old = self.waker.replace(new);
        drop(old);
    }
}

impl Claimed for Request {
    fn pass_on(&self, cancellation: &mut Cancellation) -> bool {
        self.message.replace(cancellation.message().cloned());
        self.made.set(true);
        let waker = self.waker.take();
        if let Some(waker) = waker {
            wake(waker);
        }
        true
    }
}
