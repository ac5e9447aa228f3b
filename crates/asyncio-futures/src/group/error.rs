//! What a group fails with, and what it refuses.

use std::fmt;

use asyncio_executor::PanicPayload;

/// Everything that went wrong in a task group: the children's errors in the order in which they
/// came, and last that of the body. Python's `ExceptionGroup`.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_futures::{GroupError, task_group};
///
/// let executor = Executor::new();
/// let outcome = executor.run_until_complete(task_group(async |group| {
///     group.start_soon(async { Err("disk full") }).unwrap();
///     std::future::pending::<Result<(), _>>().await
/// }));
/// let group = outcome.unwrap().unwrap_err();
/// assert_eq!(group.to_string(), "task group failed: disk full");
/// for error in group {
///     assert!(matches!(error, GroupError::Error("disk full")));
/// }
/// ```
#[derive(Debug)]
pub struct ErrorGroup<E> {
    errors: Vec<GroupError<E>>,
}

/// One error of an [`ErrorGroup`].
#[derive(Debug)]
pub enum GroupError<E> {
    /// A child, or the body, returned this.
    Error(E),
    /// A child panicked.
    Panicked(PanicPayload),
}

/// Of a long list, `Display` shows so many; the rest is counted.
const SHOWN_MAX: usize = 8;

impl<E> ErrorGroup<E> {
    pub(super) fn new(errors: Vec<GroupError<E>>) -> Self {
        Self { errors }
    }

    /// That of a body which its own group has cancelled.
    pub(super) fn cancelled() -> Self {
        Self { errors: Vec::new() }
    }

    /// Whether nothing failed: [`TaskGroup::cancel`](crate::TaskGroup::cancel) has ended the body
    /// before it had a value.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.errors.is_empty()
    }

    /// The errors, in order.
    #[must_use]
    pub fn errors(&self) -> &[GroupError<E>] {
        &self.errors
    }

    /// Takes the errors, in order.
    #[must_use]
    pub fn into_errors(self) -> Vec<GroupError<E>> {
        self.errors
    }
}

impl<E> IntoIterator for ErrorGroup<E> {
    type Item = GroupError<E>;
    type IntoIter = std::vec::IntoIter<GroupError<E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.into_iter()
    }
}

impl<'a, E> IntoIterator for &'a ErrorGroup<E> {
    type Item = &'a GroupError<E>;
    type IntoIter = std::slice::Iter<'a, GroupError<E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.iter()
    }
}

impl<E: fmt::Display> fmt::Display for ErrorGroup<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_cancelled() {
            return formatter.write_str("task group was cancelled");
        }
        let mut separator = "task group failed: ";
        for error in self.errors.iter().take(SHOWN_MAX) {
            write!(formatter, "{separator}{error}")?;
            separator = "; ";
        }
        match self.errors.len().saturating_sub(SHOWN_MAX) {
            0 => Ok(()),
            more => write!(formatter, "; and {more} more"),
        }
    }
}

/// Its errors are shown by `Display`, so it names none of them as its source.
impl<E: std::error::Error> std::error::Error for ErrorGroup<E> {}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(formatter),
            Self::Panicked(payload) => write!(formatter, "task panicked: {payload}"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for GroupError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Shown by `Display` already.
            Self::Error(error) => error.source(),
            Self::Panicked(_) => None,
        }
    }
}

/// What the handle of a child that failed gives: the error itself, or the panic, is its group's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChildFailed;

impl fmt::Display for ChildFailed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the task failed; its task group has the error")
    }
}

impl std::error::Error for ChildFailed {}

impl From<ChildFailed> for std::io::Error {
    fn from(error: ChildFailed) -> Self {
        Self::other(error)
    }
}

/// The group takes no tasks: it does not run yet, is being cancelled, or has ended. asyncio's
/// `RuntimeError`. The future that was refused has been dropped.
///
/// In a group with an error type of your own, `?` behind `create_task` and its kin needs a
/// `From<TaskGroupClosed>` for that type; `io::Error` and `Box<dyn Error>` have it. `E` is one type
/// for a group: children whose errors are of another map them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskGroupClosed;

impl fmt::Display for TaskGroupClosed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the task group takes no tasks now")
    }
}

impl std::error::Error for TaskGroupClosed {}

/// For bodies that fail with I/O errors: `group.create_task(..)?`.
impl From<TaskGroupClosed> for std::io::Error {
    fn from(error: TaskGroupClosed) -> Self {
        Self::other(error)
    }
}

/// Why [`TaskGroup::start`](crate::TaskGroup::start) has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StartError {
    /// As [`TaskGroupClosed`].
    Closed,
    /// The child has ended, or dropped its [`Ready`](crate::Ready), and never was ready. If it
    /// failed, its error is its group's.
    NeverReady,
}

impl From<TaskGroupClosed> for StartError {
    fn from(_: TaskGroupClosed) -> Self {
        Self::Closed
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => TaskGroupClosed.fmt(formatter),
            Self::NeverReady => formatter.write_str("the task ended before it was ready"),
        }
    }
}

impl std::error::Error for StartError {}

/// For bodies that fail with I/O errors: `group.start(..).await?`.
impl From<StartError> for std::io::Error {
    fn from(error: StartError) -> Self {
        Self::other(error)
    }
}
