//! The one place where foreign code is called: its panic stops there.
//!
//! A panic has been reported by the panic hook (std's writes it to stderr) before it is caught
//! here, so nothing is lost by going on. With `panic = "abort"` there is nothing to catch, and the
//! process ends as that setting asks.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f` and gives its value or what it panicked with.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    // The callers never look again at what `f` has touched.
    catch_unwind(AssertUnwindSafe(f))
}

/// Runs `f`; a panic ends here.
pub(crate) fn shield(f: impl FnOnce()) {
    if let Err(payload) = catch(f) {
        discard(payload);
    }
}

/// Drops a panic's payload, whose destructor may panic in turn.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch(move || drop(payload)) {
        // A destructor that panics with a payload that panics: leaking it is the only way out.
        std::mem::forget(second);
    }
}
