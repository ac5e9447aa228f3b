//! Groups of tasks that end together: `TaskGroup`, and the function that opens one.
//!
//! | file | idea |
//! |---|---|
//! | [`handle`] | `TaskGroup`: the handle, and making children |
//! | [`state`] | the children, their ends, and what a failure does |
//! | [`run`] | the block: body, wait, and what comes out of it |
//! | [`child`] | the future around a child's |
//! | [`limit`] | children that wait for their turn to begin |
//! | [`start`] | children that say when they are ready |
//! | [`error`] | `ErrorGroup`, and the other errors |

mod child;
mod error;
mod handle;
mod limit;
mod run;
mod start;
mod state;

use std::future::Future;

use crate::mapped::Mapped;

pub use error::{ChildFailed, ErrorGroup, GroupError, StartError, TaskGroupClosed};
pub use handle::{GroupTaskBuilder, TaskGroup};
pub use start::Ready;

/// Runs `body`, which makes tasks in a group, and waits for all of them: asyncio's
/// `async with TaskGroup()`.
///
/// The first child that fails (it returns an `Err`, or panics) ends the group: the other children
/// and the body are cancelled, in this order, and waited for; the outcome is then an
/// [`ErrorGroup`] of all that went wrong: the children's errors in the order in which they came,
/// and last that of the body. A body that returns an `Err` ends the group in the same way. A child
/// that is cancelled by itself is no failure.
///
/// So no task outlives the block, and no error is lost. The body's value comes when every child
/// has ended well. Children may make further children, with a clone of the [`TaskGroup`].
///
/// A cancellation that reaches the group is not passed on but answered: the body is dropped where
/// it waits, the children are cancelled, all are waited for, and then the cancellation goes on
/// outwards. If a child has failed, the outcome is the [`ErrorGroup`], and the request is made
/// anew: the next `await` after the group answers it. So it is with a cancellation that comes
/// when the body has returned an `Err` and children are waited for.
///
/// # Errors
/// [`ErrorGroup`]. One without errors says that [`TaskGroup::cancel`] has ended the body before
/// it had a value; [`TaskGroup::run`] tells that apart by its type, and suits groups that are
/// cancelled on purpose.
///
/// # Panics
/// Outside a running event loop. A panic of the body goes on when every child has ended.
///
/// # Cancel safety
/// When the task is cancelled, nothing is left behind: see above. A drop from outside (by a
/// foreign `select`) cannot wait: the body is dropped, the children are requested to cancel and
/// go on to their ends by themselves, and what still fails among them is reported to the exception
/// handler.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, yield_now};
/// use asyncio_futures::{GroupError, task_group};
///
/// async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
///     yield_now().await;
///     text.parse()
/// }
///
/// let executor = Executor::new();
/// executor
///     .run_until_complete(async {
///         let tasks = task_group(async |group| {
///             Ok(["40", "2"].map(|text| group.create_task(parse(text)).unwrap()))
///         });
///         let mut sum = 0;
///         for task in tasks.await.unwrap() {
///             sum += task.await.unwrap().unwrap(); // it has ended well: ready at once
///         }
///         assert_eq!(sum, 42);
///
///         let failed = task_group(async |group| {
///             group.start_soon(std::future::pending()).unwrap(); // is cancelled
///             let number = group.create_task(parse("x")).unwrap();
///             Ok(number)
///         });
///         let errors = failed.await.unwrap_err().into_errors();
///         assert!(matches!(&errors[..], [GroupError::Error(_)]));
///     })
///     .unwrap();
/// ```
pub fn task_group<T, E, F>(body: F) -> impl Future<Output = Result<T, ErrorGroup<E>>>
where
    F: AsyncFnOnce(TaskGroup<E>) -> Result<T, E>,
    E: 'static,
{
    let run = TaskGroup::run_in(TaskGroup::new, body);
    Mapped::new(run, |outcome: Result<Option<T>, _>| {
        outcome?.ok_or_else(ErrorGroup::cancelled)
    })
}
