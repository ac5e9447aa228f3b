//! Where timers live: numbered slots, reused, with generations that tell old keys from new ones.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

/// In the list of vacant slots: the end. No slot has this number.
const NO_SLOT: u32 = u32::MAX;
/// How many slots there may be: few enough that every place of a heap over them fits 32 bits.
const SLOTS_MAX: usize = u32::MAX as usize - 8;
/// A slot that has been used more often than this keeps its memory. Slots that are given back
/// and come again start where the most used of them stopped, and must not be short-lived then.
const GENERATION_GIVEN_BACK_MAX: u32 = u32::MAX / 2;

/// Names one timer of one [`TimerQueue`](crate::TimerQueue), for good.
///
/// A key is valid until its timer fires or is removed. From then on it is *stale*: it finds
/// nothing, and never another timer, however often the room is used again. A key is 8 bytes, and
/// so is an `Option` of one.
///
/// A key belongs to the queue that made it. Another queue takes it for one of its own: it finds
/// nothing there, or a timer that has nothing to do with it.
// The slot in the high bits, the generation in the low ones. One number, so that it stays in a register
// on its way: two that are stored side by side and loaded together wait for each other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimerKey(NonZeroU64);

const _: () = assert!(size_of::<Option<TimerKey>>() == 8);

impl TimerKey {
    #[inline]
    fn new(slot: u32, generation: NonZeroU32) -> Self {
        Self(NonZeroU64::from(generation) | u64::from(slot) << 32)
    }

    #[inline]
    pub(crate) fn slot(self) -> u32 {
        (self.0.get() >> 32) as u32
    }

    #[inline]
    fn generation(self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.0.get() as u32)
    }
}

impl fmt::Debug for TimerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerKey")
            .field("slot", &self.slot())
            .field("generation", &(self.0.get() as u32))
            .finish()
    }
}

/// One timer, or room for one.
pub(crate) struct Slot<T> {
    /// Which timer of this slot it is, or which the next will be. `None` once all numbers have
    /// been used: the slot matches no key any more, and is not used again.
    generation: Option<NonZeroU32>,
    /// With a timer: its order among timers of the same deadline. Vacant: the next vacant slot.
    pub(crate) seq: u32,
    /// The deadline, in nanoseconds from the queue's origin. `when_ns` and `seq` are the actual
    /// ones; the heap's entry is older and earlier after a postponement.
    pub(crate) when_ns: u64,
    /// `None` where there is no timer.
    value: Option<T>,
}

// Two to a cache line when the value is a waker or a boxed closure.
const _: () = assert!(size_of::<Slot<std::task::Waker>>() <= 32);

impl<T> Slot<T> {
    #[inline]
    pub(crate) fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    #[inline]
    pub(crate) fn value_mut(&mut self) -> Option<&mut T> {
        self.value.as_mut()
    }

    fn may_be_given_back(&self) -> bool {
        let worn = self
            .generation
            .is_none_or(|generation| generation.get() > GENERATION_GIVEN_BACK_MAX);
        self.value.is_none() && !worn
    }
}

/// All slots of a queue.
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    occupied: usize,
    /// The vacant slot that is used next: the one vacated last, which is still in the cache.
    first_vacant: u32,
    /// What a new slot starts with: not less than any slot had reached when it was given back,
    /// so that keys from then stay stale.
    first_generation: NonZeroU32,
}

impl<T> Slots<T> {
    pub(crate) fn with_capacity(timers: usize) -> Self {
        Self {
            slots: Vec::with_capacity(timers),
            occupied: 0,
            first_vacant: NO_SLOT,
            first_generation: NonZeroU32::MIN,
        }
    }

    /// How many slots hold a timer.
    #[inline]
    pub(crate) fn occupied(&self) -> usize {
        self.occupied
    }

    /// How many slots there are, occupied or not.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// # Panics
    ///
    /// If there are [`SLOTS_MAX`] timers.
    #[inline]
    pub(crate) fn insert(&mut self, when_ns: u64, seq: u32, value: impl FnOnce() -> T) -> TimerKey {
        let slot = self.first_vacant;
        if let Some(vacant) = self.slots.get_mut(slot as usize)
            && let Some(generation) = vacant.generation
        {
            let value = value();
            self.first_vacant = vacant.seq;
            vacant.seq = seq;
            vacant.when_ns = when_ns;
            // It was vacant: an assignment would look for something to drop.
            std::mem::forget(vacant.value.replace(value));
            self.occupied += 1;
            return TimerKey::new(slot, generation);
        }
        self.insert_new(when_ns, seq, value())
    }

