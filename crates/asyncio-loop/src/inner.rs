//! What the handles to one loop share.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use asyncio_executor::{Entry, ErrorContext, Executor, ScopeKey, Spawner};
use asyncio_reactor::Reactor;
use asyncio_timers::{Clock, Place, TimerKey, TimerQueue};

use crate::drive::{Handler, ReadBuffer};
use crate::lookout::Lookout;
use crate::pace::Pace;
use crate::place;
use crate::pool::LazyPool;
use crate::relay::Relayed;
use crate::turn::Counters;
use crate::wakes::Wakes;

pub(crate) struct Inner {
    pub(crate) executor: Executor,
    pub(crate) spawner: Spawner,
    pub(crate) reactor: Reactor<Handler>,
    pub(crate) read_buffer: ReadBuffer,
    pub(crate) timers: RefCell<TimerQueue<Timer>>,
    pub(crate) clock: Rc<dyn Clock>,
    pub(crate) wakes: Rc<Wakes>,
    pub(crate) pace: Pace,
    pub(crate) lookout: Lookout,
    pub(crate) counters: Counters,
    pub(crate) relayed: Relayed,
    pub(crate) stopping: Cell<bool>,
    pub(crate) debug: Cell<bool>,
    pub(crate) slow_callback_duration: Cell<Duration>,
    /// For blocking jobs.
    pub(crate) default_executor: LazyPool,
    pub(crate) default_executor_shut_down: Cell<bool>,
    /// For names to resolve, and nothing else.
    pub(crate) resolver: LazyPool,
}

/// What a deadline is for.
pub(crate) enum Timer {
    /// A sleeping task.
    Wake(std::task::Waker),
    /// A callback of `call_later`.
    Call(Entry),
    /// A scope that is to be cancelled.
    Cancel(ScopeKey),
}

impl Inner {
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Sets a timer. `None` never fires.
    pub(crate) fn insert_timer(&self, deadline: Option<Instant>, timer: Timer) -> TimerKey {
        let mut timers = self.timers.borrow_mut();
        timers.insert_at(place::next(), deadline, timer)
    }

    /// The same in a place that was reserved.
    pub(crate) fn insert_timer_at(
        &self,
        place: Place,
        deadline: Instant,
        timer: Timer,
    ) -> TimerKey {
        let mut timers = self.timers.borrow_mut();
        timers.insert_at(place, Some(deadline), timer)
    }

    /// The same for a scope that is to be cancelled.
    #[inline]
    pub(crate) fn insert_cancel(
        &self,
        place: Place,
        deadline: Instant,
        scope: ScopeKey,
    ) -> TimerKey {
        let mut timers = self.timers.borrow_mut();
        timers.insert_with(place, Some(deadline), || Timer::Cancel(scope))
    }

    /// Moves a timer, behind those that were set for its moment. `false` if it has fired.
    pub(crate) fn reschedule_timer(&self, key: TimerKey, deadline: Option<Instant>) -> bool {
        let mut timers = self.timers.borrow_mut();
        timers.reschedule_at(place::next(), key, deadline)
    }

    /// Takes a timer away and drops what it was for, with no borrow held.
    pub(crate) fn remove_timer(&self, key: TimerKey) -> bool {
        let mut timers = self.timers.borrow_mut();
        if let Some(Timer::Cancel(_)) = timers.get(key) {
            // A number.
            return timers.discard(key);
        }
        let timer = timers.remove(key);
        drop(timers);
        timer.is_some()
    }

    /// Hands an error to the exception handler, which runs with no borrow held.
    pub(crate) fn report(&self, context: &ErrorContext<'_>) {
        self.spawner.call_exception_handler(context);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.executor.is_closed()
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EventLoop")
            .field("selector", &self.reactor.selector_name())
            .field("running", &self.executor.is_running())
            .field("closed", &self.is_closed())
            .field("debug", &self.debug.get())
            .finish_non_exhaustive()
    }
}
