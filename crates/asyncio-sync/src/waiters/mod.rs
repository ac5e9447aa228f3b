//! The list of those who wait: the one that every primitive of this crate has.
//!
//! Facts: a waiter is a future, which may be dropped at any moment, also between its wake-up and
//! its next poll; then its wake-up must go to somebody else. A waker may be foreign code: its
//! clone, its wake-up and its destructor may call back into the very primitive, and may panic.
//!
//! Decision: waiters are entries of a slab, linked by number in order of arrival. One that is
//! woken leaves the chain and keeps its entry until it runs or is dropped, so that the head of
//! the chain is always the next to wake, and whoever drops a waiter learns what it was. Nothing is
//! woken, cloned or dropped while the list is borrowed; and a waiter is in line before its waker is
//! cloned, so that what happens meanwhile is not lost on it. A task of ours that has waited before is
//! woken by its [place](WaitPlace::wake): no waker is cloned for it, and nothing foreign called.
//!
//! What it costs: no allocation once the slab has grown, no atomics of its own, O(1) for each
//! step. The price is a little memory for each primitive that was ever waited for.
//!
//! | file | idea |
//! |---|---|
//! | [`entries`] | the memory: entries by number |
//! | [`chain`] | the order: those who wait to be woken |
//! | [`ticket`] | one wait, and how far it has come |
//! | [`waking`] | who is woken, and who is passed over |
//! | [`foreign`] | wakers that may be foreign |

mod chain;
mod entries;
mod foreign;
mod ticket;
mod waking;

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;
use std::task::Context;

use asyncio_executor::WaitPlace;

use crate::claim::Request;
use chain::Chain;
use entries::{Entries, Id, NONE};
pub(crate) use foreign::{discard, wake};
pub(crate) use ticket::{Stage, Ticket};

/// Those who wait, in order of arrival.
#[derive(Default)]
pub(crate) struct Waiters {
    entries: RefCell<Entries>,
    chain: Chain,
    /// Those that were woken and have not run since.
    woken: Cell<usize>,
    /// How many have arrived.
    arrivals: Cell<u64>,
}

