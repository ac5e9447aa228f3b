//! The agreement between a sleeper and its wakers under every interleaving: scenario W8.
//!
//! `RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=3 cargo test -p asyncio-reactor --release --test loom_notify`

#![cfg(loom)]

#[path = "../src/sleep.rs"]
#[allow(unreachable_pub)]
mod sleep;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use sleep::Sleep;

/// What an eventfd is to the protocol: a write makes the sleep end, now or at once when it begins.
#[derive(Default)]
struct Kernel {
    written: Mutex<usize>,
    changed: Condvar,
}

impl Kernel {
    fn write(&self) {
        *self.written.lock().unwrap() += 1;
        self.changed.notify_one();
    }

    fn sleep(&self) {
        let mut written = self.written.lock().unwrap();
        while *written == 0 {
            written = self.changed.wait(written).unwrap();
        }
        *written = 0;
    }
}

struct World {
    sleep: Sleep,
    kernel: Kernel,
    /// Published work. Relaxed on purpose: the protocol alone must make it visible.
    work: AtomicUsize,
    writes: AtomicUsize,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            sleep: Sleep::new(),
            kernel: Kernel {
                written: Mutex::new(0),
                changed: Condvar::new(),
            },
            work: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
        })
    }

    /// A waker: publishes one piece of work.
    fn publish(&self) {
        self.work.fetch_add(1, Ordering::Relaxed);
        if self.sleep.notify() {
            self.writes.fetch_add(1, Ordering::Relaxed);
            self.kernel.write();
        }
    }

    /// The sleeper: takes `count` pieces of work; the number of its sleeps. Should a wake-up be
    /// lost, it sleeps for ever, and loom reports the deadlock.
    fn take(&self, count: usize) -> usize {
        let (mut done, mut sleeps) = (0, 0);
        while done < count {
            if self.sleep.fall_asleep() {
                sleeps += 1;
                self.kernel.sleep();
            }
            self.sleep.wake_up();
            done += self.work.swap(0, Ordering::Relaxed);
        }
        sleeps
    }
}

fn check(wakers: usize, each: usize) {
    loom::model(move || {
        let world = World::new();
        let threads: Vec<_> = (0..wakers)
            .map(|_| {
                let world = Arc::clone(&world);
                thread::spawn(move || (0..each).for_each(|_| world.publish()))
            })
            .collect();
        let sleeps = world.take(wakers * each);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert!(
            world.writes.load(Ordering::Relaxed) <= sleeps,
            "one system call a sleep"
        );
    });
}

#[test]
fn one_waker_is_never_slept_over_w8() {
    check(1, 2);
}

#[test]
fn two_wakers_are_never_slept_over_and_write_once_a_sleep_w8() {
    check(2, 1);
}

/// What the sleeper reads after `wake_up` is what was written before `notify`, without any other
/// synchronisation: a relaxed load could still see the old value.
#[test]
fn work_is_visible_after_the_wake_up_w8() {
    loom::model(|| {
        let world = World::new();
        let payload = Arc::new(AtomicUsize::new(0));
        let waker = {
            let (world, payload) = (Arc::clone(&world), Arc::clone(&payload));
            thread::spawn(move || {
                payload.store(7, Ordering::Relaxed);
                world.publish();
            })
        };
        loop {
            if world.sleep.fall_asleep() {
                world.kernel.sleep();
            }
            if world.sleep.wake_up() {
                break;
            }
        }
        assert_eq!(payload.load(Ordering::Relaxed), 7);
        waker.join().unwrap();
    });
}
