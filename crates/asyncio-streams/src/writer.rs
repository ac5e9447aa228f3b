//! `StreamWriter`: asyncio's way to write, with back-pressure by `drain`.

use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use asyncio_transports::{Flow, Transport};
use futures_lite::AsyncWrite;

use crate::link::Link;

/// How many bytes one `poll_write` takes at most, so that what the kernel does not take of them is
/// not much to keep: as many as one read takes.
const WRITE_MAX: usize = 256 * 1024;

/// The end of a stream that bytes go to: asyncio's `StreamWriter`.
///
/// Dropping it closes the stream, both directions of it, when all is written: keep it as long as
/// you read. (asyncio warns.) It has nothing but `&self` methods, so that several tasks can write
/// to one in an `Rc`.
pub struct StreamWriter {
    pub(crate) link: Rc<Link>,
}

impl StreamWriter {
    pub(crate) fn new(link: Rc<Link>) -> Self {
        Self { link }
    }

    /// Writes, without waiting: what the kernel does not take is kept. [`drain`](Self::drain) after
    /// it, so that this does not become more and more.
    ///
    /// On a connection that is lost it does nothing; `drain` tells. While
    /// [`sendfile`](asyncio_transports::sendfile) has the connection for itself, it does nothing but
    /// tell the exception handler.
    pub fn write(&self, data: &[u8]) {
        let _: Flow = self.transport().write(data);
    }

    /// As [`write`](Self::write), and says when it did nothing.
    pub(crate) fn write_or_fail(&self, data: &[u8]) -> io::Result<()> {
        accepted(self.transport().write(data), data.len()).map(drop)
    }

    /// Writes a buffer of your own: as [`write`](Self::write), without a copy.
    pub fn write_owned(&self, data: Vec<u8>) {
        let _: Flow = self.transport().write_owned(data);
    }

    /// Writes several buffers, in order, as if they were one, with one system call where the
    /// kernel takes them.
    pub fn writelines<'a>(&self, data: impl IntoIterator<Item = &'a [u8]>) {
        let data: Vec<IoSlice<'_>> = data.into_iter().map(IoSlice::new).collect();
        let _: Flow = self.transport().writelines(&data);
    }

    /// Waits until what is kept has fallen to the low mark, if it was above the high one; else not
    /// at all, not even for a turn. Any number of tasks may wait.
    ///
    /// # Errors
    /// What the connection broke with; `ConnectionReset` when it was closed.
    ///
    /// # Cancel safety
    /// Yes: everything that was written is on its way all the same.
    ///
    /// # Examples
    /// ```
    /// # use asyncio_streams::StreamWriter;
    /// async fn count_to(writer: &StreamWriter, count: u64) -> std::io::Result<()> {
    ///     for number in 0..count {
    ///         writer.write(format!("{number}\n").as_bytes());
    ///         writer.drain().await?; // no more memory than the high mark
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub async fn drain(&self) -> io::Result<()> {
        self.link.drain().await
    }

    /// Ends this direction, when all is written; the other one goes on.
    pub fn write_eof(&self) {
        self.transport().write_eof();
    }

    /// Whether [`write_eof`](Self::write_eof) is possible: not with TLS.
    #[must_use]
    pub fn can_write_eof(&self) -> bool {
        self.transport().can_write_eof()
    }

    /// Closes the stream, in both directions, when all is written. The reader gets what it has
    /// buffered, and then the end.
    pub fn close(&self) {
        self.transport().close();
    }

    /// Whether the stream is closed, or about to be.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.transport().is_closing()
    }

    /// Waits until the stream is closed: after [`close`](Self::close), until all is written.
    ///
    /// # Errors
    /// What the connection broke with, if it was not in order.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn wait_closed(&self) -> io::Result<()> {
        self.link.wait_closed().await
    }

    /// What the transport knows of itself, by type: [`PeerName`](asyncio_transports::PeerName),
    /// [`SockName`](asyncio_transports::SockName),
    /// [`TransportSocket`](asyncio_transports::TransportSocket).
    #[must_use]
    pub fn get_extra_info<T: Any>(&self) -> Option<T> {
        self.transport().get_extra_info()
    }

    /// The transport below: for its marks, and to abort it.
    #[must_use]
    pub fn transport(&self) -> &dyn Transport {
        self.link.transport()
    }
}

/// Takes at most 256 KiB at once, and nothing while the write buffer is above its high mark.
/// Flushing is [`drain`](StreamWriter::drain): what is below the mark needs nobody to go on.
/// Closing is [`write_eof`](StreamWriter::write_eof) where that is possible; the reader goes on.
impl AsyncWrite for StreamWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.link.poll_drain(cx))?;
        let data = &data[..data.len().min(WRITE_MAX)];
        Poll::Ready(accepted(self.transport().write(data), data.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut size = 0;
        let fits = |part: &&IoSlice<'_>| {
            size += part.len();
            size <= WRITE_MAX
        };
        let whole = &data[..data.iter().take_while(fits).count()];
        let size = whole.iter().map(|part| part.len()).sum();
        if size == 0 {
            let first = data.iter().find(|part| !part.is_empty());
            return self.poll_write(cx, first.map_or(&[], |part| part));
        }
        ready!(self.link.poll_drain(cx))?;
        Poll::Ready(accepted(self.transport().writelines(whole), size))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.poll_drain(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_closing() {
            ready!(self.link.poll_drain(cx))?;
            if self.can_write_eof() {
                self.write_eof();
            } else {
                self.close();
            }
        }
        Poll::Ready(self.link.check())
    }
}

/// What a write of `count` bytes gives.
fn accepted(flow: Flow, count: usize) -> io::Result<usize> {
    match flow {
        Flow::Open | Flow::Paused => Ok(count),
        Flow::Closed => Err(io::ErrorKind::BrokenPipe.into()),
        Flow::Busy => Err(io::ErrorKind::ResourceBusy.into()),
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("StreamWriter")
            .field(&self.transport())
            .finish()
    }
}
