//! Who is woken, and who is passed over.
//!
//! The head is next, but one that is about to be dropped would not use its wake-up: it leaves the
//! chain without, and comes back to where it was if it is polled after all.

use std::cell::RefMut;

use asyncio_executor::WaitPlace;

use super::entries::{Entries, Id, NONE};
use super::foreign::{discard, wake};
use super::{Stage, Waiters};

impl Waiters {
    /// Wakes the head, unless it is about to be dropped: then its drop wakes the next. Who needs
    /// it, needs it only when nobody is woken.
    pub(crate) fn wake_head(&self) {
        let head = self.chain.head.get();
        let entries = self.entries.borrow_mut();
        if head != NONE && !entries[head].is_requested() {
            self.wake_up(entries, head, Stage::Woken);
        }
    }

    /// Wakes the first that is not about to be dropped. Returns whether there was one.
    #[inline]
    pub(crate) fn wake_next(&self) -> bool {
        !self.has_none_waiting() && self.wake_first()
    }

    #[inline(never)]
    fn wake_first(&self) -> bool {
        self.wake_next_if(|_| true)
    }

    /// The same if `affordable` says so of what it waits for.
    #[inline]
    pub(crate) fn wake_next_if(&self, affordable: impl FnOnce(usize) -> bool) -> bool {
        let mut entries = self.entries.borrow_mut();
        let Some(head) = self.live_head(&mut entries) else {
            return false;
        };
        let is_affordable = affordable(entries[head].amount);
        if is_affordable {
            self.wake_up(entries, head, Stage::Woken);
        }
        is_affordable
    }

    /// Whether anybody is there to be woken who is not about to be dropped. Takes those that are
    /// out of the chain.
    pub(crate) fn has_live(&self) -> bool {
        !self.has_none_waiting() && self.live_head(&mut self.entries.borrow_mut()).is_some()
    }

    /// Whether all who wait are about to be dropped, and nobody was woken. Leaves them where they
    /// are.
    pub(crate) fn all_leave(&self) -> bool {
        if self.woken.get() != 0 {
            return false;
        }
        let entries = self.entries.borrow();
        let mut at = self.chain.head.get();
        while at != NONE {
            if !entries[at].is_requested() {
                return false;
            }
            at = entries[at].next;
        }
        true
    }

    /// Tells everybody who waits now.
    pub(crate) fn wake_all(&self) {
        // A foreign waker that comes back and waits again is not woken twice.
        for _ in 0..self.len() {
            let head = self.chain.head.get();
            if head == NONE {
                return;
            }
            self.wake_up(self.entries.borrow_mut(), head, Stage::Told);
        }
    }

    /// The first that is not about to be dropped, which is the head then.
    #[inline]
    fn live_head(&self, entries: &mut Entries) -> Option<Id> {
        loop {
            let head = self.chain.head.get();
            if head == NONE {
                return None;
            }
            if !entries[head].is_requested() {
                return Some(head);
            }
            self.pass_over(entries, head);
        }
    }

    #[cold]
    fn pass_over(&self, entries: &mut Entries, id: Id) {
        self.chain.unlink(entries, id);
        entries[id].stage = Stage::PassedOver;
    }

    // Most of a wake-up, and too long for the compiler to put it where it is used: a third of it
    // would be the call.
    #[inline(always)]
    fn wake_up(&self, mut entries: RefMut<'_, Entries>, id: Id, stage: Stage) {
        self.woken.set(self.woken.get() + 1);
        self.chain.unlink(&mut entries, id);
        let entry = &mut entries[id];
        entry.stage = stage;
        let place = std::mem::take(&mut entry.place);
        if entry.by_place && entry.claim.is_none() {
            drop(entries);
            place.wake();
        } else {
            wake_with_more(entries, id, place);
        }
    }
}

/// Wakes one of whom there is more to take than its place. One that its place does not wake, and that
/// has no waker, is about to have one: it is woken then.
#[cold]
fn wake_with_more(mut entries: RefMut<'_, Entries>, id: Id, place: WaitPlace) {
    let entry = &mut entries[id];
    let by_place = entry.by_place;
    let (waker, claim) = (entry.waker.take(), entry.claim.take());
    drop(entries);
    if by_place {
        place.wake();
    } else if let Some(waker) = waker {
        wake(waker);
    }
    discard((place, claim));
}
