//! Which context is the current one.

use std::cell::Cell;

use crate::context::Context;
use crate::home;

/// The place of the current context: the executor's while one runs on this thread, so that a
/// task's poll swaps two pointers; the thread's own otherwise.
#[derive(Default)]
pub(crate) struct Current(Cell<Option<Context>>);

impl Current {
    /// Makes `context` the current one and returns the one before. `None` is an empty context
    /// that nobody has set a variable in yet.
    #[inline]
    pub(crate) fn replace(&self, context: Option<Context>) -> Option<Context> {
        self.0.replace(context)
    }

    /// A copy for a new task or callback: free while nothing was ever set here.
    #[inline]
    pub(crate) fn copy(&self) -> Option<Context> {
        let context = self.0.take()?;
        let copy = (!context.is_empty()).then(|| context.copy());
        self.0.set(Some(context));
        copy
    }

    #[inline]
    fn with<R>(&self, f: impl FnOnce(Option<&Context>) -> R) -> R {
        /// Puts the context back, also when `f` panics.
        struct PutBack<'a>(&'a Current, Option<Context>);
        impl Drop for PutBack<'_> {
            fn drop(&mut self) {
                self.0.0.set(self.1.take());
            }
        }
        let Some(context) = self.0.take() else {
            return f(None);
        };
        let taken = PutBack(self, Some(context));
        f(taken.1.as_ref())
    }
}

thread_local! {
    static THREAD: Current = const { Current(Cell::new(None)) };
}

/// Calls `f` with the place of the current context.
#[inline]
fn with_place<R>(f: impl FnOnce(&Current) -> R) -> R {
    home::with(|local| match local {
        Some(local) => f(&local.context),
        None if THREAD.try_with(|_| ()).is_ok() => THREAD.with(f),
        // The destructor of another thread-local value, after this one's: a context of its own.
        None => f(&Current::default()),
    })
}

/// Calls `f`, which must not run user code, with the current context.
pub(super) fn with_current<R>(f: impl FnOnce(Option<&Context>) -> R) -> R {
    with_place(|place| place.with(f))
}

pub(super) fn current_or_new() -> Context {
    with_place(|place| {
        let context = place.0.take().unwrap_or_default();
        place.0.set(Some(context.clone()));
        context
    })
}

/// Calls `f` with `context` as the current one.
pub(crate) fn run_in<R>(context: Option<Context>, f: impl FnOnce() -> R) -> R {
    struct Leave(Option<Context>);
    impl Drop for Leave {
        fn drop(&mut self) {
            drop(with_place(|place| place.replace(self.0.take())));
        }
    }
    let _leave = Leave(with_place(|place| place.replace(context)));
    f()
}

/// Calls `f` with what `place` holds as the current context, and puts it back there, with what `f`
/// has set.
#[inline]
pub(super) fn run_kept<R>(place: &Cell<Option<Context>>, f: impl FnOnce() -> R) -> R {
    struct Leave<'a> {
        place: &'a Cell<Option<Context>>,
        before: Option<Context>,
    }
    impl Drop for Leave<'_> {
        #[inline]
        fn drop(&mut self) {
            let after = with_place(|current| current.replace(self.before.take()));
            drop(self.place.replace(after));
        }
    }
    let _leave = Leave {
        place,
        before: with_place(|current| current.replace(place.take())),
    };
    f()
}

/// A copy of the current context for a new task; `None` while no variable is set.
#[inline]
pub(crate) fn copy_for_task() -> Option<Context> {
    with_place(Current::copy)
}
