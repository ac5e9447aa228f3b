//! The handle to a group, and how children are made.

use std::fmt;
use std::future::Future;
use std::rc::Rc;

use asyncio_executor::{Context, Spawner, Task, TaskBuilder};

use crate::group::child::Child;
use crate::group::error::{ChildFailed, TaskGroupClosed};
use crate::group::state::{Group, Phase};
use crate::inbox::Inbox;
use crate::running::running_spawner;

/// A group of tasks that end together. asyncio's `TaskGroup`.
///
/// [`task_group`](crate::task_group()) makes one and runs a body in it. [`new`](Self::new) and
/// [`run`](Self::run) do the same in two steps, for a group that gets a [`limit`](Self::limit), or
/// whose handle others are to have before it runs. Clones are handles to the same group.
///
/// `E` is what children and body fail with.
pub struct TaskGroup<E: 'static>(pub(super) Rc<Inbox<Group<E>>>);

impl<E: 'static> TaskGroup<E> {
    /// A group that runs nothing yet, and takes no tasks.
    ///
    /// # Panics
    /// Outside a running event loop.
    #[expect(clippy::new_without_default, reason = "it needs a running event loop")]
    #[must_use]
    #[track_caller]
    pub fn new() -> Self {
        let spawner = running_spawner(None);
        let group = Group::new(spawner.clone());
        Self(Inbox::new(&spawner, group))
    }

    /// Has at most this many children run at once; asyncio has no such limit. A child beyond it
    /// exists, but is not polled: it waits until one that runs has ended, first in, first out. One
    /// that is cancelled meanwhile never begins. One that was made by `start` counts for as long as it
    /// runs, also after it has said that it is ready. A child or a body that waits for another child
    /// may so wait for ever: give such groups no limit.
    ///
    /// # Panics
    /// At a limit of 0, under which nothing would ever end; and when the group runs, or has run:
    /// children that have begun are not counted then.
    ///
    /// # Examples
    /// ```
    /// use asyncio_executor::{Executor, yield_now};
    /// use asyncio_futures::TaskGroup;
    /// use std::{cell::Cell, convert::Infallible, rc::Rc};
    ///
    /// let executor = Executor::new();
    /// let outcome = executor.run_until_complete(async {
    ///     let group = TaskGroup::<Infallible>::new().limit(3);
    ///     let running = Rc::new(Cell::new(0));
    ///     let body = async |group: TaskGroup<_>| {
    ///         for _ in 0..10 {
    ///             let running = Rc::clone(&running);
    ///             let child = async move {
    ///                 running.set(running.get() + 1);
    ///                 assert!(running.get() <= 3);
    ///                 yield_now().await;
    ///                 running.set(running.get() - 1);
    ///                 Ok(())
    ///             };
    ///             group.start_soon(child).unwrap();
    ///         }
    ///         Ok(())
    ///     };
    ///     group.run(body).await
    /// });
    /// assert!(outcome.unwrap().is_ok());
    /// ```
    #[must_use]
    #[track_caller]
    pub fn limit(self, children: usize) -> Self {
        assert!(children > 0, "a task group with a limit of 0 never ends");
        let is_new = self.0.sink.phase() == Phase::Created;
        assert!(is_new, "a task group gets its limit before it runs");
        self.0.sink.limit.set(children);
        self
    }

    /// Makes a task of the group. Its first step comes in the next turn. asyncio's
    /// `TaskGroup.create_task`.
    ///
    /// A future that returns an `Err`, or panics, fails the group, which gets the error; the
    /// handle then says [`ChildFailed`]. Where nobody wants the value, there is
    /// [`start_soon`](Self::start_soon).
    ///
    /// # Errors
    /// [`TaskGroupClosed`] before the group runs, once it is being cancelled or has failed, and
    /// after its end. While the group waits for other children, it takes more.
    #[track_caller]
    pub fn create_task<T, F>(
        &self,
        future: F,
    ) -> Result<Task<Result<T, ChildFailed>>, TaskGroupClosed>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
    {
        self.spawn(self.spawner().build_task(), future)
    }

    /// [`create_task`](Self::create_task) without a handle: trio's `start_soon`.
    ///
    /// A child that has a value which nobody wants is `create_task(…)?.detach()`: its handle is given
    /// up, and the group waits for it all the same.
    ///
    /// # Errors
    /// As [`create_task`](Self::create_task).
    #[track_caller]
    pub fn start_soon<F>(&self, future: F) -> Result<(), TaskGroupClosed>
    where
        F: Future<Output = Result<(), E>> + 'static,
    {
        let inbox = &self.0;
        let index = inbox.sink.admit()?;
        let child = Child::new(inbox, index, future);
        let builder = self.spawner().build_task();
        let task = builder.spawn_owned_detached(child, inbox.as_observer(), index);
        inbox.sink.name_child(index, task);
        Ok(())
    }

    /// A task of the group with a name, a context, or eager start.
    ///
    /// # Examples
    /// ```
    /// # asyncio_executor::Executor::new().run_until_complete(async {
    /// # use asyncio_futures::task_group;
    /// let named = task_group(async |group| {
    ///     let task = group.build_task().name("one").spawn(async { Ok::<_, ()>(1) });
    ///     Ok(task.unwrap())
    /// });
    /// assert_eq!(named.await.unwrap().get_name(), "one");
    /// # }).unwrap();
    /// ```
    pub fn build_task(&self) -> GroupTaskBuilder<E> {
        GroupTaskBuilder {
            builder: self.spawner().build_task(),
            group: self.clone(),
        }
    }

    /// Ends the group: cancels its children, and the body where it waits. That is no error: what
    /// the group returns says nothing of it, unless the body had no value yet; see
    /// [`run`](Self::run). asyncio's `TaskGroup.cancel`, of Python 3.15.
    ///
    /// Called before the group runs, it ends the body at its first wait. Called again, or after the
    /// group's end, it does nothing.
    ///
    /// # Examples
    /// ```
    /// # asyncio_executor::Executor::new().run_until_complete(async {
    /// # use asyncio_futures::task_group;
    /// # use std::future::pending;
    /// let answer = task_group(async |group| {
    ///     group.start_soon(pending()).unwrap(); // in the background, for as long as it takes
    ///     let stop = group.clone();
    ///     group.start_soon(async move {
    ///         stop.cancel();
    ///         Ok(())
    ///     }).unwrap();
    ///     Ok::<_, std::io::Error>(42)
    /// });
    /// assert_eq!(answer.await.unwrap(), 42);
    /// # }).unwrap();
    /// ```
    pub fn cancel(&self) {
        self.0.sink.cancel();
    }

    /// How many children have not ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.sink.len()
    }

    /// Whether every child has ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn spawner(&self) -> &Spawner {
        self.0.spawner()
    }

    #[track_caller]
    fn spawn<T, F>(
        &self,
        builder: TaskBuilder,
        future: F,
    ) -> Result<Task<Result<T, ChildFailed>>, TaskGroupClosed>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
    {
        let inbox = &self.0;
        let index = inbox.sink.admit()?;
        let child = Child::new(inbox, index, future);
        let task = builder.spawn_owned(child, inbox.as_observer(), index);
        inbox.sink.name_child(index, task.address(inbox.spawner()));
        Ok(task)
    }
}

