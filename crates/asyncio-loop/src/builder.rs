//! Making a loop.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{Executor, Notify};
use asyncio_reactor::{Notifier, Reactor, Selector, SelectorKind};
use asyncio_timers::{Clock, MonotonicClock, TimerQueue};

use crate::drive::ReadBuffer;
use crate::event_loop::EventLoop;
use crate::inner::Inner;
use crate::lookout::Lookout;
use crate::pace::Pace;
use crate::pool::LazyPool;
use crate::relay::Relayed;
use crate::turn::Counters;
use crate::wakes::Wakes;

/// The environment variable that turns on the debug mode of new loops, when it is not empty.
pub(crate) const DEBUG_VARIABLE: &str = "ASYNCIO_DEBUG";

/// What a loop is made of: selector, clock, debug mode.
///
/// # Examples
/// A loop in virtual time:
/// ```
/// use asyncio_loop::{EventLoop, sleep};
/// use asyncio_timers::ManualClock;
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let event_loop = EventLoop::builder().simulated(&clock)?.build()?;
/// event_loop.run_until_complete(sleep(Duration::from_secs(3600)))?; // at once
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder makes no loop before `build`"]
pub struct LoopBuilder {
    selector: Option<Box<dyn Selector>>,
    kind: Option<SelectorKind>,
    clock: Rc<dyn Clock>,
    debug: Option<bool>,
    slow_callback_duration: Duration,
}

impl LoopBuilder {
    pub(crate) fn new() -> Self {
        Self {
            selector: None,
            kind: None,
            clock: Rc::new(MonotonicClock),
            debug: None,
            slow_callback_duration: Duration::from_millis(100),
        }
    }

    /// Which of the selectors; the default is what `ASYNCIO_SELECTOR` names, or the system's
    /// best.
    pub fn selector_kind(mut self, kind: SelectorKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// A selector of your own.
    pub fn selector(mut self, selector: impl Selector + 'static) -> Self {
        self.selector = Some(Box::new(selector));
        self
    }

    /// Another clock than the monotonic one. The loop's selector has to wait by the same time.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Rc::new(clock);
        self
    }

    /// Virtual time: the loop runs by `clock`, and where it would sleep until a deadline, the
    /// clock jumps there. Nothing is waited for in real time but wake-ups from other threads.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn simulated(self, clock: &asyncio_timers::ManualClock) -> io::Result<Self> {
        let selector = asyncio_reactor::SimulatedSelector::new()?;
        let time = clock.clone();
        selector.on_block(move |timeout| {
            if let Some(timeout) = timeout {
                time.advance(timeout);
            }
        });
        Ok(self.selector(selector).clock(clock.clone()))
    }

    /// Debug mode: handles that take longer than
    /// [`slow_callback_duration`](Self::slow_callback_duration) are reported. The default is
    /// whether `ASYNCIO_DEBUG` is set and not empty.
    pub fn debug(mut self, debug: bool) -> Self {
        self.debug = Some(debug);
        self
    }

    /// How long a handle may take in debug mode before it is reported; 100 ms by default.
    pub fn slow_callback_duration(mut self, duration: Duration) -> Self {
        self.slow_callback_duration = duration;
        self
    }

    /// Makes the loop.
    ///
    /// # Errors
    /// What the operating system reports (`EMFILE`), or `InvalidInput` for an unknown name in
    /// `ASYNCIO_SELECTOR`.
    pub fn build(self) -> io::Result<EventLoop> {
        let selector = match (self.selector, self.kind) {
            (Some(selector), _) => selector,
            (None, Some(kind)) => kind.build()?,
            (None, None) => SelectorKind::from_env()?.build()?,
        };
        let reactor = Reactor::with_selector(selector);
        let executor = Executor::with_notifier(Wake(reactor.notifier()));
        let now = self.clock.now();
        let debug = self.debug.unwrap_or_else(|| {
            std::env::var_os(DEBUG_VARIABLE).is_some_and(|value| !value.is_empty())
        });
        let spawner = executor.spawner();
        spawner.set_exception_handler(Some(crate::handler::default()));
        let waited_on = spawner.clone();
        reactor.on_wait(move || waited_on.assert_may_wait(format_args!("a socket")));
        Ok(EventLoop::from_inner(&Rc::new(Inner {
            wakes: Rc::new(Wakes::new(&spawner)),
            spawner,
            executor,
            reactor,
            read_buffer: ReadBuffer::default(),
            timers: RefCell::new(TimerQueue::new(now)),
            clock: self.clock,
            pace: Pace::new(),
            lookout: Lookout::new(),
            counters: Counters::default(),
            relayed: Relayed::default(),
            stopping: Cell::new(false),
            debug: Cell::new(debug),
            slow_callback_duration: Cell::new(self.slow_callback_duration),
            default_executor: LazyPool::new(crate::threads::default_executor),
            default_executor_shut_down: Cell::new(false),
            resolver: LazyPool::new(crate::resolve::resolver),
        })))
    }
}

impl fmt::Debug for LoopBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LoopBuilder")
            .field("selector", &self.selector)
            .field("kind", &self.kind)
            .field("debug", &self.debug)
            .finish_non_exhaustive()
    }
}

/// The reactor's notifier in the shape that the executor asks for.
struct Wake(Notifier);

impl Notify for Wake {
    fn notify(&self) {
        self.0.notify();
    }
}
