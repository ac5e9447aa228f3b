//! What a connection is made over: the few operations that sockets, pipes and memory differ in.

use std::fs::File;
use std::io::{self, IoSlice};

use asyncio_reactor::{BorrowedSource, Interest, Readiness};

use crate::Query;
use crate::source_of::SourceOf;

#[cfg(unix)]
pub(crate) mod pipe;
pub(crate) mod socket;

/// A byte stream and its readiness. All calls return at once.
///
/// Readiness works as [`asyncio_loop::Driven`] says, which is what there is under all but memory.
pub(crate) trait Io: 'static {
    /// Whether each direction can be ended by itself. If not, the end of the input ends the
    /// connection whatever the protocol says, and `write_eof` closes it.
    const HALF_CLOSES: bool = true;

    /// What has happened; when the connection begins to run.
    fn begin(&self) -> Readiness;

    /// As [`begin`](Self::begin), if there is something to read and no error. `None`: nothing has
    /// changed, and the connection is to run.
    fn begin_to_read(&self) -> Option<Readiness> {
        None
    }

    /// What has happened since; at other times.
    fn take_readiness(&self) -> Readiness;

    /// Has the connection run for these, and for errors.
    fn want(&self, interest: Interest) -> io::Result<()>;

    /// Whether what is ready is told once, however long it lasts: then the connection need not say
    /// that it knows.
    fn tells_once(&self) -> bool {
        false
    }

    /// Has the connection run in the next turn. Returns whether it was not going to run before.
    fn schedule(&self) -> bool;

    /// Reads. `buffer` is not empty; 0 bytes are the end.
    fn read(&self, buffer: &mut [u8]) -> io::Result<Received>;

    /// Writes as much as there is room for, of at most [`SLICES_MAX`](crate::outbox::SLICES_MAX)
    /// slices.
    fn write(&self, data: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Has the system send a part of a file: how many bytes; 0 at the file's end.
    ///
    /// # Errors
    /// `Unsupported`: it cannot.
    fn send_file(&self, file: &File, position: u64, count: usize) -> io::Result<usize> {
        let _ = (file, position, count);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Ends the side that writes.
    fn end_output(&self) -> io::Result<()>;

    /// Why the connection is broken, if it says.
    fn take_error(&self) -> Option<io::Error>;

    /// The descriptor, if it has one.
    fn source(&self) -> Option<BorrowedSource<'_>> {
        None
    }

    /// Answers what is known of the stream. `handle` makes a handle to its [`source`](Self::source).
    fn answer(&self, query: &mut Query<'_>, handle: &dyn Fn() -> SourceOf);
}

/// What a read gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) count: usize,
    /// Nothing was left when it was done; what comes later is an event.
    pub(crate) drained: bool,
}
