//! Making a task.

use std::fmt::{self, Display};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;

use async_task::Runnable;

use crate::caught::or_report;
use crate::context::{self, Context};
use crate::entry::Entry;
use crate::error::TaskError;
use crate::home::{self, Home};
use crate::local::Local;
use crate::registry::{Key, Told};
use crate::task::{
    End, Errors, Observer, Outcome, Owned, Report, Root, Silent, Task, TaskAddress, TaskRef,
    discard,
};

/// The bytes from which on a future gets an allocation of its own: async-task's bound. It gets it
/// here, at once, before it is moved through more frames of a stack that may be small.
pub(crate) const LARGE: usize = 2048;

/// Asyncio's keyword arguments of `create_task`, as methods.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
///
/// let executor = Executor::new();
/// let task = executor.build_task().name("answer").spawn(async { 42 });
/// assert_eq!(task.get_name(), "answer");
/// assert_eq!(executor.run_until_complete(task).unwrap().unwrap(), 42);
/// ```
#[derive(Clone)]
#[must_use = "a builder makes no task before `spawn`"]
pub struct TaskBuilder {
    local: Rc<Local>,
    name: Option<Rc<str>>,
    context: Option<Context>,
    eager: Option<bool>,
}

impl TaskBuilder {
    pub(crate) fn new(local: Rc<Local>) -> Self {
        Self {
            local,
            name: None,
            context: None,
            eager: None,
        }
    }

    /// The task's name. The default is `Task-N`, where N counts the executor's tasks.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Some(name.as_ref().into());
        self
    }

    /// The context that the task runs in, used as it is. The default is a copy of the current
    /// one.
    pub fn context(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// Whether the task's first step runs inside `spawn`, before that returns, as with asyncio's
    /// `eager_start`. The default is the executor's
    /// ([`Spawner::set_eager`](crate::Spawner::set_eager)). Only a running executor starts
    /// tasks eagerly.
    pub fn eager(mut self, eager: bool) -> Self {
        self.eager = Some(eager);
        self
    }

    /// Has an `Err` of the task count as a failure, as an exception does in asyncio: one that nobody
    /// takes is reported to the exception handler, and a request to cancel that comes too late to be
    /// answered does not take its place.
    pub fn report_errors(self) -> ReportingTaskBuilder {
        ReportingTaskBuilder(self)
    }

    /// Makes the task.
    ///
    /// On a closed executor the task is born cancelled: the future is dropped, and awaiting the
    /// task gives [`TaskError::Cancelled`] with the message "event loop is closed".
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        if const { size_of::<F>() >= LARGE } {
            self.make::<Pin<Box<F>>, Silent>(Box::pin(future), None)
        } else {
            self.make::<F, Silent>(future, None)
        }
    }

    /// Makes a task that belongs to `owner`, who is told of its end under `index`: before those
    /// who await, watch or observe it, whatever becomes of its handle. An `Err` counts as a failure,
    /// as with [`report_errors`](Self::report_errors), and is the owner's to report.
    ///
    /// For task groups; others want [`Task::observe`], which leaves the owner alone. Where nobody
    /// wants the handle there is [`spawn_owned_detached`](Self::spawn_owned_detached).
    #[track_caller]
    pub fn spawn_owned<F, T, E>(
        self,
        future: F,
        owner: Rc<dyn Observer>,
        index: u32,
    ) -> Task<F::Output>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: 'static,
    {
        let owner = Some((owner, index));
        if const { size_of::<F>() >= LARGE } {
            self.make::<Pin<Box<F>>, Owned>(Box::pin(future), owner)
        } else {
            self.make::<F, Owned>(future, owner)
        }
    }

    /// [`spawn_owned`](Self::spawn_owned) without a handle. Returns where requests to the task can be
    /// sent; `None` on a closed executor.
    #[track_caller]
    pub fn spawn_owned_detached<F, T, E>(
        self,
        future: F,
        owner: Rc<dyn Observer>,
        index: u32,
    ) -> Option<TaskAddress>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: 'static,
    {
        let owner = Some((owner, index));
        if const { size_of::<F>() >= LARGE } {
            self.make_detached::<Pin<Box<F>>, Owned>(Box::pin(future), owner)
        } else {
            self.make_detached::<F, Owned>(future, owner)
        }
    }

    #[track_caller]
    fn make<F, R>(mut self, future: F, owner: Option<Told>) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
        R: Report<F::Output> + 'static,
    {
        self.pass_factory();
        self.make_at::<F, R>(Location::caller(), future, owner)
    }

    #[track_caller]
    fn make_detached<F, R>(mut self, future: F, owner: Option<Told>) -> Option<TaskAddress>
    where
        F: Future + 'static,
        F::Output: 'static,
        R: Report<F::Output> + 'static,
    {
        let location = Location::caller();
        self.pass_factory();
        if self.local.closed.get() {
            drop(self.refuse::<F, R>(location, future, owner));
            return None;
        }
        let new = self.prepare::<F, R>(location, future, owner);
        new.local.tasks.detach(new.key, new.id);
        new.task.detach();
        start(&new.local, new.eager, new.runnable);
        Some(TaskAddress::new(new.key, new.id))
    }

    /// A clean-up whose `finally` is being dropped: it does not pass through the task factory, and
    /// it is not started here, in a destructor.
    pub(crate) fn spawn_clean_up(
        self,
        location: &'static Location<'static>,
        clean_up: Pin<Box<dyn Future<Output = ()>>>,
    ) -> TaskRef {
        let task = self
            .eager(false)
            .make_at::<_, Silent>(location, clean_up, None);
        let task_ref = task.task_ref();
        task.detach();
        task_ref
    }

    fn make_at<F, R>(
        self,
        location: &'static Location<'static>,
        future: F,
        owner: Option<Told>,
    ) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
        R: Report<F::Output> + 'static,
    {
        if self.local.closed.get() {
            return self.refuse::<F, R>(location, future, owner);
        }
        let new = self.prepare::<F, R>(location, future, owner);
        start(&new.local, new.eager, new.runnable);
        Task::new::<R>(new.local, (new.key, new.id), location, new.task)
    }

    /// The executor has been closed: the task is born cancelled.
    #[cold]
    fn refuse<F, R>(
        self,
        location: &'static Location<'static>,
        future: F,
        owner: Option<Told>,
    ) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
        R: Report<F::Output> + 'static,
    {
        let local = self.local;
        discard(&local, future);
        if let Some((owner, index)) = owner {
            owner.ended(index, End::Cancelled);
        }
        let id = local.tasks.next_id();
        let task = Task::ended::<R>(local, id, location, Err(TaskError::closed()));
        if let Some(name) = self.name {
            task.set_name(name);
        }
        task
    }

    /// A task that is still to be started.
    #[inline]
    fn prepare<F, R>(
        self,
        location: &'static Location<'static>,
        future: F,
        owner: Option<Told>,
    ) -> New<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
        R: Report<F::Output> + 'static,
    {
        let local = self.local;
        let (key, id) = local.tasks.insert(location, owner);
        let context = self.context.or_else(context::copy_for_task);
        let home = Home::of(&local.shared);
        let (runnable, task) = async_task::Builder::new().metadata(home).spawn_local(
            move |_| Root::<F, R>::new(future, key, context),
            home::schedule,
        );
        if let Some(name) = self.name
            && let Some(state) = local.tasks.state(&local, key)
        {
            state.set_name(name);
        }
        New {
            eager: self.eager.unwrap_or_else(|| local.eager.get()),
            local,
            key,
            id,
            runnable,
            task,
        }
    }

    /// Has the task factory change it, where there is one.
    #[inline]
    fn pass_factory(&mut self) {
        if self.local.has_factory.get() {
            self.pass_that_factory();
        }
    }

    #[cold]
    fn pass_that_factory(&mut self) {
        let local = Rc::clone(&self.local);
        if local.in_factory.replace(true) {
            return;
        }
        or_report(&local, "panic in the task factory", || {
            if let Some(factory) = local.factory() {
                let changed = factory(self.clone());
                // Whoever made the task goes on from there: it stays where it was asked for.
                *self = Self {
                    local: Rc::clone(&local),
                    ..changed
                };
            }
        });
        local.in_factory.set(false);
    }
}

