//! Values that follow the flow of work: Python's
//! [`contextvars`](https://docs.python.org/3/library/contextvars.html).
//!
//! `copy_context()` is [`Context::copy_current`].

pub use asyncio_executor::{Context, ContextVar, SendContext, Token, TokenError};
