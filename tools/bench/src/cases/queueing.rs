//! `queue/*`: values from task to task.

use std::hint::black_box;

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::{Queue, Runtime};

/// The family's rows.
pub const CASES: &[Case] = &[
    Case {
        batch: BURST,
        ..case(
            "queue/unbounded",
            "a value through a queue without a limit, in bursts of 100",
            10,
        )
    },
    Case {
        batch: BURST,
        ..case(
            "queue/bounded",
            "a value through a queue with room for 100, in bursts of 100",
            10,
        )
    },
    case(
        "queue/pingpong",
        "there and back between two tasks, through two queues of one",
        1,
    ),
];

const BURST: u64 = 100;

const fn case(name: &'static str, what: &'static str, times: u64) -> Case {
    Case {
        name,
        unit: Unit::NsCpu,
        what,
        n: 1,
        batch: 1,
        quick: 200_000 * times,
        full: 2_000_000 * times,
    }
}

/// CPU time for each value that is sent and received, a burst at a time.
pub fn measure_bursts<R: Runtime, Q: Queue>(params: Params) -> Sample {
    async fn bursts<Q: Queue>(params: Params, sender: &Q::Sender, receiver: &mut Q::Receiver) {
        for _ in 0..params.rounds() {
            for value in 0..params.batch {
                Q::send(sender, black_box(value)).await;
            }
            for value in 0..params.batch {
                assert_eq!(Q::receive(receiver).await, value);
            }
        }
    }
    R::run(async move {
        let (sender, mut receiver) = Q::with_room_for(BURST as usize);
        bursts::<Q>(params.warm_up(), &sender, &mut receiver).await;
        let meter = Meter::thread_cpu();
        bursts::<Q>(params, &sender, &mut receiver).await;
        Sample::new(meter.per_op(params.ops))
    })
}

/// CPU time for each time there and back.
pub fn measure_pingpong<R: Runtime, Q: Queue>(params: Params) -> Sample {
    R::run(async move {
        pingpong::<R, Q>(params.warm_up()).await;
        let meter = Meter::thread_cpu();
        pingpong::<R, Q>(params).await;
        Sample::new(meter.per_op(params.ops))
    })
}

async fn pingpong<R: Runtime, Q: Queue>(params: Params) {
    let (there, mut arrives) = Q::with_room_for(1);
    let (back, mut returns) = Q::with_room_for(1);
    let one = R::spawn(async move {
        for value in 0..params.ops {
            Q::send(&there, value).await;
            assert_eq!(Q::receive(&mut returns).await, value);
        }
    });
    let other = R::spawn(async move {
        for _ in 0..params.ops {
            let value = Q::receive(&mut arrives).await;
            Q::send(&back, value).await;
        }
    });
    let _ = one.await;
    let _ = other.await;
}
