//! Deadlines at the ends of time: the past, the far future, never.

use asyncio_timers::{TimerQueue, deadline_after};
use std::time::{Duration, Instant};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn a_delay_that_does_not_end_is_never_p7() {
    let now = Instant::now();
    for never in [Duration::MAX, Duration::MAX - Duration::from_nanos(1)] {
        assert_eq!(deadline_after(now, never), None);
    }
    assert_eq!(deadline_after(now, Duration::ZERO), Some(now));
    // More than 32 bits of milliseconds, where poll(2) and others end.
    for delay in [25 * DAY, 50 * DAY, 36_500 * DAY] {
        assert_eq!(deadline_after(now, delay), Some(now + delay));
    }
}

/// All kinds of timeouts in one queue: in order, with no panic and no deadline that wraps around.
#[test]
fn extreme_delays_fire_in_order_or_never_p7() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    let delays = [
        Duration::MAX,
        Duration::from_millis(u64::MAX),
        Duration::from_nanos(u64::MAX),
        Duration::from_nanos(u64::MAX - 1),
        36_500 * DAY,
        Duration::from_millis(u64::from(u32::MAX) + 1),
        25 * DAY,
        Duration::from_nanos(1),
        Duration::ZERO,
    ];
    for delay in delays {
        timers.insert(deadline_after(start, delay), delay);
    }
    let mut ascending = delays;
    ascending.sort_unstable();
    // The longest that there is room for is u64::MAX - 1 nanoseconds.
    for delay in &ascending[..6] {
        let next = timers.next_deadline();
        assert_eq!(next, start.checked_add(*delay));
        let (_, fired) = next
            .and_then(|now| timers.pop_expired(now))
            .expect("is due");
        assert_eq!(fired, *delay);
    }
    assert_eq!(timers.next_deadline(), None, "no timeout of zero, no spin");
    let end_of_time = start + Duration::from_nanos(u64::MAX) * 2;
    assert_eq!(timers.pop_expired(end_of_time), None);
    assert_eq!(timers.len(), 3, "those that never fire still count");
}

/// A deadline past the queue's range is treated as never also where it could be an `Instant`.
#[test]
fn deadlines_out_of_range_are_never() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    let key = timers.insert(start.checked_add(2 * Duration::from_nanos(u64::MAX)), ());
    assert!(timers.contains(key));
    assert_eq!(timers.deadline(key), None);
    assert_eq!(timers.next_deadline(), None);
    assert!(timers.reschedule(key, Some(start)));
    assert_eq!(timers.pop_expired(start), Some((key, ())));
}

/// The clock is past the range: whatever has a deadline is due.
#[test]
fn a_clock_beyond_the_range_fires_everything() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    timers.insert(Some(start + Duration::from_nanos(u64::MAX - 1)), "last");
    timers.insert(Some(start + DAY), "first");
    let beyond = start + Duration::from_nanos(u64::MAX) * 2;
    assert_eq!(
        timers.pop_expired(beyond).map(|(_, value)| value),
        Some("first")
    );
    assert_eq!(
        timers.pop_expired(beyond).map(|(_, value)| value),
        Some("last")
    );
    assert_eq!(timers.pop_expired(beyond), None);
}

#[test]
fn past_deadlines_are_due_at_once_p7() {
    let start = Instant::now();
    let now = start + DAY;
    let mut timers = TimerQueue::new(start);
    timers.insert(Some(now), "now");
    timers.insert(Some(start + DAY / 2), "past");
    assert_eq!(timers.next_deadline(), Some(start + DAY / 2));
    assert_eq!(
        timers.pop_expired(now).map(|(_, value)| value),
        Some("past")
    );
    assert_eq!(timers.pop_expired(now).map(|(_, value)| value), Some("now"));
}

/// Before the origin there is no finer past: such deadlines are the origin, first in, first out.
#[test]
fn deadlines_before_the_origin_are_the_origin() {
    let long_ago = Instant::now();
    let origin = long_ago + DAY;
    let mut timers = TimerQueue::new(origin);
    let first = timers.insert(Some(long_ago + DAY / 2), 1);
    let second = timers.insert(Some(long_ago), 2);
    assert_eq!(timers.deadline(second), Some(origin));
    assert_eq!(timers.next_deadline(), Some(origin));
    // A clock that is behind the origin fires nothing.
    assert_eq!(timers.pop_expired(origin - Duration::from_nanos(1)), None);
    assert_eq!(timers.pop_expired(origin), Some((first, 1)));
    assert_eq!(timers.pop_expired(origin), Some((second, 2)));
}
