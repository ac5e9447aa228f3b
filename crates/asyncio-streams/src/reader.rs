//! `StreamReader`: asyncio's ways to read.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use futures_lite::{AsyncBufRead, AsyncRead};

use crate::error::{IncompleteReadError, LimitOverrunError, ReadError};
use crate::inbox::Inbox;
use crate::link::Link;
use crate::search::{Search, Step};
use crate::{Lines, Stream, StreamWriter};

/// The end of a stream that bytes come from: asyncio's `StreamReader`.
///
/// Nothing is read before somebody reads, and then it goes where it is wanted: from the kernel
/// into the caller's buffer in [`read`](Self::read). What [`readline`](Self::readline) and
/// [`readuntil`](Self::readuntil) have read too far is kept here, and that is never more than the
/// limit, beyond what an error has left.
///
/// A read that has something to give gives it at once, but after sixteen of them in a row others
/// have their turn first.
///
/// One task reads at a time: that is what `&mut self` says (asyncio raises `RuntimeError`).
///
/// # Cancel safety
/// Everything here is: a read that is given up, by a cancellation or a timeout, takes nothing with
/// it. The next one gets it. (asyncio loses what `read(-1)` has gathered.)
pub struct StreamReader {
    pub(crate) link: Rc<Link>,
    inbox: Inbox,
}

impl StreamReader {
    pub(crate) fn new(link: Rc<Link>) -> Self {
        Self {
            link,
            inbox: Inbox::default(),
        }
    }

