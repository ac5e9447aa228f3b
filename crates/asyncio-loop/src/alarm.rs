//! Entries with a deadline: what `call_at` is made of, without its closure and its handle.

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Instant;

use asyncio_executor::{Dispatch, Entry, Scope, ScopeRef};
use asyncio_timers::{Place, TimerKey};

use crate::inner::{Inner, Timer};
use crate::loop_ref::LoopRef;
use crate::place;

/// A timer that puts an entry into the ready queue: for futures and protocols that have a state
/// of their own to dispatch to, and allocate nothing for a deadline then. Dropping it takes the
/// timer away.
#[must_use = "dropping an alarm takes its timer away"]
pub struct Alarm {
    inner: Rc<Inner>,
    /// `None` if no timer was set: on a closed loop, and for a scope that is never cancelled.
    key: Option<TimerKey>,
}

/// A place in the line of timers of one moment, for a timer that [`LoopRef::cancel_scope_at`] sets there
/// later, or never: where asyncio sets a timer before it knows whether that is needed. It is good on the
/// thread that has reserved it.
#[must_use = "a place is for an alarm"]
#[derive(Debug)]
pub struct AlarmPlace(Place, PhantomData<*const ()>);

impl AlarmPlace {
    /// The next place, among the timers of whichever loop of this thread.
    #[inline]
    pub fn reserve() -> Self {
        Self(place::next(), PhantomData)
    }
}

impl LoopRef {
    /// Has `entry` pushed into the ready queue at `when`, by the loop's clock: among the timers,
    /// as a callback of [`call_at`](Self::call_at). `None` is never. On a closed loop the entry is
    /// dropped.
    pub fn alarm_at(&self, when: Option<Instant>, entry: Entry) -> Alarm {
        let inner = Rc::clone(self.inner());
        let key = match inner.is_closed() {
            true => None,
            false => Some(inner.insert_timer(when, Timer::Call(entry))),
        };
        Alarm { inner, key }
    }

    /// Has `scope`, which is open, cancelled at `when`, by the loop's clock, at this place among the
    /// timers: as an [alarm](Self::alarm_at) whose entry does that, but for a scope of the loop's own
    /// executor without an allocation before the time has come. `None` is never, and such an alarm cannot
    /// be moved; a closed loop cancels nothing.
    ///
    /// It takes the handle to the loop, which the alarm keeps.
    ///
    /// # Panics
    /// If the scope is not open.
    #[inline]
    pub fn cancel_scope_at(self, place: AlarmPlace, when: Option<Instant>, scope: &Scope) -> Alarm {
        let key = match when {
            Some(when) if !self.inner().is_closed() => Some(match scope.key_in(self.spawner()) {
                Some(scope) => self.inner().insert_cancel(place.0, when, scope),
                None => self.cancel_elsewhere(place, when, scope),
            }),
            _ => None,
        };
        let inner = self.into_inner();
        Alarm { inner, key }
    }

    /// A scope of another executor, which is run by another loop, or inside this one.
    #[cold]
    #[inline(never)]
    fn cancel_elsewhere(&self, place: AlarmPlace, when: Instant, scope: &Scope) -> TimerKey {
        let scope = scope.reference().expect("an open scope");
        let timer = Timer::Call(Expired::entry(scope));
        self.inner().insert_timer_at(place.0, when, timer)
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
            .is_some_and(|key| self.inner.reschedule_timer(key, when))
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
