//! The unique handle to a task, which holds its result.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use async_task::FallibleTask;

use crate::cancel::{Claim, cancel_task, cancelling, uncancel};
use crate::error::{InvalidStateError, Message, TaskError};
use crate::home::Home;
use crate::local::Local;
use crate::registry::Key;
use crate::task::join::Wait;
use crate::task::parts::{Live, Unclaimed, outcome_of};
use crate::task::reference::{CallbackId, TaskRef};
use crate::task::{Failure, Outcome, Report, Status, TaskState, nobody_waits};

/// A task: a future that its executor runs. asyncio's `Task`.
///
/// The executor owns the task; this is the one handle that owns its result. Dropping the handle
/// does not cancel: the task is detached and goes on.
///
/// Awaiting it, by value or as `&mut task`, gives the result, and passes a cancellation on: when
/// the awaiting side is cancelled, so is this task, and it is waited for.
/// [`run_until_complete(&mut task)`](crate::Executor::run_until_complete) leaves the result in the
/// handle. For a combinator that wants a future, there is
/// [`task.into_future()`](IntoFuture::into_future): a `Task` is a handle and not itself a future,
/// so that what takes tasks and futures alike ([`IntoTask`](crate::IntoTask)) can tell them apart.
///
/// # Cancel safety
/// Yes. Dropping the await of `&mut task` leaves the task and its result alone.
///
/// # Panics
/// When awaited again after the result was taken. When awaited before its end by a task or main
/// future of another executor: nobody runs the one while the thread runs the other (asyncio raises
/// `RuntimeError`, "attached to a different loop"). A foreign executor may await it. When awaited by
/// the task itself ("Task cannot await on itself"); tasks that await each other in a ring just wait,
/// as in asyncio, until one of them is cancelled.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
///
/// let executor = Executor::new();
/// let mut task = executor.create_task(async { "bobby" });
/// assert_eq!(*executor.run_until_complete(&mut task).unwrap(), "bobby");
/// assert_eq!(*task.result().unwrap().unwrap(), "bobby");
/// ```
#[must_use = "dropping a handle detaches the task: `.detach()` says so"]
pub struct Task<T> {
    pub(super) local: Rc<Local>,
    pub(super) key: Key,
    pub(super) id: u32,
    pub(super) location: &'static Location<'static>,
    /// async-task's handle, until the outcome is taken out of it.
    pub(super) inner: Cell<Option<Live<T>>>,
    /// The outcome, once it was taken out of there; empty again after an `await` has taken it.
    pub(super) outcome: OnceCell<Result<T, TaskError>>,
    /// Somebody was shown the outcome.
    retrieved: Cell<bool>,
    /// The number that our waker is registered under, where what waits is not a task of the same
    /// executor; 0 for none.
    pub(super) waker: Cell<u64>,
    pub(super) wait: Cell<Wait>,
    /// The claim of a wait that needs a node.
    pub(super) claim: Cell<Claim>,
    /// What to do with an outcome that nobody took.
    pub(super) unclaimed: Unclaimed<T>,
}

/// The value is not pinned by the handle that will give it away.
impl<T> Unpin for Task<T> {}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if !matches!(self.wait.get(), Wait::None) {
            self.stop_waiting();
        }
        if let Some(inner) = self.inner.get_mut().take_if(|inner| !inner.is_finished()) {
            // It may be among those who are told of the end, in the middle of that.
            if !self.local.tasks.detach(self.key, self.id) {
                self.local.tasks.forget_ended(self.id);
            }
            // async-task's own drop would cancel.
            inner.detach();
            return;
        }
        let _ended = self.settle();
        if let Some(outcome) = self.outcome.take() {
            let outcome = outcome.map_err(|error| Box::new(Failure::Error(error)));
            let task = || Some(self.task_ref());
            let task: Option<&dyn Fn() -> _> = if self.retrieved.get() {
                None
            } else {
                Some(&task)
            };
            drop((self.unclaimed)(&self.local, outcome, task));
        }
        self.local.tasks.forget_ended(self.id);
    }
}

