//! Readiness of descriptors, and waking a wait from any thread: the I/O core of asyncio for Rust.
