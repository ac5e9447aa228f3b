//! Tasks of the running loop, by asyncio's flat names.

use std::future::Future;

use asyncio_executor::{Task, TaskRef};

use crate::current::get_running_loop;

/// Makes a task of `future` on the running loop: [`LoopRef::create_task`](crate::LoopRef::create_task).
/// Its first step comes in the next turn.
///
/// A name, a context and eager start are methods of
/// [`get_running_loop().build_task()`](crate::LoopRef::build_task). So is
/// [`report_errors()`](asyncio_executor::TaskBuilder::report_errors): a panic that nobody looks at
/// reaches the exception handler by itself, but an `Err` is a value, and vanishes with a handle
/// that is dropped, where asyncio says "Task exception was never retrieved".
///
/// # Panics
/// Outside a running loop: there, use the method of [`EventLoop`](crate::EventLoop).
///
/// # Examples
/// ```
/// use asyncio_loop::{EventLoop, create_task};
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let task = create_task(async { "bobby" });
///     assert_eq!(task.await.unwrap(), "bobby");
///
///     // Nobody waits for this one. Dropping the handle would not cancel it, either.
///     create_task(async { println!("in the background") }).detach();
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[track_caller]
pub fn create_task<F>(future: F) -> Task<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    get_running_loop().create_task(future)
}

/// The tasks of the running loop that have not ended, oldest first, the current one among them.
///
/// # Panics
/// Outside a running loop: there, use the method of [`EventLoop`](crate::EventLoop).
#[must_use]
#[track_caller]
pub fn all_tasks() -> Vec<TaskRef> {
    get_running_loop().all_tasks()
}
