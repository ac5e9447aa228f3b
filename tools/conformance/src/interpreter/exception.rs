//! The scenarios' exceptions: values that their coroutines return as `Err`.

use std::fmt;

use asyncio::exceptions::Message;
use asyncio::{Cancelled, TaskError, TimeoutError};
use serde_json::Value;

/// What a scenario's code raises, other than a cancellation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exception {
    /// The scenario's own: `["raise", "x"]`.
    Error(String),
    Timeout,
    Group(Vec<Exception>),
    /// One of Python's, by its name.
    Named(&'static str),
}

/// How a coroutine ends, unless it is cancelled.
pub(crate) type Outcome = Result<Value, Exception>;

/// How a task or a future has ended.
pub(crate) type Ended = Result<Outcome, TaskError>;

/// The kind, as traces have it.
impl fmt::Display for Exception {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(name) => write!(formatter, "Error({name})"),
            Self::Timeout => formatter.write_str("Timeout"),
            Self::Named(name) => formatter.write_str(name),
            Self::Group(errors) => {
                formatter.write_str("Group[")?;
                for (index, error) in errors.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(formatter, "{comma}{error}")?;
                }
                formatter.write_str("]")
            }
        }
    }
}

impl std::error::Error for Exception {}

impl From<TimeoutError> for Exception {
    fn from(_: TimeoutError) -> Self {
        Self::Timeout
    }
}

impl Exception {
    /// Whether `except KIND` catches it.
    pub(crate) fn matches(&self, kind: &str) -> bool {
        match (kind, self) {
            ("*" | "**", _) => true,
            ("Error", Self::Error(_)) | ("Timeout", Self::Timeout) | ("Group", Self::Group(_)) => {
                true
            }
            (name, Self::Named(own)) => name == *own,
            _ => false,
        }
    }
}

/// What an operation that does not wait raises.
#[derive(Clone, Debug)]
pub(crate) enum Raised {
    Exception(Exception),
    /// `CancelledError`, which is no `Err` here: whoever gets this ends as cancelled.
    Cancelled(Option<Message>),
}

impl fmt::Display for Raised {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exception(exception) => exception.fmt(formatter),
            Self::Cancelled(message) => formatter.write_str(&cancelled_kind(message.as_deref())),
        }
    }
}

impl<E: Into<Exception>> From<E> for Raised {
    fn from(exception: E) -> Self {
        Self::Exception(exception.into())
    }
}

/// What `except` has caught.
#[derive(Clone, Debug)]
pub(crate) enum Caught {
    Exception(Exception),
    Cancelled(Cancelled),
}

impl Caught {
    pub(crate) fn is_caught_by(&self, kind: &str) -> bool {
        match self {
            Self::Exception(exception) => exception.matches(kind),
            Self::Cancelled(_) => catches_cancelled(kind),
        }
    }
}

/// Whether `except KIND` catches a cancellation.
pub(crate) fn catches_cancelled(kind: &str) -> bool {
    matches!(kind, "Cancelled" | "**")
}

impl fmt::Display for Caught {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exception(exception) => exception.fmt(formatter),
            Self::Cancelled(cancelled) => formatter.write_str(&cancelled_kind(cancelled.message())),
        }
    }
}

pub(crate) fn cancelled_kind(message: Option<&str>) -> String {
    match message {
        None => "Cancelled".to_owned(),
        Some(message) => format!("Cancelled({message})"),
    }
}

/// An exception as a value.
pub(crate) fn as_value(kind: impl fmt::Display) -> Value {
    Value::from(format!("!{kind}"))
}
