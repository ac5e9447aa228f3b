//! `soon/*`: callbacks, each scheduled by the one before it.

use std::hint::black_box;

use tokio::sync::oneshot;

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::{Callbacks, Runtime};

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

/// CPU time for each link of a chain of callbacks.
pub fn measure<R: Callbacks>(params: Params) -> Sample {
    measure_links::<R>(params, call_link::<R>)
}

/// CPU time for each link of a chain of detached tasks: the nearest thing that peers have.
pub fn measure_by_spawning<R: Runtime>(params: Params) -> Sample {
    measure_links::<R>(params, spawn_link::<R>)
}

fn measure_links<R: Runtime>(params: Params, start: fn(u64, oneshot::Sender<()>)) -> Sample {
    R::run(async move {
        let chain = async |links| {
            let (done, end) = oneshot::channel();
            start(links, done);
            let _ = end.await;
        };
        chain(params.warm_up().ops).await;
        let meter = Meter::thread_cpu();
        chain(params.ops).await;
        Sample::new(meter.per_op(params.ops))
    })
}

/// A callback that calls the next soon; the last one drops `done`, which ends the wait.
fn call_link<R: Callbacks>(left: u64, done: oneshot::Sender<()>) {
    R::call_soon(move || match black_box(left) {
        0 => drop(done),
        left => call_link::<R>(left - 1, done),
    });
}

/// A task that spawns the next one.
fn spawn_link<R: Runtime>(left: u64, done: oneshot::Sender<()>) {
    R::detach(R::spawn(async move {
        match black_box(left) {
            0 => drop(done),
            left => spawn_link::<R>(left - 1, done),
        }
    }));
}
