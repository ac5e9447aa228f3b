//! One direction of a connection in memory: what is under way, and what has arrived. Pure: the time
//! is an argument.

use std::collections::VecDeque;
use std::io::{IoSlice, Read};
use std::time::{Duration, Instant};

use crate::io::Received;

/// How many bytes are kept between a write and a read, unless set: as many as a socket of Linux
/// begins with, roughly.
const CAPACITY: usize = 64 * 1024;

/// Bytes from one end to the other, and the end of them.
pub(super) struct Way {
    latency: Duration,
    capacity: usize,
    read_max: usize,
    stalled: bool,
    /// Sent and not arrived, oldest first. Not more than there are bytes, and one end.
    under_way: VecDeque<Sent>,
    arrived: VecDeque<u8>,
    /// Both of the above.
    size: usize,
    /// The end has arrived: nothing comes after `arrived`.
    ended: bool,
    /// A sender was refused, and is to be told of room.
    refused: bool,
}

struct Sent {
    due: Instant,
    /// `None` is the end.
    bytes: Option<Vec<u8>>,
}

impl Way {
    pub(super) fn new() -> Self {
        Self {
            latency: Duration::ZERO,
            capacity: CAPACITY,
            read_max: usize::MAX,
            stalled: false,
            under_way: VecDeque::new(),
            arrived: VecDeque::new(),
            size: 0,
            ended: false,
            refused: false,
        }
    }

    pub(super) fn set_latency(&mut self, latency: Duration) {
        self.latency = latency;
    }

    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.max(1);
    }

    pub(super) fn set_read_max(&mut self, count: usize) {
        self.read_max = count.max(1);
    }

    pub(super) fn set_stalled(&mut self, stalled: bool) {
        self.stalled = stalled;
    }

    /// How many bytes were sent and not read.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Takes as much as there is room for, and returns how much that was.
    pub(super) fn send(&mut self, now: Instant, data: &[IoSlice<'_>]) -> usize {
        let room = self.capacity.saturating_sub(self.size);
        let mut bytes = Vec::new();
        for slice in data {
            let left = room - bytes.len();
            if slice.len() > left {
                self.refused = true;
            }
            bytes.extend_from_slice(&slice[..slice.len().min(left)]);
        }
        let count = bytes.len();
        if count > 0 {
            self.size += count;
            self.put(now, Some(bytes));
        }
        count
    }

    /// Nothing more is sent.
    pub(super) fn end(&mut self, now: Instant) {
        self.put(now, None);
    }

    /// What was sent earlier arrives earlier, also when the latency was longer then.
    fn put(&mut self, now: Instant, bytes: Option<Vec<u8>>) {
        let earliest = self.under_way.back().map_or(now, |last| last.due);
        let due = now.checked_add(self.latency).unwrap_or(now).max(earliest);
        self.under_way.push_back(Sent { due, bytes });
    }

    /// When the last that is under way arrives.
    pub(super) fn last_due(&self) -> Option<Instant> {
        Some(self.under_way.back()?.due)
    }

    /// Has all arrive that is due. Returns whether anything did.
    pub(super) fn arrive(&mut self, now: Instant) -> bool {
        let mut any = false;
        let is_due = |sent: &Sent| sent.due <= now;
        while !self.stalled && self.under_way.front().is_some_and(is_due) {
            any = true;
            match self.under_way.pop_front().and_then(|sent| sent.bytes) {
                Some(bytes) => self.arrived.extend(bytes),
                None => self.ended = true,
            }
        }
        any
    }

    /// Whether the end has arrived.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Reads what has arrived. `None`: nothing has.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Option<Received> {
        if self.arrived.is_empty() && !self.ended {
            return None;
        }
        let count = buffer.len().min(self.arrived.len()).min(self.read_max);
        // It never fails: so much has arrived.
        let _ = self.arrived.read_exact(&mut buffer[..count]);
        self.size -= count;
        Some(Received {
            count,
            drained: self.arrived.is_empty() && !self.ended,
        })
    }

    /// Whether a sender was refused for whom there is room now. Says so once.
    pub(super) fn has_new_room(&mut self) -> bool {
        self.size < self.capacity && std::mem::take(&mut self.refused)
    }

    /// Loses everything.
    pub(super) fn clear(&mut self) {
        self.under_way.clear();
        self.arrived.clear();
        self.size = 0;
    }
}
