//! The event loop of asyncio for Rust: one turn at a time over reactor, timers and executor.
