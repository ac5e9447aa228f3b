//! What is out of the ordinary in a tree: marks, wakers of scopes' own, counts of requests.
//!
//! Facts: nearly always there is none of them. Without marks and wakers a poll of a scope need not look
//! at its node. Counts stay longer than what was requested takes, and only sums need them.
//! Consequence: each kind is tallied, and marks and wakers also together, so that a poll asks once.

use std::cell::Cell;

use crate::cancel::Tree;

#[derive(Default)]
pub(super) struct Unusual {
    marks_and_wakers: Cell<usize>,
    marks: Cell<usize>,
    wakers: Cell<usize>,
    counts: Cell<usize>,
}

impl Unusual {
    /// A mark was or was not there, and is or is not there now.
    pub(super) fn mark(&self, was: bool, is: bool) {
        tally(&[&self.marks, &self.marks_and_wakers], was, is);
    }

    /// The same for a waker of a scope's own.
    pub(super) fn waker(&self, was: bool, is: bool) {
        tally(&[&self.wakers, &self.marks_and_wakers], was, is);
    }

    /// The same for a scope's count of requests.
    pub(super) fn count(&self, was: bool, is: bool) {
        tally(&[&self.counts], was, is);
    }
}

fn tally(tallies: &[&Cell<usize>], was: bool, is: bool) {
    for tally in tallies {
        tally.set(tally.get() + usize::from(is) - usize::from(was));
    }
}

impl Tree {
    /// Whether there is nothing that a poll would have to look for: no mark, and no waker of a scope's
    /// own.
    #[inline]
    pub(super) fn is_quiet(&self) -> bool {
        self.unusual.marks_and_wakers.get() == 0
    }

    /// Whether any scope is marked at all.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.unusual.marks.get() != 0
    }

    /// Whether any scope has a count of requests at all: while none has, sums need no walk.
    #[inline]
    pub(super) fn is_counted(&self) -> bool {
        self.unusual.counts.get() != 0
    }

    /// Whether any scope has a waker of its own: while none has, wakers need no search.
    #[inline]
    pub(super) fn has_wakers(&self) -> bool {
        self.unusual.wakers.get() != 0
    }
}
