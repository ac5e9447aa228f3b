//! asyncio for Rust: the facade, with the modules and names of Python.
