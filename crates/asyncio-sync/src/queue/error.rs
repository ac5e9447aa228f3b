//! Why nothing was put into a queue, or taken from it.

use std::error::Error;
use std::fmt;

/// There is no room, and here is the item again. asyncio's `QueueFull`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueueFull<T>(pub T);

/// There is no item. asyncio's `QueueEmpty`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueueEmpty;

/// The queue was shut down; of a `put`, here is the item again. asyncio's `QueueShutDown`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueueShutDown<T = ()>(pub T);

/// Why [`put_nowait`](crate::BaseQueue::put_nowait) has not put.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum PutNowaitError<T> {
    /// There is no room.
    Full(QueueFull<T>),
    /// The queue was shut down.
    ShutDown(QueueShutDown<T>),
}

/// Why [`get_nowait`](crate::BaseQueue::get_nowait) has no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GetNowaitError {
    /// There is none.
    Empty(QueueEmpty),
    /// The queue was shut down, and nothing is left in it.
    ShutDown(QueueShutDown),
}

impl<T> PutNowaitError<T> {
    /// The item that was not put.
    pub fn into_item(self) -> T {
        match self {
            Self::Full(QueueFull(item)) | Self::ShutDown(QueueShutDown(item)) => item,
        }
    }
}

// An item need not be `Debug` for its queue's errors to be.

impl<T> fmt::Debug for QueueFull<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("QueueFull(..)")
    }
}

impl<T> fmt::Debug for QueueShutDown<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("QueueShutDown(..)")
    }
}

impl<T> fmt::Debug for PutNowaitError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(error) => error.fmt(formatter),
            Self::ShutDown(error) => error.fmt(formatter),
        }
    }
}

impl<T> fmt::Display for QueueFull<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("queue is full")
    }
}

impl fmt::Display for QueueEmpty {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("queue is empty")
    }
}

impl<T> fmt::Display for QueueShutDown<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("queue was shut down")
    }
}

impl<T> fmt::Display for PutNowaitError<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(error) => error.fmt(formatter),
            Self::ShutDown(error) => error.fmt(formatter),
        }
    }
}

impl fmt::Display for GetNowaitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty(error) => error.fmt(formatter),
            Self::ShutDown(error) => error.fmt(formatter),
        }
    }
}

impl<T> Error for QueueFull<T> {}
impl Error for QueueEmpty {}
impl<T> Error for QueueShutDown<T> {}
impl<T> Error for PutNowaitError<T> {}
impl Error for GetNowaitError {}
