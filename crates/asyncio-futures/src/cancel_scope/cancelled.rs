//! Waiting until a scope is cancelled.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};

use asyncio_executor::Spawner;

/// Those who wait for the cancellation of a scope, by number, in order of arrival.
#[derive(Default)]
pub(super) struct Watchers {
    wakers: RefCell<BTreeMap<u64, Waker>>,
    last: Cell<u64>,
}

impl Watchers {
    pub(super) fn wake_all(&self) {
        let wakers = self.wakers.take();
        wakers.into_values().for_each(wake);
    }
}

/// One who waits. Dropped, it does not any more.
pub(super) struct Watching<'a> {
    watchers: &'a Watchers,
    number: Option<u64>,
}

impl<'a> Watching<'a> {
    pub(super) fn new(watchers: &'a Watchers) -> Self {
        let number = None;
        Self { watchers, number }
    }

    pub(super) fn poll(&mut self, cx: &Context<'_>, is_over: impl Fn() -> bool) -> Poll<()> {
        let Watchers { wakers, last } = self.watchers;
        // A foreign waker's clone and drop are foreign code, which may cancel: with no borrow held,
        // and before it is asked.
        let waker = cx.waker().clone();
        if is_over() {
            return Poll::Ready(());
        }
        let number = *self.number.get_or_insert_with(|| {
            last.set(last.get() + 1);
            last.get()
        });
        let old = wakers.borrow_mut().insert(number, waker);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let waker = self.watchers.wakers.borrow_mut().remove(&number);
            drop(waker);
        }
    }
}

/// Wakes one that may be foreign, and panic: that must not keep the others from being told.
fn wake(waker: Waker) {
    match Spawner::current() {
        Some(spawner) => spawner.catch_panic("panic in a waker", || waker.wake()),
        // Nobody is there who could be told of it. What it was raised with is leaked: its destructor
        // may panic, too.
        None => catch_unwind(AssertUnwindSafe(|| waker.wake())).unwrap_or_else(std::mem::forget),
    }
}
