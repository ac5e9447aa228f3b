//! What combinators fail with.

use std::fmt;

use asyncio_executor::{Message, PanicPayload, TaskError};

/// A deadline has passed. asyncio's `TimeoutError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeoutError;

impl fmt::Display for TimeoutError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("timed out")
    }
}

impl std::error::Error for TimeoutError {}

impl From<TimeoutError> for std::io::Error {
    fn from(error: TimeoutError) -> Self {
        Self::new(std::io::ErrorKind::TimedOut, error)
    }
}

/// There is nothing to [`wait`](crate::wait()) for: asyncio's `ValueError` of an empty set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EmptySetError;

impl fmt::Display for EmptySetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("set of tasks and futures is empty")
    }
}

impl std::error::Error for EmptySetError {}

impl From<EmptySetError> for std::io::Error {
    fn from(error: EmptySetError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

/// Why a [`try_gather`](crate::try_gather) has no values.
#[derive(Clone, Debug)]
pub enum GatherError<E> {
    /// A child returned this error.
    Error(E),
    /// A child, or the group as a whole, was cancelled, with this message.
    Cancelled(Option<Message>),
    /// A child panicked.
    Panicked(PanicPayload),
}

impl<E> From<TaskError> for GatherError<E> {
    fn from(error: TaskError) -> Self {
        match error {
            TaskError::Cancelled(message) => Self::Cancelled(message),
            TaskError::Panicked(payload) => Self::Panicked(payload),
        }
    }
}

impl<E: fmt::Display> fmt::Display for GatherError<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(formatter),
            Self::Cancelled(None) => formatter.write_str("group was cancelled"),
            Self::Cancelled(Some(message)) => write!(formatter, "group was cancelled: {message}"),
            Self::Panicked(payload) => write!(formatter, "task panicked: {payload}"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for GatherError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Shown by `Display` already.
            Self::Error(error) => error.source(),
            Self::Cancelled(_) | Self::Panicked(_) => None,
        }
    }
}
