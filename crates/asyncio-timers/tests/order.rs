//! What fires, and in which order.

use asyncio_timers::{TimerKey, TimerQueue};
use std::time::{Duration, Instant};

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn pop_all<T>(timers: &mut TimerQueue<T>, now: Instant) -> Vec<T> {
    std::iter::from_fn(|| timers.pop_expired(now))
        .map(|(_, value)| value)
        .collect()
}

/// CPython leaves the order of equal deadlines open; here it is the order of insertion.
#[test]
fn ties_fire_first_in_first_out_c1() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    for value in 0..1000 {
        timers.insert(Some(start + ms(value % 3)), value);
    }
    let fired = pop_all(&mut timers, start + ms(2));
    let mut expected: Vec<u64> = (0..1000).collect();
    expected.sort_by_key(|value| value % 3);
    assert_eq!(fired, expected);
}

#[test]
fn nothing_fires_early() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    let deadline = start + Duration::new(3, 141_592_653);
    let key = timers.insert(Some(deadline), ());
    let nanosecond = Duration::from_nanos(1);
    assert_eq!(timers.next_deadline(), Some(deadline));
    assert_eq!(timers.pop_expired(deadline - nanosecond), None);
    assert_eq!(timers.pop_expired(deadline), Some((key, ())));
}

#[test]
fn a_timer_in_a_reserved_place_fires_before_ties_inserted_since() {
    let start = Instant::now();
    let tie = Some(start + ms(5));
    let mut timers = TimerQueue::new(start);
    timers.insert(tie, "before");
    let place = timers.reserve();
    assert_eq!(timers.len(), 1, "a place is no timer");
    timers.insert(tie, "since");
    timers.insert(Some(start + ms(4)), "earlier");
    let key = timers.insert_at(place, tie, "reserved");
    assert_eq!(timers.deadline(key), tie);
    let expected = ["earlier", "before", "reserved", "since"];
    assert_eq!(pop_all(&mut timers, start + ms(5)), expected);
}

/// Rescheduling counts as insertion, also to the deadline that the timer has already.
#[test]
fn a_rescheduled_timer_is_last_among_its_ties() {
    let start = Instant::now();
    let tie = Some(start + ms(5));
    let mut timers = TimerQueue::new(start);
    let same = timers.insert(tie, "same");
    let later = timers.insert(Some(start + ms(1)), "later");
    let earlier = timers.insert(Some(start + ms(9)), "earlier");
    timers.insert(tie, "untouched");
    for key in [earlier, same, later] {
        assert!(timers.reschedule(key, tie));
    }
    let expected = ["untouched", "earlier", "same", "later"];
    assert_eq!(pop_all(&mut timers, start + ms(5)), expected);
}

/// Later, a little less late, and earlier than at first: each time the last word counts.
#[test]
fn the_last_deadline_counts_however_it_was_reached() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    let key = timers.insert(Some(start + ms(10)), "moved");
    timers.insert(Some(start + ms(35)), "marker");
    for (to, expected_next) in [(50, 35), (20, 20), (30, 30), (5, 5), (5, 5), (40, 35)] {
        assert!(timers.reschedule(key, Some(start + ms(to))));
        assert_eq!(timers.deadline(key), Some(start + ms(to)));
        assert_eq!(timers.next_deadline(), Some(start + ms(expected_next)));
    }
    assert_eq!(pop_all(&mut timers, start + ms(39)), ["marker"]);
    assert_eq!(pop_all(&mut timers, start + ms(40)), ["moved"]);
}

#[test]
fn a_timer_can_become_never_and_come_back() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    let key = timers.insert(Some(start + ms(1)), "timer");
    assert!(timers.reschedule(key, None));
    assert!(timers.reschedule(key, None));
    assert_eq!((timers.len(), timers.next_deadline()), (1, None));
    assert_eq!(timers.pop_expired(start + ms(10)), None);
    assert_eq!(timers.deadline(key), None);
    assert!(timers.reschedule(key, Some(start + ms(2))));
    assert_eq!(timers.next_deadline(), Some(start + ms(2)));
    assert_eq!(timers.pop_expired(start + ms(2)), Some((key, "timer")));
}

