//! Values that come later: [`asyncio.futures`](https://docs.python.org/3/library/asyncio-future.html).
//!
//! asyncio's `isfuture` is a matter of types here: what takes a handle says so ([`Child`]), and
//! [`ensure_future`](crate::ensure_future) takes both.
//!
//! # Examples
//! ```
//! use asyncio::futures::create_future;
//! use asyncio::{create_task, get_running_loop};
//! use std::time::Duration;
//!
//! asyncio::run(async {
//!     let answer = create_future();
//!     let promise = answer.clone();
//!     get_running_loop().call_later(Duration::from_millis(2), move || {
//!         promise.set_result(42).expect("nobody else sets it");
//!     });
//!     let shared = answer.clone();
//!     let other = create_task(async move { shared.await }); // two tasks await it
//!     assert_eq!((answer.await?, other.await??), (42, 42));
//!     Ok::<_, asyncio::TaskError>(())
//! })??;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use asyncio_futures::{Child, Future, FutureCallbackId, FutureWait, Target, create_future};
pub use asyncio_loop::wrap_future;
