//! Entries with a deadline: what `call_at` is made of, without its closure and its handle.

use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use asyncio_executor::Entry;
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
    /// `None` on a closed loop.
    key: Option<TimerKey>,
}

/// A place in the line of timers of one moment, for an alarm that is set later, or never: where
/// asyncio sets a timer before it knows whether that is needed.
#[must_use = "a place is for `alarm_in`"]
pub struct AlarmPlace(Place);

impl AlarmPlace {
    /// The next place among the timers of the running loop, if there is one.
    #[inline]
    pub fn reserve() -> Option<Self> {
        current::with(|running| running.map(LoopRef::reserve_alarm))
    }
}

impl fmt::Debug for AlarmPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AlarmPlace").finish_non_exhaustive()
    }
}

impl LoopRef {
    /// Has `entry` pushed into the ready queue at `when`, by the loop's clock: among the timers,
    /// as a callback of [`call_at`](Self::call_at). `None` is never. On a closed loop the entry is
    /// dropped.
    pub fn alarm_at(&self, when: Option<Instant>, entry: Entry) -> Alarm {
        self.alarm_in(self.reserve_alarm(), when, entry)
    }

    /// The next place among the timers, for an alarm that may be set later.
    #[inline]
    pub fn reserve_alarm(&self) -> AlarmPlace {
        AlarmPlace(self.inner().timers.borrow_mut().reserve())
    }

    /// [`alarm_at`](Self::alarm_at), in a place of this loop that was [reserved](Self::reserve_alarm).
    pub fn alarm_in(&self, place: AlarmPlace, when: Option<Instant>, entry: Entry) -> Alarm {
        let inner = Rc::clone(self.inner());
        let AlarmPlace(place) = place;
        let timer = Timer::Call(entry);
        let key = (!inner.is_closed()).then(|| inner.insert_timer_at(place, when, timer));
        Alarm { inner, key }
    }
}

impl Alarm {
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
