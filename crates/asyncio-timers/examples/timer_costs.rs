//! Prints what the operations of the queue cost on this machine, in nanoseconds each.
//!
//! `cargo run --release -p asyncio-timers --example timer_costs`
//!
//! Deadlines are random with a fixed seed where they are random. Each figure is the best of a few
//! rounds: on a busy machine the others measure the neighbours.

use asyncio_timers::{Clock, MonotonicClock, TimerKey, TimerQueue};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;
const OPERATIONS: u64 = 300_000;
const MINUTE_NS: u64 = 60_000_000_000;

fn main() {
    println!("{:>10}  {:<44} ns each", "timers", "operation");
    for timers in [1_000, 10_000, 100_000, 1_000_000] {
        insert_and_remove_the_same(timers);
        remove_any_and_insert(timers);
        append_and_remove(timers);
        postpone(timers);
        pop_all_in_order(timers);
        pop_and_insert(timers);
    }
}

/// A `sleep` that is created and dropped, among many others.
fn insert_and_remove_the_same(outstanding: usize) {
    let (mut world, _) = World::with(outstanding);
    best(
        "insert at random, remove it",
        outstanding,
        OPERATIONS,
        || {
            for _ in 0..OPERATIONS {
                let deadline = world.random_deadline();
                let key = world.timers.insert(deadline, "value");
                black_box(world.timers.remove(key));
            }
        },
    );
}

/// The hardest case for the caches: any timer goes, another one comes.
fn remove_any_and_insert(outstanding: usize) {
    let (mut world, mut keys) = World::with(outstanding);
    best(
        "remove any, insert at random",
        outstanding,
        OPERATIONS,
        || {
            for _ in 0..OPERATIONS {
                let pick = world.random() as usize % keys.len();
                black_box(world.timers.remove(keys[pick]));
                let deadline = world.random_deadline();
                keys[pick] = world.timers.insert(deadline, "value");
            }
        },
    );
}

/// A time-out of constant length, which is later than all that were set before it.
fn append_and_remove(outstanding: usize) {
    let (mut world, _) = World::with(outstanding);
    let mut last = world.origin + Duration::from_nanos(MINUTE_NS);
    best(
        "insert as the last, remove it",
        outstanding,
        OPERATIONS,
        || {
            for _ in 0..OPERATIONS {
                last += Duration::from_nanos(1);
                let key = world.timers.insert(Some(last), "value");
                black_box(world.timers.remove(key));
            }
        },
    );
}

/// An idle time-out that every packet pushes back.
fn postpone(outstanding: usize) {
    let (mut world, keys) = World::with(outstanding);
    let mut later = world.origin + Duration::from_nanos(MINUTE_NS);
    best(
        "reschedule to later, one after another",
        outstanding,
        OPERATIONS,
        || {
            for key in keys.iter().cycle().take(OPERATIONS as usize) {
                later += Duration::from_nanos(1);
                black_box(world.timers.reschedule(*key, Some(later)));
            }
        },
    );
}

/// All expire at once.
fn pop_all_in_order(outstanding: usize) {
    let mut best_ns = u64::MAX;
    for _ in 0..ROUNDS {
        let (mut world, _) = World::with(outstanding);
        let end = world.origin + Duration::from_nanos(MINUTE_NS);
        let start = MonotonicClock.now();
        while let Some(popped) = world.timers.pop_expired(end) {
            black_box(popped);
        }
        best_ns = best_ns.min(nanoseconds_since(start));
    }
    report("pop all in order", outstanding, best_ns, outstanding as u64);
}

/// Each timer that fires is armed again.
fn pop_and_insert(outstanding: usize) {
    let (mut world, _) = World::with(outstanding);
    let end = world.origin + Duration::from_nanos(u64::MAX / 2);
    best(
        "next deadline, pop it, insert at random later",
        outstanding,
        OPERATIONS,
        || {
            for _ in 0..OPERATIONS {
                let Some(now) = world.timers.next_deadline() else {
                    return;
                };
                black_box(world.timers.pop_expired(now.min(end)));
                let delay = Duration::from_nanos(world.random() % MINUTE_NS);
                world.timers.insert(now.checked_add(delay), "value");
            }
        },
    );
}

/// A queue full of timers due at random within a minute.
struct World {
    origin: Instant,
    timers: TimerQueue<&'static str>,
    random: u64,
}

impl World {
    fn with(outstanding: usize) -> (Self, Vec<TimerKey>) {
        let origin = MonotonicClock.now();
        let mut world = Self {
            origin,
            timers: TimerQueue::with_capacity(origin, outstanding + 1),
            random: 0x9e37_79b9_7f4a_7c15,
        };
        let keys = (0..outstanding)
            .map(|_| {
                let deadline = world.random_deadline();
                world.timers.insert(deadline, "value")
            })
            .collect();
        (world, keys)
    }

    /// Xorshift: nothing to install, the same in each run.
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }

    fn random_deadline(&mut self) -> Option<Instant> {
        let delay = Duration::from_nanos(self.random() % MINUTE_NS);
        self.origin.checked_add(delay)
    }
}

fn best(operation: &str, outstanding: usize, operations: u64, mut round: impl FnMut()) {
    let best_ns = (0..ROUNDS)
        .map(|_| {
            let start = MonotonicClock.now();
            round();
            nanoseconds_since(start)
        })
        .min()
        .unwrap_or_default();
    report(operation, outstanding, best_ns, operations);
}

fn nanoseconds_since(start: Instant) -> u64 {
    (MonotonicClock.now() - start).as_nanos() as u64
}

fn report(operation: &str, outstanding: usize, total_ns: u64, operations: u64) {
    let each = total_ns as f64 / operations as f64;
    println!("{outstanding:>10}  {operation:<44} {each:.1}");
}
