//! What the system's resolver says when it has no answer.

use std::error::Error;
use std::fmt;
use std::io;

use dns_lookup::{LookupError, LookupErrorKind};

/// The error of `getaddrinfo` or `getnameinfo`: Python's `socket.gaierror`. It comes inside an
/// [`io::Error`], from which [`io::Error::get_ref`] and a downcast get it back.
///
/// Its message begins with what was asked for, which Python's does not say: the host, and the
/// service if that is a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GaiError {
    code: i32,
    temporary: bool,
    message: String,
}

impl GaiError {
    /// The resolver's number, one of the system's `EAI_` constants: -2 is `EAI_NONAME` on Linux.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.code
    }

    /// Whether asking again may help (`EAI_AGAIN`): no name server has answered.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// The error of a look-up of `name`; where the system has told an error of its own, that.
    pub(super) fn or_io(name: &str, error: LookupError) -> io::Error {
        let kind = match error.kind() {
            // Not the resolver's: a system call's, or a zero byte in the name.
            LookupErrorKind::System => return error.into(),
            _ if error.error_num() == 0 => return error.into(),
            LookupErrorKind::NoName | LookupErrorKind::NoData => io::ErrorKind::NotFound,
            LookupErrorKind::Badflags
            | LookupErrorKind::Family
            | LookupErrorKind::Socktype
            | LookupErrorKind::Service => io::ErrorKind::InvalidInput,
            LookupErrorKind::Memory => io::ErrorKind::OutOfMemory,
            _ => io::ErrorKind::Other,
        };
        let this = Self {
            code: error.error_num(),
            temporary: matches!(error.kind(), LookupErrorKind::Again),
            message: format!("{name}: {error}"),
        };
        io::Error::new(kind, this)
    }
}

impl fmt::Display for GaiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for GaiError {}
