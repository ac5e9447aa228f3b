//! Tasks: a future that the executor owns and polls, and the handles to it.
//!
//! | file | idea |
//! |---|---|
//! | [`root`] | the future around the user's: root scope, context, caught panics |
//! | [`builder`] | making a task |
//! | [`handle`] | `Task`: the unique handle, which holds the result |
//! | [`join`] | waiting for a task, by value and through `&mut task` |
//! | [`into_task`] | what can be given where a task is wanted |
//! | [`list`] | many handles in little memory |
//! | [`parts`] | a handle in its parts, for lists |
//! | [`observe`] | telling whoever watches many tasks |
//! | [`mod@reference`] | `TaskRef`: any number of untyped handles |
//! | [`watchers`] | who is told when a task ends, in order |

mod builder;
mod handle;
mod into_task;
mod join;
mod list;
mod observe;
mod parts;
mod reference;
mod root;
mod watchers;

pub(crate) use builder::LARGE;
pub use builder::{ReportingTaskBuilder, TaskBuilder};
pub use handle::Task;
pub use into_task::IntoTask;
pub use join::{Join, TaskFuture, Watch};
pub use list::{TaskList, TaskOutcomes};
pub use observe::{End, Observer, TaskAddress};
pub(crate) use reference::TaskState;
pub use reference::{CallbackId, TaskRef, WaitTask};
pub(crate) use root::{
    Errors, Failure, Outcome, Owned, Report, Root, Silent, discard, nobody_waits,
};

/// How a task has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Returned,
    /// It returned a value that its observer takes for a failure.
    Failed,
    Cancelled,
    Panicked,
}
