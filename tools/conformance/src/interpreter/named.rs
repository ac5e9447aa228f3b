//! Tasks and futures with names: what a scenario binds to a name may be awaited, gathered and
//! watched by many, and a task's own handle is unique.

use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Poll, ready};

use asyncio::events::Spawner;
use asyncio::exceptions::Message;
use asyncio::futures::{Child, FutureCallbackId, Target};
use asyncio::taskgroups::ChildFailed;
use asyncio::tasks::{CallbackId, End, IntoTask, Observer};
use asyncio::{Future, InvalidStateError, Task, TaskError, TaskRef, current_task};
use asyncio_executor::{Cancellation, Claim, Claimed, Settled};
use serde_json::Value;

use super::exception::{Ended, Outcome, cancelled_kind};
use super::hub::Hub;

/// A handle as many times as one likes, to a task, a future, or a group or shield.
#[derive(Clone)]
pub(crate) enum Named {
    Task(Rc<NamedTask>),
    Future(Future<Outcome>),
    Hub(Rc<Hub>),
}

pub(crate) struct NamedTask {
    reference: TaskRef,
    result: Held,
    /// Who observes the task, and the observers by whom that is done.
    observers: RefCell<Vec<Observers>>,
}

/// An observer, and the one of ours that tells it.
type Observers = (Rc<dyn Observer>, Rc<dyn Observer>);

/// Where the result of a task is.
enum Held {
    /// In its handle.
    Handle(Task<Outcome>),
    /// In the group, if it is an error, and here.
    Child(Task<Result<Value, ChildFailed>>, Rc<OnceCell<Outcome>>),
    /// The main task has none, and leaves it here.
    Main(Rc<OnceCell<Ended>>),
    /// It runs.
    Nowhere,
}

/// Names a done-callback.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CallbackKey {
    Task(CallbackId),
    Future(FutureCallbackId),
    Hub(u64),
}

impl Named {
    pub(crate) fn task(task: Task<Outcome>) -> Self {
        Self::Task(NamedTask::new(task.task_ref(), Held::Handle(task)))
    }

    /// A child of a task group, which leaves its outcome in `left` as well.
    pub(crate) fn child(
        task: Task<Result<Value, ChildFailed>>,
        left: Rc<OnceCell<Outcome>>,
    ) -> Self {
        Self::Task(NamedTask::new(task.task_ref(), Held::Child(task, left)))
    }

    pub(crate) fn main(reference: TaskRef, result: Rc<OnceCell<Ended>>) -> Self {
        Self::Task(NamedTask::new(reference, Held::Main(result)))
    }

    /// The task that asks.
    pub(crate) fn running(reference: TaskRef) -> Self {
        Self::Task(NamedTask::new(reference, Held::Nowhere))
    }

    /// What tells it from others.
    pub(crate) fn address(&self) -> *const () {
        match self {
            Self::Task(task) => task.reference.identity(),
            Self::Future(future) => Child::identity(future).unwrap_or(std::ptr::null()),
            Self::Hub(hub) => Rc::as_ptr(hub).cast(),
        }
    }

    pub(crate) fn as_task(&self) -> Option<&TaskRef> {
        match self {
            Self::Task(task) => Some(&task.reference),
            Self::Future(_) | Self::Hub(_) => None,
        }
    }

    /// How it has ended; an error when it has not.
    pub(crate) fn ended(&self) -> Result<Ended, InvalidStateError> {
        match self {
            Self::Task(task) => task.ended(),
            Self::Future(future) => Ok(future.result()?.cloned()),
            Self::Hub(hub) => hub.ended(),
        }
    }

    /// What asyncio calls cancelled: not a group, which has `CancelledError` for its exception.
    pub(crate) fn is_cancelled_future(&self) -> bool {
        self.cancelled() && !matches!(self, Self::Hub(hub) if hub.is_group())
    }

