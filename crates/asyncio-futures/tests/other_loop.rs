//! What belongs to another event loop of the thread (H7): awaiting or combining it is refused at
//! once, where asyncio raises, unless it has ended.

mod turns;

use std::cell::RefCell;
use std::future::{IntoFuture, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{Executor, Task, TaskError, yield_now};
use asyncio_futures::{
    CancelScope, Future, as_completed, gather, gather_on, shield, timeout, wait,
};
use turns::{Turns, simulated, take};

/// A task of `turns` does `work`, which is refused.
#[track_caller]
fn assert_refused(turns: &Turns, work: impl std::future::Future<Output = ()> + 'static) {
    let task = turns.executor().create_task(work);
    turns.settle();
    let outcome = task.into_result().expect("the wait is refused, not begun");
    let Err(TaskError::Panicked(payload)) = outcome else {
        panic!("the wait has ended");
    };
    let message = payload.message().unwrap();
    assert!(message.contains("another event loop"), "{message}");
}

fn far(other: &Executor) -> Task<()> {
    other.create_task(pending())
}

#[test]
fn awaiting_a_future_of_another_loop_is_refused_h7() {
    let (turns, other) = (Turns::new(), Executor::new());
    let future = Future::<u8>::new_on(&other.spawner());
    let waits = future.clone();
    assert_refused(&turns, async move { drop(waits.await) });
    // The future is none the worse for it.
    future.set_result(1).unwrap();
    let value = other.run_until_complete(future.into_future()).unwrap();
    assert_eq!(value.unwrap(), 1);
}

#[test]
fn awaiting_a_group_or_a_shield_of_another_loop_is_refused_h7() {
    let (turns, other) = (Turns::new(), Executor::new());
    let group = gather_on(&other.spawner(), [pending::<()>()]);
    assert_refused(&turns, async move { drop(group.await) });
    let shield = other.enter(|| shield(pending::<()>()));
    assert_refused(&turns, async move { drop(shield.await) });
    let mut results = other.enter(|| as_completed([pending::<()>()]));
    assert_refused(&turns, async move { drop(results.next().await) });
}

#[test]
fn combining_what_is_of_another_loop_is_refused_h7() {
    let (turns, other) = (Turns::new(), Executor::new());
    let task = far(&other);
    assert_refused(&turns, async move { drop(gather([task])) });
    let task = far(&other);
    assert_refused(
        &turns,
        async move { drop(gather((yield_now(), task)).await) },
    );
    let task = far(&other).task_ref();
    assert_refused(&turns, async move { drop(wait([task]).await) });
    let mut task = far(&other);
    assert_refused(&turns, async move { drop(shield(&mut task)) });
    let task = far(&other);
    assert_refused(&turns, async move { drop(as_completed([task])) });
    let task = far(&other);
    assert_refused(&turns, async move {
        as_completed::<[Task<()>; 0]>([]).add(task);
    });
    let future = Future::<u8>::new_on(&other.spawner());
    assert_refused(&turns, async move { drop(gather([future])) });
    let group = gather_on(&other.spawner(), [pending::<()>()]);
    assert_refused(&turns, async move { drop(gather([group])) });
    let shielded = other.enter(|| shield(pending::<()>()));
    assert_refused(&turns, async move { drop(gather([shielded])) });
}

/// Also before any loop runs, and the children that came before are none the worse for it.
#[test]
fn a_group_of_two_loops_is_refused_when_it_is_made_h7() {
    let (turns, other) = (Turns::new(), Executor::new());
    let spawner = turns.spawner();
    let ours = turns.executor().create_task(yield_now());
    let reference = ours.task_ref();
    let make = || drop(gather_on(&spawner, [ours, far(&other)]));
    catch_unwind(AssertUnwindSafe(make)).unwrap_err();
    turns.settle();
    assert!(reference.done() && !reference.cancelled());
}

#[test]
fn what_has_ended_is_taken_from_any_loop() {
    let (turns, other) = (Turns::new(), Executor::new());
    let done = |value: u8| other.create_task(async move { value });
    let (one, two, three, mut four) = (done(1), done(2), done(3), done(4));
    let future = Future::new_on(&other.spawner());
    future.set_result(5).unwrap();
    other.run_until_stalled();
    let values = turns.run(async move {
        let grouped = gather((one, future)).await.unwrap();
        let (waited, _) = wait([two]).await.unwrap();
        let completed = as_completed([three]).next().await.unwrap().unwrap();
        let shielded = shield(&mut four).await.unwrap();
        (
            grouped,
            waited.into_iter().map(take).sum::<u8>(),
            completed,
            shielded,
        )
    });
    assert_eq!(values, ((1, 5), 2, 3, 4));
}

/// A wait that began at home and is carried on elsewhere.
#[test]
fn a_wait_that_moves_to_another_loop_is_refused_h7() {
    let (turns, other) = (Turns::new(), Executor::new());
    let place = Rc::new(RefCell::new(None));
    let given = Rc::clone(&place);
    let begun = async move {
        let mut waits = Box::pin(wait([Future::<u8>::new_on(
            &asyncio_executor::Spawner::current().unwrap(),
        )]));
        assert!(futures_lite::future::poll_once(&mut waits).await.is_none());
        given.replace(Some(waits));
    };
    other.run_until_complete(begun).unwrap();
    let waits = place.take().unwrap();
    assert_refused(&turns, async move { drop(waits.await) });
}

/// Its timer is of the loop in which it began to wait.
#[test]
fn a_timeout_that_moves_to_another_loop_is_refused_h7() {
    let ((home, _clock), (away, _)) = (simulated(), simulated());
    let mut waits = Box::pin(timeout(Duration::from_secs(1), pending::<()>()));
    home.run_until_complete(async {
        assert!(futures_lite::future::poll_once(&mut waits).await.is_none());
    })
    .unwrap();
    let run = AssertUnwindSafe(|| away.run_until_complete(waits));
    let payload = catch_unwind(run).expect_err("the wait is refused");
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(message.contains("another event loop"), "{message}");
}

/// It has nothing of the loop in which it began: what was asked there, and what is asked here, ends it.
#[test]
fn a_scope_that_moves_to_another_loop_can_be_cancelled_there() {
    for asked_at_home in [false, true] {
        let (turns, other) = (Turns::new(), Executor::new());
        let scope = CancelScope::new();
        let place = Rc::new(RefCell::new(None));
        let (given, inner) = (Rc::clone(&place), scope.clone());
        let begun = async move {
            let mut waits = Box::pin(inner.run(pending::<()>()));
            assert!(futures_lite::future::poll_once(&mut waits).await.is_none());
            given.replace(Some(waits));
        };
        other.run_until_complete(begun).unwrap();
        if asked_at_home {
            scope.cancel();
        }
        let waits = place.take().unwrap();
        let task = turns.executor().create_task(waits);
        turns.settle();
        assert_eq!(task.done(), asked_at_home);
        scope.cancel();
        turns.settle();
        assert_eq!(take(task), None);
    }
}
