//! A request to cancel that a wait takes over, to answer it later.

use std::cell::{Cell, RefCell};
use std::task::Context;

use asyncio_executor::{Cancellation, Claimed, Message};

use crate::waker_cell::WakerCell;

/// The requests that have reached one claim, of which the last one counts.
#[derive(Default)]
pub(crate) struct Request {
    made: Cell<bool>,
    message: RefCell<Option<Message>>,
    /// Wakes who waits, to answer.
    waker: WakerCell,
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
        self.waker.keep(cx);
    }
}

impl Claimed for Request {
    fn pass_on(&self, cancellation: &mut Cancellation) -> bool {
        // One that comes before the answer has found no wait to end.
        if !self.made.replace(true) {
            self.message.replace(cancellation.message().cloned());
        }
        // The answer comes with the next poll.
        if let Some(claim) = cancellation.take_claim() {
            claim.came_back();
        }
        self.waker.wake();
        true
    }
}
