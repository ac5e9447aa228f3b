//! `Stream`: both ends as one.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::{AsyncBufRead, AsyncRead, AsyncWrite};

use crate::{StreamReader, StreamWriter};

/// Both ends of a stream, for what wants to read and write one object.
///
/// Splitting and joining move two pointers: nothing that was read ahead is lost, and nothing is
/// pinned. While a future borrows an end, the stream can be neither moved nor split:
///
/// ```compile_fail
/// # async fn f(mut stream: asyncio_streams::Stream) {
/// let mut buffer = [0; 8];
/// let read = stream.reader.read(&mut buffer);
/// let halves = stream.split();
/// read.await;
/// # }
/// ```
#[derive(Debug)]
pub struct Stream {
    /// Where bytes come from.
    pub reader: StreamReader,
    /// Where they go to.
    pub writer: StreamWriter,
}

impl Stream {
    pub(crate) fn of(reader: StreamReader, writer: StreamWriter) -> Self {
        Self { reader, writer }
    }

    /// The two ends. [`StreamReader::join`] is the opposite.
    #[must_use]
    pub fn split(self) -> (StreamReader, StreamWriter) {
        (self.reader, self.writer)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}

impl AsyncBufRead for Stream {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().reader).poll_fill_buf(cx)
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        Pin::new(&mut self.reader).consume(count);
    }
}

/// As that of [`StreamWriter`].
impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write_vectored(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_close(cx)
    }
}
