//! `yield/*`: tasks that give way again and again. The cost of one turn through the scheduler.

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::Runtime;

/// The family's rows.
pub const CASES: &[Case] = &[
    case("yield/1", "one task yields, nothing else is ready", 1),
    case("yield/10", "ten tasks yield in turn", 10),
    case("yield/1000", "a thousand tasks yield in turn", 1000),
];

const fn case(name: &'static str, what: &'static str, n: u64) -> Case {
    Case {
        name,
        unit: Unit::NsCpu,
        what,
        n,
        batch: n,
        quick: 400_000,
        full: 5_000_000,
    }
}

/// CPU time for each yield.
pub fn measure<R: Runtime>(params: Params) -> Sample {
    R::run(async move {
        yield_all::<R>(params.warm_up()).await;
        let meter = Meter::thread_cpu();
        yield_all::<R>(params).await;
        Sample::new(meter.per_op(params.ops))
    })
}

async fn yield_all<R: Runtime>(params: Params) {
    let rounds = params.rounds();
    let mut tasks = Vec::new();
    for _ in 0..params.batch {
        tasks.push(R::spawn(async move {
            for _ in 0..rounds {
                R::yield_now().await;
            }
        }));
    }
    for task in tasks {
        let _ = task.await;
    }
}
