//! The main future of a run: a task that lives on the caller's stack, so that it may borrow.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;

use crate::context;
use crate::entry::{Entry, SendEntry};
use crate::error::{Message, TaskError};
use crate::home;
use crate::local::{self, Local};
use crate::registry::Key;
use crate::shared::Shared;
use crate::task::{Failure, Root, Silent, Task, TaskFuture, TaskRef, Watch};

pin_project! {
    /// The main future of a run, as a task of the executor: it has a name, a context, scopes, and
    /// can be cancelled. What drives an executor polls it when its entry comes up in the ready
    /// queue ([`Executor::run_ready`](crate::Executor::run_ready)).
    pub struct MainTask<F: Future> {
        #[pin]
        root: Root<F, Silent>,
        local: Rc<Local>,
        key: Key,
        waker: Waker,
        waking: Arc<MainWaker>,
        ended: bool,
        outcome: Option<Result<F::Output, TaskError>>,
    }

    impl<F: Future> PinnedDrop for MainTask<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if *this.ended {
                return;
            }
            let (root, local) = (this.root, &**this.local);
            home::enter(this.local, || root.abandon(local));
            local.mains.set(local.mains.get() - 1);
        }
    }
}

impl<F: Future> MainTask<F> {
    #[track_caller]
    pub(crate) fn new(local: &Rc<Local>, future: F) -> Self {
        let (key, id) = local.tasks.insert(std::panic::Location::caller(), None);
        local.tasks.detach(key, id); // there is no handle
        local.mains.set(local.mains.get() + 1);
        let waking = Arc::new(MainWaker {
            shared: Arc::clone(&local.shared),
            state: AtomicU8::new(0),
        });
        let waker = Waker::from(Arc::clone(&waking));
        waker.wake_by_ref();
        Self {
            root: Root::new(future, key, context::copy_for_task()),
            local: Rc::clone(local),
            key,
            waker,
            waking,
            ended: false,
            outcome: None,
        }
    }

    /// Does one step, unless it has ended. Returns whether it has.
    pub fn step(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        if *this.ended {
            return true;
        }
        // Reads what it replaces: a wake that found its entry in a queue already did no more than
        // set a bit, and what it was made for must be seen by this poll.
        this.waking.state.swap(POLLING, Ordering::AcqRel);
        let (root, local) = (this.root, &**this.local);
        let mut cx = Context::from_waker(this.waker);
        let stepped = home::enter(this.local, || root.step(local, &mut cx, |_| false));
        let Poll::Ready((outcome, status)) = stepped else {
            // Like a task's, a wake from within its step comes after what the step made ready.
            if this.waking.state.fetch_and(!POLLING, Ordering::AcqRel) & WOKEN != 0 {
                local.push(Entry::main());
            }
            return false;
        };
        *this.ended = true;
        local.mains.set(local.mains.get() - 1);
        *this.outcome = Some(outcome.map_err(|failure| match *failure {
            Failure::Error(error) => error,
            Failure::Discarded => TaskError::Cancelled(None),
        }));
        this.local.ended(*this.key, status);
        true
    }

    /// Whether it has ended.
    #[must_use]
    pub fn done(&self) -> bool {
        self.ended
    }

    /// An untyped handle to it, to cancel it or name it. `None` when it has ended.
    #[must_use]
    pub fn task_ref(&self) -> Option<TaskRef> {
        Some(TaskRef::new(self.local.tasks.state(&self.local, self.key)?))
    }

    /// Takes the outcome.
    pub fn take_outcome(self: Pin<&mut Self>) -> Option<Result<F::Output, TaskError>> {
        self.project().outcome.take()
    }
}

impl<F: Future> fmt::Debug for MainTask<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MainTask")
            .field("done", &self.done())
            .finish_non_exhaustive()
    }
}

struct MainWaker {
    shared: Arc<Shared>,
    state: AtomicU8,
}

/// It was woken, and its entry is in a queue: further wakes have nothing to add. While it is
/// being polled, the entry is pushed at the end of that.
const WOKEN: u8 = 1;
/// It is being polled.
const POLLING: u8 = 2;

impl Wake for MainWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.fetch_or(WOKEN, Ordering::AcqRel) != 0 {
            return;
        }
        let is_ours = |local: &Local| Arc::ptr_eq(&local.shared, &self.shared);
        let here = home::with(|local| match local {
            Some(local) if is_ours(local) => {
                local.push(Entry::main());
                true
            }
            _ => false,
        });
        if here {
            return;
        }
        match local::on_this_thread(is_ours) {
            Some(local) => local.push(Entry::main()),
            None => self.shared.push(SendEntry::main()),
        }
    }
}

