//! Wakers that may be foreign: what they do is caught, and comes with nothing borrowed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

use asyncio_executor::Spawner;

/// Wakes a waker that may be foreign: its panic must not keep others from being woken, nor leave a
/// primitive half changed. It goes to the exception handler; where no executor runs, the panic
/// hook has told of it.
pub(crate) fn wake(waker: Waker) {
    catch(|| waker.wake());
}

/// Drops a waker that is not needed any more, or what may hold one: the destructor of a foreign one
/// may panic, too.
pub(crate) fn discard<T>(waker: T) {
    catch(|| drop(waker));
}

#[inline]
fn catch(foreign: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(foreign)) else {
        return;
    };
    match Spawner::current() {
        Some(spawner) => spawner.catch_panic("panic in a waker", || resume_unwind(payload)),
        // Its destructor may panic, too: what that was raised with is leaked, not tried again.
        None => {
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(second);
            }
        }
    }
}
