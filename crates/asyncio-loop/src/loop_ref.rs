//! The handle to a loop for code on its thread.

use std::fmt;
use std::future::Future;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use asyncio_executor::{
    Context, ErrorContext, ExceptionHandler, Handle, Spawner, Task, TaskBuilder, TaskFactory,
    TaskRef,
};
use asyncio_reactor::{AsSource, Async};
use asyncio_timers::deadline_after;

use crate::inner::{Inner, Timer};
use crate::threadsafe::LoopHandle;
use crate::timer::TimerHandle;
use crate::turn::Metrics;
use crate::watch;

/// A handle to an event loop for code on its thread: what [`get_running_loop`] returns. Clones are
/// handles to the same loop, and neither run it nor keep it open.
///
/// On a closed loop callbacks are dropped and their handles say cancelled, tasks are born
/// cancelled, and what returns a `Result` gives an error; nothing panics. (asyncio raises
/// `RuntimeError` everywhere; in Rust such calls come from destructors.)
///
/// [`get_running_loop`]: crate::get_running_loop
#[derive(Clone)]
pub struct LoopRef {
    inner: Rc<Inner>,
}

impl LoopRef {
    pub(crate) fn new(inner: &Rc<Inner>) -> Self {
        Self {
            inner: Rc::clone(inner),
        }
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Rc<Inner> {
        &self.inner
    }

    #[inline]
    pub(crate) fn into_inner(self) -> Rc<Inner> {
        self.inner
    }

    /// The time by the loop's clock, which is monotonic.
    #[inline]
    #[must_use]
    pub fn time(&self) -> Instant {
        self.inner.now()
    }

    /// Has `callback` called in the next turn, after everything that is ready now: strictly in
    /// order, exactly once, in a copy of the current context.
    ///
    /// A panic of the callback reaches the exception handler. On a closed loop the callback is
    /// dropped.
    #[track_caller]
    pub fn call_soon(&self, callback: impl FnOnce() + 'static) -> Handle {
        self.inner.spawner.call_soon(callback)
    }

    /// [`call_soon`](Self::call_soon) in a context of your own.
    #[track_caller]
    pub fn call_soon_with_context(
        &self,
        context: &Context,
        callback: impl FnOnce() + 'static,
    ) -> Handle {
        self.inner.spawner.call_soon_with_context(context, callback)
    }

    /// Has `callback` called when `delay` has passed: never earlier, and in order of deadline,
    /// ties in order of the calls. A delay past the end of time (`Duration::MAX`) is never.
    #[track_caller]
    pub fn call_later(&self, delay: Duration, callback: impl FnOnce() + 'static) -> TimerHandle {
        self.set_timer(deadline_after(self.time(), delay), callback)
    }

    /// Has `callback` called at `when`, by the loop's clock; in the next turn if that has passed.
    #[track_caller]
    pub fn call_at(&self, when: Instant, callback: impl FnOnce() + 'static) -> TimerHandle {
        self.set_timer(Some(when), callback)
    }

    #[track_caller]
    fn set_timer(&self, when: Option<Instant>, callback: impl FnOnce() + 'static) -> TimerHandle {
        let (entry, handle) = self.inner.spawner.callback(callback);
        let key = if self.is_closed() {
            handle.cancel();
            None
        } else {
            Some(self.inner.insert_timer(when, Timer::Call(entry)))
        };
        TimerHandle {
            inner: Rc::downgrade(&self.inner),
            key,
            handle,
            when,
        }
    }

    /// Makes a task of `future`. Its first step comes in the next turn. Before the loop runs, too.
    #[track_caller]
    pub fn create_task<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.inner.spawner.create_task(future)
    }

    /// A task with a name, a context, or eager start.
    pub fn build_task(&self) -> TaskBuilder {
        self.inner.spawner.build_task()
    }

    /// The tasks of this loop that have not ended, oldest first.
    #[must_use]
    pub fn all_tasks(&self) -> Vec<TaskRef> {
        self.inner.spawner.all_tasks()
    }

    /// Sets what every task's builder goes through, and returns the one before.
    pub fn set_task_factory(&self, factory: Option<TaskFactory>) -> Option<TaskFactory> {
        self.inner.spawner.set_task_factory(factory)
    }

    /// What every task's builder goes through.
    #[must_use]
    pub fn get_task_factory(&self) -> Option<TaskFactory> {
        self.inner.spawner.get_task_factory()
    }

    /// Sets whether tasks start eagerly, unless their builder says otherwise.
    pub fn set_eager(&self, eager: bool) {
        self.inner.spawner.set_eager(eager);
    }

    /// The executor below, for code that is written against it.
    #[must_use]
    pub fn spawner(&self) -> &Spawner {
        &self.inner.spawner
    }

