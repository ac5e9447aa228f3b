//! What of a file is to be sent, what was, and the file's position.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use asyncio_loop::PartialWrite;

use crate::misuse::misuse;

/// How much one system call sends at most. The kernel takes more (1 GiB is asyncio's limit), but
/// while it sends, and reads from a disk, nothing else of the loop runs.
const CALL_MAX: usize = 1024 * 1024;

/// What is to be sent, as the caller says it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    pub(super) offset: u64,
    pub(super) count: Option<u64>,
}

impl Span {
    /// asyncio's checks.
    pub(super) fn checked(self) -> io::Result<Self> {
        if self.count == Some(0) {
            return Err(misuse("count must be a positive integer (got 0)"));
        }
        if i64::try_from(self.offset).is_err() {
            return Err(misuse(format!(
                "offset must be a position in a file (got {})",
                self.offset
            )));
        }
        Ok(self)
    }

    /// Begins.
    pub(super) fn of(self, file: &File) -> Progress<'_> {
        Progress {
            file,
            span: self,
            sent: 0,
        }
    }
}

/// How far the sending of a file is. When it is dropped, by whatever end, the file's position is
/// behind what was sent.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    pub(super) file: &'a File,
    span: Span,
    sent: u64,
}

impl Progress<'_> {
    /// Whether nothing was sent yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.sent == 0
    }

    /// So many bytes were sent.
    pub(super) fn advance(&mut self, count: usize) {
        self.sent += count as u64;
    }

    /// Where in the file the next byte is.
    pub(super) fn position(&self) -> u64 {
        self.span.offset.saturating_add(self.sent)
    }

    /// How many bytes the next piece has, of at most `max`: `None` when all that was asked for is
    /// sent.
    pub(super) fn next(&self, max: usize) -> Option<usize> {
        let left = match self.span.count {
            Some(count) => count.saturating_sub(self.sent),
            None => u64::MAX,
        };
        // It fits: it is no more than `max`.
        let size = usize::try_from(left).map_or(max, |left| left.min(max));
        (size > 0).then_some(size)
    }

    /// How many bytes the next system call is to send.
    pub(super) fn next_call(&self) -> Option<usize> {
        self.next(CALL_MAX)
    }

    /// Whether the file has positions. If it has, it is at the next byte's now.
    ///
    /// # Errors
    /// It has none, and its beginning is not what was asked for.
    pub(super) fn seek(&mut self) -> io::Result<bool> {
        let mut file = self.file;
        match file.seek(SeekFrom::Start(self.position())) {
            Ok(_) => Ok(true),
            Err(_) if self.position() == 0 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The end: how much was sent, or what stopped it.
    pub(super) fn finish(self, outcome: io::Result<()>) -> io::Result<u64> {
        match outcome {
            Ok(()) => Ok(self.sent),
            Err(error) => Err(PartialWrite::or(self.sent, error)),
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        // A pipe has no positions.
        let mut file = self.file;
        let _ = file.seek(SeekFrom::Start(self.position()));
    }
}
