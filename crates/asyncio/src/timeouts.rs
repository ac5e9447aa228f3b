//! Deadlines for whatever is awaited: asyncio's `timeouts`, and `wait_for`. Beyond asyncio,
//! [`move_on_after`] and [`CancelScope`], which are trio's.
//!
//! # Examples
//! ```
//! use asyncio::{TimeoutError, sleep, timeout};
//! use std::time::Duration;
//!
//! let outcome = asyncio::run(async {
//!     let limit = Duration::from_millis(5);
//!     assert_eq!(timeout(limit, async { "in time" }).await, Ok("in time"));
//!     timeout(limit, sleep(Duration::from_secs(3600))).await
//! })?;
//! assert_eq!(outcome, Err(TimeoutError));
//! # Ok::<(), asyncio::RunError>(())
//! ```

pub use asyncio_futures::{
    Awaitable, CancelScope, Coroutine, InScope, Timed, Timeout, TimeoutError, TimeoutStateError,
    Waitable, move_on_after, timeout, timeout_at, wait_for,
};
