//! An indexed 4-ary min-heap: entries in order of deadline, each found again by its slot.
//!
//! Facts. A binary heap of pointers or of wide entries spends its time in cache misses. A timer is
//! cancelled far more often than it fires, so that removal from the middle has to be cheap, which
//! needs an index from the timer to its place in the heap; each step of a sift has to write there.
//!
//! Decision. Entries are 16 bytes and hold their whole key, so that comparing looks nowhere else.
//! Four siblings fill one cache line, aligned: a level costs one line. Lines are always full:
//! places that no timer has hold [`Entry::VACANT`], which is greater than any entry, so that the
//! smallest of four is found without a branch and without asking how many there are. The index is
//! dense (4 bytes a slot) and not a field of the slots, because sifting touches it at random.
//!
//! ```text
//! place:   0 1 2 3 | 4 5 6 7 | 8 9 10 11 | 12 13 14 15 | …
//! holds:   - - - R | children | children  | children
//!                  | of 3     | of 4      | of 5
//! ```
//! The root is at place 3, so that the children of `place` are exactly line `place - 2`.

use std::fmt;

/// The place of the root: the last of line 0, whose other three are never used.
const ROOT: usize = 3;
/// In the index: the slot has no entry. Place 0 is never used.
const ABSENT: u32 = 0;

/// Deadline, order among equal deadlines, and slot, from the highest bits to the lowest.
///
/// One number, so that a comparison is one subtraction with borrow instead of two branches. The slot
/// decides only among timers whose places are lost: see `places`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry(u128);

const _: () = assert!(size_of::<Entry>() == 16);
const _: () = assert!(size_of::<Line>() == 64 && align_of::<Line>() == 64);

impl Entry {
    /// What a place without a timer holds. Greater than every entry, because none is due at
    /// [`u64::MAX`]: that is "never", and what never fires is not in the heap.
    const VACANT: Self = Self(u128::MAX);

    #[inline]
    pub(crate) fn new(when_ns: u64, seq: u32, slot: u32) -> Self {
        debug_assert_ne!(when_ns, u64::MAX);
        Self(u128::from(when_ns) << 64 | u128::from(seq) << 32 | u128::from(slot))
    }

    /// Nanoseconds from the origin of the queue to the deadline.
    #[inline]
    pub(crate) fn when_ns(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// Order of insertion, which decides among equal deadlines.
    #[inline]
    pub(crate) fn seq(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The slot of the timer.
    #[inline]
    pub(crate) fn slot(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ns#{}@{}", self.when_ns(), self.seq(), self.slot())
    }
}

/// Four siblings, in one cache line of the processors we know.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([Entry; 4]);

/// The heap and the index from slots to places.
pub(crate) struct Heap {
    lines: Vec<Line>,
    len: usize,
    /// The place of each slot's entry, or [`ABSENT`].
    places: Vec<u32>,
}

impl Heap {
    pub(crate) fn with_capacity(entries: usize) -> Self {
        Self {
            lines: Vec::with_capacity(lines_for(entries)),
            len: 0,
            places: Vec::with_capacity(entries),
        }
    }

    /// How many slots can be known before something is allocated.
    pub(crate) fn capacity(&self) -> usize {
        let entries = (self.lines.capacity() * 4).saturating_sub(ROOT);
        entries.min(self.places.capacity())
    }

    /// The smallest entry.
    #[inline]
    pub(crate) fn first(&self) -> Option<Entry> {
        let first = self.lines.first()?.0[ROOT];
        (first != Entry::VACANT).then_some(first)
    }

    /// The entry of a slot, if it has one.
    #[inline]
    pub(crate) fn entry_of(&self, slot: u32) -> Option<Entry> {
        let place = self.place_of(slot)?;
        Some(self.at(place))
    }

    /// How many slots are known: their entries have room.
    #[inline]
    pub(crate) fn slots(&self) -> usize {
        self.places.len()
    }

    /// Makes one more slot known.
    #[cold]
    #[inline(never)]
    pub(crate) fn add_slot(&mut self) {
        self.places.push(ABSENT);
        let missing = lines_for(self.places.len()).saturating_sub(self.lines.len());
        self.lines.reserve(missing);
    }

    /// Adds an entry. Its slot must be known, and have none. Does not allocate.
    #[inline]
    pub(crate) fn push(&mut self, entry: Entry) {
        debug_assert_eq!(self.places[entry.slot() as usize], ABSENT);
        let place = self.len + ROOT;
        if place / 4 == self.lines.len() {
            self.lines.push(Line([Entry::VACANT; 4]));
        }
        self.len += 1;
        self.sift_up(place, entry);
    }

    /// Removes the entry of a slot, if it has one.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(place) = self.place_of(slot) else {
            return;
        };
        self.places[slot as usize] = ABSENT;
        self.len -= 1;
        let last_place = self.len + ROOT;
        let last = self.at(last_place);
        self.lines[last_place / 4].0[last_place % 4] = Entry::VACANT;
        if last_place.is_multiple_of(4) {
            self.lines.pop();
        }
        if place != last_place {
            self.settle(place, last);
        }
    }

