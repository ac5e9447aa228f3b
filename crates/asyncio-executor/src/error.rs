//! What went wrong: outcomes of tasks, and what the exception handler is told.

use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::task::TaskRef;

/// The text that a cancellation carries: `task.cancel_with("shutting down")`.
pub type Message = Arc<str>;

/// Why a task has no value.
///
/// An `Err` that a task's future returns is its value, not one of these.
///
/// It is cheap to clone: several can ask the same task why it has no value, as in asyncio, where
/// they are raised the same exception.
#[derive(Clone, Debug)]
pub enum TaskError {
    /// It was cancelled, with this message.
    Cancelled(Option<Message>),
    /// It panicked.
    Panicked(PanicPayload),
}

impl TaskError {
    /// What a task ends with that never runs because its executor is closed.
    pub(crate) fn closed() -> Self {
        Self::Cancelled(Some(Message::from("event loop is closed")))
    }

    /// Whether the task was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled(_))
    }

    /// Whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_))
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(None) => formatter.write_str("task was cancelled"),
            Self::Cancelled(Some(message)) => write!(formatter, "task was cancelled: {message}"),
            Self::Panicked(payload) => write!(formatter, "task panicked: {payload}"),
        }
    }
}

impl std::error::Error for TaskError {}

impl From<TaskError> for std::io::Error {
    fn from(error: TaskError) -> Self {
        Self::other(error)
    }
}

/// It is too early to ask for a result, or it was taken before; or it is set already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidStateError {
    /// Not done yet.
    NotDone,
    /// Done, and the value was moved out by an `await`.
    Taken,
    /// Done already: a result can be set once only.
    Done,
}

impl fmt::Display for InvalidStateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotDone => "result is not set",
            Self::Taken => "result was taken",
            Self::Done => "result is set already",
        })
    }
}

impl std::error::Error for InvalidStateError {}

/// What a panic was raised with. `Sync`, so that errors that hold one can be passed on by `?`.
///
/// Clones share the payload, which goes to the first of them that takes it.
#[derive(Clone)]
pub struct PanicPayload {
    /// Locked to read the text and to take the payload only; the text stays in its place.
    payload: Arc<Mutex<Box<dyn Any + Send>>>,
}

impl PanicPayload {
    /// Wraps what `catch_unwind` caught.
    #[must_use]
    pub fn new(payload: Box<dyn Any + Send>) -> Self {
        Self {
            payload: Arc::new(Mutex::new(payload)),
        }
    }

    /// The payload itself; its message as a `String`, when a clone has taken it before.
    #[must_use]
    pub fn into_inner(self) -> Box<dyn Any + Send> {
        let left: Box<dyn Any + Send> = match self.message() {
            Some(message) => Box::new(message),
            None => Box::new(()),
        };
        std::mem::replace(&mut *self.lock(), left)
    }

    /// Goes on with the panic on this thread.
    ///
    /// # Panics
    /// Always: that is what it does.
    pub fn resume(self) -> ! {
        std::panic::resume_unwind(self.into_inner())
    }

    /// The panic's message, where it was raised with one.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        panic_message(&**self.lock()).map(str::to_owned)
    }

    fn lock(&self) -> MutexGuard<'_, Box<dyn Any + Send>> {
        self.payload.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for PanicPayload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message().as_deref().unwrap_or("(no message)"))
    }
}

impl fmt::Debug for PanicPayload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("PanicPayload")
            .field(&self.message())
            .finish()
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> Option<&str> {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

/// What happened that nobody else was told of: the argument of an exception handler.
///
/// Its fields are the keys of the dictionary that asyncio hands to
/// [`call_exception_handler`](https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.call_exception_handler).
#[derive(Debug)]
#[non_exhaustive]
pub struct ErrorContext<'a> {
    /// What happened, in one line.
    pub message: &'a str,
    /// The error or the panic's message.
    pub cause: Option<String>,
    /// The task in which it happened.
    pub task: Option<TaskRef>,
    /// The callback in which it happened, by name.
    pub handle: Option<String>,
    /// Where the task or callback was made.
    pub location: Option<&'static Location<'static>>,
    /// The transport, server or other object that it happened to.
    pub source: Option<&'a dyn fmt::Debug>,
}

impl<'a> ErrorContext<'a> {
    /// A context with a message and nothing else; fill in what is known.
    #[must_use]
    pub fn new(message: &'a str) -> Self {
        Self {
            message,
            cause: None,
            task: None,
            handle: None,
            location: None,
            source: None,
        }
    }

    /// With the message of a panic as its cause.
    #[must_use]
    pub fn panicked(mut self, payload: &(dyn Any + Send)) -> Self {
        let message = panic_message(payload).unwrap_or("(no message)");
        self.cause = Some(format!("panicked: {message}"));
        self
    }

    /// With an error as its cause.
    #[must_use]
    pub fn caused_by(mut self, error: &dyn fmt::Display) -> Self {
        self.cause = Some(error.to_string());
        self
    }

    /// With the object that it happened to.
    #[must_use]
    pub fn with_source(mut self, source: &'a dyn fmt::Debug) -> Self {
        self.source = Some(source);
        self
    }
}

/// One line: the message, the cause, then what is known of the place.
impl fmt::Display for ErrorContext<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.message)?;
        if let Some(cause) = &self.cause {
            write!(formatter, ": {cause}")?;
        }
        if let Some(task) = &self.task {
            write!(formatter, "; task: {}", task.get_name())?;
        }
        if let Some(handle) = &self.handle {
            write!(formatter, "; handle: {handle}")?;
        }
        if let Some(source) = &self.source {
            write!(formatter, "; source: {source:?}")?;
        }
        if let Some(location) = self.location {
            write!(formatter, "; created at {location}")?;
        }
        Ok(())
    }
}
