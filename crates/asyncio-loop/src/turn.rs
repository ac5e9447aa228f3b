//! One turn of the loop, in its three parts.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{Entry, ErrorContext, TaskRef};

use crate::alarm::Expired;
use crate::drive::Handler;
use crate::inner::{Inner, Timer};

/// What a turn is going to wait for: made by [`EventLoop::begin`](crate::EventLoop::begin).
#[derive(Clone, Copy, Debug)]
#[must_use = "a turn that was begun is to be finished"]
pub struct Plan {
    poll: bool,
    timeout: Option<Duration>,
}

impl Plan {
    /// How long to wait at most: zero when something is ready, `None` for ever.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The same plan with a shorter wait.
    pub fn at_most(mut self, limit: Option<Duration>) -> Self {
        self.timeout = match (self.timeout, limit) {
            (Some(timeout), Some(limit)) => Some(timeout.min(limit)),
            (timeout, limit) => timeout.or(limit),
        };
        self
    }

    /// Whether the selector is to be polled at all in this turn: a busy loop leaves it out most
    /// of the time.
    #[must_use]
    pub fn polls(&self) -> bool {
        self.poll
    }
}

/// What a turn did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Handles that were run.
    pub ran: usize,
    /// Timers that had expired.
    pub timers: usize,
    /// Whether nothing is left that could make the loop go on by itself: nothing is ready, no
    /// timer is set, no source is registered. Only another thread can wake it then.
    pub idle: bool,
}

/// Counters of a loop since its beginning, and what it has now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Turns made.
    pub turns: u64,
    /// Polls of the selector.
    pub polls: u64,
    /// Handles run.
    pub handles: u64,
    /// Handles ready now.
    pub ready: usize,
    /// Timers set now.
    pub timers: usize,
    /// Descriptors registered now.
    pub sources: usize,
    /// Tasks that have not ended.
    pub tasks: usize,
}

/// What [`Metrics`] counts from the loop's beginning. A cell each: they change in every turn.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    turns: Cell<u64>,
    polls: Cell<u64>,
    handles: Cell<u64>,
}

impl Counters {
    #[inline]
    fn turn(&self, ran: usize) {
        self.turns.set(self.turns.get() + 1);
        self.handles.set(self.handles.get() + ran as u64);
    }

    #[inline]
    fn polled(&self) {
        self.polls.set(self.polls.get() + 1);
    }

    pub(crate) fn metrics(&self) -> Metrics {
        Metrics {
            turns: self.turns.get(),
            polls: self.polls.get(),
            handles: self.handles.get(),
            ..Metrics::default()
        }
    }
}

impl Inner {
    /// A whole turn of a run. Inside `enter`.
    pub(crate) fn turn(&self, main: Option<&mut dyn FnMut()>) -> io::Result<()> {
        let plan = self.begin();
        self.wait(plan)?;
        self.finish(plan, main);
        Ok(())
    }

    #[inline]
    pub(crate) fn begin(&self) -> Plan {
        let ready = self.executor.ready_len();
        if ready > 0 {
            let poll = self.stopping.get() || self.pace.is_due(&*self.clock, ready);
            return Plan {
                poll,
                timeout: Some(Duration::ZERO),
            };
        }
        self.begin_unready()
    }

