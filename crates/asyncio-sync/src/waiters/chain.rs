//! The chain: those who wait to be woken, linked by number in order of arrival.

use std::cell::Cell;

use crate::waiters::entries::{Entries, Id, NONE};

/// The two ends of the chain of those who wait to be woken.
pub(super) struct Chain {
    pub(super) head: Cell<Id>,
    pub(super) tail: Cell<Id>,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            head: Cell::new(NONE),
            tail: Cell::new(NONE),
        }
    }
}

impl Chain {
    /// Links one that was passed over in again: all who wait came later, but those that were put
    /// back before it.
    pub(super) fn put_back(&self, entries: &mut Entries, id: Id) {
        let (mut previous, mut next) = (NONE, self.head.get());
        while next != NONE && entries[next].arrival < entries[id].arrival {
            (previous, next) = (next, entries[next].next);
        }
        entries[id].previous = previous;
        entries[id].next = next;
        match previous {
            NONE => self.head.set(id),
            previous => entries[previous].next = id,
        }
        match next {
            NONE => self.tail.set(id),
            next => entries[next].previous = id,
        }
    }

    pub(super) fn unlink(&self, entries: &mut Entries, id: Id) {
        let (previous, next) = (entries[id].previous, entries[id].next);
        match previous {
            NONE => self.head.set(next),
            previous => entries[previous].next = next,
        }
        match next {
            NONE => self.tail.set(previous),
            next => entries[next].previous = previous,
        }
    }
}
