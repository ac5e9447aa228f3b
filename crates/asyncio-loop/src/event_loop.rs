//! The owner of a loop, which runs it.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{MainFuture, RunError};

use crate::builder::LoopBuilder;
use crate::current;
use crate::inner::Inner;
use crate::loop_ref::LoopRef;
use crate::turn::{Plan, Turn};

/// An event loop. It belongs to the thread that made it.
///
/// This is the owner: dropping it closes the loop. The handle for everybody else is [`LoopRef`],
/// whose methods can be called here as well.
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
///
/// let event_loop = EventLoop::new()?;
/// let task = event_loop.create_task(async { 1 + 1 });
/// assert_eq!(event_loop.run_until_complete(task)?.unwrap(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EventLoop {
    this: LoopRef,
}

impl EventLoop {
    /// A loop with the default selector, or the one that `ASYNCIO_SELECTOR` names.
    ///
    /// # Errors
    /// What the operating system reports (`EMFILE`), or `InvalidInput` for an unknown selector.
    pub fn new() -> io::Result<Self> {
        LoopBuilder::new().build()
    }

    /// A loop with another selector, clock, or debug mode.
    pub fn builder() -> LoopBuilder {
        LoopBuilder::new()
    }

    pub(crate) fn from_inner(inner: &Rc<Inner>) -> Self {
        Self {
            this: LoopRef::new(inner),
        }
    }

    /// A handle to the loop, for code on its thread: what its tasks get from
    /// [`get_running_loop`](crate::get_running_loop).
    #[must_use]
    pub fn reference(&self) -> LoopRef {
        self.this.clone()
    }

    fn inner(&self) -> &Rc<Inner> {
        self.this.inner()
    }

    /// Runs the loop until `main` has ended, and returns its output.
    ///
    /// `main` becomes the loop's main task; it may borrow. Given `&mut task`, that task is waited
    /// for, and its result stays in its handle. As in asyncio, the turn after the one in which
    /// `main`, or that task, ends is still made; whatever else is pending stays in the loop for its next run.
    ///
    /// # Errors
    /// [`RunError`]: `Stopped` by [`stop`](LoopRef::stop) before `main` ended (it is dropped
    /// then; a task given by `&mut` goes on in the next run), `Interrupted` likewise by
    /// [`Spawner::interrupt`](asyncio_executor::Spawner::interrupt), cancelled, closed, running
    /// already, another loop runs on this thread, or the selector failed. A stop or an interrupt
    /// in the turn in which `main` ends, or in the one after it, comes too late: the run has its
    /// output, and the next run hears nothing of it.
    ///
    /// # Panics
    /// Goes on with a panic of `main`.
    #[track_caller]
    pub fn run_until_complete<M: MainFuture>(&self, main: M) -> Result<M::Output, RunError> {
        let inner = self.inner();
        let _running = inner.executor.begin_run()?;
        // Boxed, since it may be larger than what is left of a small stack.
        let main = Box::pin(main.into_main());
        let mut main = pin!(inner.executor.main_task(main));
        // One that was left from outside a run.
        inner.was_interrupted();
        let mut steps = 0_u64;
        let run = current::enter(inner, || {
            while !main.done() {
                inner.turn(Some(&mut || {
                    steps += 1;
                    main.as_mut().step();
                }))?;
                let interrupted = inner.was_interrupted();
                let stopped = inner.stopping.take();
                if main.done() {
                    break;
                }
                if interrupted {
                    return Err(RunError::Interrupted);
                }
                if stopped {
                    return Err(RunError::Stopped);
                }
            }
            // asyncio's main future stops the loop by a callback, which has its own turn. One that had to
            // wait for the end of a handle was that callback.
            if M::IS_HANDLE && steps > 1 {
                return Ok(());
            }
            inner.stopping.set(true);
            let plan = inner.begin();
            let waited = inner.wait(plan);
            inner.finish(plan, None);
            inner.stopping.set(false);
            Ok(waited?)
        });
        inner.stopping.set(false);
        // What came too late to end this run is not for the next one.
        inner.was_interrupted();
        run?;
        match main.take_outcome() {
            None => Err(RunError::Stopped),
            Some(outcome) => outcome.map_err(RunError::of_main).and_then(M::output),
        }
    }