    /// Reads what there is, at least one byte, into `buffer`, and returns how many. 0 is the end of
    /// the stream, or an empty buffer. asyncio's `read(n)`.
    ///
    /// # Errors
    /// What the connection broke with, each time. Bytes that came before that, and that nobody was
    /// waiting for, are lost.
    ///
    /// # Cancel safety
    /// Yes: nothing was read.
    ///
    /// # Examples
    /// ```
    /// # use asyncio_streams::{StreamReader, StreamWriter};
    /// async fn echo(mut reader: StreamReader, writer: StreamWriter) -> std::io::Result<()> {
    ///     let mut buffer = [0; 4096];
    ///     loop {
    ///         let count = reader.read(&mut buffer).await?;
    ///         if count == 0 {
    ///             return Ok(());
    ///         }
    ///         writer.write(&buffer[..count]);
    ///         writer.drain().await?;
    ///     }
    /// }
    /// ```
    pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_read_into(cx, buffer)).await
    }

    /// Reads until the end of the stream: asyncio's `read(-1)`. Nothing but memory limits how much
    /// that is: ask a peer that you do not trust for something else.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// # Cancel safety
    /// Yes: what came so far is still in the stream.
    pub async fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        self.link.check()?;
        while self.fill(usize::MAX).await? > 0 {}
        Ok(self.inbox.take_all())
    }

    /// Reads a line, with the `\n` that ends it. Without one at the end of the stream, if that is
    /// how it ends; empty after that.
    ///
    /// # Errors
    /// * [`ReadError::LimitOverrun`] for a line that is longer than the limit, `\n` not counted.
    ///   If its end has come, the line is dropped; if not, all that has come. (asyncio raises
    ///   `ValueError`.)
    /// * [`ReadError::Io`]: as [`read`](Self::read).
    ///
    /// # Cancel safety
    /// Yes: what came so far is still in the stream.
    pub async fn readline(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut search = Search::new(LINE_END).ok_or(ReadError::EmptySeparator)?;
        poll_fn(|cx| self.poll_line(cx, &mut search)).await
    }

    /// Reads up to `separator` and returns what came, with it. Looks at each byte once.
    ///
    /// # Errors
    /// * [`ReadError::Incomplete`]: the stream has ended before. What came is in the error, and no
    ///   longer in the stream.
    /// * [`ReadError::LimitOverrun`]: more came than the limit allows, the separator not counted.
    ///   Everything is still in the stream, and a second call fails in the same way.
    /// * [`ReadError::EmptySeparator`].
    /// * [`ReadError::Io`]: as [`read`](Self::read).
    ///
    /// # Cancel safety
    /// Yes: what came so far is still in the stream.
    pub async fn readuntil(&mut self, separator: impl AsRef<[u8]>) -> Result<Vec<u8>, ReadError> {
        self.readuntil_any(&[separator.as_ref()]).await
    }

    /// As [`readuntil`](Self::readuntil), up to the first of several separators: the one that ends
    /// first. asyncio takes a tuple.
    ///
    /// # Errors
    /// As there; [`ReadError::EmptySeparator`] for none at all, too.
    ///
    /// # Cancel safety
    /// Yes: what came so far is still in the stream.
    pub async fn readuntil_any(&mut self, separators: &[&[u8]]) -> Result<Vec<u8>, ReadError> {
        let mut search = Search::new(separators).ok_or(ReadError::EmptySeparator)?;
        poll_fn(|cx| self.poll_until(cx, &mut search)).await
    }

    /// Reads `count` bytes, whatever the limit. Memory is taken for what comes, not for what is
    /// asked for.
    ///
    /// # Errors
    /// * [`ReadError::Incomplete`]: the stream has ended before. What came is in the error, and no
    ///   longer in the stream.
    /// * [`ReadError::Io`]: as [`read`](Self::read).
    ///
    /// # Cancel safety
    /// Yes: what came so far is still in the stream.
    pub async fn readexactly(&mut self, count: usize) -> Result<Vec<u8>, ReadError> {
        self.link.check()?;
        while self.inbox.len() < count {
            if self.fill(count - self.inbox.len()).await? == 0 {
                return Err(ReadError::Incomplete(IncompleteReadError {
                    partial: self.inbox.take_all(),
                    expected: Some(count),
                }));
            }
        }
        Ok(self.inbox.take(count))
    }

    /// The lines, one after the other, as a stream: asyncio's `async for line in reader`. It ends
    /// with the reader.
    ///
    /// # Examples
    /// ```
    /// use futures_lite::StreamExt;
    /// # use asyncio_streams::{ReadError, StreamReader};
    ///
    /// async fn count(mut reader: StreamReader) -> Result<usize, ReadError> {
    ///     let mut lines = reader.lines();
    ///     let mut count = 0;
    ///     while let Some(line) = lines.try_next().await? {
    ///         count += usize::from(line.ends_with(b"\n"));
    ///     }
    ///     Ok(count)
    /// }
    /// ```
    pub fn lines(&mut self) -> Lines<'_> {
        Lines::new(self)
    }

    /// Whether everything was read that ever comes. Looks, and does not wait.
    #[must_use]
    pub fn at_eof(&self) -> bool {
        self.inbox.is_empty() && self.link.is_at_end()
    }

    /// The stream again, of both ends.
    ///
    /// # Errors
    /// Both ends, if they are not of the same stream.
    pub fn join(self, writer: StreamWriter) -> Result<Stream, (Self, StreamWriter)> {
        if Rc::ptr_eq(&self.link, &writer.link) {
            Ok(Stream::of(self, writer))
        } else {
            Err((self, writer))
        }
    }

    async fn fill(&mut self, count: usize) -> io::Result<usize> {
        poll_fn(|cx| self.link.poll_fill(cx, &mut self.inbox, count)).await
    }

    /// What was read ahead, or what comes now. 0 bytes are the end.
    pub(crate) fn poll_read_into(
        &mut self,
        cx: &Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.link.check()?;
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.inbox.is_empty() {
            return self.link.poll_read(cx, buffer);
        }
        let count = buffer.len().min(self.inbox.len());
        buffer[..count].copy_from_slice(&self.inbox.as_slice()[..count]);
        self.inbox.consume(count);
        Poll::Ready(Ok(count))
    }

    fn poll_until(
        &mut self,
        cx: &Context<'_>,
        search: &mut Search<'_>,
    ) -> Poll<Result<Vec<u8>, ReadError>> {
        self.link.check()?;
        let limit = self.link.limit;
        let overrun = |consumed, found| {
            let error = LimitOverrunError { consumed, found };
            Poll::Ready(Err(ReadError::LimitOverrun(error)))
        };
        loop {
            match search.step(self.inbox.as_slice(), limit) {
                Step::Found { end } => return Poll::Ready(Ok(self.inbox.take(end))),
                Step::FoundTooLate { start } => return overrun(start, true),
                Step::NotFound { offset } => return overrun(offset, false),
                Step::Unfinished => {}
            }
            if ready!(self.link.poll_fill(cx, &mut self.inbox, limit))? == 0 {
                return Poll::Ready(Err(ReadError::Incomplete(IncompleteReadError {
                    partial: self.inbox.take_all(),
                    expected: None,
                })));
            }
        }
    }

    pub(crate) fn poll_line(
        &mut self,
        cx: &Context<'_>,
        search: &mut Search<'_>,
    ) -> Poll<Result<Vec<u8>, ReadError>> {
        let line = ready!(self.poll_until(cx, search));
        Poll::Ready(match line {
            Err(ReadError::Incomplete(error)) => Ok(error.partial),
            Err(ReadError::LimitOverrun(error)) => {
                if error.found {
                    self.inbox.consume(error.consumed + 1);
                } else {
                    self.inbox.clear();
                }
                Err(ReadError::LimitOverrun(error))
            }
            other => other,
        })
    }
}

/// What a line ends with.
pub(crate) const LINE_END: &[&[u8]] = &[b"\n"];

impl AsyncRead for StreamReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_into(cx, buffer)
    }
}

impl AsyncBufRead for StreamReader {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let Self { link, inbox } = self.get_mut();
        link.check()?;
        if inbox.is_empty() {
            ready!(link.poll_fill(cx, inbox, link.limit))?;
        }
        Poll::Ready(Ok(inbox.as_slice()))
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        self.inbox.consume(count);
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StreamReader")
            .field("buffered", &self.inbox.len())
            .field("limit", &self.link.limit)
            .field("transport", &self.link.transport())
            .finish()
    }
}