impl Waiters {
    /// Whether nobody waits, and nobody was woken who has not run since.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.chain.head.get() == NONE && self.woken.get() == 0
    }

    /// Whether nobody is there to be woken.
    #[inline]
    pub(crate) fn has_none_waiting(&self) -> bool {
        self.chain.head.get() == NONE
    }

    /// How many were woken and have not run since.
    #[inline]
    pub(crate) fn woken(&self) -> usize {
        self.woken.get()
    }

    /// Everybody who has an entry.
    pub(crate) fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    /// How far the wait of `ticket` has come. One that was passed over and is still there waits
    /// again, where it was.
    #[inline]
    pub(crate) fn stage(&self, ticket: &Ticket) -> Stage {
        if ticket.is_fresh() {
            return Stage::Fresh;
        }
        let stage = self.entries.borrow()[ticket.0].stage;
        if stage == Stage::PassedOver {
            return self.wait_again(ticket);
        }
        stage
    }

    #[cold]
    fn wait_again(&self, ticket: &Ticket) -> Stage {
        let mut entries = self.entries.borrow_mut();
        entries[ticket.0].stage = Stage::Waiting;
        self.chain.put_back(&mut entries, ticket.0);
        Stage::Waiting
    }

    /// Whether the wait of `ticket` is the next to be woken.
    pub(crate) fn is_head(&self, ticket: &Ticket) -> bool {
        self.chain.head.get() == ticket.0
    }

    /// Waits for `amount`, at the tail of the list, as what is being polled now; again at the
    /// tail for one that was woken. One that waits already stays where it is.
    #[inline]
    pub(crate) fn wait(&self, ticket: &mut Ticket, cx: &Context<'_>, amount: usize) {
        self.wait_with(ticket, cx, amount, None);
    }

    /// The same for a wait that is part of a claim, if it is: not its scope drops it then, but this
    /// request ends it.
    #[inline]
    pub(crate) fn wait_with(
        &self,
        ticket: &mut Ticket,
        cx: &Context<'_>,
        amount: usize,
        claim: Option<&Rc<Request>>,
    ) {
        if ticket.is_fresh() {
            self.join(ticket, cx, amount, claim);
        } else {
            self.wait_on(ticket, cx, amount, claim);
        }
    }

    /// Waits still, or again.
    #[cold]
    fn wait_on(
        &self,
        ticket: &mut Ticket,
        cx: &Context<'_>,
        amount: usize,
        claim: Option<&Rc<Request>>,
    ) {
        match self.stage(ticket) {
            Stage::Waiting | Stage::PassedOver => self.refresh(ticket, cx, claim),
            Stage::Fresh | Stage::Woken | Stage::Told => {
                self.leave(ticket);
                self.join(ticket, cx, amount, claim);
            }
        }
    }

    fn join(
        &self,
        ticket: &mut Ticket,
        cx: &Context<'_>,
        amount: usize,
        claim: Option<&Rc<Request>>,
    ) {
        let mut entries = self.entries.borrow_mut();
        let id = entries.take();
        let last = self.chain.tail.get();
        let entry = &mut entries[id];
        entry.place = WaitPlace::here();
        entry.by_place = entry.place.is_woken_by(cx.waker());
        let by_place = entry.by_place;
        if let Some(claim) = claim {
            entry.claim = Some(Rc::clone(claim));
        }
        entry.amount = amount;
        entry.arrival = self.arrivals.replace(self.arrivals.get() + 1);
        entry.previous = last;
        entry.next = NONE;
        entry.stage = Stage::Waiting;
        self.chain.tail.set(id);
        match last {
            NONE => self.chain.head.set(id),
            last => entries[last].next = id,
        }
        ticket.0 = id;
        drop(entries);
        if !by_place {
            self.keep_waker(id, cx);
        }
    }

    /// Has what is being polled now woken for an entry that is in line, and that its place does not
    /// wake.
    #[inline(never)]
    fn keep_waker(&self, id: Id, cx: &Context<'_>) {
        let waker = cx.waker().clone();
        let mut entries = self.entries.borrow_mut();
        let entry = &mut entries[id];
        if matches!(entry.stage, Stage::Woken | Stage::Told) {
            // By what the clone has done.
            drop(entries);
            return wake(waker);
        }
        let old = entry.waker.replace(waker);
        drop(entries);
        if let Some(old) = old {
            discard(old);
        }
    }

    /// Comes back for another poll: it may have a new place and a new waker.
    fn refresh(&self, ticket: &Ticket, cx: &Context<'_>, claim: Option<&Rc<Request>>) {
        let place = WaitPlace::here();
        let by_place = place.is_woken_by(cx.waker());
        let mut entries = self.entries.borrow_mut();
        let entry = &mut entries[ticket.0];
        let old_place = std::mem::replace(&mut entry.place, place);
        let old_claim = std::mem::replace(&mut entry.claim, claim.map(Rc::clone));
        entry.by_place = by_place;
        let old_waker = entry.waker.take_if(|_| by_place);
        let kept = entry.waker.as_ref();
        let is_kept = by_place || kept.is_some_and(|waker| waker.will_wake(cx.waker()));
        drop(entries);
        discard((old_waker, old_place, old_claim));
        if !is_kept {
            self.keep_waker(ticket.0, cx);
        }
    }

    /// Takes the wait of `ticket` out of the list. Returns how far it had come: a wake-up that it
    /// did not use belongs to somebody else.
    #[inline]
    pub(crate) fn leave(&self, ticket: &mut Ticket) -> Stage {
        match std::mem::replace(&mut ticket.0, NONE) {
            NONE => Stage::Fresh,
            id => self.remove(id),
        }
    }

    fn remove(&self, id: Id) -> Stage {
        let mut entries = self.entries.borrow_mut();
        let stage = entries[id].stage;
        match stage {
            Stage::Woken | Stage::Told => {
                self.woken.set(self.woken.get() - 1);
                entries.free(id);
            }
            Stage::Fresh | Stage::Waiting | Stage::PassedOver => self.give_up(entries, id),
        }
        stage
    }

    /// Takes out one that was not woken.
    #[cold]
    fn give_up(&self, mut entries: RefMut<'_, Entries>, id: Id) {
        if entries[id].stage == Stage::Waiting {
            self.chain.unlink(&mut entries, id);
        }
        let entry = &mut entries[id];
        let rest = (
            entry.waker.take(),
            std::mem::take(&mut entry.place),
            entry.claim.take(),
        );
        entries.free(id);
        drop(entries);
        discard(rest);
    }
}
