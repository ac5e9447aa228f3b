//! The handle to a deadline.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::future::IntoFuture;
use std::rc::Rc;
use std::time::{Duration, Instant};

use asyncio_executor::{Dispatch, Entry, Scope, ScopeRef};
use asyncio_loop::{Alarm, LoopRef, get_running_loop, try_running_loop};

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
    /// Whose clock and timers it goes by.
    event_loop: OnceCell<LoopRef>,
    /// What to cancel: there once the body waits.
    scope: OnceCell<ScopeRef>,
    alarm: Cell<Option<Alarm>>,
    /// How often a deadline was set that had passed, each with an entry in the ready queue; and
    /// whether the last of them still stands.
    overdue: Cell<u32>,
    is_overdue: Cell<bool>,
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
        Self(Deadline::new(when))
    }

    /// Runs `future` in this task until this deadline; see [`timeout`](crate::timeout()).
    ///
    /// # Errors
    /// [`TimeoutError`](crate::TimeoutError).
    ///
    /// # Panics
    /// When polled while, or after, another future ran under it; and when it has to wait outside
    /// a running event loop, or waits on in another one.
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
    pub fn reschedule(&self, when: impl Into<Option<Instant>>) -> Result<(), TimeoutStateError> {
        if self.0.phase.get() != Phase::Active {
            return Err(TimeoutStateError);
        }
        self.0.when.set(when.into());
        self.0.set_alarm(self.0.has_passed());
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
    pub(super) fn new(when: Option<Instant>) -> Rc<Self> {
        Rc::new(Self {
            phase: Cell::new(Phase::Created),
            when: Cell::new(when),
            event_loop: OnceCell::new(),
            scope: OnceCell::new(),
            alarm: Cell::new(None),
            overdue: Cell::new(0),
            is_overdue: Cell::new(false),
        })
    }

    /// A body begins. The deadline's place in the order of timers and callbacks is before
    /// everything that the body sets up, as in asyncio.
    pub(super) fn enter(self: &Rc<Self>) {
        // A body that is refused changes nothing for the one that runs, or ran.
        assert!(
            self.phase.get() == Phase::Created,
            "a body runs, or ran, under this timeout already: make another one"
        );
        self.phase.set(Phase::Active);
        if let Some(event_loop) = try_running_loop() {
            // A body begins once.
            let _ = self.event_loop.set(event_loop);
            self.set_alarm(self.has_passed());
        }
    }

    /// The body waits, in this scope: from now on it can be cancelled. Later it waits on, and that is
    /// refused in another loop, in which its time would never be over.
    ///
    /// # Panics
    /// Outside a running loop; or, later, if the thread runs another loop than the one whose timer it
    /// has.
    pub(super) fn wait(&self, scope: &Scope) {
        if self.scope.get().is_none() {
            let _ = get_running_loop();
            // A scope is open as long as its body is pending in a running executor.
            if let Some(scope) = scope.reference() {
                let _ = self.scope.set(scope);
            }
        } else if let Some(event_loop) = self.event_loop.get() {
            event_loop
                .spawner()
                .assert_may_wait(format_args!("the timer of a timeout"));
        }
    }

    fn has_passed(&self) -> bool {
        let deadline = self.when.get().zip(self.event_loop.get());
        deadline.is_some_and(|(when, event_loop)| when <= event_loop.time())
    }

    fn set_alarm(self: &Rc<Self>, is_overdue: bool) {
        let Some(event_loop) = self.event_loop.get() else {
            return;
        };
        let when = self.when.get();
        let alarm = self.alarm.take();
        self.is_overdue.set(is_overdue);
        if is_overdue {
            // Before what the body makes ready from now on, as asyncio does it with `call_soon`.
            self.overdue.set(self.overdue.get().wrapping_add(1));
            let overdue = Overdue {
                deadline: Rc::clone(self),
                number: self.overdue.get(),
            };
            event_loop.spawner().push(Entry::dispatch(Rc::new(overdue)));
            return;
        }
        let alarm = alarm.filter(|alarm| alarm.reschedule(when));
        self.alarm.set(alarm.or_else(|| {
            let entry = || Entry::dispatch(Rc::clone(self));
            when.map(|_| event_loop.alarm_at(when, entry()))
        }));
    }

    /// The deadline has passed: asks the body to end.
    fn expire(&self) {
        if self.phase.get() != Phase::Active {
            return;
        }
        self.phase.set(Phase::Expiring);
        if let Some(scope) = self.scope.get() {
            scope.cancel();
        }
    }

    /// The body has ended. Returns whether the deadline had passed.
    pub(super) fn finish(&self) -> bool {
        drop(self.alarm.take());
        let expired = matches!(self.phase.get(), Phase::Expiring | Phase::Expired);
        self.phase.set(if expired {
            Phase::Expired
        } else {
            Phase::Finished
        });
        expired
    }
}

/// The deadline has passed, if the entry that says so is not of an alarm that was moved since.
impl Dispatch for Deadline {
    fn run(self: Rc<Self>) {
        let alarm = self.alarm.take();
        let moved = alarm.as_ref().is_some_and(Alarm::is_set);
        let rang = alarm.is_some() && !moved;
        self.alarm.set(alarm);
        if rang {
            self.expire();
        }
    }

    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("deadline of a timeout")
    }
}

/// The entry of a deadline that had passed when it was set. A later one does not take its place, but
/// stands further back in the queue.
struct Overdue {
    deadline: Rc<Deadline>,
    number: u32,
}

impl Dispatch for Overdue {
    fn run(self: Rc<Self>) {
        let deadline = &self.deadline;
        if deadline.is_overdue.get() && deadline.overdue.get() == self.number {
            deadline.expire();
        }
    }

    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.deadline.describe(formatter)
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
