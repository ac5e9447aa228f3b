//! The default exception handler.

use std::rc::Rc;

use asyncio_executor::{ErrorContext, ExceptionHandler};

/// Writes each error as one line: to `tracing` at level error, target `asyncio`, with the feature
/// of that name; to stderr without.
pub(crate) fn default() -> ExceptionHandler {
    Rc::new(write)
}

#[cfg(feature = "tracing")]
pub(crate) fn write(context: &ErrorContext<'_>) {
    tracing::error!(target: "asyncio", "{context}");
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn write(context: &ErrorContext<'_>) {
    use std::io::Write;
    // A closed stderr is no reason to panic.
    let _ = writeln!(std::io::stderr(), "asyncio: {context}");
}
