//! The clocks, and which threads the types may go to.

use asyncio_timers::{Clock, ManualClock, MonotonicClock, TimerKey, TimerQueue};
use static_assertions::{assert_impl_all, assert_not_impl_any, assert_obj_safe};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

assert_obj_safe!(Clock);

const SECOND: Duration = Duration::from_secs(1);

/// What may cross threads, and what may not: checked when this is compiled.
#[test]
fn types_cross_threads_only_where_they_may_j2() {
    assert_impl_all!(MonotonicClock: Send, Sync, Copy, Default);
    assert_not_impl_any!(ManualClock: Send, Sync);
    assert_impl_all!(TimerKey: Send, Sync, Copy, Eq, std::hash::Hash);
    assert_impl_all!(TimerQueue<u8>: Send, Sync, Unpin);
    assert_not_impl_any!(TimerQueue<Rc<u8>>: Send, Sync);
}

/// Tolerant of everything but going backwards, which is all that is promised.
#[test]
fn the_monotonic_clock_never_goes_backwards_c3() {
    let mut last = MonotonicClock.now();
    for _ in 0..10_000 {
        let now = MonotonicClock.now();
        assert!(now >= last);
        last = now;
    }
    assert!(last <= Instant::now());
}

#[test]
fn a_manual_clock_stands_still_until_it_is_moved() {
    let clock = ManualClock::new();
    let start = clock.now();
    assert_eq!(clock.now(), start);
    clock.advance(SECOND);
    assert_eq!(clock.now(), start + SECOND);
    clock.advance_to(start + 5 * SECOND);
    assert_eq!(clock.now(), start + 5 * SECOND);
    clock.advance(Duration::ZERO);
    assert_eq!(clock.now(), start + 5 * SECOND);
}

#[test]
fn a_manual_clock_never_goes_backwards_c3() {
    let clock = ManualClock::new();
    let start = clock.now();
    clock.advance(SECOND);
    clock.advance_to(start);
    assert_eq!(clock.now(), start + SECOND);
}

#[test]
fn a_manual_clock_stops_at_the_end_of_time_p7() {
    let clock = ManualClock::new();
    clock.advance(Duration::MAX);
    let end = clock.now();
    assert_eq!(end.checked_add(Duration::from_nanos(1)), None);
    clock.advance(Duration::MAX);
    clock.advance(SECOND);
    assert_eq!(clock.now(), end);
}

#[test]
fn clones_of_a_manual_clock_share_the_time() {
    let ours = ManualClock::default();
    let theirs = ours.clone();
    let start = theirs.now();
    ours.advance(SECOND);
    assert_eq!(theirs.now(), start + SECOND);
    theirs.advance(SECOND);
    assert_eq!(ours.now(), start + 2 * SECOND);
}

/// A loop takes a clock by value: owned, borrowed, shared, or behind a trait object.
#[test]
fn every_pointer_to_a_clock_is_a_clock() {
    fn read(clock: impl Clock) -> Instant {
        clock.now()
    }
    let clock = ManualClock::new();
    let time = clock.now();
    let shared: Rc<dyn Clock> = Rc::new(clock.clone());
    let boxed: Box<dyn Clock> = Box::new(clock.clone());
    let borrowed: &dyn Clock = &clock;
    assert_eq!([read(shared), read(boxed), read(borrowed)], [time; 3]);
    assert!(read(Arc::new(MonotonicClock)) >= time);
}
