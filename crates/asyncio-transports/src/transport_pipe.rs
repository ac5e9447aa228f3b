//! asyncio's extra info `pipe`: the pipe of a transport.

use std::fmt;
use std::io;

use asyncio_reactor::{AsSource, BorrowedSource, RawSource};

use crate::source_of::SourceOf;

/// The pipe that [`connect_read_pipe`](crate::connect_read_pipe) or
/// [`connect_write_pipe`](crate::connect_write_pipe) was given, for looking at it: the size of its
/// buffer, the settings of a terminal. What is asked of it when the transport is over fails with
/// `NotConnected`: this is a handle, and keeps nothing open.
///
/// It is asked for with [`get_extra_info`](trait.ReadTransport.html#method.get_extra_info).
#[derive(Clone)]
pub struct TransportPipe(pub(crate) SourceOf);

impl TransportPipe {
    /// Calls `f` with the descriptor. Its blocking mode is the transport's and must stay as it is,
    /// and what it has to be read or written belongs to the transport too.
    ///
    /// # Errors
    /// `NotConnected` when the transport is over; what `f` returns.
    pub fn with<R>(&self, f: impl FnOnce(BorrowedSource<'_>) -> io::Result<R>) -> io::Result<R> {
        self.0.with(f)
    }

    /// The number of the descriptor.
    ///
    /// # Errors
    /// `NotConnected` when the transport is over.
    pub fn fileno(&self) -> io::Result<RawSource> {
        self.with(|pipe| Ok(pipe.as_raw_source()))
    }
}

impl fmt::Debug for TransportPipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("TransportPipe");
        match self.fileno() {
            Ok(number) => fields.field("fd", &number).finish(),
            Err(_) => fields.finish_non_exhaustive(),
        }
    }
}
