//! What these primitives fail with; named as in asyncio where it has a name.

use std::fmt;

/// A lock was to be released, or a condition to be used, whose lock nobody holds. asyncio's
/// `RuntimeError` "Lock is not acquired". Or a guard holds it, which releases it itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotAcquiredError;

/// A semaphore would have more permits than it may: a [`BoundedSemaphore`](crate::BoundedSemaphore)
/// was released more often than acquired (asyncio's `ValueError`), or a
/// [`Semaphore`](crate::Semaphore) would pass `usize::MAX`. The semaphore is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TooManyPermitsError;

/// The semaphore was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SemaphoreClosed;

/// Why no permit was taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryAcquireError {
    /// There are not as many, or others wait for them.
    NoPermits,
    /// The semaphore was closed.
    Closed,
}

/// The lock was not taken at once: somebody has it, or waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TryLockError;

/// The barrier was aborted, or reset while it was waited for. asyncio's `BrokenBarrierError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BrokenBarrierError;

/// `task_done` was called more often than there were items. asyncio's `ValueError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskDoneError;

macro_rules! messages {
    ($($error:ident: $message:literal,)+) => {
        $(
            impl fmt::Display for $error {
                fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter.write_str($message)
                }
            }

            impl std::error::Error for $error {}
        )+
    };
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPermits => formatter.write_str("no permits are available"),
            Self::Closed => SemaphoreClosed.fmt(formatter),
        }
    }
}

impl std::error::Error for TryAcquireError {}

messages! {
    NotAcquiredError: "lock is not acquired, or held by a guard, which releases it",
    TooManyPermitsError: "semaphore released too many times",
    SemaphoreClosed: "semaphore is closed",
    TryLockError: "lock is held, or waited for",
    BrokenBarrierError: "barrier is broken",
    TaskDoneError: "task_done() called too many times",
}
