//! `gather/*`: many tasks awaited as one group.

use std::hint::black_box;

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::Gather;

/// The family's rows.
pub const CASES: &[Case] = &[Case {
    name: "gather/100k",
    unit: Unit::NsCpu,
    what: "100 k tasks started, awaited as one group, results collected",
    n: 100_000,
    batch: 100_000,
    quick: 200_000,
    full: 2_000_000,
}];

/// CPU time for each task of a group of `n`.
pub fn measure<R: Gather>(params: Params) -> Sample {
    R::run(async move {
        gather_all::<R>(params.warm_up()).await;
        let meter = Meter::thread_cpu();
        gather_all::<R>(params).await;
        Sample::new(meter.per_op(params.ops))
    })
}

async fn gather_all<R: Gather>(params: Params) {
    for _ in 0..params.rounds() {
        let sum = R::gather(params.batch, |i| async move { black_box(i) }).await;
        assert_eq!(
            sum,
            (0..params.batch).sum::<u64>(),
            "a result of the group is missing"
        );
    }
}
