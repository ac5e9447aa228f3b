//! Callbacks of `call_soon`: one allocation each, and a handle that cancels.

use std::cell::Cell;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use crate::context::{self, Context};
use crate::entry::{Dispatch, Entry};
use crate::flat::drop_flat;

/// A callback that was handed to the executor: asyncio's `Handle`. Dropping it does not cancel.
#[derive(Clone)]
pub struct Handle(Rc<dyn Scheduled>);

impl Handle {
    /// Keeps the callback from being called, and drops it at once ([`drop_flat`] tells the one
    /// exception, inside destructors). When it has been called, or cancelled, before, that changes
    /// nothing but what [`cancelled`](Self::cancelled) says.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether [`cancel`](Self::cancel) was called; as in CPython, also if that was too late.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.0.cancelled()
    }

    /// The context that the callback runs in; `None` when it has been called or cancelled, or
    /// when its context holds no variable.
    #[must_use]
    pub fn get_context(&self) -> Option<Context> {
        self.0.context()
    }

    /// Where the callback was handed over.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Handle")
            .field("cancelled", &self.cancelled())
            .field("created_at", &format_args!("{}", self.location()))
            .finish_non_exhaustive()
    }
}

/// A callback with its type erased, as its handle sees it.
trait Scheduled {
    fn cancel(&self);
    fn cancelled(&self) -> bool;
    fn context(&self) -> Option<Context>;
    fn location(&self) -> &'static Location<'static>;
}

struct Callback<F> {
    /// Gone when it has been called or cancelled.
    work: Cell<Option<F>>,
    context: Cell<Option<Context>>,
    cancelled: Cell<bool>,
    location: &'static Location<'static>,
}

impl<F: FnOnce() + 'static> Dispatch for Callback<F> {
    fn run(self: Rc<Self>) {
        let Some(work) = self.work.take() else { return };
        match self.context.take() {
            None => work(),
            context => context::run_in(context, work),
        }
    }

    /// Its handle may be held by what the callback holds.
    fn discard(&self) {
        self.cancel();
    }

    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "callback created at {}", self.location)
    }
}

impl<F: 'static> Scheduled for Callback<F> {
    fn cancel(&self) {
        self.cancelled.set(true);
        if let Some(work) = self.work.take() {
            drop(self.context.take());
            drop_flat(work);
        }
    }

    fn cancelled(&self) -> bool {
        self.cancelled.get()
    }

    fn context(&self) -> Option<Context> {
        let context = self.context.take();
        self.context.set(context.clone());
        context
    }

    fn location(&self) -> &'static Location<'static> {
        self.location
    }
}

/// A callback in its two shapes: the entry that runs it, and the handle that cancels it.
///
/// Without a context given, it runs in a copy of the current one.
#[track_caller]
pub(crate) fn schedule(context: Option<Context>, work: impl FnOnce() + 'static) -> (Entry, Handle) {
    let callback = Rc::new(Callback {
        work: Cell::new(Some(work)),
        context: Cell::new(context.or_else(context::copy_for_task)),
        cancelled: Cell::new(false),
        location: Location::caller(),
    });
    (Entry::dispatch(Rc::clone(&callback)), Handle(callback))
}

/// A callback that nobody will cancel.
#[track_caller]
pub(crate) fn entry(context: Option<Context>, work: impl FnOnce() + 'static) -> Entry {
    Entry::dispatch(Rc::new(Callback {
        work: Cell::new(Some(work)),
        context: Cell::new(context),
        cancelled: Cell::new(false),
        location: Location::caller(),
    }))
}

/// A callback for a closed executor: it is dropped, and its handle says cancelled.
#[track_caller]
pub(crate) fn refused(work: impl FnOnce() + 'static) -> Handle {
    let (entry, handle) = schedule(None, work);
    handle.cancel();
    drop(entry);
    handle
}
