//! The memory of a list of waiters: entries by number, used again and again.
//!
//! A slab whose entries are changed where they are. (One that is built and then moved in, which is
//! all that the `slab` crate has, costs a wait a third more: the copy waits for the stores.)

use std::rc::Rc;
use std::task::Waker;

use asyncio_executor::WaitPlace;

use crate::claim::Request;
use crate::waiters::Stage;

/// The number of an entry.
pub(super) type Id = u32;

/// No entry.
pub(super) const NONE: Id = Id::MAX;

/// What an empty list keeps of its memory for the next rush: 1024 entries, 80 KiB.
const ENTRIES_KEPT: usize = 1024;

/// One who waits.
pub(super) struct Entry {
    /// `None` where its place wakes it, until it is cloned, and once it was woken.
    pub(super) waker: Option<Waker>,
    /// Nowhere once it was woken.
    pub(super) place: WaitPlace,
    /// Of one that is part of a claim, until it was woken.
    pub(super) claim: Option<Rc<Request>>,
    /// How much it waits for: permits.
    pub(super) amount: usize,
    /// Its number in order of arrival.
    pub(super) arrival: u64,
    pub(super) previous: Id,
    /// The next in the chain of those who wait, or of those that are free.
    pub(super) next: Id,
    pub(super) stage: Stage,
    /// Its place wakes it.
    pub(super) by_place: bool,
}

impl Entry {
    /// Whether a cancellation is about to end the wait.
    #[inline]
    pub(super) fn is_requested(&self) -> bool {
        match &self.claim {
            None => self.place.is_requested(),
            Some(request) => request.is_made(),
        }
    }
}

/// Entries by number.
pub(super) struct Entries {
    entries: Vec<Entry>,
    /// The first that is free.
    free: Id,
    used: usize,
}

impl Default for Entries {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            free: NONE,
            used: 0,
        }
    }
}

impl Entries {
    /// How many are in use.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// A free entry, as it was left, which is in use now.
    #[inline]
    pub(super) fn take(&mut self) -> Id {
        if self.free == NONE {
            self.grow();
        }
        let id = self.free;
        self.free = self[id].next;
        self.used += 1;
        id
    }

    #[cold]
    fn grow(&mut self) {
        // Every wait is a future of its own, so memory ends before the numbers do.
        self.free = Id::try_from(self.entries.len()).expect("fewer than 2^32 waits");
        self.entries.push(Entry {
            waker: None,
            place: WaitPlace::default(),
            claim: None,
            amount: 0,
            arrival: 0,
            previous: NONE,
            next: NONE,
            stage: Stage::Fresh,
            by_place: false,
        });
    }

    /// Takes an entry out of use. What it holds is the caller's to take before.
    #[inline]
    pub(super) fn free(&mut self, id: Id) {
        self[id].next = self.free;
        self.free = id;
        self.used -= 1;
        if self.used == 0 && self.entries.len() > ENTRIES_KEPT {
            *self = Self::default();
        }
    }
}

impl std::ops::Index<Id> for Entries {
    type Output = Entry;

    #[inline]
    fn index(&self, id: Id) -> &Entry {
        &self.entries[id as usize]
    }
}

impl std::ops::IndexMut<Id> for Entries {
    #[inline]
    fn index_mut(&mut self, id: Id) -> &mut Entry {
        &mut self.entries[id as usize]
    }
}