    #[cold]
    #[inline(never)]
    fn insert_new(&mut self, when_ns: u64, seq: u32, value: T) -> TimerKey {
        assert!(self.slots.len() < SLOTS_MAX, "too many timers");
        let generation = self.first_generation;
        let key = TimerKey::new(self.slots.len() as u32, generation);
        self.slots.push(Slot {
            generation: Some(generation),
            seq,
            when_ns,
            value: Some(value),
        });
        self.occupied += 1;
        key
    }

    /// The timer of a key, unless the key is stale.
    #[inline]
    pub(crate) fn get(&self, key: TimerKey) -> Option<&Slot<T>> {
        self.slots
            .get(key.slot() as usize)
            .filter(|slot| slot.generation == key.generation() && slot.value.is_some())
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: TimerKey) -> Option<&mut Slot<T>> {
        self.slots
            .get_mut(key.slot() as usize)
            .filter(|slot| slot.generation == key.generation() && slot.value.is_some())
    }

    /// The slot of this number, which there must be.
    #[inline]
    pub(crate) fn at(&self, slot: u32) -> &Slot<T> {
        &self.slots[slot as usize]
    }

    #[inline]
    pub(crate) fn at_mut(&mut self, slot: u32) -> &mut Slot<T> {
        &mut self.slots[slot as usize]
    }

    /// Takes the timer out of a slot. Its key is stale from now on.
    #[inline]
    pub(crate) fn vacate(&mut self, slot: u32) -> Option<(TimerKey, T)> {
        let room = &mut self.slots[slot as usize];
        let generation = room.generation?;
        let value = room.value.take()?;
        self.vacated(slot, generation);
        Some((TimerKey::new(slot, generation), value))
    }

    /// Drops the timer of a slot. Its key is stale from now on.
    #[inline]
    pub(crate) fn clear(&mut self, slot: u32) {
        let room = &mut self.slots[slot as usize];
        if let Some(generation) = room.generation
            && room.value.is_some()
        {
            self.vacated(slot, generation);
            // Last, since its destructor may panic.
            self.slots[slot as usize].value = None;
        }
    }

    /// The timer of this slot, which had this generation, goes.
    #[inline]
    fn vacated(&mut self, slot: u32, generation: NonZeroU32) {
        let room = &mut self.slots[slot as usize];
        room.generation = generation.checked_add(1);
        if room.generation.is_some() {
            room.seq = self.first_vacant;
            self.first_vacant = slot;
        }
        self.occupied -= 1;
    }

    /// Takes out all timers.
    pub(crate) fn take_all(&mut self) -> Vec<T> {
        let mut values = Vec::with_capacity(self.occupied);
        // In this order the lowest slots are used first afterwards.
        for slot in (0..self.slots.len() as u32).rev() {
            values.extend(self.vacate(slot).map(|(_, value)| value));
        }
        values
    }

    /// Gives the vacant slots behind the last timer back.
    pub(crate) fn shrink(&mut self) {
        let kept = self
            .slots
            .iter()
            .rposition(|slot| !slot.may_be_given_back())
            .map_or(0, |last| last + 1);
        for given_back in self.slots.drain(kept..) {
            self.first_generation = self
                .first_generation
                .max(given_back.generation.unwrap_or(NonZeroU32::MIN));
        }
        self.slots.shrink_to_fit();
        // The list of vacant slots went through what is gone.
        self.first_vacant = NO_SLOT;
        for (number, slot) in self.slots.iter_mut().enumerate().rev() {
            if slot.value.is_none() && slot.generation.is_some() {
                slot.seq = self.first_vacant;
                self.first_vacant = number as u32;
            }
        }
    }
}

#[cfg(test)]
impl<T> Slots<T> {
    /// As if a slot had been used until only `left` more timers can be told apart in it.
    pub(crate) fn wear_out(&mut self, slot: u32, left: u32) {
        self.slots[slot as usize].generation = NonZeroU32::new(u32::MAX - left + 1);
    }
}
