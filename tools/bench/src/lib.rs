//! asyncio for Rust and its peers, measured in one run.
