//! `threadsafe/*`: another thread hands calls to the loop.

use std::hint::black_box;
use std::sync::mpsc;

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::Threadsafe;

/// The family's rows.
pub const CASES: &[Case] = &[
    Case {
        name: "threadsafe/flood",
        unit: Unit::NsCpu,
        what: "another thread hands over calls as fast as it can (CPU of both threads)",
        n: 1,
        batch: 1,
        quick: 300_000,
        full: 2_000_000,
    },
    Case {
        name: "threadsafe/pingpong",
        unit: Unit::NsCpu,
        what: "a call from another thread answers it, one at a time (CPU of both threads)",
        n: 1,
        batch: 1,
        quick: 10_000,
        full: 50_000,
    },
];

/// CPU time of both threads for each call of a flood.
pub fn measure_flood<R: Threadsafe>(params: Params) -> Sample {
    measure::<R, _>(params, |calls| {
        R::serve(move |remote| {
            for i in 0..calls {
                R::send(&remote, move || {
                    black_box(i);
                });
            }
        })
    })
}

/// CPU time of both threads for each round trip.
pub fn measure_pingpong<R: Threadsafe>(params: Params) -> Sample {
    measure::<R, _>(params, |trips| {
        R::serve(move |remote| {
            let (answer, answers) = mpsc::channel();
            for i in 0..trips {
                let answer = answer.clone();
                R::send(&remote, move || {
                    let _ = answer.send(black_box(i));
                });
                let _ = black_box(answers.recv());
            }
        })
    })
}

fn measure<R, F>(params: Params, serve: impl Fn(u64) -> F + 'static) -> Sample
where
    R: Threadsafe,
    F: Future<Output = ()> + 'static,
{
    R::run(async move {
        serve(params.warm_up().ops).await;
        let meter = Meter::process_cpu();
        serve(params.ops).await;
        Sample::new(meter.per_op(params.ops))
    })
}
