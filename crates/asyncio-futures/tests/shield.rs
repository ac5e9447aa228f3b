//! Shields: what is behind one goes on, whatever becomes of the one who waits.

mod turns;

use std::cell::Cell;
use std::future::{IntoFuture, pending};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use asyncio_executor::{ErrorContext, Spawner, Task, TaskError, yield_now};
use asyncio_futures::{
    Future, GatherError, ReturnWhen, gather, gather_on, shield, try_gather, try_wait,
};
use turns::{Log, Turns};

fn spawn<F: std::future::Future<Output: 'static> + 'static>(future: F) -> Task<F::Output> {
    Spawner::current().unwrap().create_task(future)
}

/// asyncio: three iterations for `await shield(coroutine)`.
#[test]
fn a_shield_resumes_its_awaiter_in_the_third_turn() {
    let turns = Turns::new();
    let turn = turns.turn();
    let took = turns.run(async move {
        let before = turn.now();
        assert_eq!(shield(async { 1 }).await.unwrap(), 1);
        turn.now() - before
    });
    assert_eq!(took, 3);
}

#[test]
fn a_shield_of_what_is_done_is_done() {
    let turns = Turns::new();
    let turn = turns.turn();
    turns.run(async move {
        let future = Future::new();
        future.set_result(3).unwrap();
        let before = turn.now();
        let outer = shield(future);
        assert!(outer.done());
        assert_eq!(outer.result().unwrap().unwrap(), &3);
        assert_eq!(outer.await.unwrap(), 3);
        assert_eq!(turn.now(), before);
    });
}

#[test]
fn cancelling_the_awaiting_task_ends_it_and_the_shielded_one_goes_on() {
    let turns = Turns::new();
    let log = Log::default();
    let inner = log.clone();
    let waiting = turns.executor().create_task(async move {
        let saved = log.clone();
        let _never = shield(async move {
            for _ in 0..5 {
                yield_now().await;
            }
            saved.add("saved");
        })
        .await;
        log.add("unreachable");
    });
    turns.one_turn();
    turns.one_turn();
    waiting.cancel();
    turns.settle();
    assert!(waiting.cancelled());
    assert_eq!(inner.take(), ["saved"]);
}

#[test]
fn a_cancelled_shield_is_a_cancellation_that_can_be_looked_at() {
    let turns = Turns::new();
    turns.run(async {
        let mut task = spawn(async {
            yield_now().await;
            yield_now().await;
            7
        });
        let mut outer = shield(&mut task);
        assert!(outer.cancel_with("outer only"));
        assert!(!outer.cancel());
        assert!(outer.cancelled());
        let error = (&mut outer).await.unwrap_err();
        assert!(matches!(error, TaskError::Cancelled(Some(why)) if &*why == "outer only"));
        drop(outer);
        assert_eq!(task.await.unwrap(), 7);
    });
}

#[test]
fn an_inner_task_that_is_cancelled_ends_the_shield_as_cancelled() {
    let turns = Turns::new();
    turns.run(async {
        let task = spawn(pending::<()>());
        let reference = task.task_ref();
        let outer = shield(task);
        reference.cancel_with("inner");
        let error = outer.await.unwrap_err();
        assert!(matches!(error, TaskError::Cancelled(Some(why)) if &*why == "inner"));
    });
}

/// Nothing of a shield that was given up stays at what it protected.
#[test]
fn a_dropped_shield_leaves_nothing_behind() {
    let turns = Turns::new();
    turns.run(async {
        let future = Future::<()>::new();
        for _ in 0..3 {
            let outer = shield(future.clone());
            assert!(format!("{future:?}").contains("waiting: 1"));
            outer.cancel();
            drop(outer);
        }
        assert!(format!("{future:?}").contains("waiting: 0"));
    });
}

/// Δ3.14: an inner failure after the shield was cancelled reaches the exception handler, once.
#[test]
fn a_panic_behind_a_cancelled_shield_is_reported_once() {
    let turns = Turns::new();
    let log = Log::default();
    let reports = log.clone();
    turns
        .spawner()
        .set_exception_handler(Some(Rc::new(move |context| {
            reports.add(context.cause.clone().unwrap_or_default());
        })));
    turns.run(async {
        let outer = shield(async {
            yield_now().await;
            panic!("late");
        });
        outer.cancel();
        assert!(outer.await.is_err());
    });
    assert_eq!(log.take(), ["panicked: late"]);
}

#[test]
fn cancelling_a_group_cancels_a_shield_in_it_but_not_what_it_protects() {
    let turns = Turns::new();
    turns.run(async {
        let mut kept = spawn(async {
            for _ in 0..9 {
                yield_now().await;
            }
            1
        });
        {
            let group = gather((shield(&mut kept), async { 2 }));
            group.cancel();
            assert!(group.await.unwrap_err().is_cancelled());
        }
        assert_eq!(kept.await.unwrap(), 1);
    });
}

/// A foreign executor polls the shield: what cancels the shield does not meet its waker's panic.
#[test]
fn a_foreign_waker_that_panics_does_not_reach_who_cancels() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("in a waker");
        }
    }
    let turns = Turns::new();
    let errors = Rc::new(Cell::new(0));
    let count = Rc::clone(&errors);
    let handler = move |_: &ErrorContext<'_>| count.set(count.get() + 1);
    turns
        .spawner()
        .set_exception_handler(Some(Rc::new(handler)));
    let future = Future::<()>::new_on(&turns.spawner());
    let task = turns.executor().create_task(async move {
        let mut shield = pin!(shield(future).into_future());
        let waker = Waker::from(Arc::new(Bad));
        let polled = shield.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        pending::<()>().await;
    });
    turns.settle();
    let other = turns.executor().create_task(pending::<()>());
    let others_end = other.task_ref();
    turns.settle();
    let group = gather_on(&turns.spawner(), [task, other]);
    assert!(group.cancel());
    turns.settle();
    assert_eq!(errors.get(), 1);
    assert!(others_end.cancelled());
}

/// A failure behind a shield is one: `gather(shield(fails()), …)` of asyncio ends with it.
#[test]
fn a_shielded_failure_ends_a_try_gather_and_a_try_wait_at_once() {
    let turns = Turns::new();
    turns.run(async {
        let fails = || async { Err::<u8, _>("failed") };
        let group = try_gather((shield(fails()), pending::<Result<u8, &str>>()));
        assert!(matches!(group.await, Err(GatherError::Error("failed"))));
        let group = try_gather((shield(shield(fails())), pending::<Result<u8, &str>>()));
        assert!(matches!(group.await, Err(GatherError::Error("failed"))));
        let children = vec![spawn(pending::<Result<u8, &str>>()), spawn(fails())];
        let waiting = try_wait(children.into_iter().map(shield));
        let waiting = waiting.return_when(ReturnWhen::FirstException);
        let (done, left) = waiting.await.unwrap();
        assert_eq!((done.len(), left.len()), (1, 1));
    });
}

#[test]
fn a_shield_that_has_failed_before_ends_a_try_gather_as_well() {
    let turns = Turns::new();
    turns.run(async {
        let mut failed = spawn(async { Err::<u8, _>("failed") });
        yield_now().await;
        let looked_at = shield(&mut failed);
        assert!(looked_at.result().unwrap().unwrap().is_err());
        let group = try_gather((looked_at, pending::<Result<u8, &str>>()));
        assert!(matches!(group.await, Err(GatherError::Error("failed"))));
    });
}
