//! Programs written with asyncio for Rust.
