//! Flow control: when a protocol is told to stop writing, and when to go on.

use std::cell::Cell;
use std::fmt;

/// The marks of a write buffer, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteLimits {
    /// At this size, or below, a paused protocol goes on.
    pub low: usize,
    /// Above this size a protocol is paused.
    pub high: usize,
}

/// `high` was lower than `low`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLimits(pub WriteLimits);

impl WriteLimits {
    /// asyncio's defaults: 64 KiB, and a quarter of it.
    pub const DEFAULT: Self = Self {
        low: 16 * 1024,
        high: 64 * 1024,
    };

    /// What is not given follows from the other: low is a quarter of high, high four times low.
    ///
    /// # Errors
    /// High is lower than low.
    pub fn new(high: Option<usize>, low: Option<usize>) -> Result<Self, InvalidLimits> {
        let high = match (high, low) {
            (Some(high), _) => high,
            (None, Some(low)) => low.saturating_mul(4),
            (None, None) => Self::DEFAULT.high,
        };
        let limits = Self {
            low: low.unwrap_or(high / 4),
            high,
        };
        if limits.low > limits.high {
            return Err(InvalidLimits(limits));
        }
        Ok(limits)
    }
}

/// Whether a protocol is to stop writing: which of its marks the size of its buffer has passed last.
#[derive(Default)]
pub(crate) struct WriteFlow {
    /// `None`: the defaults, which most connections have.
    limits: Cell<Option<Box<WriteLimits>>>,
    paused: Cell<bool>,
}

impl WriteFlow {
    pub(crate) fn limits(&self) -> WriteLimits {
        let limits = self.limits.take();
        let marks = limits.as_deref().copied();
        self.limits.set(limits);
        marks.unwrap_or(WriteLimits::DEFAULT)
    }

    /// Pauses at once if the buffer is above the new mark. A paused protocol goes on when the
    /// buffer is next found at the low mark, not before: as in asyncio.
    pub(crate) fn set_limits(&self, limits: WriteLimits, buffered: usize) {
        let own = limits != WriteLimits::DEFAULT;
        self.limits.set(own.then(|| Box::new(limits)));
        self.grown(buffered);
    }

    /// The buffer has got something.
    pub(crate) fn grown(&self, buffered: usize) {
        if buffered > self.limits().high {
            self.paused.set(true);
        }
    }

    /// Something of the buffer was written.
    pub(crate) fn shrunk(&self, buffered: usize) {
        if buffered <= self.limits().low {
            self.paused.set(false);
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.get()
    }
}

impl fmt::Display for InvalidLimits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WriteLimits { low, high } = self.0;
        write!(formatter, "high ({high}) must be >= low ({low})")
    }
}

impl std::error::Error for InvalidLimits {}
