//! `group/*`: tasks that a group waits for. What structure costs over spawning and awaiting by hand.

use std::hint::black_box;

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::Group;

/// The family's rows.
pub const CASES: &[Case] = &[Case {
    name: "group/1000",
    unit: Unit::NsCpu,
    what: "a task group of a thousand children that end at once",
    n: 1000,
    batch: 1000,
    quick: 500_000,
    full: 5_000_000,
}];

/// CPU time for each child of a group of `n`.
pub fn measure<R: Group>(params: Params) -> Sample {
    R::run(async move {
        group_all::<R>(params.warm_up()).await;
        let meter = Meter::thread_cpu();
        group_all::<R>(params).await;
        Sample::new(meter.per_op(params.ops))
    })
}

async fn group_all<R: Group>(params: Params) {
    for _ in 0..params.rounds() {
        R::group(params.batch, |i| async move {
            black_box(i);
            Ok(())
        })
        .await;
    }
}
