//! Values that come later: [`asyncio.futures`](https://docs.python.org/3/library/asyncio-future.html).
//!
//! asyncio's `isfuture` is a matter of types here: what takes a handle says so ([`Child`]), and
//! [`ensure_future`](crate::ensure_future) takes both.

pub use asyncio_futures::{Child, Future, FutureCallbackId, FutureWait, create_future};
pub use asyncio_loop::wrap_future;
