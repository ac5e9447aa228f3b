//! What a source is asked about, and how often it answers.

use std::ops::{BitOr, BitOrAssign};

/// The directions of a source that somebody wants to hear about.
///
/// Hang-up and error conditions are reported whatever the interest is, as readiness in both
/// directions: reading or writing then gives the end or the error itself.
///
/// # Examples
/// ```
/// use asyncio_reactor::Interest;
///
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert_eq!(both, Interest::BOTH);
/// assert!(both.contains(Interest::READABLE));
/// assert!(Interest::NONE.is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interest {
    /// Reading, or accepting, would not block.
    pub readable: bool,
    /// Writing, or finishing a connect, would not block.
    pub writable: bool,
}

impl Interest {
    /// Nothing: the source stays registered and silent.
    pub const NONE: Self = Self {
        readable: false,
        writable: false,
    };
    /// Reading.
    pub const READABLE: Self = Self {
        readable: true,
        writable: false,
    };
    /// Writing.
    pub const WRITABLE: Self = Self {
        readable: false,
        writable: true,
    };
    /// Both directions.
    pub const BOTH: Self = Self {
        readable: true,
        writable: true,
    };

    /// Whether no direction is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        !self.readable && !self.writable
    }

    /// Whether every direction of `other` is set here too.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        (self.readable || !other.readable) && (self.writable || !other.writable)
    }
}

impl BitOr for Interest {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self {
            readable: self.readable || other.readable,
            writable: self.writable || other.writable,
        }
    }
}

impl BitOrAssign for Interest {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// When a registered source is reported again.
///
/// Not every selector has every mode: see [`Selector::supports_edge`](crate::Selector::supports_edge)
/// and [`Selector::supports_level`](crate::Selector::supports_level). All have [`Mode::Oneshot`].
/// A [`Reactor`](crate::Reactor) chooses by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// By every wait, for as long as the condition lasts.
    Level,
    /// Once each time the condition begins, or more data arrives.
    Edge,
    /// Once, in whichever direction comes first; then not before the registration is modified.
    Oneshot,
}

/// One of the two directions, as an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read = 0,
    Write = 1,
}

impl From<Direction> for Interest {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Read => Self::READABLE,
            Direction::Write => Self::WRITABLE,
        }
    }
}
