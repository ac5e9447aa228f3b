//! `Future<T>`: a value that comes later, set once, awaited by many.
//!
//! | file | idea |
//! |---|---|
//! | [`cell`] | the value, and those who wait for it |
//! | [`wait`] | awaiting it |

mod cell;
mod wait;

use std::fmt::{self, Display};
use std::panic::Location;
use std::rc::Rc;

use asyncio_executor::{IntoTask, InvalidStateError, Message, Observer, Spawner, TaskError};

use crate::child::{Child, Target};
use crate::running::running_spawner;
use cell::FutureCell;

pub use wait::FutureWait;

/// What makes a future before its loop runs.
const NEW_ON: &str = "Future::new_on(event_loop.spawner())";

/// A value that comes later. asyncio's `Future`.
///
/// It is set once, by [`set_result`](Self::set_result), and may be awaited by many tasks; clones
/// are handles to the same future. Everybody who waits is told through the ready queue, in order,
/// never inside the call that sets it.
///
/// Awaiting it gives `Result<T, TaskError>`, where the error is always a cancellation: an error of
/// your own is a part of `T`. Cancelling a task that awaits the future cancels the future.
///
/// # Panics
/// When it is awaited before it is done in another event loop than its own.
///
/// # Cancel safety
/// Yes: dropping the `await` leaves the future alone. (A request to *cancel* the awaiting side is
/// passed on to the future; put a [`shield`](crate::shield()) around it against that.)
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_futures::Future;
///
/// let executor = Executor::new();
/// let answer = Future::new_on(&executor.spawner());
/// let reader = executor.create_task(answer.clone().into_future());
/// answer.set_result(42).unwrap();
/// assert_eq!(executor.run_until_complete(reader).unwrap().unwrap().unwrap(), 42);
/// assert_eq!(*answer.result().unwrap().unwrap(), 42);
/// ```
pub struct Future<T: 'static>(Rc<FutureCell<T>>);

/// Names a done-callback of a [`Future`], to take it away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FutureCallbackId(u64);

