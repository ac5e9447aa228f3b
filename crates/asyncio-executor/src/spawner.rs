//! The handle to an executor for code on its own thread.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::rc::Rc;

use crate::callback::{self, Handle};
use crate::cancel::{ScopeKey, ScopeRef};
use crate::caught::or_report;
use crate::context::Context;
use crate::entry::Entry;
use crate::error::ErrorContext;
use crate::home;
use crate::local::{ExceptionHandler, Local, TaskFactory};
use crate::shared::Door;
use crate::task::{Task, TaskBuilder, TaskRef};

/// A handle to an executor for code on its thread. Cheap to clone; on an executor that has been
/// closed, tasks are born cancelled and callbacks are refused.
#[derive(Clone)]
pub struct Spawner(Rc<Local>);

impl Spawner {
    pub(crate) fn new(local: &Rc<Local>) -> Self {
        Self(Rc::clone(local))
    }

    #[inline]
    pub(crate) fn local(&self) -> &Rc<Local> {
        &self.0
    }

    /// The executor that this thread is running, if it is.
    #[must_use]
    pub fn current() -> Option<Self> {
        home::with(|local| Some(Self(Rc::clone(local?))))
    }

    /// Makes a task of `future`. Its first step comes in the next turn.
    ///
    /// On a closed executor the task is born cancelled.
    #[track_caller]
    pub fn create_task<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.build_task().spawn(future)
    }

    /// A task with a name, a context, or eager start.
    pub fn build_task(&self) -> TaskBuilder {
        TaskBuilder::new(Rc::clone(&self.0))
    }

    /// Has `callback` called in the next turn, after what is ready now, in a copy of the current
    /// context. Exactly once, unless the handle cancels it or the executor is closed before.
    #[track_caller]
    pub fn call_soon(&self, callback: impl FnOnce() + 'static) -> Handle {
        call_soon(&self.0, None, callback)
    }

    /// [`call_soon`](Self::call_soon) in a context of your own.
    #[track_caller]
    pub fn call_soon_with_context(
        &self,
        context: &Context,
        callback: impl FnOnce() + 'static,
    ) -> Handle {
        call_soon(&self.0, Some(context.clone()), callback)
    }

    /// A callback that is not ready yet: the entry is to be pushed when it is.
    #[track_caller]
    pub fn callback(&self, callback: impl FnOnce() + 'static) -> (Entry, Handle) {
        callback::schedule(None, callback)
    }

    /// Appends an entry to the ready queue. On a closed executor it is dropped.
    pub fn push(&self, entry: Entry) {
        if !self.0.closed.get() {
            self.0.push(entry);
        }
    }

    /// The way in for other threads.
    #[must_use]
    pub fn door(&self) -> Door {
        Door(std::sync::Arc::clone(&self.0.shared))
    }

    /// The tasks that have not ended, oldest first.
    #[must_use]
    pub fn all_tasks(&self) -> Vec<TaskRef> {
        let tasks = self.0.tasks.keys().into_iter();
        let mut tasks: Vec<_> = tasks
            .filter_map(|key| Some(TaskRef::new(self.0.tasks.state(&self.0, key)?)))
            .collect();
        tasks.sort_by_key(TaskRef::id);
        tasks
    }

    /// The clean-ups that run as tasks of their own and have not ended, oldest first: those of a
    /// [`finally`](crate::finally()) that was dropped before it was done. Who closes an executor
    /// waits for them first, and does not cancel them.
    #[must_use]
    pub fn clean_ups(&self) -> Vec<TaskRef> {
        self.0.clean_ups.live()
    }

    /// Whether tasks start eagerly if their builder does not say; `false` at first.
    #[must_use]
    pub fn eager(&self) -> bool {
        self.0.eager.get()
    }

    /// Sets whether tasks start eagerly: asyncio's `eager_task_factory`.
    pub fn set_eager(&self, eager: bool) {
        self.0.eager.set(eager);
    }

    /// Sets what every task's builder goes through, and returns the one before.
    ///
    /// On a closed executor `factory` is dropped.
    pub fn set_task_factory(&self, factory: Option<TaskFactory>) -> Option<TaskFactory> {
        // A closed executor would keep it for ever, and with it perhaps itself.
        self.0.set_factory(factory.filter(|_| !self.is_closed()))
    }

    /// What every task's builder goes through.
    #[must_use]
    pub fn get_task_factory(&self) -> Option<TaskFactory> {
        self.0.factory()
    }

    /// Sets the handler of errors that nobody else is told of, and returns the one before.
    /// Without one, each is a line on stderr. On a closed executor `handler` is dropped.
    pub fn set_exception_handler(
        &self,
        handler: Option<ExceptionHandler>,
    ) -> Option<ExceptionHandler> {
        self.0.set_handler(handler.filter(|_| !self.is_closed()))
    }

    /// The handler of errors that nobody else is told of.
    #[must_use]
    pub fn get_exception_handler(&self) -> Option<ExceptionHandler> {
        self.0.handler()
    }

    /// Hands an error to the exception handler. A panic of the handler is caught, and goes to
    /// stderr together with the error.
    pub fn call_exception_handler(&self, context: &ErrorContext<'_>) {
        self.0.report(context);
    }

    /// Calls `f`, which may be foreign code; its panic is caught, and goes to the exception handler
    /// with `message`. For crates that drop, wake or call what users gave them.
    pub fn catch_panic(&self, message: &str, f: impl FnOnce()) {
        or_report(&self.0, message, f);
    }

    /// Ends the run after the entry that calls this: what is ready stays ready.
    ///
    /// A driver of one's own gets `payload` by
    /// [`Executor::take_interrupt`](crate::Executor::take_interrupt). `run_until_complete`, here and
    /// of an event loop, drops it, and returns [`RunError::Interrupted`](crate::RunError::Interrupted).
    pub fn interrupt(&self, payload: Box<dyn Any>) {
        self.0.interrupt(payload);
    }

    /// Scopes that are open now; a task's root counts once it has an inner scope or a request.
    #[must_use]
    pub fn scope_count(&self) -> usize {
        self.0.tree.len()
    }

    /// The handle to a scope by its key, which must be of this executor.
    #[must_use]
    pub fn scope_ref(&self, key: ScopeKey) -> ScopeRef {
        key.reference(&self.0)
    }

    /// For waits on what belongs to this executor, whenever they would be pending: refuses inside
    /// a run of another executor, since nobody runs this one meanwhile. `what` is named in the
    /// message. Outside every run it does nothing: a foreign executor may be waiting.
    ///
    /// # Panics
    /// If this thread runs another executor. asyncio raises `RuntimeError`, "attached to a
    /// different loop".
    pub fn assert_may_wait(&self, what: fmt::Arguments<'_>) {
        self.0.assert_may_wait(|| what.to_string());
    }

    /// Whether the executor has been closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.closed.get()
    }

    /// Whether both are handles to the same executor.
    #[must_use]
    pub fn same_executor(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Spawner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Spawner")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// The task that this thread is polling, if it is.
#[must_use]
pub fn current_task() -> Option<TaskRef> {
    home::with(|local| {
        let local = local?;
        Some(TaskRef::new(local.tasks.state(local, local.current.get())?))
    })
}

#[track_caller]
pub(crate) fn call_soon(
    local: &Rc<Local>,
    context: Option<Context>,
    work: impl FnOnce() + 'static,
) -> Handle {
    if local.closed.get() {
        return callback::refused(work);
    }
    let (entry, handle) = callback::schedule(context, work);
    local.push(entry);
    handle
}
