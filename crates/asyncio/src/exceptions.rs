//! What ends a task other than its value:
//! [`asyncio.exceptions`](https://docs.python.org/3/library/asyncio-exceptions.html).
//!
//! asyncio's `CancelledError` is three things here. [`TaskError::Cancelled`] is how a task has
//! ended; [`Cancelled`] is what [`catch_cancelled`], the `except CancelledError` of Rust, has
//! caught; [`raise_cancelled`] raises one.

pub use asyncio_executor::{
    Cancelled, InvalidStateError, Message, PanicPayload, TaskError, catch_cancelled,
    raise_cancelled,
};
#[cfg(feature = "futures")]
pub use asyncio_futures::{EmptySetError, TimeoutError};