    /// Has `callback` called, once a turn, as long as `source` has something to read, or has
    /// ended, or has an error. A callback that was set for the descriptor before is replaced.
    ///
    /// The source is kept until the callback is removed or replaced, so that its descriptor
    /// cannot close meanwhile: give an `Rc` or `Arc` of it, or a duplicate.
    ///
    /// # Errors
    /// What the kernel reports: epoll refuses regular files with `PermissionDenied`.
    /// `AlreadyExists` when an [`Async`] of this loop owns the descriptor; `NotConnected` when the
    /// loop is closed. Nothing has changed then.
    pub fn add_reader(
        &self,
        source: impl AsSource + 'static,
        callback: impl FnMut() + 'static,
    ) -> io::Result<()> {
        watch::add_reader(&self.inner, source, Box::new(callback))
    }

    /// Removes the callback for reading from `source`; returns whether there was one. An event
    /// that was found already does nothing any more.
    pub fn remove_reader(&self, source: &impl AsSource) -> bool {
        watch::remove_reader(&self.inner, source)
    }

    /// As [`add_reader`](Self::add_reader), for room to write.
    ///
    /// # Errors
    /// As [`add_reader`](Self::add_reader).
    pub fn add_writer(
        &self,
        source: impl AsSource + 'static,
        callback: impl FnMut() + 'static,
    ) -> io::Result<()> {
        watch::add_writer(&self.inner, source, Box::new(callback))
    }

    /// As [`remove_reader`](Self::remove_reader), for writing.
    pub fn remove_writer(&self, source: &impl AsSource) -> bool {
        watch::remove_writer(&self.inner, source)
    }

    /// Registers `source` for tasks to await its readiness. It is made non-blocking.
    ///
    /// # Errors
    /// What the kernel reports; `NotConnected` when the loop is closed.
    pub fn register<T: AsSource + 'static>(&self, source: T) -> io::Result<Async<T>> {
        watch::refuse_closed(&self.inner)?;
        Async::new(&self.inner.reactor, source)
    }

    /// Ends the run after the current turn. Called before a run, that makes one turn. What is
    /// ready stays for the next run.
    pub fn stop(&self) {
        self.inner.stopping.set(true);
    }

    /// Whether the loop is running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.inner.executor.is_running()
    }

    /// Whether the loop has been closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// The way in for other threads.
    #[must_use]
    pub fn handle(&self) -> LoopHandle {
        LoopHandle::new(self.inner.spawner.door())
    }

    /// Sets the handler of errors that nobody else is told of, and returns the one before. `None`
    /// is the default handler: one line to stderr, or to `tracing` with the feature of that name.
    pub fn set_exception_handler(
        &self,
        handler: Option<ExceptionHandler>,
    ) -> Option<ExceptionHandler> {
        let handler = handler.unwrap_or_else(crate::handler::default);
        self.inner.spawner.set_exception_handler(Some(handler))
    }

    /// The handler of errors that nobody else is told of.
    #[must_use]
    pub fn get_exception_handler(&self) -> Option<ExceptionHandler> {
        self.inner.spawner.get_exception_handler()
    }

    /// Does what happens without a handler of your own.
    pub fn default_exception_handler(&self, context: &ErrorContext<'_>) {
        crate::handler::write(context);
    }

    /// Hands an error to the exception handler. A handler that panics is caught; both go to
    /// stderr then.
    pub fn call_exception_handler(&self, context: &ErrorContext<'_>) {
        self.inner.report(context);
    }

    /// Whether the debug mode is on: handles that take long are reported.
    #[must_use]
    pub fn get_debug(&self) -> bool {
        self.inner.debug.get()
    }

    /// Turns the debug mode on or off, from the next turn on.
    pub fn set_debug(&self, debug: bool) {
        self.inner.debug.set(debug);
    }

    /// How long a handle may take in debug mode before it is reported; 100 ms at first.
    #[must_use]
    pub fn slow_callback_duration(&self) -> Duration {
        self.inner.slow_callback_duration.get()
    }

    /// Sets how long a handle may take in debug mode.
    pub fn set_slow_callback_duration(&self, duration: Duration) {
        self.inner.slow_callback_duration.set(duration);
    }

    /// What the loop has done and what it has to do.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let mut metrics = self.inner.counters.metrics();
        metrics.ready = self.inner.executor.ready_len();
        metrics.timers = self.inner.timers.borrow().len();
        metrics.sources = self.inner.reactor.sources();
        metrics.tasks = self.inner.executor.task_count();
        metrics
    }

    /// The name of the selector: `"epoll"`, `"poll"`.
    #[must_use]
    pub fn selector_name(&self) -> &'static str {
        self.inner.reactor.selector_name()
    }

    /// Whether both are handles to the same loop.
    #[must_use]
    pub fn same_loop(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }
}

impl fmt::Debug for LoopRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}
