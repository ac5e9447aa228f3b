//! [`Piped`]: an [`Unblock`] without its sharp edges.
//!
//! `Unblock` moves the bytes through a pipe to and from a thread that does the blocking calls.
//! Two things about it would surprise: it panics when it is used after `close`, and a write error
//! of that thread first shows as "zero bytes written". Here the first is an error and the second
//! is the error itself.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::io::{AsyncRead, AsyncSeek, AsyncWrite};

use crate::Unblock;

/// Blocking I/O done by a thread of the elastic pool.
#[derive(Debug)]
pub(crate) struct Piped<T> {
    io: Unblock<T>,
    closed: bool,
}

impl<T> Piped<T> {
    /// `capacity` is that of the pipe in bytes: how far reading runs ahead, and how much written
    /// data may wait.
    pub(crate) fn new(io: T, capacity: usize) -> Self {
        Self {
            io: Unblock::with_capacity(capacity, io),
            closed: false,
        }
    }

    fn check_open(&self) -> io::Result<()> {
        if self.closed {
            return Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "it has been closed",
            ));
        }
        Ok(())
    }
}

impl<T: Read + Send + 'static> Piped<T> {
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.check_open()?;
        // An empty buffer must not look like the end of the file.
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: Write + Send + 'static> Piped<T> {
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_open()?;
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        if written == 0 {
            // The writing thread has given up; flushing tells why.
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        Poll::Ready(Ok(written))
    }

    /// Waits until the thread has written everything and flushed.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closed {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Flushes, and drops what it wraps. After an error it is still open.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closed {
            ready!(Pin::new(&mut self.io).poll_close(cx))?;
            self.closed = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Seek + Send + 'static> Piped<T> {
    pub(crate) fn poll_seek(
        &mut self,
        cx: &mut Context<'_>,
        pos: SeekFrom,
    ) -> Poll<io::Result<u64>> {
        self.check_open()?;
        Pin::new(&mut self.io).poll_seek(cx, pos)
    }
}
