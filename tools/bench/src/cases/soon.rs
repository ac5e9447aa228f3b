//! `soon/*`: callbacks, each scheduled by the one before it.

use std::hint::black_box;

use tokio::sync::oneshot;

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::Runtime;

/// The family's rows.
pub const CASES: &[Case] = &[Case {
    name: "soon/chain",
    unit: Unit::NsCpu,
    what: "call_soon from the last callback (peers have none: a detached task from the last one)",
    n: 1,
    batch: 1,
    quick: 500_000,
    full: 5_000_000,
}];

/// CPU time for each link of a chain of detached tasks: the nearest thing that peers have.
pub fn measure_by_spawning<R: Runtime>(params: Params) -> Sample {
    R::run(async move {
        chain::<R>(params.warm_up().ops).await;
        let meter = Meter::thread_cpu();
        chain::<R>(params.ops).await;
        Sample::new(meter.per_op(params.ops))
    })
}

async fn chain<R: Runtime>(links: u64) {
    let (done, end) = oneshot::channel();
    link::<R>(links, done);
    let _ = end.await;
}

fn link<R: Runtime>(left: u64, done: oneshot::Sender<()>) {
    R::detach(R::spawn(async move {
        match black_box(left) {
            0 => drop(done.send(())),
            left => link::<R>(left - 1, done),
        }
    }));
}
