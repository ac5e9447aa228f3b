//! Telling whoever watches many tasks: a done-callback that costs no allocation.
//!
//! A done-callback is a closure in a list in what the task's references share: four allocations.
//! A group of a hundred thousand tasks needs none of that: each task has room for one observer,
//! and the number under which that one knows it. Only the task's handle can set it, so there is
//! never a second one.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use crate::local::Local;
use crate::registry::Key;
use crate::spawner::Spawner;
use crate::task::{Status, Task, TaskRef};

/// Who is told of the end of tasks ([`Task::observe`]).
pub trait Observer {
    /// The task `index` has ended.
    ///
    /// It is called in the middle of the executor's bookkeeping, and must not run user code: what
    /// follows from the end is to be pushed into the ready queue, as an [`Entry`](crate::Entry)
    /// of `self`, for example. Then it comes one turn later, in the order of asyncio's
    /// done-callbacks.
    fn ended(self: Rc<Self>, index: u32, end: End);

    /// Whether this value, of a type that the observer knows, is to be told as [`End::Failed`].
    /// Called under the same rule.
    fn is_failure(&self, value: &dyn Any) -> bool {
        let _ = value;
        false
    }

    /// A clean-up of the task, or of the body of a scope that this observer
    /// [adopts for](crate::Scope::poll_adopting), was orphaned: its [`finally`](crate::finally())
    /// was dropped, and it goes on as the task `clean_up`. Returns whether the observer waits for
    /// that one's end ([`TaskRef::observe`]); otherwise who is further out is asked. It is not to
    /// be cancelled for the reasons that end the others. Called under the same rule, and in a
    /// destructor.
    fn adopt(self: Rc<Self>, clean_up: &TaskRef) -> bool {
        let _ = clean_up;
        false
    }
}

/// How something that is observed has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a value.
    Returned,
    /// With a value that the observer takes for a failure.
    Failed,
    /// As cancelled.
    Cancelled,
    /// By a panic.
    Panicked,
}

impl End {
    pub(crate) fn of(status: Status) -> Self {
        match status {
            // What has ended is not pending.
            Status::Pending | Status::Returned => Self::Returned,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
            Status::Panicked => Self::Panicked,
        }
    }
}

impl<T: 'static> Task<T> {
    /// Has `observer` told when the task has ended, under `index`; at once, inside this call, when
    /// it has ended already. There is one observer at most: a new one replaces the one before.
    ///
    /// For combinators; everybody else wants [`add_done_callback`](Self::add_done_callback).
    pub fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        let end = match self.peek() {
            Err(crate::InvalidStateError::NotDone) => {
                let own = self.own();
                drop(
                    own.local
                        .tasks
                        .set_observer(own.key, Some((observer, index))),
                );
                return;
            }
            // The value is gone, and was one.
            Err(_) => End::Returned,
            Ok(Ok(value)) if observer.is_failure(value) => End::Failed,
            Ok(Ok(_)) => End::Returned,
            Ok(Err(error)) if error.is_cancelled() => End::Cancelled,
            Ok(Err(_)) => End::Panicked,
        };
        observer.ended(index, end);
    }

    /// Takes the observer away.
    pub fn unobserve(&self) {
        if !self.done() {
            let own = self.own();
            drop(own.local.tasks.set_observer(own.key, None));
        }
    }

    /// Where requests to this task can be sent; `None` if it is not a task of this executor.
    #[must_use]
    pub fn address(&self, spawner: &Spawner) -> Option<TaskAddress> {
        let own = self.own();
        Rc::ptr_eq(spawner.local(), own.local).then(|| TaskAddress::new(own.key, own.id))
    }
}

/// Names a task of an executor for [`Cancellation::task_at`](crate::Cancellation::task_at): eight
/// bytes, of no use for anything else, and of none at all after the task's end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TaskAddress {
    key: Key,
    /// Tells the task from a later one in its slot.
    id: u32,
    not_send: PhantomData<Rc<()>>,
}

impl TaskAddress {
    pub(super) fn new(key: Key, id: u32) -> Self {
        Self {
            key,
            id,
            not_send: PhantomData,
        }
    }

    pub(crate) fn key(self, local: &Local) -> Option<Key> {
        (local.tasks.id(self.key) == Some(self.id)).then_some(self.key)
    }
}

impl fmt::Debug for TaskAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TaskAddress")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
