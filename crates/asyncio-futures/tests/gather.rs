//! Groups: what they return, when they end, and what ends them.

mod turns;

use std::cell::RefCell;
use std::rc::Rc;

use asyncio_executor::{
    Spawner, Task, TaskError, TaskList, catch_cancelled, raise_cancelled, yield_now,
};
use asyncio_futures::{
    Future, Gather, GatherError, Shield, gather, gather_on, shield, try_gather, try_gather_on,
};
use turns::{Log, Turns, take};

async fn after(turns: u32, value: u32) -> u32 {
    for _ in 0..turns {
        yield_now().await;
    }
    value
}

fn spawn<F: std::future::Future<Output: 'static> + 'static>(future: F) -> Task<F::Output> {
    Spawner::current().unwrap().create_task(future)
}

fn message(error: &TaskError) -> Option<&str> {
    match error {
        TaskError::Cancelled(message) => message.as_deref(),
        TaskError::Panicked(_) => None,
    }
}

#[test]
fn values_come_in_the_order_given_whatever_ends_first() {
    let turns = Turns::new();
    let values = turns.run(async { gather([3, 1, 2].map(|n| after(n, n))).await.unwrap() });
    assert_eq!(values, [3, 1, 2]);
}

#[test]
fn a_tuple_takes_tasks_futures_and_groups_of_different_types() {
    let turns = Turns::new();
    let values = turns.run(async {
        let task = spawn(async { "task" });
        let mut lent = spawn(async { 2_u8 });
        let future = Future::new();
        future.set_result('f').unwrap();
        let inner = gather([after(1, 7)]);
        let values = gather((task, &mut lent, future, inner, async { 1.5 })).await;
        values.unwrap()
    });
    assert_eq!(values, ("task", 2, 'f', vec![7], 1.5));
}

#[test]
fn children_start_at_once_and_in_order() {
    let turns = Turns::new();
    let log = Log::default();
    let child = |name: &'static str| {
        let log = log.clone();
        async move { log.add(name) }
    };
    let group = gather_on(&turns.spawner(), ["a", "b"].map(child));
    turns.one_turn();
    assert_eq!(log.take(), ["a", "b"]);
    assert!(!group.done());
    turns.settle();
    assert!(group.done());
    assert_eq!(group.result().unwrap().unwrap().len(), 2);
}

/// asyncio: three iterations between `gather` and the line after its `await`.
#[test]
fn a_group_resumes_its_awaiter_in_the_third_turn() {
    let turns = Turns::new();
    let turn = turns.turn();
    let took = turns.run(async move {
        let before = turn.now();
        gather([after(0, 1), after(0, 2)]).await.unwrap();
        turn.now() - before
    });
    assert_eq!(took, 3);
}

#[test]
fn a_group_in_a_group_takes_one_turn_more() {
    let turns = Turns::new();
    let turn = turns.turn();
    let took = turns.run(async move {
        let before = turn.now();
        let values = gather((gather([after(0, 1)]), after(0, 2))).await.unwrap();
        assert_eq!(values, (vec![1], 2));
        turn.now() - before
    });
    assert_eq!(took, 4);
}

#[test]
fn children_that_are_done_complete_the_group_at_once() {
    let turns = Turns::new();
    let turn = turns.turn();
    let took = turns.run(async move {
        let child = spawn(after(0, 1));
        yield_now().await;
        yield_now().await;
        let before = turn.now();
        let group = gather([child]);
        assert!(group.done());
        assert_eq!(group.await.unwrap(), [1]);
        turn.now() - before
    });
    assert_eq!(took, 0);
}

#[test]
fn an_empty_group_is_done() {
    let turns = Turns::new();
    let group = gather_on(&turns.spawner(), Vec::<Task<()>>::new());
    assert!(group.done() && !group.cancel());
    assert!(group.result().unwrap().unwrap().is_empty());
}

#[test]
fn the_first_cancelled_child_ends_the_group_and_the_others_go_on() {
    let turns = Turns::new();
    turns.run(async {
        let mut slow = spawn(after(10, 1));
        let victim = spawn(std::future::pending::<u32>());
        let victim_ref = victim.task_ref();
        let group = gather((&mut slow, victim));
        yield_now().await;
        victim_ref.cancel_with("why");
        let error = group.await.unwrap_err();
        assert_eq!(message(&error), Some("why"));
        assert!(!slow.done());
        assert_eq!(slow.await.unwrap(), 1);
    });
}

