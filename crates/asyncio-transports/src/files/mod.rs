//! `sendfile` and `sock_sendfile`: files that go out without a copy through this process where the
//! system can do that, and are read and written where it cannot.
//!
//! | file | idea |
//! |---|---|
//! | [`span`] | what of a file is to be sent, what was, and the file's position |
//! | [`sock`] | to a socket that the caller owns: `sock_sendfile` |
//! | [`transport`] | to a transport: `sendfile` |
//! | [`blocks`] | the fallback: read by the thread pool, block by block, and written |
//! | [`relay`] | how the fallback hears of back-pressure, over a transport of another crate |
//! | [`sink`] | how a connection of ours has its output claimed |

use std::error::Error;
use std::fmt;
use std::io;

mod blocks;
mod relay;
mod sink;
mod sock;
mod span;
mod transport;

pub use sink::FileSink;
pub(crate) use sink::Sink;
pub use sock::{SockSendfile, sock_sendfile};
pub use transport::{Sendfile, sendfile};

/// The system cannot send this file to this socket or transport by itself, and the fallback is
/// switched off: inside an error of the kind `Unsupported`, from which [`io::Error::get_ref`] and a
/// downcast get it back.
#[derive(Debug)]
pub struct SendfileNotAvailableError {
    message: String,
    cause: Option<io::Error>,
}

impl SendfileNotAvailableError {
    fn raise(message: String, cause: Option<io::Error>) -> io::Error {
        io::Error::new(io::ErrorKind::Unsupported, Self { message, cause })
    }
}

impl fmt::Display for SendfileNotAvailableError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Error for SendfileNotAvailableError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

/// The connection was closed by this side, or by the other in order.
pub(crate) fn closed() -> io::Error {
    let message = "the connection was closed while a file was sent";
    io::Error::new(io::ErrorKind::ConnectionAborted, message)
}

/// Two files at once.
pub(crate) fn busy() -> io::Error {
    io::Error::new(io::ErrorKind::ResourceBusy, "sendfile is in progress")
}

/// asyncio's keyword arguments of both functions, as methods of a builder that has them in the field
/// `span` and `fallback`.
macro_rules! sendfile_methods {
    () => {
        /// From where in the file: 0 unless it is set, whatever the file's position is.
        pub fn offset(mut self, offset: u64) -> Self {
            self.span.offset = offset;
            self
        }

        /// How many bytes at most: at least one; to the end of the file unless it is set. A file
        /// that has less ends it, without an error.
        pub fn count(mut self, count: u64) -> Self {
            self.span.count = Some(count);
            self
        }

        /// Whether the file is read and written where the system cannot send it: yes unless it is
        /// set.
        pub fn fallback(mut self, fallback: bool) -> Self {
            self.fallback = fallback;
            self
        }
    };
}
use sendfile_methods;
