//! The book of asyncio for Rust; its snippets are this crate doctests.
