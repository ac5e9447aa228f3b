//! Untyped handles to a task, as many as one likes.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::cancel::{cancel_task, cancelling, uncancel};
use crate::context;
use crate::error::Message;
use crate::flat::drop_flat;
use crate::local::Local;
use crate::registry::Key;
use crate::spawner::Spawner;
use crate::task::watchers::{Watcher, Watchers};
use crate::task::{Observer, Status};

/// A task without its type: to cancel it, name it, watch it, wait for its end. Clones are
/// handles to the same task; they neither own it nor its result.
#[derive(Clone)]
pub struct TaskRef(Rc<TaskState>);

/// What the references to one task share. Made when the first one is.
pub(crate) struct TaskState {
    local: Rc<Local>,
    key: Key,
    id: u32,
    location: &'static Location<'static>,
    status: Cell<Status>,
    /// Once it has ended: the requests that were not withdrawn.
    requests: Cell<u32>,
    name: RefCell<Option<Rc<str>>>,
    pub(crate) watchers: Watchers,
}

/// Names a done-callback of one task, to take it away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallbackId {
    task: u32,
    number: u64,
}

impl TaskRef {
    pub(crate) fn new(state: Rc<TaskState>) -> Self {
        Self(state)
    }

    /// The executor and the key, while the task has not ended.
    pub(crate) fn target(&self) -> Option<(&Rc<Local>, Key)> {
        (!self.done()).then_some((&self.0.local, self.0.key))
    }

    /// Requests the task's cancellation, and returns `false` if it has ended.
    ///
    /// A request, not an order: the innermost scopes of the task answer it at their next poll,
    /// where the body they wait in is dropped. Without any scope, the task's future is dropped
    /// and the task ends as cancelled; a task that has not started never does. A task that is
    /// waiting for another task passes the request on to that one, and waits for it to end.
    pub fn cancel(&self) -> bool {
        self.target()
            .is_some_and(|(local, key)| cancel_task(local, key, None))
    }

    /// [`cancel`](Self::cancel) with a message, which the task's clean-up and its outcome see.
    pub fn cancel_with(&self, message: impl AsRef<str>) -> bool {
        let message = Message::from(message.as_ref());
        self.target()
            .is_some_and(|(local, key)| cancel_task(local, key, Some(message)))
    }

    /// How many requests were made on the task and its scopes, and not withdrawn. When the task
    /// has ended it is the number that were left then.
    #[must_use]
    pub fn cancelling(&self) -> u32 {
        let ended = || self.0.requests.get();
        self.target()
            .map_or_else(ended, |(local, key)| cancelling(local, key))
    }

    /// Withdraws one request, and returns how many are left; at none, what was not delivered yet
    /// is withdrawn too.
    ///
    /// The task has one count, as in asyncio: a timeout whose own request was withdrawn in its body
    /// converts the next one instead.
    pub fn uncancel(&self) -> u32 {
        let ended = || {
            let left = self.0.requests.get().saturating_sub(1);
            self.0.requests.set(left);
            left
        };
        self.target()
            .map_or_else(ended, |(local, key)| uncancel(local, key))
    }

    /// Whether the task has ended.
    #[must_use]
    pub fn done(&self) -> bool {
        self.0.status.get() != Status::Pending
    }

