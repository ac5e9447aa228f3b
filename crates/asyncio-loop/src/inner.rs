//! What the handles to one loop share.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use asyncio_executor::{Entry, ErrorContext, Executor, ScopeRef, Spawner};
use asyncio_reactor::Reactor;
use asyncio_timers::{Clock, Place, TimerKey, TimerQueue};

use crate::drive::{Handler, ReadBuffer};
use crate::lookout::Lookout;
use crate::pace::Pace;
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
    Cancel(ScopeRef),
}

impl Inner {
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Sets a timer. `None` never fires.
    pub(crate) fn insert_timer(&self, deadline: Option<Instant>, timer: Timer) -> TimerKey {
        self.timers.borrow_mut().insert(deadline, timer)
    }

    /// The same, in a place that was reserved.
    #[inline]
    pub(crate) fn insert_timer_at(
        &self,
        place: Place,
        deadline: Option<Instant>,
        timer: Timer,
    ) -> TimerKey {
        let mut timers = self.timers.borrow_mut();
        timers.insert_at(place, deadline, timer)
    }

    /// Takes a timer away and drops what it was for, with no borrow held.
    pub(crate) fn remove_timer(&self, key: TimerKey) -> bool {
        let timer = self.timers.borrow_mut().remove(key);
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
