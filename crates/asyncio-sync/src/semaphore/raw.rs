//! A count of permits, and those who wait for some of them in order of arrival.

use std::cell::Cell;
use std::task::{Context, Poll};

use crate::error::{SemaphoreClosed, TooManyPermitsError, TryAcquireError};
use crate::waiters::{Stage, Ticket, Waiters};

pub(crate) struct RawSemaphore {
    /// Permits that nobody has, and nobody was woken for.
    permits: Cell<usize>,
    /// No more than this may be free at once.
    permits_max: usize,
    closed: Cell<bool>,
    pub(crate) waiters: Waiters,
}

impl RawSemaphore {
    pub(crate) fn new(permits: usize, permits_max: usize) -> Self {
        Self {
            permits: Cell::new(permits),
            permits_max,
            closed: Cell::new(false),
            waiters: Waiters::default(),
        }
    }

    #[inline]
    pub(crate) fn permits(&self) -> usize {
        self.permits.get()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Whether whoever wants one now has to wait: for a permit, or for its turn.
    #[inline]
    pub(crate) fn locked(&self) -> bool {
        self.permits.get() == 0 || self.is_ahead()
    }

    /// Whether others have come before.
    #[inline]
    fn is_ahead(&self) -> bool {
        !self.waiters.is_empty() && (self.waiters.woken() != 0 || self.waiters.has_live())
    }

    /// Takes `amount` permits, if there are as many and nobody has come before. Asking for none
    /// waits for nobody.
    #[inline]
    pub(crate) fn try_take(&self, amount: usize) -> Result<(), TryAcquireError> {
        if self.closed.get() {
            return Err(TryAcquireError::Closed);
        }
        let Some(left) = self.permits.get().checked_sub(amount) else {
            return Err(TryAcquireError::NoPermits);
        };
        if amount > 0 && self.is_ahead() {
            return Err(TryAcquireError::NoPermits);
        }
        self.permits.set(left);
        Ok(())
    }

    /// Adds permits, and hands them out.
    ///
    /// asyncio wakes one waiter for a release; another that could be woken is when that one runs.
    #[inline]
    pub(crate) fn add(&self, amount: usize) -> Result<(), TooManyPermitsError> {
        if amount > self.permits_max - self.permits.get() {
            return Err(TooManyPermitsError);
        }
        self.permits.set(self.permits.get() + amount);
        if !self.waiters.has_none_waiting() {
            for _ in 0..amount.min(self.waiters.len()) {
                if !self.wake_next() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Gives permits back that came from here.
    #[inline]
    pub(crate) fn give_back(&self, amount: usize) {
        // Too many only where somebody released what a permit will release; it has no effect then.
        let _ = self.add(amount);
    }

    /// Wakes the next who waits, if there are permits enough, which are its own from now on. After
    /// the close nobody gets any.
    fn wake_next(&self) -> bool {
        let permits = &self.permits;
        !self.closed.get()
            && self.waiters.wake_next_if(|amount| {
                let left = permits.get().checked_sub(amount);
                permits.set(left.unwrap_or(permits.get()));
                left.is_some()
            })
    }

    /// What everybody who has waited does in the end: others may have come that could not be woken
    /// then, because it was not their turn.
    fn hand_out(&self) {
        for _ in 0..self.waiters.len() {
            if self.permits.get() == 0 || !self.wake_next() {
                return;
            }
        }
    }

    /// Waits for permits, and takes them.
    #[inline]
    pub(crate) fn poll_take(
        &self,
        ticket: &mut Ticket,
        cx: &Context<'_>,
        amount: usize,
    ) -> Poll<Result<(), SemaphoreClosed>> {
        if ticket.is_fresh() {
            match self.try_take(amount) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(TryAcquireError::Closed) => return Poll::Ready(Err(SemaphoreClosed)),
                Err(TryAcquireError::NoPermits) => {}
            }
        }
        self.poll_queued(ticket, cx, amount)
    }

    fn poll_queued(
        &self,
        ticket: &mut Ticket,
        cx: &Context<'_>,
        amount: usize,
    ) -> Poll<Result<(), SemaphoreClosed>> {
        match self.waiters.stage(ticket) {
            Stage::Woken => {
                self.waiters.leave(ticket);
                self.hand_out();
                return Poll::Ready(Ok(()));
            }
            Stage::Waiting | Stage::Told if self.closed.get() => {
                self.waiters.leave(ticket);
                return Poll::Ready(Err(SemaphoreClosed));
            }
            // It was passed over, and then not dropped: nobody else will wake it.
            Stage::Waiting if self.waiters.is_head(ticket) && self.permits.get() >= amount => {
                self.permits.set(self.permits.get() - amount);
                self.waiters.leave(ticket);
                self.hand_out();
                return Poll::Ready(Ok(()));
            }
            Stage::Fresh | Stage::Waiting | Stage::Told | Stage::PassedOver => {}
        }
        self.waiters.wait(ticket, cx, amount);
        Poll::Pending
    }

    /// Gives a wait up: what it was woken for goes to others.
    pub(crate) fn give_up(&self, ticket: &mut Ticket, amount: usize) {
        if ticket.is_fresh() {
            return;
        }
        if self.waiters.leave(ticket) == Stage::Woken {
            self.permits.set(
                self.permits
                    .get()
                    .saturating_add(amount)
                    .min(self.permits_max),
            );
        }
        self.hand_out();
    }

    /// Ends the semaphore: who waits, and who comes, is told.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        self.waiters.wake_all();
    }
}
