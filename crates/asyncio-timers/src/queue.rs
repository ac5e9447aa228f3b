//! The timer queue: heap and slots put together, deadlines to numbers and back, postponement.

use crate::heap::{Entry, Heap};
use crate::places::{Place, Places};
use crate::slots::{Slots, TimerKey};
use std::fmt;
use std::time::{Duration, Instant};

/// The deadline of a timer that never fires, in nanoseconds from the origin. It has a slot, but
/// no entry in the heap.
const NEVER: u64 = u64::MAX;

/// Values that wait for their deadline.
///
/// A value goes in with a deadline and comes out in one of two ways: [`pop_expired`] gives it
/// back when its time has come, [`remove`] gives it back at once. Either way nothing of it stays.
///
/// * Order: by deadline, and among equal deadlines first in, first out. A timer that is
///   [rescheduled](Self::reschedule) counts as inserted then.
/// * Precision: nanoseconds. A timer never fires before its deadline.
/// * Range: deadlines are counted from the `origin` given to [`new`](Self::new). One before it is
///   kept as the origin itself; one 584 years or more after it (2⁶⁴ ns) is never.
/// * Memory: the queue allocates when it has more timers than ever before, and keeps the memory
///   for the next ones; [`shrink_to_fit`](Self::shrink_to_fit) gives it back. Values are never
///   kept.
/// * No call runs code of the value but [`clear`](Self::clear), [`discard`](Self::discard) and dropping
///   the queue, which drop values, and [`insert_with`](Self::insert_with), which has one made. What that
///   code does, also if it panics, leaves the queue in order.
///
/// After 2³² places, and then every 2³¹, the next insertion or rescheduling renumbers all timers in their
/// order, which sorts them: some 60 ms for a million, under 1 ms for ten thousand.
///
/// # Examples
///
/// A time-out that is pushed back whenever there is activity:
///
/// ```
/// use asyncio_timers::TimerQueue;
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let idle_max = Duration::from_secs(30);
/// let mut timers = TimerQueue::new(start);
/// let idle = timers.insert(Some(start + idle_max), "connection 7 is idle");
///
/// let activity = start + Duration::from_secs(20);
/// assert!(timers.reschedule(idle, Some(activity + idle_max)));
///
/// assert_eq!(timers.pop_expired(start + idle_max), None);
/// assert_eq!(timers.next_deadline(), Some(activity + idle_max));
/// ```
///
/// [`pop_expired`]: Self::pop_expired
/// [`remove`]: Self::remove
pub struct TimerQueue<T> {
    origin: Instant,
    /// An entry for each timer that has a deadline: the actual one, or an earlier one that the
    /// timer had before it was postponed. Such an entry is brought up to date when it is first.
    heap: Heap,
    slots: Slots<T>,
    /// Ties are first in, first out.
    places: Places,
}

impl<T> TimerQueue<T> {
    /// An empty queue, which has not allocated anything.
    ///
    /// `origin` is what deadlines are counted from: the time of the call, or any instant that no
    /// timer is due before.
    #[must_use]
    pub fn new(origin: Instant) -> Self {
        Self::with_capacity(origin, 0)
    }

    /// An empty queue with room for at least `timers` timers.
    ///
    /// # Panics
    ///
    /// If that is more memory than can be, as [`Vec::with_capacity`].
    #[must_use]
    pub fn with_capacity(origin: Instant, timers: usize) -> Self {
        Self {
            origin,
            heap: Heap::with_capacity(timers),
            slots: Slots::with_capacity(timers),
            places: Places::default(),
        }
    }

    /// Adds a timer.
    ///
    /// With `None` it never fires, but it counts, can be removed, and can be
    /// [rescheduled](Self::reschedule). With a deadline that has passed it is due at once, after
    /// what was due before it.
    ///
    /// # Panics
    ///
    /// If the queue holds 2³² − 9 timers.
    #[inline]
    pub fn insert(&mut self, deadline: Option<Instant>, value: T) -> TimerKey {
        let place = self.reserve();
        self.insert_at(place, deadline, value)
    }

    /// Keeps a place for a timer that is inserted later, or never: among timers of its deadline it
    /// stands as if it had been inserted now.
    ///
    /// It takes no room, and need not be given back. (If it is used so late that 2³¹ others were taken
    /// meanwhile, it may stand before all that have its deadline.)
    #[inline]
    pub fn reserve(&mut self) -> Place {
        self.places.reserve()
    }

    /// [`insert`](Self::insert), in a place that was [reserved](Self::reserve) or
    /// [numbered](Place::numbered).
    ///
    /// # Panics
    ///
    /// As [`insert`](Self::insert).
    #[inline]
    pub fn insert_at(&mut self, place: Place, deadline: Option<Instant>, value: T) -> TimerKey {
        self.insert_with(place, deadline, || value)
    }

