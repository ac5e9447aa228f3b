//! The first of several futures, and the clean-up of the others.
//!
//! | file | idea |
//! |---|---|
//! | [`contest`] | branches in scopes: the first wins, the others are cancelled and awaited |
//! | [`decision`] | who wins, and what a request from outside does to that |
//! | [`branches`] | what can be raced: a tuple, or an iterator |
//! | [`mod@select`] | `select!`: branches of different types |
//! | [`staggered`] | `staggered_race`: branches that begin one after the other |

mod branches;
mod contest;
mod decision;
pub mod select;
mod staggered;

pub use branches::Race;
pub use staggered::staggered_race;

/// Runs futures concurrently in this task until one is ready, and returns its output; the others
/// are cancelled, as by a request at a scope of their own, and their clean-up is awaited first.
///
/// It takes a tuple of up to twelve futures with the same output, or an iterator over futures of
/// one type; handles to tasks and groups are futures here, and are cancelled as when they are
/// awaited. They need not be `'static`. For outputs of different types, and code for each, there is
/// [`select!`](crate::select!).
///
/// All branches are polled, in the order given, whenever one of them wakes the task; of several
/// that are ready at once the first wins, and the values of the others are dropped. A branch that
/// was never polled, because one before it was ready at once, is just dropped.
///
/// A loser without clean-up costs no turn. One that answers the cancellation with a value has it
/// dropped, and one that never ends keeps the race from ending.
///
/// # Panics
/// When the iterator is empty: nothing would ever be first. A panic of a branch goes on, and the
/// other branches are dropped where they are.
///
/// # Cancel safety
/// A cancellation goes to all branches; when they have cleaned up it goes on outwards. One that
/// comes when there is a winner, while the losers clean up, interrupts their clean-up; the
/// winner's output is returned, and the next `await` answers. Dropping the race drops all branches
/// where they are, and a winner's output with them.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, catch_cancelled, yield_now};
/// use asyncio_futures::race;
///
/// async fn replica(turns: u32) -> u32 {
///     for _ in 0..turns {
///         yield_now().await;
///     }
///     turns
/// }
///
/// # Executor::new().run_until_complete(async {
/// assert_eq!(race([5, 2, 3].map(replica)).await, 2);
///
/// let mut closed = false;
/// let with_clean_up = async {
///     let Err(cancelled) = catch_cancelled(replica(9)).await else { unreachable!() };
///     yield_now().await; // closes something
///     closed = true;
///     cancelled.reraise().await
/// };
/// assert_eq!(race((with_clean_up, replica(1))).await, 1);
/// assert!(closed);
/// # }).unwrap();
/// ```
#[track_caller]
pub fn race<R, Kind>(branches: R) -> impl Future<Output = R::Output>
where
    R: Race<Kind>,
{
    branches.race()
}