/// What a run can be given: any future, a [`Task`], or `&mut` a task, whose result then stays in
/// its handle.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a future nor a task",
    note = "an `async fn` makes its future when it is called: `run(main())`"
)]
pub trait MainFuture {
    /// What the run returns.
    type Output;
    /// What the run polls.
    type Future: Future;

    /// Whether this is a handle to something that ends by itself. What waits for that is, in asyncio,
    /// the callback which stops the loop; what runs by being polled has that callback after its end.
    const IS_HANDLE: bool = false;

    /// Turns into the future to poll.
    fn into_main(self) -> Self::Future;

    /// Turns the future's output into the run's.
    ///
    /// # Errors
    /// [`RunError`] when the task that was waited for did not end with a value.
    fn output(output: <Self::Future as Future>::Output) -> Result<Self::Output, RunError>;
}

impl<F: Future> MainFuture for F {
    type Output = F::Output;
    type Future = F;

    fn into_main(self) -> F {
        self
    }

    fn output(output: F::Output) -> Result<F::Output, RunError> {
        Ok(output)
    }
}

impl<T> MainFuture for Task<T> {
    type Output = Result<T, TaskError>;
    type Future = TaskFuture<T>;

    const IS_HANDLE: bool = true;

    fn into_main(self) -> TaskFuture<T> {
        self.into_future()
    }

    fn output(output: Self::Output) -> Result<Self::Output, RunError> {
        Ok(output)
    }
}

impl<'a, T> MainFuture for &'a mut Task<T> {
    type Output = &'a T;
    type Future = Watch<'a, T>;

    const IS_HANDLE: bool = true;

    fn into_main(self) -> Watch<'a, T> {
        Watch::new(self)
    }

    fn output(task: &'a Task<T>) -> Result<&'a T, RunError> {
        let result = task.result().map_err(RunError::InvalidState)?;
        result.map_err(RunError::from)
    }
}

/// Why a run has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
    /// The main future was cancelled, with this message.
    Cancelled(Option<Message>),
    /// The task that was waited for panicked; the payload is in its handle. (A panic of the main
    /// future itself goes on out of the run.)
    Panicked(String),
    /// The result of the task that was waited for had been taken.
    InvalidState(crate::error::InvalidStateError),
    /// The event loop was stopped before the main future completed.
    Stopped,
    /// The run was ended at once: by [`Spawner::interrupt`](crate::Spawner::interrupt), or by a
    /// second interrupt of a runner.
    Interrupted,
    /// The event loop is closed.
    Closed,
    /// This event loop is running already.
    AlreadyRunning,
    /// Another event loop is running on this thread.
    OtherRunning,
    /// The operating system refused something that the loop cannot do without.
    Io {
        /// What kind of error.
        kind: std::io::ErrorKind,
        /// Its number, if it has one.
        os_error: Option<i32>,
        /// What the error says of itself.
        message: String,
    },
}

impl RunError {
    /// What ended the main future.
    ///
    /// # Panics
    /// Goes on with its panic.
    #[must_use]
    pub fn of_main(error: TaskError) -> Self {
        match error {
            TaskError::Cancelled(message) => Self::Cancelled(message),
            TaskError::Panicked(payload) => payload.resume(),
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(None) => formatter.write_str("main task was cancelled"),
            Self::Cancelled(Some(message)) => {
                write!(formatter, "main task was cancelled: {message}")
            }
            Self::Panicked(message) => write!(formatter, "task panicked: {message}"),
            Self::InvalidState(error) => error.fmt(formatter),
            Self::Stopped => formatter.write_str("event loop stopped before the future completed"),
            Self::Interrupted => formatter.write_str("run was interrupted"),
            Self::Closed => formatter.write_str("event loop is closed"),
            Self::AlreadyRunning => formatter.write_str("this event loop is already running"),
            Self::OtherRunning => {
                formatter.write_str("cannot run the event loop while another loop is running")
            }
            Self::Io { message, .. } => write!(formatter, "event loop failed: {message}"),
        }
    }
}

impl std::error::Error for RunError {}

impl From<TaskError> for RunError {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Cancelled(message) => Self::Cancelled(message),
            TaskError::Panicked(payload) => Self::Panicked(payload.to_string()),
        }
    }
}

impl From<std::io::Error> for RunError {
    fn from(error: std::io::Error) -> Self {
        Self::Io {
            kind: error.kind(),
            os_error: error.raw_os_error(),
            message: error.to_string(),
        }
    }
}
