//! Places in the line of timers of one deadline, and the numbers that they have in the heap.
//!
//! Facts: an entry of the heap has room for 32 bits, which are used up after some minutes of a busy
//! program; 64 bits never are.
//! Decision: a place has 64, of which the heap sees the distance to the first one that it counts from. When
//! that does not fit any more, all timers are numbered anew, and it counts from elsewhere.

/// Where the heap's numbers go on after all timers were numbered anew: in the middle, so that there is
/// room below for places that were reserved shortly before.
pub(crate) const MIDDLE: u64 = 1 << 31;

/// A place in the line of timers of one deadline: [`TimerQueue::reserve`](crate::TimerQueue::reserve).
#[must_use = "a place is for `insert_at`"]
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

impl Place {
    /// The place of this number, for who counts places by himself: those of a lower number stand before
    /// it. Those that a queue gives out stand behind all that it has seen.
    ///
    /// That holds for numbers that are less than 2³¹ below the highest one of the queue. Others stand
    /// before those, in any order among themselves.
    #[inline]
    pub const fn numbered(number: u64) -> Self {
        Self(number)
    }
}

/// The places of one queue.
#[derive(Default)]
pub(crate) struct Places {
    /// The highest one so far.
    pub(crate) last: u64,
    /// The one that is 0 in the heap.
    pub(crate) first: u64,
}

impl Places {
    #[inline]
    pub(crate) fn reserve(&mut self) -> Place {
        self.last = self.last.saturating_add(1);
        Place(self.last)
    }

    /// The number of a place in the heap; `None` if it is too far from the first one.
    #[inline]
    pub(crate) fn seq_of(&mut self, place: &Place) -> Option<u32> {
        self.last = self.last.max(place.0);
        u32::try_from(place.0.checked_sub(self.first)?).ok()
    }

    /// Whether the heap's numbers begin behind it.
    pub(crate) fn is_lost(&self, place: &Place) -> bool {
        place.0 < self.first
    }

    /// All timers, which are so many, have been numbered anew, from 0 on, and this place comes next.
    /// Returns its number.
    pub(crate) fn go_on(&mut self, place: &Place, timers: usize) -> u32 {
        let seq = (timers as u64).max(MIDDLE).min(place.0);
        self.first = place.0 - seq;
        // There are fewer timers than that.
        seq as u32
    }
}