impl<T: 'static> Task<T> {
    pub(crate) fn new<R: Report<T>>(
        local: Rc<Local>,
        (key, id): (Key, u32),
        location: &'static Location<'static>,
        inner: async_task::Task<Outcome<T>, Home>,
    ) -> Self {
        let unclaimed = nobody_waits::<R, T>;
        let inner = Some(inner.fallible());
        Self::assemble(local, (key, id), location, unclaimed, inner)
    }

    /// A task that never ran.
    pub(crate) fn ended<R: Report<T>>(
        local: Rc<Local>,
        id: u32,
        location: &'static Location<'static>,
        outcome: Result<T, TaskError>,
    ) -> Self {
        let unclaimed = nobody_waits::<R, T>;
        let mut task = Self::assemble(local, (Key::NONE, id), location, unclaimed, None);
        task.outcome = OnceCell::from(outcome);
        task
    }
}

impl<T> Task<T> {
    pub(super) fn assemble(
        local: Rc<Local>,
        (key, id): (Key, u32),
        location: &'static Location<'static>,
        unclaimed: Unclaimed<T>,
        inner: Option<Live<T>>,
    ) -> Self {
        Self {
            local,
            key,
            id,
            location,
            inner: Cell::new(inner),
            outcome: OnceCell::new(),
            retrieved: Cell::new(false),
            waker: Cell::new(0),
            wait: Cell::new(Wait::None),
            claim: Cell::default(),
            unclaimed,
        }
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn done(&self) -> bool {
        let inner = self.inner.take();
        let done = inner.as_ref().is_none_or(FallibleTask::is_finished);
        self.inner.set(inner);
        done
    }

    /// Whether the task has ended as cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.status() == Status::Cancelled
    }

    /// The result, which stays in the handle and is lent by it. A failure is a copy, so that
    /// `task.result()??` also leaves a function that owns the task.
    ///
    /// # Errors
    /// [`InvalidStateError`] when the task has not ended, or an `await` has taken the result.
    pub fn result(&self) -> Result<Result<&T, TaskError>, InvalidStateError> {
        Ok(self.retrieve()?.map_err(TaskError::clone))
    }

    /// The result, shown to somebody: a panic that nobody sees is reported.
    fn retrieve(&self) -> Result<Result<&T, &TaskError>, InvalidStateError> {
        let shown = self.peek()?;
        self.retrieved.set(true);
        Ok(shown)
    }

    /// [`result`](Self::result), for what does not count as retrieving it.
    pub(super) fn peek(&self) -> Result<Result<&T, &TaskError>, InvalidStateError> {
        self.settle()?;
        let outcome = self.outcome.get().ok_or(InvalidStateError::Taken)?;
        Ok(outcome.as_ref())
    }

    /// Takes the result.
    ///
    /// # Errors
    /// Gives the handle back when the task has not ended.
    ///
    /// # Panics
    /// When an `await` has taken the result before.
    pub fn into_result(mut self) -> Result<Result<T, TaskError>, Self> {
        if self.settle().is_err() {
            return Err(self);
        }
        Ok(self.outcome.take().expect(TAKEN))
    }

