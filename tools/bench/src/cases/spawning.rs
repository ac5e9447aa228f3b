//! `spawn/*`: tasks that end at once, awaited. The cost of a task's whole life.

use std::hint::black_box;

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::Runtime;

/// The family's rows.
pub const CASES: &[Case] = &[
    Case {
        name: "spawn/one",
        unit: Unit::NsCpu,
        what: "spawn a task and await it, one at a time",
        n: 1,
        batch: 1,
        quick: 300_000,
        full: 2_000_000,
    },
    Case {
        name: "spawn/1000",
        unit: Unit::NsCpu,
        what: "spawn a thousand tasks, then await each",
        n: 1000,
        batch: 1000,
        quick: 500_000,
        full: 5_000_000,
    },
];

/// CPU time for each task, `n` in flight at once.
pub fn measure<R: Runtime>(params: Params) -> Sample {
    R::run(async move {
        spawn_all::<R>(params.warm_up()).await;
        let meter = Meter::thread_cpu();
        spawn_all::<R>(params).await;
        Sample::new(meter.per_op(params.ops))
    })
}

async fn spawn_all<R: Runtime>(params: Params) {
    let mut tasks = Vec::new();
    for _ in 0..params.rounds() {
        for i in 0..params.batch {
            tasks.push(R::spawn(async move { black_box(i) }));
        }
        for task in tasks.drain(..) {
            let _ = black_box(task.await);
        }
    }
}
