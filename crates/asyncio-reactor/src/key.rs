//! Keys that a stale event cannot forge: a slot's index together with the slot's generation.
//!
//! A batch of events can hold one for a source that an earlier event of the same batch removed, and
//! whose slot (and descriptor number) is already in use again. The generation tells them apart.

/// Half of a `usize` is the index, the other half the generation: 32/32 bits, or 16/16.
const INDEX_BITS: u32 = usize::BITS / 2;
const INDEX_MASK: usize = (1 << INDEX_BITS) - 1;

/// The most sources one reactor holds at a time: 4,294,967,291, or 65,531 where `usize` has 32 bits.
/// The keys above are for what selectors register for themselves: from `usize::MAX` downwards, where
/// the first is `polling`'s.
const SOURCES_MAX: usize = INDEX_MASK - 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(usize);

impl Key {
    /// `None` when the index is beyond what a key can hold.
    pub(crate) fn new(generation: usize, index: usize) -> Option<Self> {
        (index < SOURCES_MAX).then_some(Self(generation << INDEX_BITS | index))
    }

    pub(crate) const fn from_usize(key: usize) -> Self {
        Self(key)
    }

    pub(crate) const fn as_usize(self) -> usize {
        self.0
    }

    pub(crate) const fn index(self) -> usize {
        self.0 & INDEX_MASK
    }
}
