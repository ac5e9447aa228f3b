//! Deadlines for whatever is awaited: asyncio's `timeouts`, and `wait_for`.

pub use asyncio_futures::{
    Timed, Timeout, TimeoutError, TimeoutStateError, timeout, timeout_at, wait_for,
};