/// asyncio's rule for a callback that cancels another one that is due in the same turn.
#[test]
fn a_timer_that_is_due_can_still_be_cancelled_c1() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    let keys: Vec<TimerKey> = (0..10)
        .map(|value| timers.insert(Some(start + ms(value / 4)), value))
        .collect();
    let mut fired = Vec::new();
    while let Some((_, value)) = timers.pop_expired(start + ms(9)) {
        fired.push(value);
        // Each one cancels the one after the next.
        if let Some(&key) = keys.get(value as usize + 2) {
            timers.remove(key);
        }
    }
    assert_eq!(fired, [0, 1, 4, 5, 8, 9]);
    assert!(timers.is_empty());
}

/// A timer that re-arms itself for the past fires once a turn, if a turn takes out all that is due
/// before it runs any of it, and does not keep others from firing.
#[test]
fn rearming_for_the_past_fires_once_a_turn_c1() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    timers.insert(Some(start), "again");
    timers.insert(Some(start + ms(3)), "later");
    for (turn, expected) in [
        (1, vec!["again"]),
        (2, vec!["again"]),
        (3, vec!["again", "later"]),
        (4, vec!["again"]),
    ] {
        let now = start + ms(turn);
        let mut due = Vec::new();
        while let Some((_, value)) = timers.pop_expired(now) {
            due.push(value);
        }
        for value in &due {
            if *value == "again" {
                timers.insert(Some(start), "again");
            }
        }
        assert_eq!(due, expected, "turn {turn}");
    }
    assert_eq!(timers.len(), 1);
}

/// The clock jumps, as after a suspend: all that is late fires once, in order.
#[test]
fn after_a_jump_late_timers_fire_once_and_in_order_c3() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    for hour in (1..=48).rev() {
        timers.insert(Some(start + ms(hour * 3_600_000)), hour);
    }
    let fired = pop_all(&mut timers, start + ms(24 * 3_600_000));
    assert_eq!(fired, Vec::from_iter(1..=24));
    assert_eq!(timers.len(), 24);
}

#[test]
fn a_stale_key_finds_nothing_and_changes_nothing() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    let fired = timers.insert(Some(start), "fired");
    assert_eq!(timers.pop_expired(start), Some((fired, "fired")));
    let removed = timers.insert(Some(start), "removed");
    assert_eq!(timers.remove(removed), Some("removed"));
    // The room of the two is used again.
    let alive = timers.insert(Some(start + ms(1)), "alive");
    for stale in [fired, removed] {
        assert_ne!(stale, alive);
        assert!(!timers.contains(stale));
        assert_eq!(timers.get(stale), None);
        assert_eq!(timers.get_mut(stale), None);
        assert_eq!(timers.deadline(stale), None);
        assert!(!timers.reschedule(stale, Some(start)));
        assert_eq!(timers.remove(stale), None);
    }
    assert_eq!(timers.deadline(alive), Some(start + ms(1)));
    assert_eq!(timers.get(alive), Some(&"alive"));
}

/// A key of another queue is a mistake, but one without a panic.
#[test]
fn a_key_of_another_queue_does_no_harm_beyond_the_queue() {
    let start = Instant::now();
    let mut full = TimerQueue::new(start);
    let keys: Vec<TimerKey> = (0..10)
        .map(|value| full.insert(Some(start), value))
        .collect();
    let mut other = TimerQueue::new(start);
    let own = other.insert(Some(start), 100);
    other.remove(own);
    for key in keys {
        assert_eq!(other.remove(key), None);
        assert!(!other.reschedule(key, Some(start)));
    }
    assert!(other.is_empty());
}