    /// Begins a turn in which nothing is ready yet.
    fn begin_unready(&self) -> Plan {
        let busy =
            self.stopping.get() || self.executor.has_unanswered() || self.executor.has_remote();
        if busy {
            return Plan {
                poll: true,
                timeout: Some(Duration::ZERO),
            };
        }
        self.executor.shrink();
        self.pace.idle();
        let deadline = self.timers.borrow_mut().next_deadline();
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(self.clock.now()));
        Plan {
            poll: true,
            timeout,
        }
    }

    #[inline]
    pub(crate) fn wait(&self, plan: Plan) -> io::Result<()> {
        if plan.poll {
            self.poll(plan.timeout)
        } else {
            Ok(())
        }
    }

    fn poll(&self, mut timeout: Option<Duration>) -> io::Result<()> {
        let has_come = || self.executor.has_remote();
        if timeout != Some(Duration::ZERO) && self.lookout.look(timeout, &*self.clock, has_come) {
            if self.lookout.may_skip_poll() {
                return Ok(());
            }
            timeout = Some(Duration::ZERO);
        }
        self.counters.polled();
        self.reactor.wait(timeout)?;
        Ok(())
    }

    /// The rest of the turn. Inside `enter`.
    #[inline]
    pub(crate) fn finish(&self, plan: Plan, main: Option<&mut dyn FnMut()>) -> Turn {
        self.executor.drain();
        if plan.poll {
            self.dispatch();
        }
        let timers = self.expire();
        let ready = self.executor.ready_len();
        if plan.poll {
            self.pace.polled(ready);
        }
        let ran = if self.debug.get() {
            self.run_watched(ready, main)
        } else {
            self.executor.run_ready(ready, main)
        };
        self.executor.end_turn();
        self.counters.turn(ran);
        Turn {
            ran,
            timers,
            idle: false,
        }
    }

    /// Takes the interrupt that an entry has made, if one has. Its payload is for those who drive
    /// an executor themselves.
    #[inline]
    pub(crate) fn was_interrupted(&self) -> bool {
        let interrupted = self.executor.is_interrupted();
        if interrupted {
            self.drop_interrupt();
        }
        interrupted
    }

    #[cold]
    fn drop_interrupt(&self) {
        let payload = self.executor.take_interrupt();
        self.spawner
            .catch_panic("panic in the destructor of an interrupt", || drop(payload));
    }

    /// Takes in what the poll found: wakes what awaits a source, and makes callbacks ready.
    fn dispatch(&self) {
        loop {
            let mut done = false;
            // A foreign waker that panics leaves the rest to the next call.
            self.spawner.catch_panic("panic in a waker", || {
                self.reactor.dispatch(|handler| match handler {
                    Handler::Driver(driver) => {
                        if let Some(entry) = driver.ready() {
                            self.executor.push(entry);
                        }
                    }
                    Handler::Watch(watch) if watch.is_cancelled() => {}
                    Handler::Watch(watch) => self.executor.push(Entry::dispatch(watch)),
                });
                done = true;
            });
            if done {
                break;
            }
        }
    }

    /// Whether only another thread can make the loop go on.
    pub(crate) fn is_idle(&self) -> bool {
        self.executor.ready_len() == 0
            && !self.executor.has_unanswered()
            && !self.executor.has_remote()
            && self.timers.borrow_mut().next_deadline().is_none()
            && self.reactor.sources() == 0
    }

    /// Makes the expired timers ready, in order; returns how many.
    #[inline]
    fn expire(&self) -> usize {
        if self.timers.borrow().is_empty() {
            return 0;
        }
        self.expire_some()
    }

    fn expire_some(&self) -> usize {
        let mut timers = self.timers.borrow_mut();
        let now = self.clock.now();
        let mut expired = 0;
        let mut joins = false;
        // Nothing of this runs user code: it moves entries and wakers to queues.
        while let Some((_, timer)) = timers.pop_expired(now) {
            expired += 1;
            match timer {
                Timer::Wake(waker) => {
                    if self.wakes.push(waker, joins) {
                        self.executor.push(Entry::dispatch(Rc::clone(&self.wakes)));
                    }
                    joins = true;
                }
                Timer::Call(entry) => {
                    self.executor.push(entry);
                    joins = false;
                }
                Timer::Cancel(scope) => {
                    let scope = self.spawner.scope_ref(scope);
                    self.executor.push(Expired::entry(scope));
                    joins = false;
                }
            }
        }
        expired
    }

    /// Runs the entries of a turn one by one and reports those that block the loop.
    #[cold]
    fn run_watched(&self, count: usize, mut main: Option<&mut dyn FnMut()>) -> usize {
        let mut ran = 0;
        while ran < count {
            self.executor.forget_last_polled();
            let before = self.clock.now();
            let main: Option<&mut dyn FnMut()> = match &mut main {
                Some(main) => Some(&mut **main),
                None => None,
            };
            if self.executor.run_ready(1, main) == 0 {
                break;
            }
            ran += 1;
            let took = self.clock.now().saturating_duration_since(before);
            if took >= self.slow_callback_duration.get() {
                self.report_slow(took, self.executor.last_polled());
            }
            if self.executor.is_interrupted() {
                break;
            }
        }
        ran
    }

    fn report_slow(&self, took: Duration, task: Option<TaskRef>) {
        // The executor knows the task that it has just polled, unless that has ended.
        let what = match task {
            Some(_) => "a step of a task",
            None => "a callback, or the last step of a task,",
        };
        let message = format!("{what} took {:.3} seconds", took.as_secs_f64());
        let mut context = ErrorContext::new(&message);
        context.location = task.as_ref().map(TaskRef::spawn_location);
        context.task = task;
        self.report(&context);
    }
}
