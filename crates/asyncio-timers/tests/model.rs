//! The queue against the simplest thing that is right: a `BTreeMap` keyed by (deadline, order).

use asyncio_timers::{Place, TimerKey, TimerQueue};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

const OPERATIONS: u32 = 100_000;
/// Deadlines are in this range of nanoseconds, so that many of them are equal.
const RANGE_NS: u64 = 2_000;

/// Xorshift: the same sequence for the same seed, everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// What the queue should be.
#[derive(Default)]
struct Model {
    due: BTreeMap<(u64, u64), TimerKey>,
    timers: HashMap<TimerKey, (Option<u64>, u64, u32)>,
    next_order: u64,
}

impl Model {
    fn reserve(&mut self) -> u64 {
        let order = self.next_order;
        self.next_order += 1;
        order
    }

    fn insert(&mut self, key: TimerKey, when: Option<u64>, value: u32) {
        let order = self.reserve();
        self.insert_at(order, key, when, value);
    }

    fn insert_at(&mut self, order: u64, key: TimerKey, when: Option<u64>, value: u32) {
        let before = self.timers.insert(key, (when, order, value));
        assert_eq!(before, None, "a key that is alive was given again");
        if let Some(when) = when {
            self.due.insert((when, order), key);
        }
    }

    fn remove(&mut self, key: TimerKey) -> Option<u32> {
        let (when, order, value) = self.timers.remove(&key)?;
        if let Some(when) = when {
            self.due.remove(&(when, order));
        }
        Some(value)
    }

    fn reschedule(&mut self, key: TimerKey, when: Option<u64>) -> bool {
        let Some(value) = self.remove(key) else {
            return false;
        };
        self.insert(key, when, value);
        true
    }

    fn next_deadline(&self) -> Option<u64> {
        self.due.first_key_value().map(|(&(when, _), _)| when)
    }

    fn pop_expired(&mut self, now: u64) -> Option<(TimerKey, u32)> {
        let (&(when, _), &key) = self.due.first_key_value()?;
        if when > now {
            return None;
        }
        self.remove(key).map(|value| (key, value))
    }
}

/// Queue and model side by side; each operation is done to both and compared.
struct Pair {
    origin: Instant,
    now: u64,
    queue: TimerQueue<u32>,
    model: Model,
    /// Alive and stale ones.
    keys: Vec<TimerKey>,
    /// Places that are not used yet, and their order in the model.
    reserved: Vec<(Place, u64)>,
}

impl Pair {
    fn new() -> Self {
        let origin = Instant::now();
        Self {
            origin,
            now: 0,
            queue: TimerQueue::new(origin),
            model: Model::default(),
            keys: Vec::new(),
            reserved: Vec::new(),
        }
    }

    fn instant(&self, when: u64) -> Instant {
        self.origin + Duration::from_nanos(when)
    }

    /// Mostly ahead, sometimes in the past, sometimes never.
    fn deadline(&self, random: &mut Random) -> Option<u64> {
        match random.below(16) {
            0 => None,
            1 => Some(self.now.saturating_sub(random.below(RANGE_NS))),
            2 => Some(self.now),
            _ => Some(self.now + random.below(RANGE_NS)),
        }
    }

    fn any_key(&self, random: &mut Random) -> Option<TimerKey> {
        let pick = random.below(self.keys.len().max(1) as u64);
        self.keys.get(pick as usize).copied()
    }

