//! The lines of a reader, as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::Stream;

use crate::error::ReadError;
use crate::reader::{LINE_END, StreamReader};
use crate::search::Search;

/// The lines of a [`StreamReader`]: see [`lines`](StreamReader::lines). Each is what
/// [`readline`](StreamReader::readline) gives. After a line that is too long comes the next one; the
/// error of a connection that broke comes once, and is the last.
#[must_use = "streams do nothing unless polled"]
pub struct Lines<'a> {
    reader: &'a mut StreamReader,
    /// `None` when there is no more.
    search: Option<Search<'static>>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(reader: &'a mut StreamReader) -> Self {
        Self {
            reader,
            search: Search::new(LINE_END),
        }
    }
}

impl Stream for Lines<'_> {
    type Item = Result<Vec<u8>, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { reader, search } = &mut *self;
        let Some(searching) = search else {
            return Poll::Ready(None);
        };
        let line = ready!(reader.poll_line(cx, searching));
        searching.restart();
        Poll::Ready(match line {
            Ok(line) if line.is_empty() => None,
            Err(ReadError::Io(error)) => {
                // Again and again it would keep a loop busy that passes errors over.
                *search = None;
                Some(Err(ReadError::Io(error)))
            }
            other => Some(other),
        })
    }
}

impl fmt::Debug for Lines<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Lines").field(&self.reader).finish()
    }
}
