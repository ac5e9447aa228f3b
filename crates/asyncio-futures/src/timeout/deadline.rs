//! The handle to a deadline.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::IntoFuture;
use std::rc::Rc;
use std::time::{Duration, Instant};

use asyncio_executor::{Handle, ScopeRef};
use asyncio_loop::{LoopRef, TimerHandle, get_running_loop};

use crate::timeout::timed::Timed;

/// A deadline that can be moved, and asked whether it has passed. asyncio's `Timeout`.
///
/// Clones are handles to the same deadline: the body keeps one, or whoever watches it.
///
/// # Examples
/// ```
/// use asyncio_futures::Timeout;
/// use asyncio_loop::{EventLoop, get_running_loop, sleep};
/// use std::time::Duration;
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let deadline = Timeout::never();
///     let mover = deadline.clone();
///     let outcome = deadline.run(async move {
///         let soon = get_running_loop().time() + Duration::from_millis(1);
///         mover.reschedule(Some(soon)).unwrap();
///         sleep(Duration::from_secs(1000)).await;
///     });
///     assert!(outcome.await.is_err());
///     assert!(deadline.expired());
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Timeout(Rc<Deadline>);

/// Where a timeout is in its life. asyncio's states, in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not polled yet.
    Created,
    /// The body runs.
    Active,
    /// The deadline has passed, and the body has been asked to end.
    Expiring,
    /// It has ended after that.
    Expired,
    /// It has ended before the deadline, or was dropped.
    Finished,
}

pub(super) struct Deadline {
    phase: Cell<Phase>,
    when: Cell<Option<Instant>>,
    /// What to cancel. There once the body is waiting, and with it the timer.
    armed: RefCell<Option<Armed>>,
}

struct Armed {
    scope: ScopeRef,
    event_loop: LoopRef,
    alarm: Option<Alarm>,
}

enum Alarm {
    Timer(TimerHandle),
    /// The deadline has passed: in the next turn, before what the body has made ready since.
    Soon(Handle),
}

impl Alarm {
    fn cancel(&self) {
        match self {
            Self::Timer(timer) => timer.cancel(),
            Self::Soon(handle) => handle.cancel(),
        }
    }
}

impl Timeout {
    /// A deadline `delay` from now. One past the end of time (`Duration::MAX`) is none.
    ///
    /// # Panics
    /// Outside a running event loop.
    #[must_use]
    #[track_caller]
    pub fn after(delay: Duration) -> Self {
        Self::with(get_running_loop().time().checked_add(delay))
    }

    /// A deadline at this moment of the loop's clock.
    #[must_use]
    pub fn at(when: Instant) -> Self {
        Self::with(Some(when))
    }

    /// No deadline, until [`reschedule`](Self::reschedule) sets one.
    #[must_use]
    pub fn never() -> Self {
        Self::with(None)
    }

    fn with(when: Option<Instant>) -> Self {
        Self(Deadline::new(Phase::Created, when))
    }

    /// Runs `future` in this task until this deadline; see [`timeout`](crate::timeout()).
    ///
    /// # Errors
    /// [`TimeoutError`](crate::TimeoutError).
    ///
    /// # Panics
    /// When polled while, or after, another future ran under it; and when it has to wait outside
    /// a running event loop.
    ///
    /// # Cancel safety
    /// As [`timeout`](crate::timeout()).
    pub fn run<F: IntoFuture>(&self, future: F) -> Timed<F::IntoFuture> {
        Timed::until(Rc::clone(&self.0), future.into_future())
    }

    /// The deadline; `None` for none.
    #[must_use]
    pub fn when(&self) -> Option<Instant> {
        self.0.when.get()
    }

    /// Moves the deadline, while the future runs; `None` takes it away. One that has passed
    /// already expires in the next turn.
    ///
    /// # Errors
    /// [`TimeoutStateError`] when no future runs under it, or it has expired: too early or too
    /// late.
    pub fn reschedule(&self, when: Option<Instant>) -> Result<(), TimeoutStateError> {
        if self.0.phase.get() != Phase::Active {
            return Err(TimeoutStateError);
        }
        self.0.when.set(when);
        self.0.set_alarm();
        Ok(())
    }

    /// Whether the deadline has passed while the future ran.
    #[must_use]
    pub fn expired(&self) -> bool {
        matches!(self.0.phase.get(), Phase::Expiring | Phase::Expired)
    }
}

impl fmt::Debug for Timeout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Timeout")
            .field("phase", &self.0.phase.get())
            .field("when", &self.0.when.get())
            .finish_non_exhaustive()
    }
}

impl Deadline {
    fn new(phase: Phase, when: Option<Instant>) -> Rc<Self> {
        Rc::new(Self {
            phase: Cell::new(phase),
            when: Cell::new(when),
            armed: RefCell::new(None),
        })
    }

    /// The deadline of a body that is waiting already.
    pub(super) fn active(when: Option<Instant>) -> Rc<Self> {
        Self::new(Phase::Active, when)
    }

    /// A body begins.
    pub(super) fn enter(&self) {
        let before = self.phase.replace(Phase::Active);
        assert_eq!(
            before,
            Phase::Created,
            "a timeout can be run under once only"
        );
    }

    /// The body waits, in this scope: from now on it can be cancelled.
    pub(super) fn arm(self: &Rc<Self>, scope: ScopeRef, event_loop: LoopRef) {
        *self.armed.borrow_mut() = Some(Armed {
            scope,
            event_loop,
            alarm: None,
        });
        self.set_alarm();
    }

    fn set_alarm(self: &Rc<Self>) {
        let mut slot = self.armed.borrow_mut();
        let Some(armed) = &mut *slot else { return };
        let old = armed.alarm.take();
        let event_loop = armed.event_loop.clone();
        drop(slot);
        if let Some(old) = old {
            old.cancel();
        }
        let Some(when) = self.when.get() else { return };
        let this = Rc::clone(self);
        let alarm = if when <= event_loop.time() {
            Alarm::Soon(event_loop.call_soon(move || this.expire()))
        } else {
            Alarm::Timer(event_loop.call_at(when, move || this.expire()))
        };
        if let Some(armed) = &mut *self.armed.borrow_mut() {
            armed.alarm = Some(alarm);
        }
    }

    fn expire(&self) {
        if self.phase.get() != Phase::Active {
            return;
        }
        self.phase.set(Phase::Expiring);
        let scope = self
            .armed
            .borrow()
            .as_ref()
            .map(|armed| armed.scope.clone());
        if let Some(scope) = scope {
            scope.cancel(None);
        }
    }

    /// The body has ended. Returns whether the deadline had passed.
    pub(super) fn finish(&self) -> bool {
        let armed = self.armed.take();
        if let Some(alarm) = armed.and_then(|armed| armed.alarm) {
            alarm.cancel();
        }
        let expired = matches!(self.phase.get(), Phase::Expiring | Phase::Expired);
        self.phase.set(if expired {
            Phase::Expired
        } else {
            Phase::Finished
        });
        expired
    }
}

/// A [`Timeout`] cannot be moved now: nothing runs under it yet, or its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeoutStateError;

impl fmt::Display for TimeoutStateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the timeout is not active")
    }
}

impl std::error::Error for TimeoutStateError {}
