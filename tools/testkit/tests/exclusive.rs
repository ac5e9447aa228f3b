//! The process-wide lock lets one test in at a time, and the pack does not mistake the others for
//! leaks.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use asyncio_testkit::{Pack, eventually, exclusive, threads};

#[test]
fn only_one_thread_is_inside() {
    let inside = AtomicU32::new(0);
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..100 {
                    let _alone = exclusive();
                    assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::Relaxed);
                }
            });
        }
    });
}

#[test]
fn the_holder_may_take_it_again() {
    let _outer = exclusive();
    let _inner = exclusive();
    Pack::new().run(|| drop(exclusive()));
}

#[test]
fn a_panic_releases_it() {
    let panicked = thread::spawn(|| {
        let _alone = exclusive();
        panic!("while it is held");
    });
    assert!(panicked.join().is_err());
    drop(exclusive());
}

#[test]
#[cfg(target_os = "linux")]
fn a_thread_that_waits_for_it_is_no_leak() {
    let _alone = exclusive();
    let waiting = Arc::new(AtomicBool::new(false));
    let mut waiter = None;
    let mut rounds = 0;
    // The scenario starts a thread that outlives it, as libtest starts the next test's.
    Pack::new().settle_time_max(Duration::from_secs(5)).run(|| {
        rounds += 1;
        if rounds == 2 {
            let waiting = waiting.clone();
            waiter = Some(thread::spawn(move || {
                waiting.store(true, Ordering::Release);
                drop(exclusive());
            }));
        }
    });
    eventually("the waiter's start", Duration::from_secs(30), || {
        waiting.load(Ordering::Acquire)
    });
    assert!(threads().unwrap() >= 2);
    drop(_alone);
    waiter.expect("the second round starts it").join().unwrap();
}