    fn step(&mut self, random: &mut Random, value: u32) {
        let when = self.deadline(random);
        let deadline = when.map(|when| self.instant(when));
        let key = self.any_key(random);
        match (random.below(100), key) {
            (0, _) => {
                let reserved = (self.queue.reserve(), self.model.reserve());
                self.reserved.push(reserved);
            }
            (1..=2, _) if !self.reserved.is_empty() => {
                let pick = random.below(self.reserved.len() as u64);
                let (place, order) = self.reserved.swap_remove(pick as usize);
                let key = self.queue.insert_with(place, deadline, || value);
                self.model.insert_at(order, key, when, value);
                self.keys.push(key);
            }
            (1..=39, _) | (_, None) => {
                let key = self.queue.insert(deadline, value);
                self.model.insert(key, when, value);
                self.keys.push(key);
            }
            (40..=49, Some(key)) => assert_eq!(self.queue.remove(key), self.model.remove(key)),
            (50..=59, Some(key)) => {
                assert_eq!(self.queue.discard(key), self.model.remove(key).is_some());
            }
            (60..=79, Some(key)) => assert_eq!(
                self.queue.reschedule(key, deadline),
                self.model.reschedule(key, when)
            ),
            (80..=84, Some(key)) => self.look(key),
            (85..=94, _) => self.turn(random),
            (95..=98, _) => self.forget_some(random),
            _ => self.queue.shrink_to_fit(),
        }
        assert_eq!(self.queue.len(), self.model.timers.len());
        assert_eq!(self.queue.is_empty(), self.model.timers.is_empty());
        assert!(self.queue.capacity() >= self.queue.len());
    }

    fn look(&mut self, key: TimerKey) {
        let expected = self.model.timers.get(&key);
        assert_eq!(self.queue.contains(key), expected.is_some());
        assert_eq!(self.queue.get(key), expected.map(|(_, _, value)| value));
        let deadline = expected.and_then(|&(when, _, _)| when);
        assert_eq!(
            self.queue.deadline(key),
            deadline.map(|when| self.instant(when))
        );
        if let Some(value) = self.queue.get_mut(key) {
            *value ^= 1;
        }
        if let Some((_, _, value)) = self.model.timers.get_mut(&key) {
            *value ^= 1;
        }
    }

    /// Time goes on, timers fire, and some of them arm, cancel and move others while they do.
    fn turn(&mut self, random: &mut Random) {
        self.now += random.below(RANGE_NS / 20);
        for _ in 0..self.queue.len() {
            let next = self.model.next_deadline().map(|when| self.instant(when));
            assert_eq!(self.queue.next_deadline(), next);
            let fired = self.queue.pop_expired(self.instant(self.now));
            assert_eq!(fired, self.model.pop_expired(self.now));
            let Some((key, value)) = fired else {
                return;
            };
            assert!(!self.queue.reschedule(key, None), "it has fired");
            assert!(!self.queue.contains(key));
            let when = self.deadline(random);
            let deadline = when.map(|when| self.instant(when));
            match (random.below(4), self.any_key(random)) {
                (0, _) => {
                    let again = self.queue.insert(deadline, value);
                    self.model.insert(again, when, value);
                    self.keys.push(again);
                }
                (1, Some(key)) => {
                    assert_eq!(self.queue.remove(key), self.model.remove(key));
                }
                (2, Some(key)) => assert_eq!(
                    self.queue.reschedule(key, deadline),
                    self.model.reschedule(key, when)
                ),
                _ => {}
            }
        }
    }

    /// Keeps the list of keys short enough that most picks are alive.
    fn forget_some(&mut self, random: &mut Random) {
        let keys = &mut self.keys;
        keys.retain(|key| self.model.timers.contains_key(key) || random.below(4) == 0);
    }

    fn finish(&mut self) {
        self.now = u64::MAX / 2;
        while let Some(fired) = self.queue.pop_expired(self.instant(self.now)) {
            assert_eq!(Some(fired), self.model.pop_expired(self.now));
        }
        assert_eq!(self.model.next_deadline(), None);
        assert_eq!(self.queue.next_deadline(), None);
        assert_eq!(self.queue.len(), self.model.timers.len());
        self.queue.clear();
        for &key in &self.keys {
            assert_eq!(self.queue.remove(key), None);
        }
    }
}

/// Every operation, in random order: what fires, when and in which order is what the model says.
#[test]
fn the_queue_behaves_as_an_ordered_map_c1() {
    for seed in [1, 2, 3, 0xdead_beef, 0x1234_5678_9abc] {
        let mut random = Random(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let mut pair = Pair::new();
        let mut peak = 0;
        for value in 0..OPERATIONS {
            pair.step(&mut random, value);
            peak = peak.max(pair.queue.len());
        }
        assert!(peak > 100, "seed {seed}: at most {peak} timers at a time");
        pair.finish();
    }
}
