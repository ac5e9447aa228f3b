//! What ends a task other than its value:
//! [`asyncio.exceptions`](https://docs.python.org/3/library/asyncio-exceptions.html).
//!
//! asyncio's `CancelledError` is three things here. [`TaskError::Cancelled`] is how a task has
//! ended; [`Cancelled`] is what [`catch_cancelled`], the `except CancelledError` of Rust, has
//! caught; [`raise_cancelled`] raises one.
//!
//! # Examples
//! ```
//! use asyncio::{TaskError, catch_cancelled, create_task, sleep, yield_now};
//! use std::time::Duration;
//!
//! async fn work() {
//!     let hour = Duration::from_secs(3600);
//!     match catch_cancelled(sleep(hour)).await {
//!         Ok(()) => println!("an hour later"),
//!         Err(cancelled) => {
//!             sleep(Duration::from_millis(1)).await; // cleaning up may await
//!             cancelled.reraise().await // `raise`: the task ends as cancelled
//!         }
//!     }
//! }
//!
//! asyncio::run(async {
//!     let task = create_task(work());
//!     yield_now().await; // it begins
//!     task.cancel();
//!     assert!(matches!(task.await, Err(TaskError::Cancelled(_))));
//! })?;
//! # Ok::<(), asyncio::RunError>(())
//! ```

pub use asyncio_executor::{
    Cancelled, Finally, InvalidStateError, Message, PanicPayload, Shielded, TaskError,
    catch_cancelled, finally, finally_with, raise_cancelled, shielded,
};
#[cfg(feature = "futures")]
pub use asyncio_futures::{EmptySetError, TimeoutError};
#[cfg(feature = "streams")]
pub use asyncio_streams::{IncompleteReadError, LimitOverrunError};
#[cfg(feature = "sync")]
pub use asyncio_sync::BrokenBarrierError;
#[cfg(feature = "transports")]
pub use asyncio_transports::SendfileNotAvailableError;
