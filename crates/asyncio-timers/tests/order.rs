//! What fires, and in which order.

use asyncio_timers::{Place, TimerKey, TimerQueue};
use std::panic::{AssertUnwindSafe, catch_unwind};
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

/// Of which a caller may have used any number for others.
#[test]
fn places_that_are_numbered_outside_are_in_the_order_of_their_numbers() {
    let start = Instant::now();
    let tie = Some(start + ms(5));
    let mut timers = TimerQueue::new(start);
    let at = Place::numbered;
    timers.insert_at(at(u64::MAX / 2 + 10), tie, "third");
    timers.insert_at(at(u64::MAX / 2), tie, "first");
    let moved = timers.insert_at(at(u64::MAX / 2 + 1), Some(start + ms(9)), "fourth");
    assert!(timers.reschedule_at(at(u64::MAX / 2 + 11), moved, tie));
    timers.insert_at(at(u64::MAX / 2 + 2), tie, "second");
    // Too far for the numbers of the heap: all are numbered anew.
    timers.insert_at(at(u64::MAX - 1), tie, "last but one");
    timers.insert_at(at(u64::MAX), tie, "last");
    let expected = ["first", "second", "third", "fourth", "last but one", "last"];
    assert_eq!(pop_all(&mut timers, start + ms(5)), expected);
}

#[test]
fn places_of_the_queue_stand_behind_those_that_were_numbered_outside() {
    let start = Instant::now();
    let tie = Some(start + ms(5));
    let mut timers = TimerQueue::new(start);
    timers.insert_at(Place::numbered(1 << 40), tie, 0);
    for value in 1..4 {
        timers.insert(tie, value);
    }
    assert_eq!(pop_all(&mut timers, start + ms(5)), [0, 1, 2, 3]);
}

/// The one that makes all be numbered anew comes right after another that is used later.
#[test]
fn a_place_reserved_shortly_before_all_are_numbered_anew_is_kept() {
    let start = Instant::now();
    let tie = Some(start + ms(5));
    let mut timers = TimerQueue::new(start);
    for number in 0..8 {
        timers.insert_at(Place::numbered(number), tie, number);
    }
    let (outer, inner) = ((1 << 32) + 20, (1 << 32) + 21);
    timers.insert_at(Place::numbered(inner), tie, inner);
    timers.insert_at(Place::numbered(outer), tie, outer);
    let expected = [0, 1, 2, 3, 4, 5, 6, 7, outer, inner];
    assert_eq!(pop_all(&mut timers, start + ms(5)), expected);
}

/// They stand before the others.
#[test]
fn a_timer_whose_place_is_too_far_back_fires_at_its_deadline() {
    let start = Instant::now();
    let tie = Some(start + ms(5));
    let mut timers = TimerQueue::new(start);
    timers.insert_at(Place::numbered(u64::MAX), tie, "last");
    timers.insert_at(Place::numbered(0), tie, "first");
    timers.insert_at(Place::numbered(1), Some(start + ms(6)), "later");
    assert_eq!(pop_all(&mut timers, start + ms(5)), ["first", "last"]);
    assert_eq!(timers.len(), 1);
}

/// It is too far from all that follow, for as long as it is there.
#[test]
fn one_far_place_does_not_lose_the_order_of_those_that_come_when_it_is_gone() {
    let start = Instant::now();
    let tie = Some(start + ms(5));
    let mut timers = TimerQueue::new(start);
    let keys: Vec<_> = (0..4)
        .map(|number| timers.insert_at(Place::numbered(number), tie, 99))
        .collect();
    let far = timers.insert_at(Place::numbered(1 << 40), tie, 100);
    for key in keys {
        assert!(timers.discard(key));
    }
    assert!(timers.discard(far));
    for value in 0..4 {
        timers.insert_at(Place::numbered(10 + value), tie, value);
    }
    assert_eq!(pop_all(&mut timers, start + ms(5)), [0, 1, 2, 3]);
}

#[test]
fn a_destructor_that_panics_leaves_the_queue_in_order() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    let key = timers.insert(Some(start), Some(Bomb));
    assert!(catch_unwind(AssertUnwindSafe(|| timers.discard(key))).is_err());
    assert!(!timers.contains(key) && timers.is_empty());
    let next = timers.insert(Some(start), None);
    assert!(timers.discard(next));
}

#[test]
fn a_timer_rescheduled_to_an_earlier_place_of_its_deadline_goes_there() {
    let start = Instant::now();
    let tie = Some(start + ms(5));
    let mut timers = TimerQueue::new(start);
    let early = timers.reserve();
    timers.insert(tie, "second");
    let moved = timers.insert(tie, "first");
    assert!(timers.reschedule_at(early, moved, tie));
    assert_eq!(pop_all(&mut timers, start + ms(5)), ["first", "second"]);
}

#[test]
fn a_value_that_panics_while_it_is_made_leaves_nothing() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    for round in 0..2 {
        let place = timers.reserve();
        let insert = || timers.insert_with(place, Some(start), || panic!("no value"));
        assert!(catch_unwind(AssertUnwindSafe(insert)).is_err());
        assert!(timers.is_empty());
        // The second round finds a vacant slot.
        let key = timers.insert(Some(start + ms(1)), round);
        assert_eq!(timers.next_deadline(), Some(start + ms(1)));
        assert!(timers.discard(key));
        assert!(!timers.discard(key) && timers.next_deadline().is_none());
    }
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
