//! Permits that somebody has, and waiting for them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::error::SemaphoreClosed;
use crate::semaphore::{BoundedSemaphore, Semaphore};
use crate::waiters::Ticket;

/// What refers to a semaphore: `&Semaphore`, which a permit borrows, or `Rc<Semaphore>`, which it
/// owns; and both of a [`BoundedSemaphore`].
pub trait SemaphoreRef: sealed::Sealed {}

pub(super) mod sealed {
    use crate::semaphore::Semaphore;

    pub trait Sealed {
        /// The semaphore; of a bounded one, the one that it is made of.
        fn semaphore(&self) -> &Semaphore;
    }
}

macro_rules! references {
    ($($reference:ty: $semaphore:ident,)+) => {
        $(
            impl SemaphoreRef for $reference {}

            impl sealed::Sealed for $reference {
                #[inline]
                fn semaphore(&self) -> &Semaphore {
                    self.$semaphore()
                }
            }
        )+
    };
}

references! {
    &Semaphore: this,
    Rc<Semaphore>: this,
    &BoundedSemaphore: inner,
    Rc<BoundedSemaphore>: inner,
}

/// Permits of a semaphore; dropping it gives them back. The kinds have names: [`SemaphorePermit`]
/// and [`OwnedSemaphorePermit`].
#[must_use = "dropping a permit gives it back"]
pub struct AnySemaphorePermit<S: SemaphoreRef> {
    semaphore: S,
    amount: usize,
}

/// Permits that borrow their semaphore.
pub type SemaphorePermit<'a> = AnySemaphorePermit<&'a Semaphore>;

/// Permits with a reference to the semaphore of their own.
pub type OwnedSemaphorePermit = AnySemaphorePermit<Rc<Semaphore>>;

impl<S: SemaphoreRef> AnySemaphorePermit<S> {
    #[inline]
    pub(super) fn of(semaphore: S, amount: usize) -> Self {
        Self { semaphore, amount }
    }

    /// How many permits it stands for.
    #[must_use]
    pub fn amount(&self) -> usize {
        self.amount
    }

    /// Does not give the permits back: somebody will call `release`, as in asyncio, or nobody, and
    /// then there are fewer.
    pub fn forget(mut self) {
        self.amount = 0;
    }

    /// Splits some permits off; `None` if it does not stand for as many.
    #[must_use = "dropping a permit gives it back"]
    pub fn split(&mut self, amount: usize) -> Option<Self>
    where
        S: Clone,
    {
        self.amount = self.amount.checked_sub(amount)?;
        Some(Self::of(self.semaphore.clone(), amount))
    }
}

impl<S: SemaphoreRef> Drop for AnySemaphorePermit<S> {
    #[inline]
    fn drop(&mut self) {
        if self.amount > 0 {
            self.semaphore.semaphore().raw.give_back(self.amount);
        }
    }
}

impl<S: SemaphoreRef> fmt::Debug for AnySemaphorePermit<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SemaphorePermit")
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// Future of `acquire` and its kin.
#[must_use = "futures do nothing unless polled"]
pub struct SemaphoreAcquire<S: SemaphoreRef> {
    /// `None` once it was ready.
    semaphore: Option<S>,
    amount: usize,
    ticket: Ticket,
}

impl<S: SemaphoreRef> SemaphoreAcquire<S> {
    #[inline]
    pub(super) fn of(semaphore: S, amount: usize) -> Self {
        Self {
            semaphore: Some(semaphore),
            amount,
            ticket: Ticket::default(),
        }
    }
}

/// Nothing in it is pinned.
impl<S: SemaphoreRef> Unpin for SemaphoreAcquire<S> {}

impl<S: SemaphoreRef> Future for SemaphoreAcquire<S> {
    type Output = Result<AnySemaphorePermit<S>, SemaphoreClosed>;

    /// # Panics
    /// When polled again after it was ready.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            semaphore,
            amount,
            ticket,
        } = &mut *self;
        let semaphore_ref = semaphore.as_ref().expect("polled after completion");
        let raw = &semaphore_ref.semaphore().raw;
        let taken = ready!(raw.poll_take(ticket, cx, *amount));
        let semaphore = semaphore.take().expect("polled after completion");
        Poll::Ready(taken.map(|()| AnySemaphorePermit::of(semaphore, *amount)))
    }
}

impl<S: SemaphoreRef> Drop for SemaphoreAcquire<S> {
    #[inline]
    fn drop(&mut self) {
        if let Some(semaphore) = &self.semaphore {
            semaphore
                .semaphore()
                .raw
                .give_up(&mut self.ticket, self.amount);
        }
    }
}

impl<S: SemaphoreRef> fmt::Debug for SemaphoreAcquire<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SemaphoreAcquire")
            .field("amount", &self.amount)
            .field("waits", &!self.ticket.is_fresh())
            .finish_non_exhaustive()
    }
}
