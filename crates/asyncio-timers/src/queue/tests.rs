//! What cannot be seen from outside: numbers that wrap after 2³² uses, and the heap's invariants.

use super::TimerQueue;
use crate::TimerKey;
use crate::places::MIDDLE;
use std::time::{Duration, Instant};

fn after(origin: Instant, ns: u64) -> Option<Instant> {
    Some(origin + Duration::from_nanos(ns))
}

/// The number after which so many can be taken.
fn last_but(left: u32) -> u64 {
    u64::from(u32::MAX - left)
}

fn pop_all<T>(timers: &mut TimerQueue<T>, now: Instant) -> Vec<T> {
    std::iter::from_fn(|| timers.pop_expired(now))
        .map(|(_, value)| value)
        .collect()
}

/// Ties stay first in, first out across the renumbering, wherever it falls: also for timers that
/// were postponed, whose number in the heap is old, and for ones that are never due.
#[test]
fn order_survives_renumbering() {
    for left in 0..24 {
        let origin = Instant::now();
        let end = origin + Duration::from_secs(1);
        let mut timers = TimerQueue::new(origin);
        timers.places.last = last_but(left);

        let tie = after(origin, 50);
        let postponed = timers.insert(after(origin, 10), "postponed to the tie, second");
        let woken = timers.insert(None, "never, then the tie, fifth");
        timers.insert(tie, "first");
        timers.insert(after(origin, 70), "after the tie");
        assert!(timers.reschedule(postponed, tie));
        let removed = timers.insert(tie, "removed");
        timers.insert(tie, "third");
        let forth = timers.insert(after(origin, 60), "back to the tie, fourth");
        assert!(timers.reschedule(forth, after(origin, 90)));
        timers.insert(after(origin, 20), "before the tie");
        assert_eq!(timers.remove(removed), Some("removed"));
        assert!(timers.reschedule(forth, tie));
        assert!(timers.reschedule(woken, tie));
        let asleep = timers.insert(tie, "never again");
        assert!(timers.reschedule(asleep, None));
        timers.insert(after(origin, 70), "after the tie, last");
        timers.heap.assert_valid();

        assert_eq!(timers.next_deadline(), after(origin, 20));
        let expected = [
            "before the tie",
            "first",
            "postponed to the tie, second",
            "third",
            "back to the tie, fourth",
            "never, then the tie, fifth",
            "after the tie",
            "after the tie, last",
        ];
        assert_eq!(pop_all(&mut timers, end), expected, "{left} numbers left");
        assert!(timers.contains(asleep));
        assert!(timers.places.first > 0 || left > 13, "numbered anew");
    }
}

/// The smallest numbers are given again, to the timers that are there, and new ones from the middle on.
#[test]
fn renumbering_goes_on_in_the_middle_and_happens_once() {
    let origin = Instant::now();
    let mut timers = TimerQueue::new(origin);
    timers.places.last = last_but(3);
    for value in 0..10 {
        timers.insert(after(origin, 5), value);
    }
    assert_eq!(timers.places.last - timers.places.first, MIDDLE + 6);
    assert_eq!(
        pop_all(&mut timers, origin + Duration::from_secs(1)),
        Vec::from_iter(0..10)
    );
}

/// A slot whose generations are used up is left alone: an old key must not name a new timer.
#[test]
fn a_worn_out_slot_is_not_used_again() {
    let origin = Instant::now();
    let mut timers = TimerQueue::new(origin);
    let first = timers.insert(None, 0);
    timers.slots.wear_out(first.slot(), 2);
    assert_eq!(timers.remove(first), None, "its generation has passed");

    let mut old: Vec<TimerKey> = Vec::new();
    timers.clear();
    for value in 1..5 {
        let key = timers.insert(after(origin, 1), value);
        assert!(!old.contains(&key));
        assert!(old.iter().all(|&old| timers.get(old).is_none()));
        assert_eq!(timers.remove(key), Some(value));
        old.push(key);
    }
    let slots: Vec<u32> = old.iter().map(|key| key.slot()).collect();
    assert_eq!(
        slots,
        [0, 1, 1, 1],
        "the first slot was good for one more timer"
    );

    // Its memory is not given back either, or it would start again at the first generation.
    timers.shrink_to_fit();
    assert_eq!(timers.slots.len(), 1);
    let key = timers.insert(None, 9);
    assert!(!old.contains(&key));
    assert_eq!(timers.get(key), Some(&9));
}

/// Slots that were given back and came again do not make old keys valid.
#[test]
fn keys_stay_stale_when_memory_is_given_back() {
    let origin = Instant::now();
    let mut timers = TimerQueue::new(origin);
    let mut old: Vec<TimerKey> = (0..10).map(|value| timers.insert(None, value)).collect();
    for round in 0..10 {
        timers.clear();
        timers.shrink_to_fit();
        assert_eq!((timers.slots.len(), timers.capacity()), (0, 0));
        for value in 0..10 {
            let key = timers.insert(after(origin, value), 100 * round);
            assert!(!old.contains(&key));
            old.push(key);
        }
        let stale = &old[..old.len() - 10];
        assert!(stale.iter().all(|&key| !timers.contains(key)));
    }
}

/// Parents before children and an exact index, after every kind of change.
#[test]
fn the_heap_is_valid_after_every_change() {
    let origin = Instant::now();
    let mut timers = TimerQueue::new(origin);
    let mut keys: Vec<TimerKey> = Vec::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for step in 0..4000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let deadline = after(origin, random >> 40 & 0xff);
        let pick = (random >> 16) as usize % (keys.len() + 1);
        match (random % 8, keys.get(pick).copied()) {
            (0..=3, _) | (_, None) => keys.push(timers.insert(deadline, step)),
            (4 | 5, Some(key)) => assert!(timers.reschedule(key, deadline)),
            (6, Some(key)) => {
                assert!(timers.remove(key).is_some());
                keys.swap_remove(pick);
            }
            (_, Some(_)) => {
                let popped = timers.pop_expired(origin + Duration::from_nanos(32));
                keys.retain(|&key| Some(key) != popped.map(|(key, _)| key));
            }
        }
        timers.heap.assert_valid();
        assert_eq!(timers.len(), keys.len());
    }
    assert!(keys.len() > 500, "the heap had several levels");
}