#[test]
fn a_panicking_child_ends_the_group_with_its_payload() {
    let turns = Turns::new();
    let error = turns.run(async {
        let bad = async { panic!("boom") };
        gather((after(3, 1), bad)).await.unwrap_err()
    });
    assert!(
        matches!(error, TaskError::Panicked(payload) if payload.message().as_deref() == Some("boom"))
    );
}

#[test]
fn return_exceptions_waits_for_all_and_returns_every_outcome() {
    let turns = Turns::new();
    turns.run(async {
        let victim = spawn(std::future::pending::<u32>());
        victim.cancel();
        let bad = spawn(async { panic!("boom") });
        let group = gather([spawn(after(5, 1)), victim, bad]).return_exceptions();
        let outcomes = group.await.unwrap();
        assert!(matches!(
            outcomes[..],
            [
                Ok(1),
                Err(TaskError::Cancelled(None)),
                Err(TaskError::Panicked(_))
            ]
        ));
    });
}

#[test]
fn return_exceptions_reopens_a_group_that_a_done_child_had_ended() {
    let turns = Turns::new();
    turns.run(async {
        let victim = spawn(std::future::pending::<u32>());
        victim.cancel();
        yield_now().await;
        let group = gather([victim, spawn(after(2, 1))]);
        assert!(group.done());
        let group = group.return_exceptions();
        assert!(!group.done());
        assert!(matches!(
            group.await.unwrap()[..],
            [Err(TaskError::Cancelled(None)), Ok(1)]
        ));
    });
}

#[test]
fn cancelling_a_group_cancels_its_children_and_one_not_started_never_runs() {
    let turns = Turns::new();
    let log = Log::default();
    let child = {
        let log = log.clone();
        async move { log.add("ran") }
    };
    let group = gather_on(&turns.spawner(), [child]);
    assert!(group.cancel_with("enough"));
    turns.settle();
    assert!(group.cancelled());
    assert_eq!(message(group.exception().unwrap().unwrap()), Some("enough"));
    assert!(log.take().is_empty());
    assert!(!group.cancel());
}

/// asyncio's scenario `gather_cancel_outer`: it ends as the first child has ended as cancelled.
#[test]
fn a_cancelled_group_does_not_wait_for_a_slow_child() {
    let turns = Turns::new();
    let turn = turns.turn();
    turns.run(async move {
        let long = || spawn(std::future::pending::<()>());
        let stubborn = spawn(async {
            let caught = catch_cancelled(std::future::pending::<()>()).await;
            after(5, 0).await;
            caught.unwrap_err().reraise().await;
        });
        let stubborn_ref = stubborn.task_ref();
        let group = gather([long(), stubborn, long()]);
        yield_now().await;
        let before = turn.now();
        group.cancel();
        assert!(!group.done());
        let error = group.await.unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(turn.now() - before, 3);
        assert!(!stubborn_ref.done());
    });
}

