//! How a connection of ours has its output claimed for a file.

use std::fmt;
use std::fs::File;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The output of a connection, for as long as a file goes there: what
/// [`Transport::file_sink`](crate::Transport::file_sink) returns.
///
/// It is a connection of this crate. A transport that has one below it, and that changes no byte on
/// the way down, may return that one's.
pub struct FileSink(Rc<dyn Sink>);

/// Where a file goes, between `claim` and `release`. All calls return at once.
pub(crate) trait Sink {
    /// Nobody else writes from now on, and the protocol is not told to pause or to go on.
    ///
    /// # Errors
    /// Nothing can be written, or a file is being sent already.
    fn claim(&self) -> io::Result<()>;

    /// It is over.
    fn release(&self);

    /// Has the system send a piece of the file, behind what was written before: how many bytes; 0
    /// at the file's end.
    ///
    /// # Errors
    /// `Unsupported`: the system cannot. What broke the connection. What is wrong with the file.
    fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        position: u64,
        count: usize,
    ) -> Poll<io::Result<usize>>;

    /// Writes all of `data`, when the buffer has room.
    ///
    /// # Errors
    /// What broke the connection.
    fn poll_write(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<()>>;
}

impl FileSink {
    pub(crate) fn new(sink: Rc<dyn Sink>) -> Self {
        Self(sink)
    }

    /// Claims it.
    pub(super) fn claim(self) -> io::Result<Claimed> {
        self.0.claim()?;
        Ok(Claimed(self.0))
    }
}

impl fmt::Debug for FileSink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FileSink").finish_non_exhaustive()
    }
}

/// A sink that is claimed, until this is dropped.
pub(super) struct Claimed(Rc<dyn Sink>);

impl Claimed {
    pub(super) fn sink(&self) -> &dyn Sink {
        &*self.0
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.0.release();
    }
}