    /// The failure, if the task has ended with one: asyncio's `exception()`.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub fn exception(&self) -> Result<Option<&TaskError>, InvalidStateError> {
        Ok(self.retrieve()?.err())
    }

    /// Requests the task's cancellation; see [`TaskRef::cancel`]. Returns `false` when it has
    /// ended.
    pub fn cancel(&self) -> bool {
        cancel_task(&self.local, self.live(), None)
    }

    /// [`cancel`](Self::cancel) with a message, which the task's clean-up and its outcome see.
    pub fn cancel_with(&self, message: impl AsRef<str>) -> bool {
        cancel_task(
            &self.local,
            self.live(),
            Some(Message::from(message.as_ref())),
        )
    }

    /// How many requests were made and not withdrawn. When the task has ended it is the number
    /// that were left then.
    #[must_use]
    pub fn cancelling(&self) -> u32 {
        match self.ended_state() {
            Some(state) => TaskRef::new(state).cancelling(),
            None => cancelling(&self.local, self.live()),
        }
    }

    /// Withdraws one request, and returns how many are left; at none, what was not delivered yet
    /// is withdrawn too.
    ///
    /// The task has one count, as in asyncio: a timeout whose own request was withdrawn in its body
    /// converts the next one instead.
    pub fn uncancel(&self) -> u32 {
        match self.ended_state() {
            Some(state) => TaskRef::new(state).uncancel(),
            None => uncancel(&self.local, self.live()),
        }
    }

    /// What the references to a task that has ended share, if there is anything to share.
    fn ended_state(&self) -> Option<Rc<TaskState>> {
        if !self.done() {
            return None;
        }
        self.local.tasks.ended_state(self.id)
    }

    /// Leaves the task to the executor. What dropping the handle does, said aloud.
    pub fn detach(self) {
        drop(self);
    }

    /// An untyped handle, which can be cloned.
    #[must_use]
    pub fn task_ref(&self) -> TaskRef {
        let tasks = &self.local.tasks;
        let state = if self.done() {
            tasks.ended_state(self.id)
        } else {
            tasks.state(&self.local, self.key)
        };
        TaskRef::new(state.unwrap_or_else(|| {
            let local = Rc::clone(&self.local);
            let state = TaskState::new(local, Key::NONE, self.id, self.location);
            state.end(&self.local, self.status(), 0);
            tasks.keep_ended(self.id, Rc::clone(&state));
            state
        }))
    }

    /// The task's name: the one given, or `Task-N`.
    #[must_use]
    pub fn get_name(&self) -> String {
        self.task_ref().get_name()
    }

    /// Names the task.
    pub fn set_name(&self, name: impl AsRef<str>) {
        self.task_ref().set_name(name);
    }

    /// Has `callback` called when the task has ended; see [`TaskRef::add_done_callback`]. It gets
    /// a reference to the task without the result, which stays in this handle.
    pub fn add_done_callback(&self, callback: impl FnOnce(&TaskRef) + 'static) -> CallbackId {
        self.task_ref().add_done_callback(callback)
    }

    /// Takes a callback away; see [`TaskRef::remove_done_callback`].
    pub fn remove_done_callback(&self, id: CallbackId) -> bool {
        self.task_ref().remove_done_callback(id)
    }

    fn status(&self) -> Status {
        match self.peek() {
            Err(InvalidStateError::NotDone) => Status::Pending,
            Ok(Err(TaskError::Cancelled(_))) => Status::Cancelled,
            Ok(Err(TaskError::Panicked(_))) => Status::Panicked,
            Ok(Ok(_)) | Err(_) => Status::Returned,
        }
    }

    /// The task's key while it has not ended: afterwards the number may be another task's.
    fn live(&self) -> Key {
        if self.done() { Key::NONE } else { self.key }
    }

    /// Moves the outcome of an ended task here.
    pub(super) fn settle(&self) -> Result<(), InvalidStateError> {
        let Some(inner) = self.inner.take() else {
            return Ok(());
        };
        match outcome_of(inner) {
            Ok(outcome) => {
                // Empty: only the outcome of `inner`, which is gone with this, ever goes there.
                let _ = self.outcome.set(outcome);
                Ok(())
            }
            Err(inner) => {
                self.inner.set(Some(inner));
                Err(InvalidStateError::NotDone)
            }
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Task")
            .field(
                "name",
                &self
                    .local
                    .tasks
                    .existing_state(self.live())
                    .map(|s| s.name()),
            )
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

pub(super) const TAKEN: &str = "the result of the task was taken before";
