//! Panics of foreign code: caught where it is called, so that they never take an executor down.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

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

/// Drops what a panic was raised with. That is a value with a destructor, which may panic, too:
/// the payload of the second panic is leaked then, since it may do the same, and so on.
#[cold]
pub(crate) fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
        std::mem::forget(second);
    }
}