impl<T> Future<T> {
    /// A future of the running event loop.
    ///
    /// # Panics
    /// Outside a running event loop: there, use [`new_on`](Self::new_on).
    #[must_use]
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "it needs a running loop")]
    pub fn new() -> Self {
        Self::new_on(&running_spawner(Some(NEW_ON)))
    }

    /// A future of this executor.
    #[must_use]
    #[track_caller]
    pub fn new_on(spawner: &Spawner) -> Self {
        Self(FutureCell::new(spawner, Location::caller()))
    }

    /// Sets the value.
    ///
    /// # Errors
    /// [`InvalidStateError::Done`] when the future is done: set before, or cancelled. See
    /// [`try_set_result`](Self::try_set_result) to get the value back.
    pub fn set_result(&self, value: T) -> Result<(), InvalidStateError> {
        self.try_set_result(value)
            .map_err(|_| InvalidStateError::Done)
    }

    /// Sets the value, unless the future is done.
    ///
    /// # Errors
    /// Gives the value back.
    pub fn try_set_result(&self, value: T) -> Result<(), T> {
        match self.0.complete(Ok(value)) {
            Err(Ok(value)) => Err(value),
            // What comes back is what was given.
            Ok(()) | Err(Err(_)) => Ok(()),
        }
    }

    /// Cancels the future. Returns `false` when it is done.
    pub fn cancel(&self) -> bool {
        self.0.complete(Err(TaskError::Cancelled(None))).is_ok()
    }

    /// [`cancel`](Self::cancel) with a message, which those who wait see.
    pub fn cancel_with(&self, message: impl AsRef<str>) -> bool {
        let message = Some(Message::from(message.as_ref()));
        self.0.complete(Err(TaskError::Cancelled(message))).is_ok()
    }

    /// Whether it was set or cancelled.
    #[must_use]
    pub fn done(&self) -> bool {
        self.0.is_done()
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        matches!(self.0.outcome.get(), Some(Err(_)))
    }

    /// The result, lent by the future; a cancellation is a copy, which `?` can pass on.
    ///
    /// # Errors
    /// [`InvalidStateError::NotDone`] when it is not done.
    pub fn result(&self) -> Result<Result<&T, TaskError>, InvalidStateError> {
        let outcome = self.0.outcome.get().ok_or(InvalidStateError::NotDone)?;
        self.0.retrieve();
        Ok(outcome.as_ref().map_err(TaskError::clone))
    }

    /// Has `callback` called through the ready queue when the future is done: never inside this
    /// call, also when it is done already. Callbacks run in order of registration, each in a copy
    /// of the context in which it was registered; a panic goes to the exception handler.
    pub fn add_done_callback(&self, callback: impl FnOnce(&Self) + 'static) -> FutureCallbackId {
        FutureCallbackId(self.0.add_callback(Box::new(callback)))
    }

    /// Takes a callback away. Returns whether it was still to be called; one whose future is done
    /// is not taken away any more.
    pub fn remove_done_callback(&self, id: FutureCallbackId) -> bool {
        self.0.remove(id.0)
    }

    /// The executor whose ready queue it uses: what asyncio's `get_loop` is asked for.
    #[must_use]
    pub fn spawner(&self) -> &Spawner {
        &self.0.spawner
    }

    /// Whether both are handles to the same future.
    #[must_use]
    pub fn same_future(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T, E: Display> Future<Result<T, E>> {
    /// Sets an error as the result: asyncio's `set_exception`. One that nobody looks at goes to
    /// the exception handler when the future is dropped, unlike an `Err` that
    /// [`set_result`](Self::set_result) has set.
    ///
    /// # Errors
    /// [`InvalidStateError::Done`] when the future is done.
    pub fn set_exception(&self, error: E) -> Result<(), InvalidStateError> {
        if self.done() {
            return Err(InvalidStateError::Done);
        }
        self.0.report_unless_retrieved(|value| match value {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        });
        self.set_result(Err(error))
    }
}

impl<T, E> Future<Result<T, E>> {
    /// The error that was set, if the future is done with one: asyncio's `exception()`.
    ///
    /// # Errors
    /// [`InvalidStateError::NotDone`] when it is not done.
    pub fn exception(&self) -> Result<Option<&E>, InvalidStateError> {
        match self.result()? {
            Ok(Err(error)) => Ok(Some(error)),
            Ok(Ok(_)) | Err(_) => Ok(None),
        }
    }
}

/// A future of the running event loop: asyncio's `loop.create_future()`.
///
/// # Panics
/// Outside a running event loop: there, use [`Future::new_on`].
#[must_use]
#[track_caller]
pub fn create_future<T>() -> Future<T> {
    Future::new_on(&running_spawner(Some(NEW_ON)))
}

impl<T> Clone for Future<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> IntoTask for Future<T> {
    type Handle = Self;

    fn into_task(self, _: &Spawner) -> Self {
        self
    }
}

impl<T: Clone> Child for Future<T> {
    type Output = T;
    type List = Vec<Self>;

    fn done(&self) -> bool {
        Self::done(self)
    }

    fn cancelled(&self) -> bool {
        Self::cancelled(self)
    }

    fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        self.0.observe(observer, index);
    }

    fn unobserve(&self, observer: &Rc<dyn Observer>) {
        self.0.unobserve(observer);
    }

    fn belongs_to(&self, spawner: &Spawner) -> bool {
        self.spawner().same_executor(spawner)
    }

    fn target(&self, _: &Spawner) -> Target {
        Target::Other(Rc::clone(&self.0) as _)
    }

    fn identity(&self) -> Option<*const ()> {
        Some(Rc::as_ptr(&self.0).cast())
    }

    fn into_outcome(self) -> Result<T, TaskError> {
        let outcome = self.result().expect("the future is not done");
        outcome.cloned()
    }
}

impl<T> fmt::Debug for Future<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.0.outcome.get() {
            None => "pending",
            Some(Ok(_)) => "finished",
            Some(Err(_)) => "cancelled",
        };
        formatter
            .debug_struct("Future")
            .field("status", &format_args!("{status}"))
            .field("waiting", &self.0.waiting_len())
            .field("created_at", &format_args!("{}", self.0.location))
            .finish_non_exhaustive()
    }
}