    /// [`insert_at`](Self::insert_at) of a value that is made when its room is there, and so need not
    /// be moved.
    ///
    /// # Panics
    ///
    /// As [`insert`](Self::insert); and when `value` panics, and then nothing is inserted.
    #[inline]
    pub fn insert_with(
        &mut self,
        place: Place,
        deadline: Option<Instant>,
        value: impl FnOnce() -> T,
    ) -> TimerKey {
        let when_ns = self.to_ns(deadline);
        let seq = self.seq_of(place);
        let key = self.slots.insert(when_ns, seq, value);
        if key.slot() as usize == self.heap.slots() {
            self.heap.add_slot();
        }
        if when_ns != NEVER {
            self.heap.push(Entry::new(when_ns, seq, key.slot()));
        }
        key
    }

    /// Takes a timer out and gives its value back. `None` if the key is stale: the timer has
    /// fired or has been removed.
    #[inline]
    pub fn remove(&mut self, key: TimerKey) -> Option<T> {
        self.slots.get(key)?;
        self.heap.remove(key.slot());
        self.slots.vacate(key.slot()).map(|(_, value)| value)
    }

    /// [`remove`](Self::remove) for who has no use for the value, which is dropped where it is: so its
    /// destructor must not need the queue. Returns whether there was such a timer.
    #[inline]
    pub fn discard(&mut self, key: TimerKey) -> bool {
        if !self.contains(key) {
            return false;
        }
        self.heap.remove(key.slot());
        self.slots.clear(key.slot());
        true
    }

    /// Whether the timer is still in the queue.
    #[inline]
    #[must_use]
    pub fn contains(&self, key: TimerKey) -> bool {
        self.slots.get(key).is_some()
    }

    /// The value of a timer. `None` if the key is stale.
    #[inline]
    #[must_use]
    pub fn get(&self, key: TimerKey) -> Option<&T> {
        self.slots.get(key)?.value()
    }

    /// The value of a timer, to be changed. `None` if the key is stale.
    #[inline]
    pub fn get_mut(&mut self, key: TimerKey) -> Option<&mut T> {
        self.slots.get_mut(key)?.value_mut()
    }

    /// When the timer will fire. `None` if it never will: it has no deadline, or the key is stale
    /// ([`contains`](Self::contains) tells which).
    #[must_use]
    pub fn deadline(&self, key: TimerKey) -> Option<Instant> {
        self.to_instant(self.slots.get(key)?.when_ns)
    }

    /// Gives a timer another deadline, earlier, later, or `None` for never. Returns whether there
    /// was such a timer; a stale key changes nothing.
    ///
    /// Among timers of the same deadline it comes last, as if it had been inserted now. To a later
    /// deadline this writes two numbers and touches no other timer: the work of moving it is done
    /// once, when its old deadline is reached, however often it was postponed until then.
    #[inline]
    pub fn reschedule(&mut self, key: TimerKey, deadline: Option<Instant>) -> bool {
        let place = self.reserve();
        self.reschedule_at(place, key, deadline)
    }

    /// [`reschedule`](Self::reschedule), to a place that was [reserved](Self::reserve) or
    /// [numbered](Place::numbered).
    #[inline]
    pub fn reschedule_at(
        &mut self,
        place: Place,
        key: TimerKey,
        deadline: Option<Instant>,
    ) -> bool {
        if !self.contains(key) {
            return false;
        }
        let when_ns = self.to_ns(deadline);
        let seq = self.seq_of(place);
        let slot = self.slots.at_mut(key.slot());
        let before = (slot.when_ns, slot.seq);
        slot.when_ns = when_ns;
        slot.seq = seq;
        if when_ns == NEVER {
            self.heap.remove(key.slot());
        } else if (when_ns, seq) < before {
            let entry = Entry::new(when_ns, seq, key.slot());
            match self.heap.entry_of(key.slot()) {
                None => self.heap.push(entry),
                // It was postponed before, and its entry is still early enough.
                Some(older) if older < entry => {}
                Some(_) => self.heap.replace(entry),
            }
        }
        true
    }

    /// When the next timer fires, exactly; `None` if none will.
    ///
    /// Takes `&mut self` because it moves timers that were postponed out of the way: each at most
    /// once for all its postponements.
    #[inline]
    pub fn next_deadline(&mut self) -> Option<Instant> {
        let first = self.first_until(NEVER)?;
        self.to_instant(first.when_ns())
    }

