//! `lock/*` and `semaphore/*`: keeping tasks out of each other's way.

use std::hint::black_box;
use std::rc::Rc;

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::Locks;

/// The families' rows.
pub const CASES: &[Case] = &[
    case(
        "lock/free",
        "take a lock that is free, and release it",
        1,
        10,
    ),
    case(
        "lock/contended",
        "ten tasks take a lock in turn, and hold it over a yield",
        10,
        1,
    ),
    case(
        "semaphore/free",
        "take a permit that is free, and give it back",
        1,
        10,
    ),
];

const fn case(name: &'static str, what: &'static str, n: u64, times: u64) -> Case {
    Case {
        name,
        unit: Unit::NsCpu,
        what,
        n,
        batch: n,
        quick: 200_000 * times,
        full: 2_000_000 * times,
    }
}

/// CPU time for each time that a free lock is held.
pub fn measure_lock<L: Locks>(params: Params) -> Sample {
    async fn hold<L: Locks>(params: Params, lock: &L::Lock) {
        for _ in 0..params.ops {
            black_box(L::acquire(black_box(lock)).await);
        }
    }
    L::run(async move {
        let lock = L::lock();
        hold::<L>(params.warm_up(), &lock).await;
        let meter = Meter::thread_cpu();
        hold::<L>(params, &lock).await;
        Sample::new(meter.per_op(params.ops))
    })
}

/// CPU time for each time that a free permit is held.
pub fn measure_semaphore<L: Locks>(params: Params) -> Sample {
    async fn hold<L: Locks>(params: Params, semaphore: &L::Semaphore) {
        for _ in 0..params.ops {
            black_box(L::permit(black_box(semaphore)).await);
        }
    }
    L::run(async move {
        let semaphore = L::semaphore();
        hold::<L>(params.warm_up(), &semaphore).await;
        let meter = Meter::thread_cpu();
        hold::<L>(params, &semaphore).await;
        Sample::new(meter.per_op(params.ops))
    })
}

/// CPU time for each time that one of `n` tasks holds the lock.
pub fn measure_contended<L: Locks>(params: Params) -> Sample {
    L::run(async move {
        contend::<L>(params.warm_up()).await;
        let meter = Meter::thread_cpu();
        contend::<L>(params).await;
        Sample::new(meter.per_op(params.ops))
    })
}

async fn contend<L: Locks>(params: Params) {
    let rounds = params.rounds();
    let lock = Rc::new(L::lock());
    let mut tasks = Vec::new();
    for _ in 0..params.batch {
        let lock = Rc::clone(&lock);
        tasks.push(L::spawn(async move {
            for _ in 0..rounds {
                let held = L::acquire(&lock).await;
                L::yield_now().await;
                drop(held);
            }
        }));
    }
    for task in tasks {
        let _ = task.await;
    }
}
