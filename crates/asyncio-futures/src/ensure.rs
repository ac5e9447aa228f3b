//! Making sure that something runs.

use asyncio_executor::IntoTask;

use crate::running::running_spawner;

/// Makes a task of a future; gives a handle back as it is. asyncio's `ensure_future`.
///
/// # Panics
/// Outside a running event loop: there, use `create_task` of the loop.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_futures::ensure_future;
///
/// let executor = Executor::new();
/// let sum = executor.run_until_complete(async {
///     let task = ensure_future(async { 40 });
///     let same = ensure_future(task);
///     same.await.unwrap() + 2
/// });
/// assert_eq!(sum, Ok(42));
/// ```
#[track_caller]
pub fn ensure_future<F: IntoTask>(future: F) -> F::Handle {
    future.into_task(&running_spawner(Some("event_loop.create_task(..)")))
}
