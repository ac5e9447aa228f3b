//! The state of one result that two threads share: a pure state machine under one lock.
//!
//! ```text
//!            start                  finish
//!  Pending ─────────────► Running ─────────► Finished
//!     │ └───────────────────finish──────────►   ▲
//!     │ cancel               │ finish(Err(Cancelled)): the producer went away
//!     ▼                      ▼
//!  Cancelled ◄───────────────┘
//! ```
//!
//! Nothing foreign is called under the lock: a transition *returns* whom to tell ([`Audience`]),
//! and wakers and values that it replaces, so that their destructors run outside too.

use std::task::{Poll, Waker};
use std::time::Instant;

use event_listener::{Event, Listener};

use super::Callback;
use crate::JobError;
use crate::guard::shield;
use crate::sync::{Mutex, lock};

/// Where a result is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nobody works on it yet; it can be cancelled.
    Pending,
    /// Somebody works on it; it cannot be cancelled any more.
    Running,
    /// Cancelled before it ran, or given up by its producer. Final.
    Cancelled,
    /// There was a value or an error. Final.
    Finished,
}

impl Phase {
    pub(crate) fn is_done(self) -> bool {
        matches!(self, Self::Cancelled | Self::Finished)
    }
}

/// The shared state.
pub(crate) struct Cell<T> {
    inner: Mutex<Inner<T>>,
    /// Notified when the phase becomes final and a thread blocks in [`wait_until`](Self::wait_until).
    done: Event,
}

struct Inner<T> {
    phase: Phase,
    /// `Some` from the final transition until the value is taken.
    outcome: Option<Result<T, JobError>>,
    /// Of the last poll that found nothing; taken by the final transition.
    waker: Option<Waker>,
    /// In the order in which they were added; taken by the final transition. Nearly no job has
    /// one, and then it costs a word.
    #[expect(clippy::box_collection, reason = "a `Vec` of none has three words")]
    callbacks: Option<Box<Vec<Callback>>>,
    /// Threads blocked in `wait_until`. While it is zero the final transition leaves the event
    /// alone, whose first use allocates.
    blocked: u32,
}

/// Whom a final transition has to tell, once the lock is free.
#[must_use]
pub(crate) struct Audience {
    pub(crate) waker: Option<Waker>,
    pub(crate) callbacks: Vec<Callback>,
    pub(crate) blocked: bool,
}

impl<T> Cell<T> {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                phase: Phase::Pending,
                outcome: None,
                waker: None,
                callbacks: None,
                blocked: 0,
            }),
            done: Event::new(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        lock(&self.inner).phase
    }

    /// `Pending` to `Running`. False if the result is not wanted any more.
    pub(crate) fn start(&self) -> bool {
        let mut inner = lock(&self.inner);
        if inner.phase == Phase::Pending {
            inner.phase = Phase::Running;
        }
        inner.phase == Phase::Running
    }

    /// To `Finished` (or to `Cancelled`, with that error). A final phase gives the outcome back.
    pub(crate) fn finish(
        &self,
        outcome: Result<T, JobError>,
    ) -> Result<Audience, Result<T, JobError>> {
        let mut inner = lock(&self.inner);
        if inner.phase.is_done() {
            drop(inner);
            return Err(outcome);
        }
        let cancelled = matches!(outcome, Err(JobError::Cancelled));
        inner.outcome = Some(outcome);
        Ok(inner.end(if cancelled {
            Phase::Cancelled
        } else {
            Phase::Finished
        }))
    }

    /// `Pending` to `Cancelled`. Otherwise says whether it was cancelled before.
    pub(crate) fn cancel(&self) -> Result<Audience, bool> {
        let mut inner = lock(&self.inner);
        if inner.phase != Phase::Pending {
            return Err(inner.phase == Phase::Cancelled);
        }
        inner.outcome = Some(Err(JobError::Cancelled));
        Ok(inner.end(Phase::Cancelled))
    }

    /// Takes the outcome, or keeps `waker`, the last one given, for when it is there.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError>> {
        {
            let mut inner = lock(&self.inner);
            if inner.phase.is_done() {
                return Poll::Ready(inner.take());
            }
            if inner
                .waker
                .as_ref()
                .is_some_and(|known| known.will_wake(waker))
            {
                return Poll::Pending;
            }
        }
        // A waker's `clone` and `drop` are foreign code: not under the lock.
        let new = waker.clone();
        let mut inner = lock(&self.inner);
        if inner.phase.is_done() {
            let outcome = inner.take();
            drop(inner);
            return Poll::Ready(outcome);
        }
        let old = inner.waker.replace(new);
        drop(inner);
        drop(old);
        Poll::Pending
    }

    /// Takes the outcome if it is there.
    pub(crate) fn take(&self) -> Option<Result<T, JobError>> {
        let mut inner = lock(&self.inner);
        inner.phase.is_done().then(|| inner.take())
    }

    /// The outcome that nobody has taken.
    pub(crate) fn into_outcome(self) -> Option<Result<T, JobError>> {
        lock(&self.inner).outcome.take()
    }

    /// Keeps `callback` for the final transition; gives it back if that was.
    pub(crate) fn add_callback(&self, callback: Callback) -> Option<Callback> {
        let mut inner = lock(&self.inner);
        if inner.phase.is_done() {
            return Some(callback);
        }
        inner.callbacks.get_or_insert_default().push(callback);
        None
    }

    /// Blocks this thread until the phase is final or the time has come; `None` is never.
    /// Returns whether the phase is final.
    pub(crate) fn wait_until(&self, deadline: Option<Instant>) -> bool {
        let listener = {
            let mut inner = lock(&self.inner);
            if inner.phase.is_done() {
                return true;
            }
            inner.blocked += 1;
            // Registered before the lock is free, so that no completion is missed.
            self.done.listen()
        };
        match deadline {
            #[cfg(not(loom))]
            Some(deadline) => drop(listener.wait_deadline(deadline)),
            // Models know no time.
            #[cfg(loom)]
            Some(_) => listener.wait(),
            None => listener.wait(),
        }
        let mut inner = lock(&self.inner);
        inner.blocked -= 1;
        inner.phase.is_done()
    }

    /// Wakes the threads in `wait_until`.
    pub(crate) fn unblock(&self) {
        self.done.notify(usize::MAX);
    }
}

/// The value that nobody took goes with whoever lets go of it last, the worker or the owner of the
/// future. Which of them is chance, so a panic of its destructor ends here for both.
impl<T> Drop for Cell<T> {
    fn drop(&mut self) {
        let outcome = lock(&self.inner).outcome.take();
        if outcome.is_some() {
            shield(move || drop(outcome));
        }
    }
}

impl<T> Inner<T> {
    fn end(&mut self, phase: Phase) -> Audience {
        self.phase = phase;
        Audience {
            waker: self.waker.take(),
            callbacks: self.callbacks.take().map_or_else(Vec::new, |boxed| *boxed),
            blocked: self.blocked > 0,
        }
    }

    fn take(&mut self) -> Result<T, JobError> {
        match self.outcome.take() {
            Some(outcome) => outcome,
            // That a job was cancelled can be learnt as often as one asks.
            None if self.phase == Phase::Cancelled => Err(JobError::Cancelled),
            None => Err(JobError::Taken),
        }
    }
}
