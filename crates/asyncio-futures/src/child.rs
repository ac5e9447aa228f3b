//! What a combinator watches: a handle, whose end it is told of through the ready queue.

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use asyncio_executor::{
    Cancellation, Claimed, Observer, PanicPayload, Spawner, Task, TaskAddress, TaskError, TaskList,
    TaskRef,
};

use crate::gather::ChildList;

/// A handle that combinators take: [`Task`], `&mut Task`, [`TaskRef`],
/// [`Future`](crate::Future), [`Gather`](crate::Gather), [`Shield`](crate::Shield).
///
/// A combinator refuses, by a panic, what belongs to another event loop and has not ended: nobody
/// runs that one while this one runs. (asyncio raises `ValueError`: "The future belongs to a
/// different loop".)
///
/// Implement it for a handle of your own, together with
/// [`IntoTask`](asyncio_executor::IntoTask), and `gather`, `wait`, `as_completed` and `shield`
/// take it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handle to a task or a future",
    note = "make tasks of coroutines first: `create_task(..)` or `ensure_future(..)`",
    note = "a handle is given by value or as `&mut`"
)]
pub trait Child: Sized {
    /// What it ends with, unless it is cancelled or panics.
    type Output: 'static;
    /// Where a group keeps many of them: `Vec<Self>`.
    type List: ChildList<Child = Self>;

    /// Whether it has ended.
    fn done(&self) -> bool;

    /// Whether it has ended as cancelled.
    fn cancelled(&self) -> bool;

    /// Has `observer` told of the end under `index`; at once, when it has ended already.
    fn observe(&self, observer: Rc<dyn Observer>, index: u32);

    /// Takes this observer away.
    fn unobserve(&self, observer: &Rc<dyn Observer>);

    /// Where a request to cancel goes, for a combinator of this executor.
    fn target(&self, spawner: &Spawner) -> Target;

    /// Whether it is of this executor.
    fn belongs_to(&self, spawner: &Spawner) -> bool;

    /// What tells two handles to the same thing; `None` where the handle is the only one.
    fn identity(&self) -> Option<*const ()> {
        None
    }

    /// How it has ended.
    ///
    /// # Errors
    /// [`TaskError`] when it was cancelled or has panicked.
    ///
    /// # Panics
    /// When it has not ended, or its outcome was taken before.
    fn into_outcome(self) -> Result<Self::Output, TaskError>;
}

/// Refuses a child that a combinator of this executor would wait for in vain.
///
/// # Panics
/// If it belongs to another executor and has not ended.
#[track_caller]
pub(crate) fn assert_may_watch(child: &impl Child, spawner: &Spawner) {
    assert!(
        child.belongs_to(spawner) || child.done(),
        "a task or future belongs to another event loop, which does not run while this one does: \
         combine it with tasks of its own loop"
    );
}

/// Where a combinator sends a request to cancel a child.
#[derive(Clone)]
pub enum Target {
    /// A task of the combinator's own executor.
    Task(TaskAddress),
    /// Another task.
    Ref(TaskRef),
    /// A future, or a group.
    Other(Rc<dyn Claimed>),
}

impl Target {
    /// Passes a request on, for a combinator of this executor; `false` if it is too late.
    pub fn pass_on(&self, spawner: &Spawner, cancellation: &mut Cancellation) -> bool {
        match self {
            Self::Task(address) => cancellation.task_at(spawner, *address),
            Self::Ref(task) => cancellation.task(task),
            Self::Other(claimed) => claimed.pass_on(cancellation),
        }
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Task(address) => address.fmt(formatter),
            Self::Ref(task) => task.fmt(formatter),
            Self::Other(_) => formatter.write_str("Claimed"),
        }
    }
}

impl<T: 'static> Child for Task<T> {
    type Output = T;
    type List = TaskList<T>;

    fn done(&self) -> bool {
        Self::done(self)
    }

    fn cancelled(&self) -> bool {
        Self::cancelled(self)
    }

    fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        Self::observe(self, observer, index);
    }

    fn unobserve(&self, _: &Rc<dyn Observer>) {
        Self::unobserve(self);
    }

    fn belongs_to(&self, spawner: &Spawner) -> bool {
        self.address(spawner).is_some()
    }

    fn target(&self, spawner: &Spawner) -> Target {
        match self.address(spawner) {
            Some(address) => Target::Task(address),
            None => Target::Ref(self.task_ref()),
        }
    }

    fn into_outcome(self) -> Result<T, TaskError> {
        match self.into_result() {
            Ok(outcome) => outcome,
            Err(_) => panic!("the task has not ended"),
        }
    }
}

impl<T: 'static> Child for &mut Task<T> {
    type Output = T;
    type List = Vec<Self>;

    fn done(&self) -> bool {
        Task::done(self)
    }

    fn cancelled(&self) -> bool {
        Task::cancelled(self)
    }

    fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        Task::observe(self, observer, index);
    }

    fn unobserve(&self, _: &Rc<dyn Observer>) {
        Task::unobserve(self);
    }

    fn belongs_to(&self, spawner: &Spawner) -> bool {
        self.address(spawner).is_some()
    }

    fn target(&self, spawner: &Spawner) -> Target {
        match self.address(spawner) {
            Some(address) => Target::Task(address),
            None => Target::Ref(self.task_ref()),
        }
    }

    fn into_outcome(self) -> Result<T, TaskError> {
        let polled = pin!(self.into_future()).poll(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => panic!("the task has not ended"),
        }
    }
}

/// Only the end of the task: its result is its handle's.
impl Child for TaskRef {
    type Output = ();
    type List = Vec<Self>;

    fn done(&self) -> bool {
        Self::done(self)
    }

    fn cancelled(&self) -> bool {
        Self::cancelled(self)
    }

    fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        Self::observe(self, observer, index);
    }

    fn unobserve(&self, observer: &Rc<dyn Observer>) {
        Self::unobserve(self, observer);
    }

    fn belongs_to(&self, spawner: &Spawner) -> bool {
        Self::belongs_to(self, spawner)
    }

    fn target(&self, _: &Spawner) -> Target {
        Target::Ref(self.clone())
    }

    fn identity(&self) -> Option<*const ()> {
        Some(self.identity())
    }

    fn into_outcome(self) -> Result<(), TaskError> {
        if self.cancelled() {
            Err(TaskError::Cancelled(None))
        } else if self.panicked() {
            let payload = "the task panicked; its handle holds the payload";
            Err(TaskError::Panicked(PanicPayload::new(Box::new(payload))))
        } else {
            Ok(())
        }
    }
}
