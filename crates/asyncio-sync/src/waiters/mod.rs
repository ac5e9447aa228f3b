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
//! cloned, so that what happens meanwhile is not lost on it.
//!
//! What it costs: no allocation once the slab has grown, no atomics of its own, O(1) for each
//! step. The price is a little memory for each primitive that was ever waited for.
//!
//! | file | idea |
//! |---|---|
//! | [`entries`] | the memory: entries by number |
//! | [`chain`] | the order: those who wait to be woken |

mod chain;
mod entries;

use std::cell::{Cell, RefCell, RefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::task::{Context, Waker};

use asyncio_executor::{Spawner, WaitPlace};

use crate::claim::Request;
use chain::Chain;
use entries::{Entries, Id, NONE};

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

/// How far a wait has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not had to wait yet.
    Fresh,
    /// It waits in the chain.
    Waiting,
    /// It waits, and was taken from the chain because it was about to be dropped.
    PassedOver,
    /// It was woken, and owns what it was woken for.
    Woken,
    /// It was woken like everybody else, and owns nothing.
    Told,
}

/// Where a wait stands: how to know that a cancellation is about to end it.
pub(crate) enum Place {
    /// That of an entry that nobody uses.
    Nowhere,
    Scope(WaitPlace),
    Claim(Rc<Request>),
}

impl Place {
    fn is_requested(&self) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Scope(place) => place.is_requested(),
            Self::Claim(request) => request.is_made(),
        }
    }
}

/// One wait's entry in a list, if it has one.
///
/// It is inert: the future that owns it must [`leave`](Waiters::leave) the list when it is
/// dropped.
#[derive(Debug)]
pub(crate) struct Ticket(Id);

impl Default for Ticket {
    fn default() -> Self {
        Self(NONE)
    }
}

impl Ticket {
    /// Whether it has had to wait.
    #[inline]
    pub(crate) fn is_fresh(&self) -> bool {
        self.0 == NONE
    }
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
    pub(crate) fn wait(&self, ticket: &mut Ticket, cx: &Context<'_>, amount: usize) {
        self.wait_at(ticket, cx, amount, || Place::Scope(WaitPlace::here()));
    }

    /// The same for a wait that is part of a claim.
    #[inline]
    pub(crate) fn wait_at(
        &self,
        ticket: &mut Ticket,
        cx: &Context<'_>,
        amount: usize,
        place: impl FnOnce() -> Place,
    ) {
        let place = place();
        match self.stage(ticket) {
            Stage::Fresh => self.join(ticket, cx, amount, place),
            Stage::Waiting | Stage::PassedOver => self.refresh(ticket, cx, place),
            Stage::Woken | Stage::Told => {
                self.leave(ticket);
                self.join(ticket, cx, amount, place);
            }
        }
    }

    fn join(&self, ticket: &mut Ticket, cx: &Context<'_>, amount: usize, place: Place) {
        let mut entries = self.entries.borrow_mut();
        let id = entries.take();
        let last = self.chain.tail.get();
        let entry = &mut entries[id];
        entry.place = place;
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
        self.keep_waker(id, cx);
    }

    /// Has what is being polled now woken for an entry that is in line.
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
    #[cold]
    fn refresh(&self, ticket: &Ticket, cx: &Context<'_>, place: Place) {
        let kept = |waker: &Waker| waker.will_wake(cx.waker());
        let mut entries = self.entries.borrow_mut();
        let entry = &mut entries[ticket.0];
        let old_place = std::mem::replace(&mut entry.place, place);
        let kept = entry.waker.as_ref().is_some_and(kept);
        drop(entries);
        discard(old_place);
        if !kept {
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
            Stage::Woken | Stage::Told => self.woken.set(self.woken.get() - 1),
            Stage::Waiting => self.chain.unlink(&mut entries, id),
            Stage::PassedOver | Stage::Fresh => {}
        }
        let entry = &mut entries[id];
        let waker = entry.waker.take();
        let place = std::mem::replace(&mut entry.place, Place::Nowhere);
        entries.free(id);
        drop(entries);
        if waker.is_some() || matches!(place, Place::Claim(_)) {
            discard((waker, place));
        }
        stage
    }

    /// Wakes the head, unless it is about to be dropped: then its drop wakes the next. Who needs
    /// it, needs it only when nobody is woken.
    pub(crate) fn wake_head(&self) {
        let head = self.chain.head.get();
        let entries = self.entries.borrow_mut();
        if head != NONE && !entries[head].place.is_requested() {
            self.wake_up(entries, head, Stage::Woken);
        }
    }

    /// Wakes the first that is not about to be dropped. Returns whether there was one.
    #[inline]
    pub(crate) fn wake_next(&self) -> bool {
        !self.has_none_waiting() && self.wake_next_if(|_| true)
    }

    /// The same if `affordable` says so of what it waits for.
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
            if !entries[at].place.is_requested() {
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
    fn live_head(&self, entries: &mut Entries) -> Option<Id> {
        loop {
            let head = self.chain.head.get();
            if head == NONE {
                return None;
            }
            if !entries[head].place.is_requested() {
                return Some(head);
            }
            self.chain.unlink(entries, head);
            entries[head].stage = Stage::PassedOver;
        }
    }

    fn wake_up(&self, mut entries: RefMut<'_, Entries>, id: Id, stage: Stage) {
        self.chain.unlink(&mut entries, id);
        let entry = &mut entries[id];
        entry.stage = stage;
        let waker = entry.waker.take();
        drop(entries);
        self.woken.set(self.woken.get() + 1);
        if let Some(waker) = waker {
            wake(waker);
        }
    }
}

/// Wakes a waker that may be foreign: its panic must not keep others from being woken, nor leave a
/// primitive half changed. It goes to the exception handler; where no executor runs, the panic
/// hook has told of it.
pub(crate) fn wake(waker: Waker) {
    catch(|| waker.wake());
}

/// Drops a waker that is not needed any more, or what may hold one: the destructor of a foreign one
/// may panic, too.
pub(crate) fn discard<T>(waker: T) {
    catch(|| drop(waker));
}

#[inline]
fn catch(foreign: impl FnOnce()) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(foreign)) else {
        return;
    };
    match Spawner::current() {
        Some(spawner) => spawner.catch_panic("panic in a waker", || resume_unwind(payload)),
        // Its destructor may panic, too: what that was raised with is leaked, not tried again.
        None => {
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(second);
            }
        }
    }
}
