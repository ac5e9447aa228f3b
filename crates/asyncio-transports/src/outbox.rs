//! What a transport has still to write: a queue of bytes whose size is known. No system calls.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use crate::Chunk;

/// A rest up to this size is copied, behind the one before it: a queue of many small chunks would
/// take many times the memory of their bytes, and a system call takes 1,024 at most.
pub(crate) const COPY_MAX: usize = 4 * 1024;

/// A block of copied bytes takes no more beyond this size.
const BLOCK: usize = 16 * 1024;

/// The most slices that one system call takes: `IOV_MAX` of Linux, macOS and the BSDs.
pub(crate) const SLICES_MAX: usize = 1024;

/// Bytes to write, oldest first.
#[derive(Default)]
pub(crate) struct Outbox {
    parts: VecDeque<Part>,
    /// How much of the first part is written.
    written: usize,
    size: usize,
}

pub(crate) enum Part {
    Copied(Vec<u8>),
    /// With the length that it had when it came: what `as_ref` says later is foreign code's word.
    Kept(Chunk, usize),
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// How many bytes are to be written.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Copies the bytes of `data` after the first `skip`.
    pub(crate) fn copy(&mut self, data: &[IoSlice<'_>], mut skip: usize) {
        for slice in data {
            let here = skip.min(slice.len());
            skip -= here;
            self.copy_slice(&slice[here..]);
        }
    }

    fn copy_slice(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.size += bytes.len();
        match self.parts.back_mut() {
            Some(Part::Copied(block)) if block.len() + bytes.len() <= BLOCK => {
                block.extend_from_slice(bytes);
            }
            _ => self.parts.push_back(Part::Copied(bytes.to_vec())),
        }
    }

    /// Keeps a chunk, of this many bytes.
    pub(crate) fn keep(&mut self, chunk: Chunk, size: usize) {
        if size > 0 {
            self.size += size;
            self.parts.push_back(Part::Kept(chunk, size));
        }
    }

    /// The first bytes, in as many slices as a system call takes.
    ///
    /// # Errors
    /// A kept chunk has changed its length.
    pub(crate) fn slices(&self) -> io::Result<Vec<IoSlice<'_>>> {
        let mut slices = Vec::with_capacity(self.parts.len().min(SLICES_MAX));
        let mut written = self.written;
        for part in self.parts.iter().take(SLICES_MAX) {
            slices.push(IoSlice::new(&part.bytes()?[written..]));
            written = 0;
        }
        Ok(slices)
    }

    /// The first `count` bytes are written. The parts that this ends are given to the caller, who
    /// drops them: a chunk is foreign code.
    pub(crate) fn advance(&mut self, count: usize) -> Vec<Part> {
        debug_assert!(count <= self.size, "no more is written than there was");
        self.size = self.size.saturating_sub(count);
        self.written += count;
        let mut done = Vec::new();
        while let Some(first) = self.parts.front()
            && first.len() <= self.written
        {
            self.written -= first.len();
            done.extend(self.parts.pop_front());
        }
        if self.parts.is_empty() {
            // An idle connection keeps no memory for writing.
            self.parts = VecDeque::new();
        }
        done
    }
}

impl Part {
    fn len(&self) -> usize {
        match self {
            Self::Copied(block) => block.len(),
            Self::Kept(_, size) => *size,
        }
    }

    fn bytes(&self) -> io::Result<&[u8]> {
        match self {
            Self::Copied(block) => Ok(block),
            Self::Kept(chunk, size) => {
                let bytes = (**chunk).as_ref();
                if bytes.len() == *size {
                    Ok(bytes)
                } else {
                    Err(io::Error::other("a chunk has changed its length"))
                }
            }
        }
    }
}
