//! `pool/*`: blocking jobs on other threads.

use std::hint::black_box;

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::Pool;

/// The family's rows.
pub const CASES: &[Case] = &[
    Case {
        name: "pool/one",
        unit: Unit::NsWall,
        what: "an empty job on the pool, awaited, one at a time",
        n: 1,
        batch: 1,
        quick: 4_000,
        full: 50_000,
    },
    Case {
        name: "pool/1000",
        unit: Unit::NsWall,
        what: "a thousand empty jobs handed to the pool, then awaited",
        n: 1000,
        batch: 1000,
        quick: 20_000,
        full: 200_000,
    },
];

/// Time on the wall for each job, `n` in flight at once.
pub fn measure<R: Pool>(params: Params) -> Sample {
    R::run_with_pool(async move {
        run_all::<R>(params.warm_up()).await;
        let meter = Meter::wall();
        run_all::<R>(params).await;
        Sample::new(meter.per_op(params.ops))
    })
}

async fn run_all<R: Pool>(params: Params) {
    let mut jobs = Vec::new();
    for _ in 0..params.rounds() {
        for i in 0..params.batch {
            jobs.push(R::run_blocking(move || black_box(i)));
        }
        for job in jobs.drain(..) {
            let _ = black_box(job.await);
        }
    }
}
