//! Panics of foreign code: caught where it is called, so that they never take an executor down.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use crate::error::ErrorContext;
use crate::local::Local;

/// Calls `f`; its panic goes to the exception handler, with `message`.
#[inline]
pub(crate) fn or_report(local: &Local, message: &str, f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        local.report(&ErrorContext::new(message).panicked(&*payload));
        drop_payload(payload);
    }
}

/// Wakes a waker that may be foreign: its panic must not keep others from being woken.
#[inline]
pub(crate) fn wake(local: &Local, waker: Waker) {
    or_report(local, "panic in a waker", || waker.wake());
}

/// How many destructors of payloads may panic in a row before the last payload is leaked.
const PAYLOADS_MAX: u32 = 16;

/// Drops what a panic was raised with. That is a value with a destructor, which may panic, too,
/// with a payload whose destructor panics, and so on; where that has no end, a payload is leaked.
#[cold]
pub(crate) fn drop_payload(mut payload: Box<dyn Any + Send>) {
    for _ in 0..PAYLOADS_MAX {
        match catch_unwind(AssertUnwindSafe(move || drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
}