/// A group that was cancelled says so, whatever its children return.
#[test]
fn a_cancelled_group_ends_as_cancelled_when_all_children_return_values() {
    let turns = Turns::new();
    turns.run(async {
        let swallows = || async {
            let _swallowed = catch_cancelled(std::future::pending::<()>()).await;
            "kept"
        };
        let group = gather([swallows(), swallows()]);
        yield_now().await;
        group.cancel_with("all");
        assert_eq!(message(&group.await.unwrap_err()), Some("all"));

        let group = gather([swallows(), swallows()]).return_exceptions();
        yield_now().await;
        group.cancel();
        assert!(group.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn cancelling_the_awaiting_task_cancels_the_children_and_then_the_task() {
    let turns = Turns::new();
    let log = Log::default();
    let child = |name: &'static str| {
        let log = log.clone();
        async move {
            let cancelled = catch_cancelled(std::future::pending::<()>())
                .await
                .unwrap_err();
            log.add(format!("{name} {:?}", cancelled.message()));
            cancelled.reraise().await;
        }
    };
    let children = ["a", "b"].map(child);
    let outer = turns.executor().create_task(async move {
        let _never = gather(children).await;
        unreachable!("the cancellation goes on outwards");
    });
    turns.settle();
    assert!(outer.cancel_with("stop"));
    turns.settle();
    assert!(outer.cancelled());
    assert_eq!(log.take(), [r#"a Some("stop")"#, r#"b Some("stop")"#]);
}

#[test]
fn dropping_a_group_cancels_nothing() {
    let turns = Turns::new();
    let log = Log::default();
    let child = {
        let log = log.clone();
        async move {
            yield_now().await;
            log.add("ran to its end");
        }
    };
    drop(gather_on(&turns.spawner(), [child]));
    turns.settle();
    assert_eq!(log.take(), ["ran to its end"]);
}

#[test]
fn a_lent_task_survives_a_dropped_await_and_can_be_gathered_again() {
    let turns = Turns::new();
    turns.run(async {
        let mut task = spawn(after(4, 9));
        {
            let mut group = gather([&mut task]);
            let mut join = Box::pin((&mut group).into_future());
            assert!(futures_lite::future::poll_once(&mut join).await.is_none());
        }
        assert_eq!(gather([&mut task]).await.unwrap(), [9]);
    });
}

#[test]
fn the_same_future_may_be_given_twice() {
    let turns = Turns::new();
    turns.run(async {
        let future = Future::new();
        let group = gather([future.clone(), future.clone()]);
        future.set_result(4).unwrap();
        assert_eq!(group.await.unwrap(), [4, 4]);
    });
}

#[test]
fn cancelling_a_group_cancels_a_future_and_a_group_in_it() {
    let turns = Turns::new();
    turns.run(async {
        let future = Future::<()>::new();
        let mut task = spawn(std::future::pending::<()>());
        let outer = gather((future.clone(), gather([&mut task])));
        assert!(outer.cancel());
        assert!(outer.await.unwrap_err().is_cancelled());
        assert!(future.cancelled());
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn references_are_gathered_for_their_end() {
    let turns = Turns::new();
    turns.run(async {
        let good = spawn(after(1, 1));
        let bad = spawn(async { panic!("boom") });
        let references = [good.task_ref(), bad.task_ref()];
        let outcomes = gather(references).return_exceptions().await.unwrap();
        assert!(matches!(
            outcomes[..],
            [Ok(()), Err(TaskError::Panicked(_))]
        ));
        assert!(bad.await.is_err());
    });
}

#[test]
fn the_result_stays_in_the_handle_after_a_run() {
    let turns = Turns::new();
    let mut group = gather_on(&turns.spawner(), [after(1, 5)]);
    assert!(group.result().is_err());
    assert_eq!(
        turns.executor().run_until_complete(&mut group).unwrap(),
        &[5]
    );
    assert_eq!(group.result().unwrap().unwrap(), &[5]);
    assert_eq!(group.into_result().unwrap().unwrap(), [5]);
}

/// A group, a future and a shield show their failures as a task does.
#[test]
fn a_shown_failure_leaves_a_function_that_owns_the_handle() {
    type Shown = Result<usize, Box<dyn std::error::Error>>;
    let turns = Turns::new();
    let spawner = turns.spawner();
    let cancelled = async || raise_cancelled("no").await;
    let group = gather_on(&spawner, [cancelled()]);
    let shield = turns.executor().enter(|| shield(cancelled()));
    let future = Future::<String>::new_on(&spawner);
    future.cancel_with("no");
    turns.settle();
    let all: [Box<dyn FnOnce() -> Shown>; 3] = [
        Box::new(|| {
            let group: Gather<TaskList<()>> = group;
            Ok(group.result()??.len())
        }),
        Box::new(|| {
            let shield: Shield<Task<()>> = shield;
            Ok(size_of_val(shield.result()??))
        }),
        Box::new(|| {
            let future = future;
            Ok(future.result()??.len())
        }),
    ];
    for shown in all {
        assert_eq!(shown().unwrap_err().to_string(), "task was cancelled: no");
    }
}

#[test]
fn a_run_can_be_given_the_group_by_value() {
    let turns = Turns::new();
    let group = gather_on(&turns.spawner(), (after(1, 5), after(0, 6)));
    assert_eq!(
        turns.executor().run_until_complete(group).unwrap().unwrap(),
        (5, 6)
    );
}

#[test]
fn try_gather_ends_with_the_first_error_and_the_others_go_on() {
    let turns = Turns::new();
    turns.run(async {
        let mut slow = spawn(async { Ok::<_, String>(after(10, 1).await) });
        let bad = async { Err::<u32, _>("bad".to_owned()) };
        let error = try_gather((&mut slow, bad)).await.unwrap_err();
        assert!(matches!(error, GatherError::Error(text) if text == "bad"));
        assert!(!slow.done());
        assert_eq!(slow.await.unwrap(), Ok(1));
    });
}

#[test]
fn the_error_of_a_child_is_not_lost_to_a_request_that_was_not_delivered() {
    let turns = Turns::new();
    turns.run(async {
        let child = async {
            asyncio_executor::current_task().unwrap().cancel();
            Err::<(), _>("stronger")
        };
        let error = try_gather([child]).await.unwrap_err();
        assert!(matches!(error, GatherError::Error("stronger")));
    });
}

#[test]
fn try_gather_unpacks_the_values() {
    let turns = Turns::new();
    let group = try_gather_on(
        &turns.spawner(),
        [1, 2].map(|n| async move { Ok::<_, ()>(n) }),
    );
    turns.settle();
    assert_eq!(group.into_result().unwrap().unwrap(), [1, 2]);
}

#[test]
fn try_gather_of_an_error_that_is_there_already_is_done_at_once() {
    let turns = Turns::new();
    turns.run(async {
        let future = Future::<Result<u32, &str>>::new();
        future.set_exception("bad").unwrap();
        let group = try_gather([future]);
        assert!(group.done());
        assert!(matches!(group.await, Err(GatherError::Error("bad"))));
    });
}

#[test]
fn a_try_group_is_a_child_whose_value_is_its_result() {
    let turns = Turns::new();
    turns.run(async {
        let inner = try_gather([async { Err::<(), _>(3) }]);
        let (outcome,) = gather((inner,)).await.unwrap();
        assert!(matches!(outcome, Err(GatherError::Error(3))));
        let inner = try_gather([async { Err::<(), _>(4) }]);
        let outer = try_gather((inner,)).await;
        assert!(matches!(
            outer,
            Err(GatherError::Error(GatherError::Error(4)))
        ));
    });
}

#[test]
fn try_gather_counts_cancelled_and_panicked_children_too() {
    let turns = Turns::new();
    turns.run(async {
        let victim = spawn(std::future::pending::<Result<(), ()>>());
        victim.cancel_with("why");
        let error = try_gather([victim]).await.unwrap_err();
        assert!(matches!(error, GatherError::Cancelled(Some(why)) if &*why == "why"));
        let error = try_gather([async { panic!("boom") as Result<(), ()> }]).await;
        assert!(matches!(error, Err(GatherError::Panicked(_))));
    });
}

/// Eager children are done when the group is made: it is, too.
#[test]
fn eager_children_complete_the_group_at_once() {
    let turns = Turns::new();
    turns.spawner().set_eager(true);
    turns.run(async {
        let group = gather([after(0, 1), after(0, 2)]);
        assert!(group.done());
        assert_eq!(group.await.unwrap(), [1, 2]);
    });
}

#[test]
fn panics_of_children_that_nobody_looks_at_are_reported() {
    let turns = Turns::new();
    let reports = Rc::new(RefCell::new(vec![]));
    let seen = Rc::clone(&reports);
    turns
        .spawner()
        .set_exception_handler(Some(Rc::new(move |context| {
            seen.borrow_mut().push(context.to_string());
        })));
    turns.run(async {
        let late = async {
            yield_now().await;
            panic!("late")
        };
        let victim = spawn(async { panic!("first") as u32 });
        let group: Gather<_> = gather((victim, late));
        assert!(group.await.is_err());
    });
    let reports = reports.borrow();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("late"), "{reports:?}");
}

#[test]
#[should_panic(expected = "no running event loop")]
fn gather_needs_a_running_loop() {
    drop(gather([async {}]));
}

#[test]
fn a_closed_executor_gives_cancelled_children() {
    let turns = Turns::new();
    let spawner = turns.spawner();
    turns.executor().close();
    let group = gather_on(&spawner, [async {}]);
    assert!(group.done() && group.cancelled());
}

#[test]
fn a_group_that_outlives_its_executor_is_cancelled() {
    let turns = Turns::new();
    let group = gather_on(&turns.spawner(), [std::future::pending::<()>()]);
    turns.one_turn();
    drop(turns);
    // Its children are gone; nobody runs the entries that would tell it.
    assert!(!group.cancel());
    let _ = format!("{group:?}");
}

#[test]
fn a_task_can_be_awaited_by_value_after_a_group_of_references() {
    let turns = Turns::new();
    let task = turns.executor().create_task(after(1, 3));
    let reference = task.task_ref();
    turns.run(async move { gather([reference]).await.unwrap() });
    assert_eq!(take(task), 3);
}
