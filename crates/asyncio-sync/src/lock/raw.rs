//! Who holds a lock and who waits for it, whatever it protects.

use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::claim::Request;
use crate::error::TryLockError;
use crate::waiters::{Stage, Ticket, Waiters};

/// How a lock is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Held {
    /// Not at all.
    #[default]
    No,
    /// By a guard, which has the value.
    Guarded,
    /// By agreement: a guard was forgotten, and somebody will release it.
    Forgotten,
}

#[derive(Default)]
pub(super) struct RawLock {
    held: Cell<Held>,
    pub(super) waiters: Waiters,
}

impl RawLock {
    #[inline]
    pub(super) fn held(&self) -> Held {
        self.held.get()
    }

    /// Takes the lock, if it is free and nobody waits who is not about to be dropped.
    #[inline]
    pub(super) fn try_take(&self) -> Result<(), TryLockError> {
        let free =
            self.held.get() == Held::No && (self.waiters.is_empty() || self.waiters.all_leave());
        if !free {
            return Err(TryLockError);
        }
        self.held.set(Held::Guarded);
        Ok(())
    }

    /// Makes a guard's hold one by agreement, or the other way round.
    pub(super) fn hold(&self, held: Held) {
        self.held.set(held);
    }

    /// Frees the lock, and wakes the head of those who wait.
    #[inline]
    pub(super) fn release(&self) {
        self.held.set(Held::No);
        self.wake_head();
    }

    #[inline]
    fn wake_head(&self) {
        if !self.waiters.has_none_waiting() && self.waiters.woken() == 0 {
            self.waiters.wake_head();
        }
    }

    /// Waits for the lock, and takes it.
    #[inline]
    pub(super) fn poll_take(
        &self,
        ticket: &mut Ticket,
        cx: &Context<'_>,
        claim: Option<&Rc<Request>>,
    ) -> Poll<()> {
        if ticket.is_fresh() && self.try_take().is_ok() {
            return Poll::Ready(());
        }
        self.poll_queued(ticket, cx, claim)
    }

    fn poll_queued(
        &self,
        ticket: &mut Ticket,
        cx: &Context<'_>,
        claim: Option<&Rc<Request>>,
    ) -> Poll<()> {
        let free = self.held.get() == Held::No;
        let mine = match self.waiters.stage(ticket) {
            Stage::Woken => free,
            // It was passed over, and then not dropped: nobody else will wake it.
            Stage::Waiting => free && self.waiters.woken() == 0 && self.waiters.is_head(ticket),
            Stage::Fresh | Stage::Told | Stage::PassedOver => false,
        };
        if mine {
            self.held.set(Held::Guarded);
            self.waiters.leave(ticket); // foreign code: an old waker's destructor
            return Poll::Ready(());
        }
        self.waiters.wait_with(ticket, cx, 1, claim);
        Poll::Pending
    }

    /// Gives a wait up: a lock that is free goes to the next.
    pub(super) fn give_up(&self, ticket: &mut Ticket) {
        if ticket.is_fresh() {
            return;
        }
        self.waiters.leave(ticket);
        if self.held.get() == Held::No {
            self.wake_head();
        }
    }
}