    /// The kind of the exception of one that has ended like this.
    pub(crate) fn exception_of(&self, ended: &Ended) -> Option<String> {
        match ended {
            Ok(Ok(_)) => None,
            Ok(Err(exception)) => Some(exception.to_string()),
            Err(TaskError::Cancelled(message)) => Some(cancelled_kind(message.as_deref())),
            Err(TaskError::Panicked(payload)) => Some(payload.to_string()),
        }
    }

    pub(crate) fn cancel(&self, message: Option<&str>) -> bool {
        match (self, message) {
            (Self::Task(task), None) => task.reference.cancel(),
            (Self::Task(task), Some(message)) => task.reference.cancel_with(message),
            (Self::Future(future), None) => future.cancel(),
            (Self::Future(future), Some(message)) => future.cancel_with(message),
            (Self::Hub(hub), message) => hub.cancel(message),
        }
    }

    pub(crate) fn add_done_callback(&self, callback: impl FnOnce() + 'static) -> CallbackKey {
        match self {
            Self::Task(task) => CallbackKey::Task(task.reference.add_done_callback(|_| callback())),
            Self::Future(future) => CallbackKey::Future(future.add_done_callback(|_| callback())),
            Self::Hub(hub) => CallbackKey::Hub(hub.add_done_callback(callback)),
        }
    }

    pub(crate) fn remove_done_callback(&self, key: CallbackKey) -> bool {
        match (self, key) {
            (Self::Task(task), CallbackKey::Task(id)) => task.reference.remove_done_callback(id),
            (Self::Future(future), CallbackKey::Future(id)) => future.remove_done_callback(id),
            (Self::Hub(hub), CallbackKey::Hub(id)) => hub.remove(id),
            _ => false,
        }
    }
}

impl NamedTask {
    fn new(reference: TaskRef, result: Held) -> Rc<Self> {
        Rc::new(Self {
            reference,
            result,
            observers: RefCell::default(),
        })
    }

    fn observe(self: &Rc<Self>, observer: Rc<dyn Observer>, index: u32) {
        let ours: Rc<dyn Observer> = Rc::new(Judging {
            observer: Rc::clone(&observer),
            task: Rc::downgrade(self),
        });
        let pair = (observer, Rc::clone(&ours));
        self.observers.borrow_mut().push(pair);
        self.reference.observe(ours, index);
    }

    fn unobserve(&self, observer: &Rc<dyn Observer>) {
        let address = |observer: &Rc<dyn Observer>| Rc::as_ptr(observer).cast::<()>();
        let is_told = |(told, _): &mut Observers| address(told) == address(observer);
        let told: Vec<_> = self
            .observers
            .borrow_mut()
            .extract_if(.., is_told)
            .collect();
        for (_, ours) in told {
            self.reference.unobserve(&ours);
        }
    }

    fn ended(&self) -> Result<Ended, InvalidStateError> {
        match &self.result {
            Held::Handle(task) => Ok(task.result()?.cloned()),
            Held::Child(task, left) => Ok(match task.result()? {
                Ok(Ok(value)) => Ok(Ok(value.clone())),
                Ok(Err(ChildFailed)) => {
                    Ok(left.get().cloned().ok_or(InvalidStateError::NotDone)?)
                }
                Err(error) => Err(error),
            }),
            Held::Main(result) => result.get().cloned().ok_or(InvalidStateError::NotDone),
            Held::Nowhere => Err(InvalidStateError::NotDone),
        }
    }
}

/// A `TaskRef` does not know with which value its task has ended: whether that is a failure is asked
/// here, where the value can be seen.
struct Judging {
    observer: Rc<dyn Observer>,
    task: Weak<NamedTask>,
}

impl Observer for Judging {
    fn ended(self: Rc<Self>, index: u32, end: End) {
        let ended = self.task.upgrade().and_then(|task| task.ended().ok());
        let end = match ended {
            Some(Ok(outcome)) if self.observer.is_failure(&outcome) => End::Failed,
            _ => end,
        };
        Rc::clone(&self.observer).ended(index, end);
    }
}

