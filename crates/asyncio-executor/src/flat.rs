//! Dropping long chains without recursion.
//!
//! A value that owns the next one, which owns the next one, a million times, overflows the stack
//! when it is dropped: each destructor calls the next. Callbacks make such chains easily (a
//! future whose callback holds the future whose callback holds …), so whatever holds callbacks
//! drops them through here: a drop that starts inside another one waits until that one is over.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::caught::drop_payload;

thread_local! {
    static DROPPING: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<VecDeque<Box<dyn Any>>> = const { RefCell::new(VecDeque::new()) };
}

/// Drops `value`; inside another `drop_flat` of this thread, after that one has dropped its own.
///
/// Use it for what may own a long chain of its own kind. It allocates only where it has to wait.
///
/// Whoever promises to drop something at once, and does it through here, keeps that promise but
/// for one case: called from a destructor that runs inside another `drop_flat`, it returns before
/// the value is gone. So do [`Handle::cancel`](crate::Handle::cancel),
/// [`ThreadsafeHandle::cancel`](crate::ThreadsafeHandle::cancel) and closing an executor.
///
/// # Panics
/// Goes on with the last panic of a destructor, after everything that waited has been dropped.
///
/// # Examples
/// ```
/// use asyncio_executor::drop_flat;
///
/// struct Link(Option<Box<Link>>);
/// impl Drop for Link {
///     fn drop(&mut self) {
///         if let Some(next) = self.0.take() {
///             drop_flat(next);
///         }
///     }
/// }
/// let mut chain = None;
/// for _ in 0..100_000 {
///     chain = Some(Box::new(Link(chain)));
/// }
/// drop(chain); // one frame, not a hundred thousand
/// ```
pub fn drop_flat<T: 'static>(value: T) {
    if !std::mem::needs_drop::<T>() {
        return;
    }
    // While the thread's locals are being destroyed there is no list to wait in.
    let Ok(inside) = DROPPING.try_with(|dropping| dropping.replace(true)) else {
        return drop(value);
    };
    if inside {
        let mut value = Some(value);
        let _ = WAITING.try_with(|waiting| {
            if let Some(value) = value.take() {
                waiting.borrow_mut().push_back(Box::new(value));
            }
        });
        return;
    }
    let mut panicked = catch_unwind(AssertUnwindSafe(|| drop(value))).err();
    while let Ok(Some(next)) = WAITING.try_with(|waiting| waiting.borrow_mut().pop_front()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(next)))
            && let Some(earlier) = panicked.replace(payload)
        {
            drop_payload(earlier);
        }
    }
    let _ = DROPPING.try_with(|dropping| dropping.set(false));
    if let Some(payload) = panicked {
        resume_unwind(payload);
    }
}
