//! Code that blocks, on other threads: asyncio's `threads`, and what the loop does with its default
//! executor.
//!
//! [`LoopRef::run_in_executor`](crate::LoopRef::run_in_executor) takes an executor of your own.

pub use asyncio_loop::{
    DefaultExecutorShutDown, ShutdownOutcome, THREAD_JOIN_TIMEOUT, to_thread, wrap_future,
};
