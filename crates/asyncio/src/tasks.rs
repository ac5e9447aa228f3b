//! Tasks, and waiting for them: [`asyncio.tasks`](https://docs.python.org/3/library/asyncio-task.html).
//!
//! asyncio's keyword arguments of `create_task` are methods of
//! [`build_task`](crate::LoopRef::build_task)`()`. What is to be made before the loop runs takes the
//! loop's [`spawner`](crate::LoopRef::spawner): `gather_on`.
//!
//! # Examples
//! ```
//! # #[cfg(feature = "futures")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use asyncio::{create_task, gather, sleep, wait};
//! use std::time::Duration;
//!
//! async fn page(number: u32) -> String {
//!     sleep(Duration::from_millis(2)).await;
//!     format!("page {number}")
//! }
//!
//! asyncio::run(async {
//!     create_task(page(0)).detach(); // dropping the handle does the same; this says so
//!
//!     let first = create_task(page(1)); // goes on while others are awaited
//!     let pages = gather((2..4).map(page)).await?; // one after the other only in the list
//!     assert_eq!(pages, ["page 2", "page 3"]);
//!     assert_eq!(first.await?, "page 1");
//!
//!     let tasks = [create_task(page(4)), create_task(page(5))];
//!     let (done, pending) = wait(tasks).timeout(Duration::from_secs(5)).await?;
//!     assert!(pending.is_empty());
//!     for task in done {
//!         println!("{}", task.await?); // it has ended: ready at once
//!     }
//!     Ok::<_, Box<dyn std::error::Error>>(())
//! })??;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "futures"))]
//! # fn main() {}
//! ```

pub use asyncio_executor::{
    CallbackId, CatchCancelled, End, IntoTask, Join, Observer, ReportingTaskBuilder, Scope,
    ScopeRef, Task, TaskAddress, TaskBuilder, TaskFuture, TaskRef, WaitTask, YieldNow,
    current_task, yield_now,
};
#[cfg(feature = "futures")]
pub use asyncio_futures::{
    AsCompleted, AsCompletedWithin, Children, Gather, GatherError, IntoChildren, Many, Mode, Plain,
    Race, ReturnExceptions, ReturnWhen, Shield, Try, TryChildren, Tuple, Wait, as_completed,
    ensure_future, gather, gather_on, join, race, select, shield, staggered_race, try_gather,
    try_gather_on, try_join, try_wait, wait, wait_for,
};
pub use asyncio_loop::{
    Interval, MissedTicks, Sleep, all_tasks, create_task, interval, interval_at, sleep, sleep_until,
};
