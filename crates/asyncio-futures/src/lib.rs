//! gather, wait, as_completed, shield, timeout and the awaitable Future of asyncio for Rust.
