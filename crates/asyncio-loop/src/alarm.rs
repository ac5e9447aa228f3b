//! Entries with a deadline: what `call_at` is made of, without its closure and its handle.

use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use asyncio_executor::{Dispatch, Entry, ScopeRef};
use asyncio_timers::{Place, TimerKey};

use crate::current;
use crate::inner::{Inner, Timer};
use crate::loop_ref::LoopRef;

/// A timer that puts an entry into the ready queue: for futures and protocols that have a state
/// of their own to dispatch to, and allocate nothing for a deadline then. Dropping it takes the
/// timer away.
#[must_use = "dropping an alarm takes its timer away"]
pub struct Alarm {
    inner: Rc<Inner>,
    /// `None` if no timer was set: on a closed loop, for never, and for soon.
    key: Option<TimerKey>,
}

/// A place in the line of timers of one moment of a loop, for an alarm that is set later, or never:
/// where asyncio sets a timer before it knows whether that is needed.
#[must_use = "a place is for an alarm"]
pub struct AlarmPlace {
    inner: Rc<Inner>,
    place: Place,
}

impl AlarmPlace {
    /// The next place among the timers of the running loop, if there is one.
    #[inline]
    pub fn reserve() -> Option<Self> {
        let running = current::with(|running| running.map(|running| Rc::clone(running.inner())));
        running.map(Self::of)
    }

    #[inline]
    fn of(inner: Rc<Inner>) -> Self {
        let place = inner.timers.borrow_mut().reserve();
        Self { inner, place }
    }

    /// The time by the loop's clock.
    #[inline]
    #[must_use]
    pub fn time(&self) -> Instant {
        self.inner.now()
    }

    /// Has `entry` pushed into the ready queue at `when`, by the loop's clock: among the timers,
    /// as a callback of [`call_at`](LoopRef::call_at). `None` is never. On a closed loop the entry is
    /// dropped.
    pub fn alarm_at(self, when: Option<Instant>, entry: Entry) -> Alarm {
        let is_open = !self.inner.is_closed();
        self.set(is_open, when, Timer::Call(entry))
    }

    /// Has `scope` cancelled at `when`, by the loop's clock: as an [alarm](Self::alarm_at) whose entry
    /// does that, but without an allocation before the time has come. `None` is never, and such an alarm
    /// cannot be moved; a closed loop cancels nothing.
    #[inline]
    pub fn cancel_scope_at(self, when: Option<Instant>, scope: ScopeRef) -> Alarm {
        let is_set = when.is_some() && !self.inner.is_closed();
        self.set(is_set, when, Timer::Cancel(scope))
    }

    /// The same in the next turn, after everything that is ready now. The alarm is not set any more.
    pub fn cancel_scope_soon(self, scope: ScopeRef) -> Alarm {
        let inner = self.inner;
        inner.spawner.push(Expired::entry(scope));
        Alarm { inner, key: None }
    }

    #[inline]
    fn set(self, is_set: bool, when: Option<Instant>, timer: Timer) -> Alarm {
        let Self { inner, place } = self;
        let key = is_set.then(|| inner.insert_timer_at(place, when, timer));
        Alarm { inner, key }
    }
}

impl fmt::Debug for AlarmPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AlarmPlace").finish_non_exhaustive()
    }
}

impl LoopRef {
    /// Has `entry` pushed into the ready queue at `when`: see [`AlarmPlace::alarm_at`].
    pub fn alarm_at(&self, when: Option<Instant>, entry: Entry) -> Alarm {
        self.reserve_alarm().alarm_at(when, entry)
    }

    /// The next place among the timers, for an alarm that may be set later.
    #[inline]
    pub fn reserve_alarm(&self) -> AlarmPlace {
        AlarmPlace::of(Rc::clone(self.inner()))
    }
}

/// Cancels a scope whose time is over. If it has closed meanwhile, that does nothing.
pub(crate) struct Expired(ScopeRef);

impl Expired {
    pub(crate) fn entry(scope: ScopeRef) -> Entry {
        Entry::dispatch(Rc::new(Self(scope)))
    }
}

impl Dispatch for Expired {
    fn run(self: Rc<Self>) {
        self.0.cancel();
    }

    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("deadline of a scope")
    }
}

impl Alarm {
    /// For what waits for the alarm, whenever it would be pending: refuses inside a run of another
    /// loop, in which the alarm would never ring.
    ///
    /// # Panics
    /// If this thread runs another loop than the alarm's.
    #[inline]
    pub fn assert_may_wait(&self) {
        let spawner = &self.inner.spawner;
        spawner.assert_may_wait(format_args!("the timer of a timeout"));
    }

    /// Whether the deadline has not passed: the entry has not been pushed yet.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.key
            .is_some_and(|key| self.inner.timers.borrow().contains(key))
    }

    /// Moves the deadline; `None` is never. Returns `false` when the entry has been pushed already.
    pub fn reschedule(&self, when: Option<Instant>) -> bool {
        self.key
            .is_some_and(|key| self.inner.timers.borrow_mut().reschedule(key, when))
    }
}

impl Drop for Alarm {
    #[inline]
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.inner.remove_timer(key);
        }
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Alarm")
            .field("is_set", &self.is_set())
            .finish_non_exhaustive()
    }
}
