//! Datagrams that wait, to be sent mostly: a pure queue, bounded in items and in bytes.
//!
//! Facts: datagrams are many and small, and each has an address of its own. A list of buffers costs
//! an allocation for each.
//! Decision: all their bytes lie one behind the other in one buffer, beside a queue of lengths and
//! addresses. Nothing is allocated when it is warm, and datagrams that follow each other can be
//! handed to the kernel as they lie.

use std::collections::VecDeque;

use socket2::SockAddr;

/// What asyncio counts for each datagram beside its bytes, so that empty ones count too.
const HEADER_BYTES: usize = 8;

/// Bytes of sent datagrams that may lie in front before the others are moved; and how much memory an
/// empty queue keeps. Half of the default high-water mark.
const SLACK_BYTES: usize = 32 * 1024;

/// The largest datagram that is sent together with others: what fits into a frame of Ethernet with
/// the headers of IPv6 and UDP. The kernel takes no packet apart into larger ones.
const SEGMENT_BYTES_MAX: usize = 1500 - 40 - 8;

/// How many bytes are sent together: the payload of the largest packet of IPv4.
const RUN_BYTES_MAX: usize = 65_507;

/// How much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QueueLimits {
    pub(crate) datagrams_max: usize,
    pub(crate) bytes_max: usize,
}

impl QueueLimits {
    /// Far above the default high-water mark (64 KiB): who heeds [`Flow`](crate::Flow) or
    /// `pause_writing` never gets here, and a burst of one who does not is kept, as in asyncio.
    pub(crate) const DEFAULT: Self = Self {
        datagrams_max: 65_536,
        bytes_max: 16 * 1024 * 1024,
    };

    /// For what has a bound by itself.
    pub(crate) const NONE: Self = Self {
        datagrams_max: usize::MAX,
        bytes_max: usize::MAX,
    };
}

/// How many datagrams of this length, which is not 0, are sent together, where the system can do
/// `count_max`: at least 1.
pub(crate) fn segments_together(segment: usize, count_max: usize) -> usize {
    if segment > SEGMENT_BYTES_MAX {
        return 1;
    }
    count_max.clamp(1, RUN_BYTES_MAX / segment)
}

#[derive(Debug)]
pub(crate) struct DatagramQueue {
    /// What was sent, up to `start`; then what waits.
    bytes: Vec<u8>,
    start: usize,
    waiting: VecDeque<Waiting>,
    limits: QueueLimits,
}

#[derive(Debug)]
struct Waiting {
    len: usize,
    to: Option<SockAddr>,
}

/// Datagrams that can be sent at once: they lie one behind the other.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) count: usize,
    /// How long they are; the last may be shorter.
    pub(crate) segment: usize,
    pub(crate) to: Option<&'a SockAddr>,
}

/// There is no room for a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl DatagramQueue {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            waiting: VecDeque::new(),
            limits,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// asyncio's size of the write buffer: the bytes, and 8 for each datagram.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() - self.start + HEADER_BYTES * self.waiting.len()
    }

    /// Appends a datagram.
    pub(crate) fn push(&mut self, data: &[u8], to: Option<SockAddr>) -> Result<(), Full> {
        let waiting = self.bytes.len() - self.start;
        if self.waiting.len() >= self.limits.datagrams_max
            || data.len() > self.limits.bytes_max.saturating_sub(waiting)
        {
            return Err(Full);
        }
        self.bytes.extend_from_slice(data);
        let len = data.len();
        self.waiting.push_back(Waiting { len, to });
        Ok(())
    }

    /// The datagram that is next.
    pub(crate) fn front(&self) -> Option<(&[u8], Option<&SockAddr>)> {
        let Waiting { len, to } = self.waiting.front()?;
        Some((&self.bytes[self.start..self.start + len], to.as_ref()))
    }

    /// The first datagrams, if several of them can be sent as one packet that the kernel, or the
    /// network's hardware, takes apart: they go to one address and are equally long, but for the
    /// last, which may be shorter; and none is empty.
    pub(crate) fn run(&self, count_max: usize) -> Option<Run<'_>> {
        let Waiting { len: segment, to } = self.waiting.front()?;
        if *segment == 0 {
            return None;
        }
        let count_max = segments_together(*segment, count_max);
        let (mut count, mut bytes) = (0, 0);
        for next in self.waiting.iter().take(count_max) {
            if next.len == 0 || next.len > *segment || next.to != *to {
                break;
            }
            count += 1;
            bytes += next.len;
            if next.len < *segment {
                break;
            }
        }
        (count > 1).then(|| Run {
            data: &self.bytes[self.start..self.start + bytes],
            count,
            segment: *segment,
            to: to.as_ref(),
        })
    }

    /// Takes the next datagram out.
    pub(crate) fn pop_front(&mut self) {
        let Some(Waiting { len, .. }) = self.waiting.pop_front() else {
            return;
        };
        self.start += len;
        if self.waiting.is_empty() {
            self.bytes.clear();
            self.start = 0;
            self.bytes.shrink_to(SLACK_BYTES);
            self.waiting.shrink_to(SLACK_BYTES / size_of::<Waiting>());
        } else if self.start >= SLACK_BYTES && self.start >= self.bytes.len() / 2 {
            // No more is moved than has been sent since the last time.
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }

    /// Takes all out, unsent.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.limits);
    }
}
