//! Why a read has no value.

use std::fmt;
use std::io;

/// Why `readline`, `readuntil` or `readexactly` has no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The stream has ended before.
    Incomplete(IncompleteReadError),
    /// The limit was reached before a separator.
    LimitOverrun(LimitOverrunError),
    /// A separator was asked for that is empty, or none at all.
    EmptySeparator,
    /// The connection broke.
    Io(io::Error),
}

/// The stream has ended before everything was there that was asked for. asyncio's
/// `IncompleteReadError`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncompleteReadError {
    /// What came before the end. It is not in the stream any more.
    pub partial: Vec<u8>,
    /// How many bytes were asked for, where that is known: by `readexactly`.
    pub expected: Option<usize>,
}

/// More bytes came without a separator than the limit allows. asyncio's `LimitOverrunError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitOverrunError {
    /// How many bytes are before the separator, or, if none was found, can be no part of one.
    /// After `readuntil` they are still in the stream: `readexactly` takes them.
    pub consumed: usize,
    /// Whether a separator was found.
    pub found: bool,
}

impl fmt::Display for IncompleteReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.partial.len();
        write!(formatter, "{count} bytes read on a total of ")?;
        match self.expected {
            Some(expected) => write!(formatter, "{expected} expected bytes"),
            None => formatter.write_str("undefined expected bytes"),
        }
    }
}

impl fmt::Display for LimitOverrunError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.found {
            "separator is found, but chunk is longer than limit"
        } else {
            "separator is not found, and chunk exceed the limit"
        })
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete(error) => error.fmt(formatter),
            Self::LimitOverrun(error) => error.fmt(formatter),
            Self::EmptySeparator => {
                formatter.write_str("separator should be at least one-byte string")
            }
            Self::Io(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for IncompleteReadError {}

impl std::error::Error for LimitOverrunError {}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Incomplete(error) => Some(error),
            Self::LimitOverrun(error) => Some(error),
            Self::EmptySeparator => None,
            Self::Io(error) => Some(error),
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// `UnexpectedEof`, `InvalidData`, `InvalidInput`, or what the connection broke with.
impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Incomplete(error) => Self::new(io::ErrorKind::UnexpectedEof, error),
            ReadError::LimitOverrun(error) => Self::new(io::ErrorKind::InvalidData, error),
            ReadError::EmptySeparator => Self::new(io::ErrorKind::InvalidInput, error),
            ReadError::Io(error) => error,
        }
    }
}

/// The same error for one more.
pub(crate) fn copy_of(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