    /// Runs the loop until [`stop`](LoopRef::stop) is called. With `stop` called before, it makes
    /// one turn.
    ///
    /// # Errors
    /// [`RunError`]: interrupted, closed, running already, another loop runs on this thread, or the
    /// selector failed.
    pub fn run_forever(&self) -> Result<(), RunError> {
        let inner = self.inner();
        let _running = inner.executor.begin_run()?;
        inner.was_interrupted();
        current::enter(inner, || {
            loop {
                inner.turn(None)?;
                if inner.was_interrupted() {
                    return Err(RunError::Interrupted);
                }
                if inner.stopping.take() {
                    return Ok(());
                }
            }
        })
    }

    /// First part of a turn: what to wait for. The turn in parts is for who owns the waiting: a
    /// foreign loop, a test.
    ///
    /// A foreign loop waits until [`as_fd`](std::os::fd::AsFd::as_fd) is readable or [`Plan::timeout`] is
    /// over, after [`begin_foreign_wait`](Self::begin_foreign_wait) has said that it may; then
    /// [`wait`](Self::wait) with [`Plan`] polls without sleeping, and [`finish`](Self::finish)
    /// ends the turn.
    pub fn begin(&self) -> Plan {
        self.inner().begin()
    }

    /// Second part of a turn: the wait alone. It touches no handle and calls no user code, and
    /// may return early, on a signal for instance.
    ///
    /// # Errors
    /// What the selector reports.
    pub fn wait(&self, plan: Plan) -> io::Result<()> {
        self.inner().wait(plan)
    }

    /// Third part of a turn: takes in what the wait found, and runs what is ready.
    ///
    /// # Errors
    /// [`RunError`]: closed, running already (this is called from inside a turn), another loop
    /// runs on this thread, or interrupted.
    pub fn finish(&self, plan: Plan) -> Result<Turn, RunError> {
        let inner = self.inner();
        let _running = inner.executor.begin_run()?;
        let mut turn = current::enter(inner, || inner.finish(plan, None));
        if inner.was_interrupted() {
            return Err(RunError::Interrupted);
        }
        turn.idle = inner.is_idle();
        Ok(turn)
    }

    /// One whole turn that does not sleep longer than `limit`.
    ///
    /// # Errors
    /// As [`wait`](Self::wait) and [`finish`](Self::finish).
    pub fn run_once(&self, limit: Option<Duration>) -> Result<Turn, RunError> {
        let plan = self.begin().at_most(limit);
        self.wait(plan)?;
        self.finish(plan)
    }

    /// Announces that somebody else is going to wait until [`as_fd`](std::os::fd::AsFd::as_fd) is readable;
    /// `false` when there is no time for that, because something is ready.
    #[must_use]
    pub fn begin_foreign_wait(&self) -> bool {
        let inner = self.inner();
        inner.executor.ready_len() == 0
            && inner.reactor.begin_foreign_wait()
            && !inner.executor.has_remote()
    }

    /// Closes the loop: tasks, callbacks and timers are dropped, without running; see
    /// [`LoopRef::is_closed`] for what works afterwards. Idempotent.
    ///
    /// Bounded: it waits for threads that are in the middle of waking one of the tasks, and for
    /// nothing else. To let tasks end in order, cancel them and run the loop first, as `run`
    /// does. A panic of a destructor keeps nothing else from being dropped, and goes to the
    /// exception handler.
    ///
    /// # Panics
    /// When the loop is running.
    pub fn close(&self) {
        assert!(!self.is_running(), "cannot close a running event loop");
        self.inner().close();
    }
}

impl Deref for EventLoop {
    type Target = LoopRef;

    fn deref(&self) -> &LoopRef {
        &self.this
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        // Dropped inside its own run only by a panic that leaves it.
        if !self.is_running() {
            self.inner().close();
        }
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner().fmt(formatter)
    }
}

/// The descriptor that is readable when a turn has something to do, for another loop to wait on.
///
/// # Platform-specific behaviour
/// With `poll(2)` it shows wake-ups from other threads only, not readiness of sources.
#[cfg(unix)]
impl std::os::fd::AsFd for EventLoop {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.inner().reactor.as_fd()
    }
}