    /// Whether the task has ended as cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.0.status.get() == Status::Cancelled
    }

    /// Whether the task has ended by a panic.
    #[must_use]
    pub fn panicked(&self) -> bool {
        self.0.status.get() == Status::Panicked
    }

    /// The task's number: the executor counts its tasks from 1. Wraps after two thousand million.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id
    }

    /// The task's name: the one given, or `Task-N` with its number.
    #[must_use]
    pub fn get_name(&self) -> String {
        self.0.name()
    }

    /// Names the task.
    pub fn set_name(&self, name: impl AsRef<str>) {
        self.0.set_name(name.as_ref().into());
    }

    /// Whether it is a task of this executor.
    #[must_use]
    pub fn belongs_to(&self, spawner: &Spawner) -> bool {
        Rc::ptr_eq(&self.0.local, spawner.local())
    }

    /// Where the task was made.
    #[must_use]
    pub fn spawn_location(&self) -> &'static Location<'static> {
        self.0.location
    }

    /// Has `callback` called through the ready queue when the task has ended: never inside this
    /// call, also for a task that has ended already. Callbacks run in order of registration, each
    /// in a copy of the context in which it was registered; one that was registered before a wait
    /// for the task began runs before the code after that wait.
    ///
    /// The callback gets no result, which is the handle's: Python's `task.result()` in a callback
    /// becomes a second task that awaits this one, or a shared future that the task sets.
    ///
    /// Once the executor is closed, callbacks are dropped uncalled.
    pub fn add_done_callback(&self, callback: impl FnOnce(&TaskRef) + 'static) -> CallbackId {
        let context = context::copy_for_task();
        CallbackId {
            task: self.0.id,
            number: self.on_end(Watcher::Call(context, Box::new(callback))),
        }
    }

    /// Takes a callback away. Returns whether it was still to be called; one whose task has ended
    /// is not taken away any more.
    pub fn remove_done_callback(&self, id: CallbackId) -> bool {
        if id.task != self.0.id {
            return false;
        }
        let is_callback = |watcher: &_| matches!(watcher, Watcher::Call(..));
        let removed = self.0.watchers.remove(id.number, is_callback);
        let was_there = removed.is_some();
        drop_flat(removed);
        was_there
    }

    /// Has `observer` told when the task has ended, under `index`; at once, inside this call,
    /// when it has ended already. References may have any number of observers, which are told
    /// nothing about the value ([`End::Failed`](crate::End::Failed) is told only to the handle's).
    pub fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        self.on_end(Watcher::Tell(observer, index));
    }

    /// Takes an observer away, under every index that it has.
    pub fn unobserve(&self, observer: &Rc<dyn Observer>) {
        let removed = self
            .0
            .watchers
            .remove_all(|watcher| watcher.tells(observer));
        drop(removed);
    }

    /// Keeps `watcher` until the end, or tells it that the end has been. Returns its number.
    fn on_end(&self, watcher: Watcher) -> u64 {
        let state = &self.0;
        let number = state.watchers.next();
        if self.done() {
            watcher.fire(&state.local, self, state.status.get());
        } else {
            state.watchers.add(number, watcher);
        }
        number
    }

    /// What a message calls it.
    pub(super) fn described(&self) -> String {
        format!("{}, created at {},", self.get_name(), self.spawn_location())
    }

    /// Waits for the end of the task, however it ends. Unlike awaiting the handle, this passes no
    /// cancellation on.
    ///
    /// # Panics
    /// When awaited before the end by the task itself, or by a task or main future of another
    /// executor, as [`Task`](crate::Task) does.
    ///
    /// # Cancel safety
    /// Yes.
    pub fn wait(&self) -> WaitTask {
        WaitTask {
            task: self.clone(),
            waker: 0,
        }
    }

    /// Equal for references to the same task, and for no other two that live at the same time.
    #[must_use]
    pub fn identity(&self) -> *const () {
        Rc::as_ptr(&self.0).cast()
    }

    /// Whether both are handles to the same task.
    #[must_use]
    pub fn same_task(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl PartialEq for TaskRef {
    fn eq(&self, other: &Self) -> bool {
        self.same_task(other)
    }
}

impl Eq for TaskRef {}

/// By identity, as equality is.
impl Hash for TaskRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TaskRef")
            .field("name", &self.get_name())
            .field("status", &self.0.status.get())
            .field("spawned_at", &format_args!("{}", self.0.location))
            .finish_non_exhaustive()
    }
}

impl TaskState {
    pub(crate) fn new(
        local: Rc<Local>,
        key: Key,
        id: u32,
        location: &'static Location<'static>,
    ) -> Rc<Self> {
        Rc::new(Self {
            local,
            key,
            id,
            location,
            status: Cell::new(Status::Pending),
            requests: Cell::new(0),
            name: RefCell::new(None),
            watchers: Watchers::default(),
        })
    }

    pub(crate) fn name(&self) -> String {
        match &*self.name.borrow() {
            Some(name) => String::from(&**name),
            None => format!("Task-{}", self.id),
        }
    }

    pub(crate) fn set_name(&self, name: Rc<str>) {
        let old = self.name.replace(Some(name));
        drop(old);
    }

    /// The task has ended, with so many requests left: what watches it becomes ready, in order.
    pub(crate) fn end(self: &Rc<Self>, local: &Local, status: Status, requests: u32) {
        self.status.set(status);
        self.requests.set(requests);
        let task = TaskRef(Rc::clone(self));
        for watcher in self.watchers.take() {
            watcher.fire(local, &task, status);
        }
    }
}

/// Future of [`TaskRef::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct WaitTask {
    task: TaskRef,
    waker: u64,
}

impl Future for WaitTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.task.done() {
            return Poll::Ready(());
        }
        let state = &self.task.0;
        let what = || self.task.described();
        state.local.assert_may_wait_for(state.key, what);
        self.waker = self.task.0.watchers.keep_waker(self.waker, cx.waker());
        // Cloning a waker may be foreign code, which may have ended the task.
        if self.task.done() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for WaitTask {
    fn drop(&mut self) {
        if self.waker != 0 {
            self.task.0.watchers.drop_waker(self.waker);
        }
    }
}
