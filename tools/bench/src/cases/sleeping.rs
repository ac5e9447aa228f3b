//! `sleep/*`: timers that are dropped, that fire, and how late they are.

use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::{Duration, Instant};

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::Sleep;

/// The family's rows.
pub const CASES: &[Case] = &[
    Case {
        name: "sleep/drop-10k",
        unit: Unit::NsCpu,
        what: "create, poll and drop a sleep with 10 k others outstanding, random deadlines",
        n: 10_000,
        batch: 1,
        quick: 300_000,
        full: 2_000_000,
    },
    Case {
        name: "sleep/drop-1m",
        unit: Unit::NsCpu,
        what: "the same with 1 M others outstanding",
        n: 1_000_000,
        batch: 1,
        quick: 300_000,
        full: 2_000_000,
    },
    Case {
        name: "sleep/fire-1m",
        unit: Unit::NsCpu,
        what: "spawn, sleep, fire and end: tasks that fire at 1 M a second (100 k in quick mode)",
        n: 1,
        batch: 1,
        quick: 100_000,
        full: 1_000_000,
    },
    Case {
        name: "sleep/late-50us",
        unit: Unit::NsWall,
        what: "sleeps of 50 µs one after another: lateness, median",
        n: 50_000,
        batch: 1,
        quick: 200,
        full: 1000,
    },
    Case {
        name: "sleep/late-1ms",
        unit: Unit::NsWall,
        what: "sleeps of 1 ms one after another: lateness, median",
        n: 1_000_000,
        batch: 1,
        quick: 100,
        full: 500,
    },
];

/// The count on the side: sleeps that ended before their time. One is one too many.
pub const EARLY: &str = "early";

/// Deadlines lie this far ahead at least, so that none fires while others are measured.
const FAR: Duration = Duration::from_secs(20);
/// And are spread over this much.
const SPREAD: Duration = Duration::from_secs(60);
/// Give the loop a turn after so many sleeps: what a runtime puts off belongs to its price, and
/// tokio's sleeps refuse to register after 128 in one poll of a task.
const SLEEPS_A_TURN: u64 = 100;

/// CPU time (all threads) for each sleep created, polled once and dropped.
pub fn measure_drop<R: Sleep>(params: Params) -> Sample {
    R::run(async move {
        let mut random = Random::new();
        let mut outstanding = Vec::with_capacity(params.n as usize);
        for i in 0..params.n {
            let mut sleep = Box::pin(R::sleep(FAR + random.below(SPREAD)));
            poll_once(sleep.as_mut()).await;
            outstanding.push(sleep);
            if i % SLEEPS_A_TURN == 0 {
                R::yield_now().await;
            }
        }
        drop_all::<R>(params.warm_up().ops, &mut random).await;
        let meter = Meter::process_cpu();
        drop_all::<R>(params.ops, &mut random).await;
        Sample::new(meter.per_op(params.ops))
    })
}

async fn drop_all<R: Sleep>(sleeps: u64, random: &mut Random) {
    for i in 0..sleeps {
        poll_once(pin!(R::sleep(FAR + random.below(SPREAD)))).await;
        if i % SLEEPS_A_TURN == 0 {
            R::yield_now().await;
        }
    }
}

/// Polls `sleep` with the task's own waker. It must be pending: its deadline is far away.
async fn poll_once(mut sleep: Pin<&mut impl Future>) {
    std::future::poll_fn(|context| {
        assert!(
            sleep.as_mut().poll(context).is_pending(),
            "a sleep ended before its time"
        );
        Poll::Ready(())
    })
    .await;
}

/// CPU time (all threads) for the whole life of each of `ops` sleeping tasks.
///
/// They sleep between one and two times a window of one microsecond a task, so that all are
/// outstanding before the first fires, and then one fires each microsecond on average.
pub fn measure_fire<R: Sleep>(params: Params) -> Sample {
    R::run(async move {
        fire_all::<R>(params.warm_up().ops).await;
        let meter = Meter::process_cpu();
        fire_all::<R>(params.ops).await;
        Sample::new(meter.per_op(params.ops))
    })
}

async fn fire_all<R: Sleep>(sleeps: u64) {
    let window = Duration::from_micros(sleeps);
    let mut random = Random::new();
    let mut tasks = Vec::with_capacity(sleeps as usize);
    for _ in 0..sleeps {
        tasks.push(R::spawn(R::sleep(window + random.below(window))));
    }
    for task in tasks {
        let _ = task.await;
    }
}

/// Median lateness in wall-clock nanoseconds of `ops` sleeps of `n` nanoseconds.
pub fn measure_late<R: Sleep>(params: Params) -> Sample {
    let duration = Duration::from_nanos(params.n);
    R::run(async move {
        sleep_in_turn::<R>(duration, params.warm_up().ops).await;
        lateness(duration, sleep_in_turn::<R>(duration, params.ops).await)
    })
}

async fn sleep_in_turn<R: Sleep>(duration: Duration, sleeps: u64) -> Vec<Duration> {
    let mut spans = Vec::with_capacity(sleeps as usize);
    for _ in 0..sleeps {
        let start = Instant::now();
        R::sleep(duration).await;
        spans.push(start.elapsed());
    }
    spans
}

/// The sample of sleeps of `duration` that took `spans`.
pub fn lateness(duration: Duration, mut spans: Vec<Duration>) -> Sample {
    let early = spans.iter().filter(|span| **span < duration).count();
    spans.sort_unstable();
    let median = spans[spans.len() / 2].as_nanos() as f64;
    Sample::new(median - duration.as_nanos() as f64).with(EARLY, early as f64)
}

/// The same seeded deadlines for every contender (xorshift64*; Marsaglia 2003, Vigna 2016).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// The generator at the start of its sequence.
    #[expect(
        clippy::new_without_default,
        reason = "a default seed would hide that it is fixed"
    )]
    pub fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// A duration below `limit`.
    pub fn below(&mut self, limit: Duration) -> Duration {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let random = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        let nanos = (u128::from(random) * limit.as_nanos()) >> 64;
        Duration::from_nanos(nanos as u64)
    }
}