/// Asyncio's keyword arguments of `TaskGroup.create_task`, as methods; made by
/// [`TaskGroup::build_task`].
#[derive(Debug)]
#[must_use = "a builder makes no task before `spawn`"]
pub struct GroupTaskBuilder<E: 'static> {
    builder: TaskBuilder,
    group: TaskGroup<E>,
}

impl<E: 'static> GroupTaskBuilder<E> {
    /// As [`TaskBuilder::name`].
    pub fn name(self, name: impl AsRef<str>) -> Self {
        self.with(|builder| builder.name(name))
    }

    /// As [`TaskBuilder::context`].
    pub fn context(self, context: Context) -> Self {
        self.with(|builder| builder.context(context))
    }

    /// As [`TaskBuilder::eager`]. A child that fails in its first step fails the group one turn
    /// later, as any other; one that cancels the group there is cancelled with it.
    pub fn eager(self, eager: bool) -> Self {
        self.with(|builder| builder.eager(eager))
    }

    fn with(self, f: impl FnOnce(TaskBuilder) -> TaskBuilder) -> Self {
        Self {
            builder: f(self.builder),
            group: self.group,
        }
    }

    /// Makes the task; see [`TaskGroup::create_task`].
    ///
    /// # Errors
    /// As [`TaskGroup::create_task`].
    #[track_caller]
    pub fn spawn<T, F>(self, future: F) -> Result<Task<Result<T, ChildFailed>>, TaskGroupClosed>
    where
        F: Future<Output = Result<T, E>> + 'static,
        T: 'static,
    {
        self.group.spawn(self.builder, future)
    }
}

impl<E> Clone for TaskGroup<E> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<E> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("TaskGroup")
            .field(&self.0.sink)
            .finish()
    }
}
