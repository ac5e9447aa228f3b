//! Bytes that were read from the transport and not yet given out.

/// A queue of bytes in one piece. Empty, it holds no memory: most streams are, most of the time.
#[derive(Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    /// Those before this were given out.
    start: usize,
}

impl Inbox {
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn extend(&mut self, data: &[u8]) {
        // Moving is paid for by at least as many bytes that were given out.
        if self.start >= self.len() {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(data);
    }

    /// Gives the first `count` bytes out.
    pub(crate) fn take(&mut self, count: usize) -> Vec<u8> {
        if self.start == 0 && count == self.bytes.len() {
            return std::mem::take(&mut self.bytes);
        }
        let taken = self.as_slice()[..count].to_vec();
        self.consume(count);
        taken
    }

    pub(crate) fn take_all(&mut self) -> Vec<u8> {
        self.take(self.len())
    }

    /// The first `count` bytes were given out. Not more than there are.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count.min(self.len());
        if self.is_empty() {
            *self = Self::default();
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