/// A task that has not been started.
struct New<T> {
    local: Rc<Local>,
    key: Key,
    id: u32,
    eager: bool,
    runnable: Runnable<Home>,
    task: async_task::Task<Outcome<T>, Home>,
}

#[inline]
fn start(local: &Rc<Local>, eager: bool, runnable: Runnable<Home>) {
    let is_current =
        |current: Option<&Rc<Local>>| current.is_some_and(|here| Rc::ptr_eq(here, local));
    if eager && home::with(is_current) {
        local.step(runnable);
    } else {
        local.push(Entry::task(runnable));
    }
}

impl fmt::Debug for TaskBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TaskBuilder")
            .field("name", &self.name)
            .field("context", &self.context)
            .field("eager", &self.eager)
            .finish_non_exhaustive()
    }
}

/// A [`TaskBuilder`] for tasks whose errors are reported when nobody takes them.
#[derive(Clone, Debug)]
#[must_use = "a builder makes no task before `spawn`"]
pub struct ReportingTaskBuilder(TaskBuilder);

impl ReportingTaskBuilder {
    /// As [`TaskBuilder::name`].
    pub fn name(self, name: impl AsRef<str>) -> Self {
        Self(self.0.name(name))
    }

    /// As [`TaskBuilder::context`].
    pub fn context(self, context: Context) -> Self {
        Self(self.0.context(context))
    }

    /// As [`TaskBuilder::eager`].
    pub fn eager(self, eager: bool) -> Self {
        Self(self.0.eager(eager))
    }

    /// As [`TaskBuilder::spawn`]. An `Err` reaches the exception handler when the task ends with
    /// no handle left, or when its handle is dropped and the error is still in it.
    #[track_caller]
    pub fn spawn<F, T, E>(self, future: F) -> Task<F::Output>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
        E: Display + 'static,
    {
        if const { size_of::<F>() >= LARGE } {
            self.0.make::<Pin<Box<F>>, Errors>(Box::pin(future), None)
        } else {
            self.0.make::<F, Errors>(future, None)
        }
    }
}