    /// Gives a slot that has an entry another one, earlier or later.
    #[inline]
    pub(crate) fn replace(&mut self, entry: Entry) {
        if let Some(place) = self.place_of(entry.slot()) {
            self.settle(place, entry);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.lines.clear();
        self.len = 0;
        self.places.fill(ABSENT);
    }

    /// Forgets the slots from `slots` on, of which none may have an entry, and gives memory back.
    pub(crate) fn shrink(&mut self, slots: usize) {
        self.places.truncate(slots);
        self.places.shrink_to_fit();
        self.lines.shrink_to(lines_for(slots));
    }

    /// All entries, in no order that means anything.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        (ROOT..ROOT + self.len).map(|place| self.at(place))
    }

    /// Writes all entries anew. They must be as many, of the same slots, and ascending, which is
    /// a heap.
    pub(crate) fn refill(&mut self, entries: &[Entry]) {
        debug_assert_eq!(entries.len(), self.len);
        for (place, &entry) in (ROOT..).zip(entries) {
            self.put(place, entry);
        }
    }

    #[inline]
    fn place_of(&self, slot: u32) -> Option<usize> {
        match self.places.get(slot as usize) {
            None | Some(&ABSENT) => None,
            Some(&place) => Some(place as usize),
        }
    }

    #[inline]
    fn at(&self, place: usize) -> Entry {
        self.lines[place / 4].0[place % 4]
    }

    #[inline]
    fn put(&mut self, place: usize, entry: Entry) {
        self.lines[place / 4].0[place % 4] = entry;
        // Fits: the number of slots is limited so that all places do.
        self.places[entry.slot() as usize] = place as u32;
    }

    /// Puts `entry` where it belongs, starting from the hole at `place`.
    #[inline]
    fn settle(&mut self, place: usize, entry: Entry) {
        if place != ROOT && entry < self.at(parent(place)) {
            self.sift_up(place, entry);
        } else {
            self.sift_down(place, entry);
        }
    }

    #[inline]
    fn sift_up(&mut self, mut hole: usize, entry: Entry) {
        while hole != ROOT {
            let above = parent(hole);
            let parent = self.at(above);
            if parent < entry {
                break;
            }
            self.put(hole, parent);
            hole = above;
        }
        self.put(hole, entry);
    }

    #[inline]
    fn sift_down(&mut self, mut hole: usize, entry: Entry) {
        while let Some(&Line([a, b, c, d])) = self.lines.get(hole - 2) {
            // Which child is the least is as good as random: the compiler makes these conditional
            // moves, where branches would be mispredicted.
            let left = if b < a { (1, b) } else { (0, a) };
            let right = if d < c { (3, d) } else { (2, c) };
            let (least, child) = if right.1 < left.1 { right } else { left };
            if entry < child {
                break;
            }
            self.put(hole, child);
            hole = (hole - 2) * 4 + least;
        }
        self.put(hole, entry);
    }
}

/// The place above `place`, which is not the root.
#[inline]
fn parent(place: usize) -> usize {
    place / 4 + 2
}

/// The number of lines for this many entries.
fn lines_for(entries: usize) -> usize {
    if entries == 0 {
        0
    } else {
        entries.saturating_add(ROOT).div_ceil(4)
    }
}

#[cfg(test)]
impl Heap {
    /// Panics unless parents are before their children and the index is exact.
    pub(crate) fn assert_valid(&self) {
        let end = self.len + ROOT;
        for place in ROOT..end {
            let entry = self.at(place);
            assert_ne!(entry, Entry::VACANT);
            assert_eq!(self.places[entry.slot() as usize] as usize, place);
            assert!(place == ROOT || self.at(parent(place)) < entry);
        }
        assert!(self.lines.len() <= lines_for(self.len).max(1), "idle lines");
        for place in end..self.lines.len() * 4 {
            assert_eq!(self.at(place), Entry::VACANT);
        }
        let present = self.places.iter().filter(|&&place| place != ABSENT);
        assert_eq!(present.count(), self.len);
    }
}
