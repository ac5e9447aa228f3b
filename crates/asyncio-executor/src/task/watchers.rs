//! Who is told when a task ends: callbacks and wakers, in one list in order of registration.
//!
//! Facts: in asyncio, waiting for a task *is* a done-callback, so a callback that was added before
//! the wait began runs before the code after the wait. Consequence: one list for both. Entries
//! are numbered upwards, so one is found by bisection; one that is taken away leaves a hole, and
//! the holes are closed when there are many.

use std::cell::RefCell;
use std::task::Waker;

use crate::task::reference::DoneCallback;

pub(crate) enum Watcher {
    Callback(DoneCallback),
    Waker(Waker),
}

/// Nothing here drops, wakes or clones what it holds while its list is borrowed: all three may
/// run foreign code.
#[derive(Default)]
pub(crate) struct Watchers(RefCell<List>);

#[derive(Default)]
struct List {
    entries: Vec<(u64, Option<Watcher>)>,
    holes: usize,
    last: u64,
}

impl List {
    fn find(&mut self, number: u64) -> Option<&mut Option<Watcher>> {
        let at = self.entries.binary_search_by_key(&number, |entry| entry.0);
        Some(&mut self.entries[at.ok()?].1)
    }
}

impl Watchers {
    /// Appends an entry and returns its number, which is never 0.
    pub(crate) fn add(&self, watcher: Watcher) -> u64 {
        let number = self.next();
        self.0.borrow_mut().entries.push((number, Some(watcher)));
        number
    }

    /// A number for an entry that is not kept here.
    pub(crate) fn next(&self) -> u64 {
        let mut list = self.0.borrow_mut();
        list.last += 1;
        list.last
    }

    /// Keeps `waker` at its place in the order, in the stead of the one with this number, or at
    /// the end. Returns its number.
    pub(crate) fn keep_waker(&self, number: u64, waker: &Waker) -> u64 {
        let kept = match self.0.borrow_mut().find(number) {
            Some(Some(Watcher::Waker(kept))) => Some(kept.will_wake(waker)),
            _ => None,
        };
        match kept {
            Some(true) => number,
            Some(false) => {
                let new = Some(Watcher::Waker(waker.clone()));
                let old = match self.0.borrow_mut().find(number) {
                    Some(place) => std::mem::replace(place, new),
                    None => new, // the clone was foreign code, which has ended the task
                };
                drop(old);
                number
            }
            None => self.add(Watcher::Waker(waker.clone())),
        }
    }

    /// Takes the callback with this number out.
    pub(crate) fn remove_callback(&self, number: u64) -> Option<DoneCallback> {
        match self.remove(number, |watcher| matches!(watcher, Watcher::Callback(_)))? {
            Watcher::Callback(callback) => Some(callback),
            Watcher::Waker(_) => None,
        }
    }

    /// Drops the waker with this number.
    pub(crate) fn drop_waker(&self, number: u64) {
        drop(self.remove(number, |watcher| matches!(watcher, Watcher::Waker(_))));
    }

    fn remove(&self, number: u64, is: impl Fn(&Watcher) -> bool) -> Option<Watcher> {
        /// As many holes are never worth closing.
        const HOLES_KEPT: usize = 16;
        let mut list = self.0.borrow_mut();
        let removed = list.find(number)?.take_if(|watcher| is(watcher))?;
        list.holes += 1;
        if list.holes > HOLES_KEPT && list.holes > list.entries.len() / 2 {
            list.entries.retain(|entry| entry.1.is_some());
            list.holes = 0;
        }
        Some(removed)
    }

    pub(crate) fn is_empty(&self) -> bool {
        let list = self.0.borrow();
        list.entries.len() == list.holes
    }

    /// Takes all of them, in order.
    pub(crate) fn take(&self) -> impl Iterator<Item = Watcher> + use<> {
        let mut list = self.0.borrow_mut();
        list.holes = 0;
        let entries = std::mem::take(&mut list.entries);
        entries.into_iter().filter_map(|entry| entry.1)
    }
}
