//! How long a wait sleeps. These tests look at the real clock, and allow for a slow machine: only
//! what must never happen (early, for ever, over and over) is an error.

mod scene;

use asyncio_reactor::Reactor;
use scene::MakeSelector;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

on_every_selector! {
    zero_does_not_sleep,
    huge_timeouts_are_no_error_and_do_not_spin_p7,
    a_deadline_is_met_in_few_waits_and_never_early_p8,
    a_timer_that_was_not_awaited_does_not_disturb_the_next_wait,
}

fn zero_does_not_sleep(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    for _ in 0..100 {
        let waited = reactor.wait(Some(Duration::ZERO)).unwrap();
        assert_eq!((waited.events, waited.notified), (0, false));
    }
}

fn huge_timeouts_are_no_error_and_do_not_spin_p7(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let day = Duration::from_secs(24 * 60 * 60);
    let timeouts = [
        None,
        Some(Duration::MAX),
        Some(Duration::MAX - Duration::from_nanos(1)),
        Some(Duration::from_millis(u64::MAX)),
        Some(Duration::from_secs(i64::MAX as u64 + 1)),
        Some(Duration::from_millis(i32::MAX as u64)),
        Some(Duration::from_millis(i32::MAX as u64 + 1)),
        Some(24 * day + day / 2 + day / 3),
    ];
    for timeout in timeouts {
        let notifier = reactor.notifier();
        // The time in which a wait that does not sleep would return.
        let thread = thread::spawn(move || {
            thread::park_timeout(Duration::from_millis(5));
            notifier.notify();
        });
        let mut waits = 0;
        while !reactor.wait(timeout).unwrap().notified {
            waits += 1;
        }
        assert!(waits <= 2, "{timeout:?} was waited for {waits} times");
        thread.join().unwrap();
    }
}

fn a_deadline_is_met_in_few_waits_and_never_early_p8(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    for timeout in [
        1, 10, 50, 300, 999, 1000, 1001, 1500, 19_999, 20_001, 60_000, 250_000,
    ] {
        let timeout = Duration::from_micros(timeout);
        let begin = Instant::now();
        let mut waits = 0;
        loop {
            let rest = timeout.saturating_sub(begin.elapsed());
            if rest.is_zero() {
                break;
            }
            reactor.wait(Some(rest)).unwrap();
            waits += 1;
        }
        // A long one is shortened once for exactness; a timer may end a wait early by its clock's
        // rounding; and the last wait may be the one that an older timer ends.
        assert!(waits <= 4, "{timeout:?} took {waits} waits");
        assert!(begin.elapsed() >= timeout);
        assert!(begin.elapsed() < timeout + Duration::from_secs(5));
    }
}

/// Something came before the timeout was over; whatever the selector used for it goes off later, in
/// a wait that has nothing to do with it, and once.
fn a_timer_that_was_not_awaited_does_not_disturb_the_next_wait(make: MakeSelector) {
    let reactor: Reactor<char> = Reactor::with_selector(make());
    let (mut far, near) = UnixStream::pair().unwrap();
    let number = near.as_raw_fd();
    far.write_all(b"x").unwrap();
    reactor.set_reader(near, 'r').unwrap();
    assert_eq!(scene::turn_for(&reactor, Duration::from_millis(2)), ['r']);
    reactor.remove_reader(number);

    let deadline = Instant::now() + Duration::from_millis(30);
    let mut waits = 0;
    loop {
        let rest = deadline.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            break;
        }
        let waited = reactor.wait(Some(rest)).unwrap();
        assert_eq!((waited.events, waited.notified), (0, false));
        waits += 1;
    }
    assert!(waits <= 5, "{waits} waits");
}
