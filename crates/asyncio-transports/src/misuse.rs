//! Arguments that are wrong, or contradict each other: Python's `ValueError`.

use std::io;

pub(crate) fn misuse(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message.into())
}