/// A request to whoever waits for a task is the task's.
struct Claims(TaskRef);

impl Claimed for Claims {
    fn pass_on(&self, cancellation: &mut Cancellation) -> bool {
        cancellation.task(&self.0)
    }
}

/// How something that was waited for has ended, with the message if it was cancelled.
pub(super) fn settled(ended: Ended) -> Settled<Ended> {
    let cancelled: Option<Option<Message>> = match &ended {
        Err(TaskError::Cancelled(message)) => Some(message.clone()),
        _ => None,
    };
    Settled {
        value: ended,
        cancelled,
    }
}

impl Named {
    /// Whether it is the task that runs.
    pub(super) fn is_current(&self) -> bool {
        match self {
            Self::Task(task) => current_task().is_some_and(|current| current == task.reference),
            Self::Future(_) | Self::Hub(_) => false,
        }
    }
}

async fn await_task(task: Rc<NamedTask>) -> Ended {
    let mut claim = Claim::new();
    let mut wait = task.reference.wait();
    let target = || Rc::new(Claims(task.reference.clone())) as Rc<dyn Claimed>;
    poll_fn(|cx| {
        claim.poll(cx, target, |cx| {
            ready!(Pin::new(&mut wait).poll(cx));
            match task.ended() {
                Ok(ended) => Poll::Ready(settled(ended)),
                Err(_) => Poll::Pending,
            }
        })
    })
    .await
}

impl IntoFuture for Named {
    type Output = Ended;
    type IntoFuture = Pin<Box<dyn std::future::Future<Output = Ended>>>;

    fn into_future(self) -> Self::IntoFuture {
        match self {
            Self::Task(task) => Box::pin(await_task(task)),
            Self::Future(future) => Box::pin(future.into_future()),
            Self::Hub(hub) => Box::pin(hub.wait()),
        }
    }
}

impl IntoTask for Named {
    type Handle = Self;

    fn into_task(self, _: &Spawner) -> Self {
        self
    }
}

impl Child for Named {
    type Output = Outcome;
    type List = Vec<Self>;

    fn done(&self) -> bool {
        match self {
            Self::Task(task) => task.reference.done(),
            Self::Future(future) => future.done(),
            Self::Hub(hub) => hub.done(),
        }
    }

    fn cancelled(&self) -> bool {
        match self {
            Self::Task(task) => task.reference.cancelled(),
            Self::Future(future) => future.cancelled(),
            Self::Hub(hub) => hub.cancelled(),
        }
    }

    fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        match self {
            Self::Task(task) => task.observe(observer, index),
            Self::Future(future) => Child::observe(future, observer, index),
            Self::Hub(hub) => hub.observe(observer, index),
        }
    }

    fn unobserve(&self, observer: &Rc<dyn Observer>) {
        match self {
            Self::Task(task) => task.unobserve(observer),
            Self::Future(future) => Child::unobserve(future, observer),
            Self::Hub(hub) => hub.unobserve(observer),
        }
    }

    fn target(&self, spawner: &Spawner) -> Target {
        match self {
            Self::Task(task) => Target::Ref(task.reference.clone()),
            Self::Future(future) => Child::target(future, spawner),
            Self::Hub(hub) => hub.target(spawner),
        }
    }

    fn belongs_to(&self, _: &Spawner) -> bool {
        // A scenario has one loop.
        true
    }

    fn identity(&self) -> Option<*const ()> {
        Some(self.address())
    }

    fn into_outcome(self) -> Ended {
        self.ended().expect("it has not ended")
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(task) => task.reference.fmt(formatter),
            Self::Future(future) => future.fmt(formatter),
            Self::Hub(hub) => hub.fmt(formatter),
        }
    }
}
