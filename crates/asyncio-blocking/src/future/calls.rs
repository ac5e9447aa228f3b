//! Done-callbacks are called one after the other, never inside each other.
//!
//! A callback may complete or cancel another future, whose callback completes a third, and so on:
//! called inside each other, a million of them would need a million stack frames. So a thread that
//! is calling callbacks keeps those that become due meanwhile in a queue, and calls them when the
//! current one has returned.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::{Callback, ConcurrentFutureRef};
use crate::guard::shield;
use crate::sync::thread_local;

type Call = (ConcurrentFutureRef, Callback);

thread_local! {
    /// What is due in this thread; `Some` while it is calling.
    static DUE: RefCell<Option<VecDeque<Call>>> = RefCell::new(None);
}

/// Calls `callbacks` with `future`, in order: now, or, inside a callback, after that.
pub(super) fn call(future: &ConcurrentFutureRef, callbacks: impl IntoIterator<Item = Callback>) {
    let mut calls = callbacks
        .into_iter()
        .map(|callback| (future.clone(), callback));
    let outermost = DUE.try_with(|due| {
        let mut due = due.borrow_mut();
        let outermost = due.is_none();
        due.get_or_insert_default().extend(calls.by_ref());
        outermost
    });
    match outermost {
        // Every call is shielded, so this comes to its end and `DUE` back to `None`.
        Ok(true) => std::iter::from_fn(next).for_each(run),
        Ok(false) => {}
        // The thread is ending, and has no place for a queue any more.
        Err(_) => calls.for_each(run),
    }
}

fn next() -> Option<Call> {
    DUE.with(|due| {
        let mut due = due.borrow_mut();
        let call = due.as_mut()?.pop_front();
        if call.is_none() {
            *due = None;
        }
        call
    })
}

fn run((future, callback): Call) {
    // The reference is dropped inside, too: it may be the last one to a value.
    shield(move || callback(&future));
}
