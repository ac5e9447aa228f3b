//! `scope/*` and `timeout/*`: what a cancel scope and a deadline add to what is in them.

use std::future::poll_fn;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use asyncio_executor::catch_cancelled;

use super::{Case, Params};
use crate::meter::{Meter, Sample, Unit};
use crate::runtime::{Runtime, Sleep, Timeout};

/// The families' rows.
pub const CASES: &[Case] = &[
    Case {
        name: "scope/nested-3",
        unit: Unit::NsCpu,
        what: "a poll through three scopes, over one through none",
        n: 3,
        batch: 1,
        quick: 3_000_000,
        full: 30_000_000,
    },
    Case {
        name: "timeout/ready",
        unit: Unit::NsCpu,
        what: "a timeout around a future that is ready at once, over that future",
        n: 1,
        batch: 1,
        quick: 3_000_000,
        full: 30_000_000,
    },
    Case {
        name: "timeout/pending",
        unit: Unit::NsCpu,
        what: "a timeout around a future that is pending once, over a sleep polled and dropped",
        n: 1,
        batch: 1,
        quick: 1_000_000,
        full: 10_000_000,
    },
];

/// No deadline of these cases is reached.
const FAR: Duration = Duration::from_secs(3600);
/// Give the loop a turn after so many: see `sleep/*`.
const OPS_A_TURN: u64 = 100;

/// CPU time that three scopes add to a poll. What is polled is inside a task, so that its waker is
/// the task's, and pending.
pub fn measure_nested<R: Runtime>(params: Params) -> Sample {
    R::run(async move {
        let mut plain = pin!(Waits);
        let mut nested = pin!(catch_cancelled(catch_cancelled(catch_cancelled(Waits))));
        poll_often(plain.as_mut(), params.warm_up().ops).await;
        poll_often(nested.as_mut(), params.warm_up().ops).await;
        let meter = Meter::thread_cpu();
        poll_often(nested, params.ops).await;
        let with = meter.per_op(params.ops);
        let meter = Meter::thread_cpu();
        poll_often(plain, params.ops).await;
        Sample::difference(with, meter.per_op(params.ops))
    })
}

async fn poll_often(mut future: Pin<&mut impl Future>, polls: u64) {
    poll_fn(|context| {
        for _ in 0..polls {
            assert!(future.as_mut().poll(context).is_pending(), "it waits");
        }
        Poll::Ready(())
    })
    .await;
}

/// Waits for ever.
struct Waits;

impl Future for Waits {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        black_box(context);
        Poll::Pending
    }
}

/// CPU time that a timeout adds to a future that is ready at once.
pub fn measure_ready<R: Timeout>(params: Params) -> Sample {
    R::run(async move {
        limited::<R, _>(params.warm_up().ops, Steps::none).await;
        let meter = Meter::thread_cpu();
        limited::<R, _>(params.ops, Steps::none).await;
        let with = meter.per_op(params.ops);
        let meter = Meter::thread_cpu();
        unlimited::<R>(params.ops).await;
        Sample::difference(with, meter.per_op(params.ops))
    })
}

/// CPU time that a timeout around a future which is pending once takes more than a sleep that is
/// polled and dropped, and the same future without one.
pub fn measure_pending<R: Timeout>(params: Params) -> Sample {
    R::run(async move {
        limited::<R, _>(params.warm_up().ops, Steps::one).await;
        sleep_and_drop::<R>(params.warm_up().ops).await;
        let meter = Meter::thread_cpu();
        limited::<R, _>(params.ops, Steps::one).await;
        let with = meter.per_op(params.ops);
        let meter = Meter::thread_cpu();
        sleep_and_drop::<R>(params.ops).await;
        Sample::difference(with, meter.per_op(params.ops))
    })
}

async fn limited<R: Timeout, F: Future<Output = u64>>(ops: u64, make: impl Fn(u64) -> F) {
    for i in 0..ops {
        let value = to_its_end(pin!(R::timeout(FAR, make(i)))).await;
        assert!(value.is_ok_and(|value| value == i), "it has ended in time");
        give_way::<R>(i).await;
    }
}

async fn unlimited<R: Timeout>(ops: u64) {
    for i in 0..ops {
        assert!(to_its_end(pin!(Steps::none(i))).await == i, "its value");
        give_way::<R>(i).await;
    }
}

async fn sleep_and_drop<R: Sleep>(ops: u64) {
    for i in 0..ops {
        {
            let mut sleep = pin!(R::sleep(FAR));
            poll_fn(|context| {
                assert!(sleep.as_mut().poll(context).is_pending(), "it is far away");
                Poll::Ready(())
            })
            .await;
        }
        assert!(to_its_end(pin!(Steps::one(i))).await == i, "its value");
        give_way::<R>(i).await;
    }
}

async fn give_way<R: Runtime>(i: u64) {
    if i.is_multiple_of(OPS_A_TURN) {
        R::yield_now().await;
    }
}

/// Polls a future until it is ready, without the runtime: a turn costs as much as what is measured.
async fn to_its_end<F: Future>(mut future: Pin<&mut F>) -> F::Output {
    poll_fn(|context| {
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(output);
            }
        }
    })
    .await
}

/// A future that is pending so many times.
struct Steps(u32, u64);

impl Steps {
    fn none(value: u64) -> Self {
        Self(0, value)
    }

    fn one(value: u64) -> Self {
        Self(1, value)
    }
}

impl Future for Steps {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u64> {
        black_box(context);
        match self.0.checked_sub(1) {
            None => Poll::Ready(black_box(self.1)),
            Some(left) => {
                self.0 = left;
                Poll::Pending
            }
        }
    }
}
