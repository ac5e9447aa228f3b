//! Giving the lock away until one is notified, and getting it back, also when one is cancelled.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use asyncio_executor::{Claim, Message, Settled};

use crate::claim::Request;
use crate::condition::Condition;
use crate::error::NotAcquiredError;
use crate::lock::{AnyLockGuard, LockRef};
use crate::waiters::{Stage, Ticket};

/// How far a wait has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It has not been polled: the lock is held.
    New,
    /// The lock is released, and nobody has notified it.
    Unnotified,
    /// Notified or cancelled, it waits for the lock.
    Relock,
    /// It has the lock.
    Held,
    /// Who waited has the lock.
    Over,
}

/// A wait, from the release of the lock to the moment when it has it again.
struct Relocking<'a, T> {
    condition: &'a Condition<T>,
    phase: Phase,
    claim: Claim,
    request: Rc<Request>,
    notified: Ticket,
    lock: Ticket,
    /// The message of the last request that was answered.
    cancelled: Option<Option<Message>>,
}

impl<'a, T> Relocking<'a, T> {
    fn new(condition: &'a Condition<T>) -> Self {
        Self {
            condition,
            phase: Phase::New,
            claim: Claim::new(),
            request: Rc::default(),
            notified: Ticket::default(),
            lock: Ticket::default(),
            cancelled: None,
        }
    }

    /// Goes in line. The lock is released after it: who gets it inside of the release, by a foreign
    /// waker that polls at once, may notify.
    fn begin(&mut self, cx: &Context<'_>) {
        self.phase = Phase::Unnotified;
        self.condition
            .waiters
            .wait_with(&mut self.notified, cx, 1, Some(&self.request));
    }

    /// Waits, when it is in line and the lock was released, until the lock is `held` again.
    fn poll(&mut self, cx: &mut Context<'_>, held: impl Fn(&Condition<T>)) -> Poll<()> {
        let Self {
            condition,
            phase,
            claim,
            request,
            notified,
            lock,
            cancelled,
        } = self;
        assert!(*phase != Phase::Over, "polled after completion");
        claim.poll(
            cx,
            || Rc::clone(request) as _,
            |cx| {
                if let Some(message) = request.take() {
                    *cancelled = Some(message);
                    condition.waiters.leave(notified);
                    // Asked again: asyncio goes to the tail of those who wait for the lock.
                    condition.lock.give_up(lock);
                    *phase = Phase::Relock;
                }
                if condition.waiters.stage(notified) == Stage::Woken {
                    condition.waiters.leave(notified);
                    *phase = Phase::Relock;
                }
                if *phase != Phase::Relock {
                    condition.waiters.wait_with(notified, cx, 1, Some(request));
                    request.keep_waker(cx);
                    return Poll::Pending;
                }
                let taken = condition.lock.poll_take(lock, cx, Some(request));
                if taken.is_pending() {
                    request.keep_waker(cx);
                    return Poll::Pending;
                }
                *phase = Phase::Held;
                held(condition);
                let cancelled = cancelled.take();
                if cancelled.is_some() {
                    // It may have been notified, and has no use for it.
                    condition.notify_some(1);
                }
                let value = ();
                Poll::Ready(Settled { value, cancelled })
            },
        )
    }

    /// Ends a wait in the middle.
    fn give_up(&mut self) {
        let was = self.condition.waiters.leave(&mut self.notified);
        self.condition.lock.give_up(&mut self.lock);
        if was == Stage::Woken || self.phase == Phase::Relock {
            self.condition.notify_some(1);
        }
    }
}

/// Future of [`Condition::wait`].
#[must_use = "futures do nothing unless polled"]
pub struct ConditionWait<'a, L: LockRef> {
    /// The guard, before the first poll.
    guard: Option<AnyLockGuard<L>>,
    /// What refers to the lock, while it waits.
    lock: Option<L>,
    wait: Relocking<'a, L::Value>,
}

impl<'a, L: LockRef> ConditionWait<'a, L> {
    pub(super) fn new(condition: &'a Condition<L::Value>, guard: AnyLockGuard<L>) -> Self {
        Self {
            guard: Some(guard),
            lock: None,
            wait: Relocking::new(condition),
        }
    }
}

/// Nothing in it is pinned.
impl<L: LockRef> Unpin for ConditionWait<'_, L> {}

impl<L: LockRef> Future for ConditionWait<'_, L> {
    type Output = AnyLockGuard<L>;

    /// # Panics
    /// When polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<AnyLockGuard<L>> {
        if let Some(guard) = self.guard.take() {
            self.wait.begin(cx);
            self.lock = guard.into_lock();
        }
        ready!(self.wait.poll(cx, |_| ()));
        self.wait.phase = Phase::Over;
        Poll::Ready(AnyLockGuard::of(self.lock.take().expect("it was released")))
    }
}

impl<L: LockRef> Drop for ConditionWait<'_, L> {
    fn drop(&mut self) {
        match self.wait.phase {
            Phase::New | Phase::Over => {}
            Phase::Unnotified | Phase::Relock => self.wait.give_up(),
            // Cancelled: the guard that nobody was given.
            Phase::Held => drop(self.lock.take().map(AnyLockGuard::of)),
        }
    }
}

impl<L: LockRef> fmt::Debug for ConditionWait<'_, L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConditionWait")
            .field("phase", &self.wait.phase)
            .finish_non_exhaustive()
    }
}

/// Future of [`Condition::wait_forgotten`].
#[must_use = "futures do nothing unless polled"]
pub struct ConditionWaitForgotten<'a, T> {
    wait: Relocking<'a, T>,
}

impl<'a, T> ConditionWaitForgotten<'a, T> {
    pub(super) fn new(condition: &'a Condition<T>) -> Self {
        Self {
            wait: Relocking::new(condition),
        }
    }
}

impl<T> Future for ConditionWaitForgotten<'_, T> {
    type Output = Result<(), NotAcquiredError>;

    /// # Panics
    /// When polled again after it was ready with the lock.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let wait = &mut self.wait;
        if wait.phase == Phase::New {
            wait.begin(cx);
            if let Err(error) = wait.condition.release() {
                wait.give_up();
                wait.phase = Phase::New;
                return Poll::Ready(Err(error));
            }
        }
        ready!(wait.poll(cx, |condition| condition.lock.forget_taken()));
        wait.phase = Phase::Over;
        Poll::Ready(Ok(()))
    }
}

impl<T> Drop for ConditionWaitForgotten<'_, T> {
    fn drop(&mut self) {
        match self.wait.phase {
            // In `Held` it was cancelled, and the lock is its caller's again.
            Phase::New | Phase::Held | Phase::Over => {}
            Phase::Unnotified | Phase::Relock => self.wait.give_up(),
        }
    }
}

impl<T> fmt::Debug for ConditionWaitForgotten<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConditionWaitForgotten")
            .field("phase", &self.wait.phase)
            .finish_non_exhaustive()
    }
}
