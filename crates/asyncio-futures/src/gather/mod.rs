//! Groups of tasks: started at once, awaited and cancelled as one.
//!
//! | file | idea |
//! |---|---|
//! | [`children`] | what can be gathered, and the handles it becomes |
//! | [`group`] | counting ends; what the handle and the children's observers share |
//! | [`mode`] | which end of a child ends the group, and what the group returns |
//! | [`targets`] | where requests to cancel the children go |
//! | [`handle`] | `Gather`: the unique handle |
//! | [`as_child`] | a group as a child of another combinator |

mod as_child;
mod children;
mod group;
mod handle;
mod mode;
mod targets;

use asyncio_executor::Spawner;

use crate::running::running_spawner;

pub use children::{ChildList, Children, IntoChildren, Many, TryChildren, Tuple, Visitor};
pub use group::{Rules, Verdict};
pub use handle::Gather;
pub use mode::{Mode, Plain, ReturnExceptions, Try};

/// Runs tasks and futures concurrently, as one group, and collects what they return, in the order
/// in which they were given. asyncio's `gather`.
///
/// Futures become tasks at once, before the group is awaited. Given an iterator the result is a
/// `Vec`, given a tuple a tuple. The first child that is cancelled or panics ends the group, and
/// the others go on; [`return_exceptions`](Gather::return_exceptions) waits for all instead. An
/// `Err` that a child returns is a value here: see [`try_gather`].
///
/// # Panics
/// Outside a running event loop: there, use [`gather_on`]. When a child belongs to another event
/// loop and has not ended.
///
/// # Cancel safety
/// Yes. The group is cancelled as one, by [`Gather::cancel`] or when the awaiting side is: every
/// child gets the request, and the group ends as cancelled even if all of them return values.
/// Dropping the group, or the `await` of it, cancels nothing: its tasks go on.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, yield_now};
/// use asyncio_futures::gather;
///
/// async fn double(number: u32) -> u32 {
///     yield_now().await;
///     2 * number
/// }
///
/// let executor = Executor::new();
/// executor
///     .run_until_complete(async {
///         assert_eq!(gather((1..4).map(double)).await.unwrap(), [2, 4, 6]);
///         let (number, text) = gather((double(1), async { "two" })).await.unwrap();
///         assert_eq!((number, text), (2, "two"));
///     })
///     .unwrap();
/// ```
#[track_caller]
pub fn gather<C, Kind>(children: C) -> Gather<C::Children>
where
    C: IntoChildren<Kind>,
{
    let otherwise = "gather_on(event_loop.spawner(), ..)";
    gather_on(&running_spawner(Some(otherwise)), children)
}

/// [`gather`](gather()) on an executor that does not run yet.
///
/// # Panics
/// When a child belongs to another event loop and has not ended.
///
/// # Cancel safety
/// As [`gather`](gather()).
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_futures::gather_on;
///
/// let executor = Executor::new();
/// let mut group = gather_on(&executor.spawner(), (1..4).map(|n| async move { n * n }));
/// executor.run_until_complete(&mut group).unwrap();
/// assert_eq!(*group.result().unwrap().unwrap(), [1, 4, 9]);
/// ```
#[track_caller]
pub fn gather_on<C, Kind>(spawner: &Spawner, children: C) -> Gather<C::Children>
where
    C: IntoChildren<Kind>,
{
    Gather::new(spawner, children)
}

/// [`gather`](gather()) for children that return a `Result`: the first `Err` ends the group, and
/// the others go on. asyncio's `gather` over coroutines that raise.
///
/// # Panics
/// As [`gather`](gather()).
///
/// # Cancel safety
/// As [`gather`](gather()).
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_futures::{GatherError, try_gather};
///
/// let executor = Executor::new();
/// let parsed = executor
///     .run_until_complete(async {
///         try_gather(["1", "x", "3"].map(|text| async { text.parse::<u8>() })).await
///     })
///     .unwrap();
/// assert!(matches!(parsed, Err(GatherError::Error(_))));
/// ```
#[track_caller]
pub fn try_gather<C, Kind>(children: C) -> Gather<C::Children, Try>
where
    C: IntoChildren<Kind>,
    C::Children: TryChildren,
{
    let otherwise = "try_gather_on(event_loop.spawner(), ..)";
    try_gather_on(&running_spawner(Some(otherwise)), children)
}

/// [`try_gather`] on an executor that does not run yet.
///
/// # Panics
/// As [`gather_on`].
///
/// # Cancel safety
/// As [`gather`](gather()).
#[track_caller]
pub fn try_gather_on<C, Kind>(spawner: &Spawner, children: C) -> Gather<C::Children, Try>
where
    C: IntoChildren<Kind>,
    C::Children: TryChildren,
{
    Gather::new(spawner, children)
}
