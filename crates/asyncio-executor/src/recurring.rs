//! Work that becomes ready again and again, with its type erased.

use std::fmt;
use std::rc::Rc;

use crate::entry::{Dispatch, Entry};
use crate::flat::drop_flat;

/// A [`Dispatch`] of any type, of which entries are made again and again without allocating: what a
/// reactor keeps of a transport. Cloning makes a handle to the same work.
#[derive(Clone)]
pub struct Recurring(Rc<dyn Again>);

impl Recurring {
    /// Erases the type of `work`.
    pub fn new<D: Dispatch>(work: Rc<D>) -> Self {
        Self(work)
    }

    /// The entry that runs the work once more.
    #[must_use]
    pub fn into_entry(self) -> Entry {
        self.0.into_entry()
    }

    /// As [`into_entry`](Self::into_entry), unless the work has [woken a task
    /// instead](Dispatch::wake_instead).
    #[must_use]
    pub fn ready(self) -> Option<Entry> {
        self.0.ready()
    }

    /// Tells the work that it will not run again: [`Dispatch::discard`].
    pub fn discard(&self) {
        self.0.discard();
    }
}

impl fmt::Debug for Recurring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe(formatter)
    }
}

/// [`Dispatch`] as an object.
trait Again {
    fn into_entry(self: Rc<Self>) -> Entry;
    fn ready(self: Rc<Self>) -> Option<Entry>;
    fn discard(&self);
    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl<D: Dispatch> Again for D {
    fn into_entry(self: Rc<Self>) -> Entry {
        Entry::dispatch(self)
    }

    fn ready(self: Rc<Self>) -> Option<Entry> {
        if self.wake_instead() {
            // Whom it has woken may have let go of the rest.
            drop_flat(self);
            return None;
        }
        Some(Entry::dispatch(self))
    }

    fn discard(&self) {
        Dispatch::discard(self);
    }

    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Dispatch::describe(self, formatter)
    }
}
