//! Groups of tasks that end together:
//! [`asyncio.TaskGroup`](https://docs.python.org/3/library/asyncio-task.html#task-groups).
//!
//! Python's `async with TaskGroup() as group:` is [`task_group`] with the block as its argument;
//! `except*` is an [`ErrorGroup`] to go through.
//!
//! # Examples
//! ```
//! use asyncio::{sleep, task_group};
//! use std::io;
//! use std::time::Duration;
//!
//! async fn page(number: u32) -> io::Result<String> {
//!     sleep(Duration::from_millis(number.into())).await;
//!     match number {
//!         13 => Err(io::ErrorKind::NotFound.into()),
//!         _ => Ok(format!("page {number}")),
//!     }
//! }
//!
//! async fn book() -> Result<(), Box<dyn std::error::Error>> {
//!     let pages = task_group(async |group| {
//!         Ok((group.create_task(page(1))?, group.create_task(page(2))?))
//!     });
//!     let (first, second) = pages.await?; // both have ended well
//!     println!("{}, {}", first.await??, second.await??);
//!
//!     let failed = task_group(async |group| {
//!         let page = group.create_task(page(13))?;
//!         sleep(Duration::from_secs(3600)).await; // cancelled when the page is not found
//!         Ok(page)
//!     });
//!     assert_eq!(failed.await.unwrap_err().errors().len(), 1);
//!     Ok(())
//! }
//!
//! asyncio::run(book())?.unwrap();
//! # Ok::<(), asyncio::RunError>(())
//! ```

pub use asyncio_futures::{
    ChildFailed, ErrorGroup, GroupError, GroupTaskBuilder, Ready, StartError, TaskGroup,
    TaskGroupClosed, task_group,
};
