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

messages! {
    NotAcquiredError: "lock is not acquired, or held by a guard, which releases it",
    TooManyPermitsError: "semaphore released too many times",
    SemaphoreClosed: "semaphore is closed",
    BrokenBarrierError: "barrier is broken",
    TaskDoneError: "task_done() called too many times",
}