    /// Takes out the timer that is due first, if one is due: its deadline is `now` or earlier.
    ///
    /// What is inserted for a time that is not after `now` is due too, at once. A loop that calls
    /// this until it gets `None` *and* runs user code in between is therefore without end when
    /// that code keeps inserting such timers. Read the clock once, take out all that is due, and
    /// only then run it; or, as a limit that costs nothing, pop at most as many as there were:
    ///
    /// ```
    /// # use asyncio_timers::TimerQueue;
    /// # use std::time::Instant;
    /// # let now = Instant::now();
    /// # let mut timers = TimerQueue::new(now);
    /// # timers.insert(Some(now), "again");
    /// let mut budget = timers.len();
    /// while budget > 0
    ///     && let Some((_, what)) = timers.pop_expired(now)
    /// {
    ///     budget -= 1;
    ///     // A timer that re-arms itself for the past fires once a turn.
    ///     timers.insert(Some(now), what);
    /// }
    /// assert_eq!(timers.len(), 1);
    /// ```
    #[inline]
    pub fn pop_expired(&mut self, now: Instant) -> Option<(TimerKey, T)> {
        // Before the origin nothing is due: never early, also for a clock that is not monotonic.
        let now_ns = nanoseconds(now.checked_duration_since(self.origin)?);
        let first = self.first_until(now_ns)?;
        self.heap.remove(first.slot());
        self.slots.vacate(first.slot())
    }

    /// The number of timers, with those that never fire.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.occupied()
    }

    /// Whether there are no timers at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many timers the queue can hold before it allocates.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.heap.capacity().min(self.slots.capacity())
    }

    /// Drops all timers. Their keys are stale; the memory of the queue is kept.
    ///
    /// If the destructor of a value panics, the other values are dropped all the same, and the
    /// queue is empty when the panic goes on.
    pub fn clear(&mut self) {
        drop(self.take_all());
    }

    /// Takes out all timers and gives their values back, in no particular order.
    ///
    /// For an owner that keeps the queue in a cell, and must not have it borrowed while
    /// destructors of other people run. Allocates the vector.
    #[must_use = "`clear` drops the values"]
    pub fn take_all(&mut self) -> Vec<T> {
        self.heap.clear();
        self.slots.take_all()
    }

    /// Gives memory back that is not needed for the timers that are there. Keys stay as they are.
    ///
    /// The queue never does it by itself, because peaks come again: call it when there is nothing
    /// else to do and [`capacity`](Self::capacity) is far above [`len`](Self::len). It takes O(n)
    /// of the capacity. Timers do not move, so that one that is left from a peak may hold on to
    /// some of its memory until it is gone.
    pub fn shrink_to_fit(&mut self) {
        self.slots.shrink();
        self.heap.shrink(self.slots.len());
    }

    /// The first entry, with its actual deadline, if that is not after `until_ns`.
    ///
    /// Ends: each step back in the loop makes one postponed entry an actual one.
    #[inline]
    fn first_until(&mut self, until_ns: u64) -> Option<Entry> {
        loop {
            let first = self.heap.first()?;
            if first.when_ns() > until_ns {
                return None;
            }
            let actual = self.actual(first);
            if actual == first {
                return Some(first);
            }
            self.heap.replace(actual);
        }
    }

    /// What the entry would be if its timer had never been postponed lazily.
    #[inline]
    fn actual(&self, entry: Entry) -> Entry {
        let slot = self.slots.at(entry.slot());
        Entry::new(slot.when_ns, slot.seq, entry.slot())
    }

    /// The number of a place in the heap.
    #[inline]
    fn seq_of(&mut self, place: Place) -> u32 {
        let seq = self.places.seq_of(&place);
        seq.unwrap_or_else(|| self.renumber_for(&place))
    }

    /// Numbers the timers anew, in their order, when the heap's numbers are used up, so that this place
    /// comes next. Returns its number.
    #[cold]
    #[inline(never)]
    fn renumber_for(&mut self, place: &Place) -> u32 {
        if self.places.is_lost(place) && self.heap.first().is_some() {
            return 0;
        }
        let mut entries: Vec<Entry> = self
            .heap
            .entries()
            .map(|entry| self.actual(entry))
            .collect();
        entries.sort_unstable();
        for (seq, entry) in (0..).zip(&mut entries) {
            *entry = Entry::new(entry.when_ns(), seq, entry.slot());
            self.slots.at_mut(entry.slot()).seq = seq;
        }
        self.heap.refill(&entries);
        self.places.go_on(place, entries.len())
    }

    /// Nanoseconds from the origin; [`NEVER`] for no deadline and for one out of range.
    #[inline]
    fn to_ns(&self, deadline: Option<Instant>) -> u64 {
        deadline.map_or(NEVER, |deadline| {
            nanoseconds(deadline.saturating_duration_since(self.origin))
        })
    }

    /// The reverse; `None` for [`NEVER`].
    #[inline]
    fn to_instant(&self, when_ns: u64) -> Option<Instant> {
        if when_ns == NEVER {
            return None;
        }
        self.origin.checked_add(Duration::from_nanos(when_ns))
    }
}

impl<T> fmt::Debug for TimerQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerQueue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

/// All of a duration in nanoseconds, or [`u64::MAX`] if they do not fit.
#[inline]
fn nanoseconds(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(duration.subsec_nanos()))
}

#[cfg(test)]
mod tests;
