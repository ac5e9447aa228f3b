//! Who is told when a task ends: callbacks, observers and wakers, in one list in order of
//! registration.
//!
//! Facts: in asyncio, waiting for a task *is* a done-callback, so a callback that was added before
//! the wait began runs before the code after the wait. Consequence: one list for all. Entries
//! are numbered upwards, so one is found by bisection; one that is taken away leaves a hole, and
//! the holes are closed when there are many.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Waker;

use crate::callback;
use crate::caught::{or_report, wake};
use crate::context::Context;
use crate::flat::drop_flat;
use crate::local::Local;
use crate::task::{End, Observer, Status, TaskRef};

pub(super) enum Watcher {
    Call(Option<Context>, Box<dyn FnOnce(&TaskRef)>),
    Tell(Rc<dyn Observer>, u32),
    Wake(Waker),
}

impl Watcher {
    /// Whether this is an observer, and that one. Compared without the tables of functions, of
    /// which a type may have several.
    pub(super) fn tells(&self, observer: &Rc<dyn Observer>) -> bool {
        let place = |observer: &Rc<dyn Observer>| Rc::as_ptr(observer).cast::<()>();
        matches!(self, Self::Tell(told, _) if place(told) == place(observer))
    }

    /// The task has ended as `status`.
    pub(super) fn fire(self, local: &Local, task: &TaskRef, status: Status) {
        match self {
            // An entry in the queue of a closed executor would never be taken out again.
            Self::Call(context, callback) if local.closed.get() => {
                let message = "panic in the destructor of a callback";
                or_report(local, message, || drop_flat((context, callback)));
            }
            Self::Call(context, callback) => {
                let task = task.clone();
                local.push(callback::entry(context, move || callback(&task)));
            }
            Self::Tell(observer, index) => observer.ended(index, End::of(status)),
            Self::Wake(waker) => wake(local, waker),
        }
    }
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

    /// Closes the holes when there are more of them than entries, and more than a few.
    fn tidy(&mut self) {
        const HOLES_KEPT: usize = 16;
        if self.holes > HOLES_KEPT && self.holes > self.entries.len() / 2 {
            self.entries.retain(|entry| entry.1.is_some());
            self.holes = 0;
        }
    }
}

impl Watchers {
    /// A number for the next entry; never 0.
    pub(super) fn next(&self) -> u64 {
        let mut list = self.0.borrow_mut();
        list.last += 1;
        list.last
    }

    /// Appends an entry under a number that [`next`](Self::next) has just given.
    pub(super) fn add(&self, number: u64, watcher: Watcher) {
        self.0.borrow_mut().entries.push((number, Some(watcher)));
    }

    /// Keeps `waker` at its place in the order, in the stead of the one with this number, or at
    /// the end. Returns its number.
    pub(super) fn keep_waker(&self, number: u64, waker: &Waker) -> u64 {
        let kept = match self.0.borrow_mut().find(number) {
            Some(Some(Watcher::Wake(kept))) => Some(kept.will_wake(waker)),
            _ => None,
        };
        if kept == Some(true) {
            return number;
        }
        let mut new = Some(Watcher::Wake(waker.clone()));
        if kept == Some(false) {
            if let Some(place) = self.0.borrow_mut().find(number) {
                std::mem::swap(place, &mut new);
            }
            drop(new);
            return number;
        }
        let number = self.next();
        self.0.borrow_mut().entries.push((number, new));
        number
    }

    /// Takes the entry with this number out, if `is` it what is meant.
    pub(super) fn remove(&self, number: u64, is: impl Fn(&Watcher) -> bool) -> Option<Watcher> {
        let mut list = self.0.borrow_mut();
        let removed = list.find(number)?.take_if(|watcher| is(watcher))?;
        list.holes += 1;
        list.tidy();
        Some(removed)
    }

    /// Drops the waker with this number.
    pub(super) fn drop_waker(&self, number: u64) {
        drop(self.remove(number, |watcher| matches!(watcher, Watcher::Wake(_))));
    }

    /// Takes out all that `is` picks.
    pub(super) fn remove_all(&self, is: impl Fn(&Watcher) -> bool) -> Vec<Watcher> {
        let mut list = self.0.borrow_mut();
        let places = list.entries.iter_mut().map(|entry| &mut entry.1);
        let removed: Vec<_> = places
            .filter_map(|place| place.take_if(|watcher| is(watcher)))
            .collect();
        list.holes += removed.len();
        list.tidy();
        removed
    }

    /// The observers, in order.
    pub(crate) fn observers(&self) -> Vec<Rc<dyn Observer>> {
        let list = self.0.borrow();
        let watchers = list.entries.iter().filter_map(|entry| entry.1.as_ref());
        watchers
            .filter_map(|watcher| match watcher {
                Watcher::Tell(observer, _) => Some(Rc::clone(observer)),
                Watcher::Call(..) | Watcher::Wake(_) => None,
            })
            .collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        let list = self.0.borrow();
        list.entries.len() == list.holes
    }

    /// Takes all of them, in order.
    pub(super) fn take(&self) -> impl Iterator<Item = Watcher> + use<> {
        let mut list = self.0.borrow_mut();
        list.holes = 0;
        let entries = std::mem::take(&mut list.entries);
        entries.into_iter().filter_map(|entry| entry.1)
    }
}
