//! Where the time comes from, and how a delay becomes a deadline.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A source of the current time.
///
/// An event loop is handed its clock when it is built, and reads the time nowhere else: with a
/// [`ManualClock`] a test decides what time it is.
///
/// A clock must be monotonic: no call may return an earlier instant than a call before it. Where
/// one does all the same, timers fire late; nothing else breaks.
pub trait Clock {
    /// The current time.
    fn now(&self) -> Instant;
}

/// The system's monotonic clock, which is what a running program wants.
///
/// It is the only thing in this crate that reads [`Instant::now`], and costs what that costs
/// (about 30 ns on Linux, without a system call).
///
/// # Platform-specific behaviour
///
/// Whether the time a machine is suspended counts is the system's choice; on Linux it does not
/// (`CLOCK_MONOTONIC`, `clock_gettime(2)`). Where it does, the timers that came due meanwhile are
/// late, and fire once and in order.
///
/// # Examples
///
/// ```
/// use asyncio_timers::{Clock, MonotonicClock};
///
/// let clock = MonotonicClock; // it has no state, and no `new`
/// assert!(clock.now() <= clock.now());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MonotonicClock;

impl Clock for MonotonicClock {
    #[inline]
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A clock that moves only when it is told to.
///
/// Clones share one time: give one to the loop and keep one in the test. It moves forwards only,
/// and stays on its thread.
///
/// # Examples
///
/// ```
/// use asyncio_timers::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let shared = clock.clone();
/// let before = shared.now();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(shared.now() - before, Duration::from_secs(3600));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Rc<Cell<Instant>>,
}

impl ManualClock {
    /// A clock that stands still at the instant of the call.
    ///
    /// [`Instant`] has no constructor, so that the start is arbitrary: compare with it, and
    /// count from it, but do not rely on its value.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: Rc::new(Cell::new(MonotonicClock.now())),
        }
    }

    /// The current time of this clock; also through [`Clock`].
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now.get()
    }

    /// Moves the clock forwards by `step`.
    ///
    /// Saturates: a step past the last instant that [`Instant`] can represent ends there.
    pub fn advance(&self, step: Duration) {
        self.now.set(saturating_add(self.now.get(), step));
    }

    /// Moves the clock forwards to `instant`. A clock that is already later stays where it is.
    pub fn advance_to(&self, instant: Instant) {
        self.now.set(self.now.get().max(instant));
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.now.get()
    }
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Box<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Rc<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }
}

/// The instant `delay` after `now`, or `None`, which is never.
///
/// Never is what [`Duration::MAX`] asks for, and what any delay gets that ends after the last
/// instant that [`Instant`] can represent. There is no panic, and no wrapping around to a
/// deadline that is near.
///
/// # Examples
///
/// ```
/// use asyncio_timers::deadline_after;
/// use std::time::{Duration, Instant};
///
/// let now = Instant::now();
/// let second = Duration::from_secs(1);
/// assert_eq!(deadline_after(now, second), Some(now + second));
/// assert_eq!(deadline_after(now, Duration::MAX), None);
/// ```
#[inline]
#[must_use]
pub fn deadline_after(now: Instant, delay: Duration) -> Option<Instant> {
    if delay == Duration::MAX {
        return None;
    }
    now.checked_add(delay)
}

/// `instant + step`, or the last instant there is.
///
/// The standard library does not name that one, so it is approached with ever smaller steps, down
/// to the nanosecond: some two hundred of them, and only when a test goes that far.
fn saturating_add(mut instant: Instant, mut step: Duration) -> Instant {
    const LEAST: Duration = Duration::from_nanos(1);
    if let Some(sum) = instant.checked_add(step) {
        return sum;
    }
    loop {
        match instant.checked_add(step) {
            Some(later) => instant = later,
            None if step > LEAST => step = (step / 2).max(LEAST),
            None => return instant,
        }
    }
}
