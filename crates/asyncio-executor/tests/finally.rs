//! `finally` and `finally_with`: the clean-up runs in place, however the body ends.

mod stage;

use std::cell::RefCell;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use asyncio_executor::{
    RunError, TaskError, catch_cancelled, finally, finally_with, raise_cancelled, shielded,
};
use futures_lite::future::{poll_once, zip};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use stage::{Drops, Stage, cleans, me, message, outcome, pause, spawner};

#[test]
fn after_a_value_the_clean_up_runs_and_the_value_is_returned() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 2);
        let value = finally(async { 7 }, || clean_up()).await;
        stage.tell(format!("{value}"));
    });
    stage.settle();
    assert_eq!(
        stage.log(),
        ["1 x cleans", "3 x cleaned", "3 drop x", "3 7"]
    );
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn after_a_cancellation_the_clean_up_runs_and_the_cancellation_goes_on() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let body = async {
            let _drops = Drops(stage.clone(), "body");
            pending::<()>().await;
        };
        let clean_up = cleans(&stage, "x", 2);
        finally(body, || clean_up()).await;
        stage.say("never");
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    let expected = ["2 drop body", "2 x cleans", "4 x cleaned", "4 drop x"];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "cancelled: m");
    stage.assert_clean();
}

#[test]
fn nested_they_run_from_the_inside_out() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let (inner, outer) = (cleans(&stage, "inner", 2), cleans(&stage, "outer", 1));
        finally(finally(pending::<()>(), || inner()), || outer()).await;
    });
    stage.turn();
    task.cancel();
    stage.settle();
    let expected = [
        "2 inner cleans",
        "4 inner cleaned",
        "4 drop inner",
        "4 outer cleans",
        "5 outer cleaned",
        "5 drop outer",
    ];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn a_later_request_interrupts_the_clean_up_of_a_cancelled_body() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let (inner, outer) = (cleans(&stage, "inner", 5), cleans(&stage, "outer", 3));
        finally(finally(pending::<()>(), || inner()), || outer()).await;
    });
    stage.turn();
    task.cancel_with("first");
    stage.turn();
    task.cancel_with("second");
    stage.settle();
    let expected = [
        "2 inner cleans",
        "3 drop inner",
        "3 outer cleans",
        "6 outer cleaned",
        "6 drop outer",
    ];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "cancelled: second");
    stage.assert_clean();
}

#[test]
fn the_first_request_interrupts_a_clean_up_after_a_normal_end() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 5);
        finally(async { 7 }, || clean_up()).await
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["1 x cleans", "2 drop x"]);
    assert_eq!(outcome(task), "cancelled: m");
    stage.assert_clean();
}

/// The request is made in the body's last poll: asyncio delivers it at the first await of the
/// `finally` block.
#[test]
fn a_request_in_the_bodys_last_step_comes_where_the_clean_up_first_waits() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 5);
        let body = async {
            me().cancel_with("self");
        };
        finally(body, || clean_up()).await;
    });
    stage.settle();
    assert_eq!(stage.log(), ["1 x cleans", "2 drop x"]);
    assert_eq!(outcome(task), "cancelled: self");
    stage.assert_clean();
}

/// A clean-up that never waits is not interrupted; what it left undelivered is then the task's.
#[test]
fn a_clean_up_that_never_waits_cannot_be_interrupted() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 0);
        let body = async {
            me().cancel_with("self");
            7
        };
        let value = finally(body, || clean_up()).await;
        stage.tell(format!("{value}"));
        pause(1).await;
        stage.say("never");
    });
    stage.settle();
    assert_eq!(
        stage.log(),
        ["1 x cleans", "1 x cleaned", "1 drop x", "1 7"]
    );
    assert_eq!(outcome(task), "cancelled: self");
    stage.assert_clean();
}

/// `try: await sleep finally: task.cancel(); await …`
#[test]
fn a_clean_up_that_cancels_its_own_task_is_interrupted_at_its_next_wait() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        finally(pending::<()>(), || async move {
            me().cancel_with("from the clean-up");
            stage.tell("asked");
            pause(1).await;
            stage.say("never");
        })
        .await;
    });
    stage.turn();
    task.cancel_with("first");
    stage.settle();
    assert_eq!(stage.log(), ["2 asked"]);
    assert_eq!(outcome(task), "cancelled: from the clean-up");
    stage.assert_clean();
}

#[test]
fn a_shielded_clean_up_is_not_interrupted() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 4);
        finally(pending::<()>(), || shielded(clean_up())).await;
    });
    for message in ["a", "b", "c"] {
        stage.turn();
        task.cancel_with(message);
    }
    stage.settle();
    assert_eq!(stage.log(), ["2 x cleans", "6 x cleaned", "6 drop x"]);
    assert!(outcome(task).starts_with("cancelled"));
    stage.assert_clean();
}

#[test]
fn a_clean_up_may_catch_what_interrupts_it() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        finally(pending::<()>(), || async move {
            let caught = catch_cancelled(pause(9)).await;
            stage.tell(message(&caught));
            pause(2).await;
            stage.tell("cleaned");
        })
        .await;
    });
    stage.turn();
    task.cancel_with("first");
    stage.turn();
    task.cancel_with("second");
    stage.settle();
    assert_eq!(stage.log(), ["3 second", "5 cleaned"]);
    assert_eq!(outcome(task), "cancelled: first");
    stage.assert_clean();
}

#[test]
fn a_clean_up_may_raise_a_cancellation_in_place_of_the_value() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        finally(async { 7 }, || async {
            pause(1).await;
            raise_cancelled("raised").await;
        })
        .await
    });
    stage.settle();
    assert_eq!(outcome(task), "cancelled: raised");
    stage.assert_clean();
}

#[test]
fn a_clean_up_may_await_tasks_and_its_interruption_cancels_them() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        finally(pending::<()>(), || async move {
            let (inner, clean_up) = (stage.clone(), cleans(&stage, "awaited", 1));
            let awaited = spawner().create_task(async move {
                finally(pause(9), || clean_up()).await;
                inner.say("never");
            });
            let _ = awaited.await;
            stage.say("never");
        })
        .await;
    });
    stage.turn();
    task.cancel();
    stage.turns(2);
    task.cancel_with("second");
    stage.settle();
    assert_eq!(
        stage.log(),
        ["4 awaited cleans", "5 awaited cleaned", "5 drop awaited"]
    );
    assert_eq!(outcome(task), "cancelled: second");
    stage.assert_clean();
}

#[test]
fn branches_each_clean_up_and_are_waited_for() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let branch = |name, turns| {
            let clean_up = cleans(&stage, name, turns);
            finally(pending::<()>(), || clean_up())
        };
        zip(branch("a", 1), branch("b", 4)).await;
        stage.say("never");
    });
    stage.turn();
    task.cancel();
    stage.settle();
    let expected = [
        "2 a cleans",
        "2 b cleans",
        "3 a cleaned",
        "3 drop a",
        "6 b cleaned",
        "6 drop b",
    ];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn a_combinator_that_polls_only_what_was_woken_runs_every_clean_up_w9() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let mut branches: FuturesUnordered<_> = [("x", 3), ("y", 1), ("z", 2)]
            .into_iter()
            .map(|(name, turns)| {
                let clean_up = cleans(&stage, name, turns);
                finally(pending::<()>(), || clean_up())
            })
            .collect();
        while branches.next().await.is_some() {}
        stage.say("never");
    });
    stage.turn();
    task.cancel();
    stage.settle();
    let log = stage.log();
    for line in ["x cleaned", "y cleaned", "z cleaned"] {
        assert!(log.iter().any(|said| said.ends_with(line)), "{log:?}");
    }
    assert_eq!(log.len(), 9, "{log:?}");
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn what_is_raised_in_one_branch_runs_the_clean_up_of_the_other() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 2);
        let raises = async {
            pause(1).await;
            raise_cancelled("raised").await;
        };
        let caught = catch_cancelled(zip(finally(pending::<()>(), || clean_up()), raises)).await;
        stage.tell(message(&caught.map(|_| ())));
    });
    stage.settle();
    let expected = ["3 x cleans", "5 x cleaned", "5 drop x", "5 raised"];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn an_eager_task_cleans_up_like_any_other() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let (outer, inner) = (cleans(&stage, "outer", 0), cleans(&stage, "inner", 2));
        let body = async {
            let eager = spawner()
                .build_task()
                .eager(true)
                .spawn(finally(pending::<()>(), || inner()));
            let _ = eager.await;
        };
        finally(body, || outer()).await;
    });
    stage.turn();
    task.cancel();
    stage.settle();
    let expected = [
        "2 inner cleans",
        "4 inner cleaned",
        "4 drop inner",
        "5 outer cleans",
        "5 outer cleaned",
        "5 drop outer",
    ];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn the_resource_is_lent_to_the_body_and_given_to_the_clean_up() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        finally_with(
            vec![1],
            async |numbers: &mut Vec<i32>| {
                numbers.push(2);
                pause(1).await;
                numbers.push(3);
                numbers.len()
            },
            async move |numbers: Vec<i32>| {
                pause(1).await;
                stage.tell(format!("{numbers:?}"));
            },
        )
        .await
    });
    stage.settle();
    assert_eq!(stage.log(), ["3 [1, 2, 3]"]);
    assert_eq!(outcome(task), "3");
    stage.assert_clean();
}

#[test]
fn a_cancelled_body_has_left_the_resource_as_it_was_when_it_was_dropped() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        finally_with(
            String::from("begun"),
            async |text: &mut String| {
                text.push_str(", half");
                pending::<()>().await;
                text.push_str(", never");
            },
            async move |text| {
                pause(2).await;
                stage.tell(text);
            },
        )
        .await;
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["4 begun, half"]);
    assert_eq!(outcome(task), "cancelled: m");
    stage.assert_clean();
}

/// Python's `try` block that was never entered.
#[test]
fn a_body_that_was_never_polled_needs_no_clean_up() {
    let stage = Stage::new();
    let (one, other) = (cleans(&stage, "x", 0), Drops(stage.clone(), "resource"));
    drop(finally(pending::<()>(), || one()));
    drop(finally_with(
        other,
        async |_| pending::<()>().await,
        async |_| {},
    ));
    let never = cleans(&stage, "never", 0);
    let task = stage.spawn(async move |_| finally(pending::<()>(), || never()).await);
    task.cancel();
    stage.settle();
    assert_eq!(stage.log(), ["0 drop resource"]);
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn the_main_future_of_a_run_cleans_up() {
    let stage = Stage::new();
    let executor = stage.executor.clone();
    let clean_up = cleans(&stage, "main", 1);
    let ended = executor.run_until_complete(async {
        let main = me();
        spawner().call_soon(move || {
            main.cancel_with("m");
        });
        finally(pending::<()>(), || clean_up()).await;
    });
    assert!(matches!(ended, Err(RunError::Cancelled(Some(m))) if &*m == "m"));
    assert_eq!(stage.log().len(), 3);
    stage.assert_clean();
}

#[test]
fn outside_an_executor_the_clean_up_runs_when_the_body_has_ended() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let say = |word: &'static str| {
        let log = log.clone();
        move || async move { log.borrow_mut().push(word) }
    };
    let body = finally(async { 7 }, say("one"));
    assert_eq!(futures_lite::future::block_on(body), 7);
    let panics = finally(async { panic!("of the body") }, say("two"));
    let caught = catch_unwind(AssertUnwindSafe(|| {
        futures_lite::future::block_on(panics);
    }));
    assert!(caught.is_err());
    assert_eq!(log.take(), ["one", "two"]);
    let mut dropped = Box::pin(finally(pending::<()>(), say("never")));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(dropped.as_mut().poll(&mut cx).is_pending());
    drop(dropped);
    assert!(log.take().is_empty());
}

#[test]
fn polled_again_after_its_end_it_is_pending() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        let mut ended = pin!(finally(async { 1 }, || async {}));
        let value = poll_once(ended.as_mut()).await;
        (value, poll_once(ended).await)
    });
    stage.settle();
    assert_eq!(outcome(task), "(Some(1), None)");
    stage.assert_clean();
}

#[test]
fn what_was_not_awaited_to_its_end_can_be_looked_at() {
    let stage = Stage::new();
    let clean_up = cleans(&stage, "x", 0);
    let shown = format!("{:?}", finally(pending::<()>(), || clean_up()));
    assert!(shown.starts_with("Finally"), "{shown}");
    assert!(matches!(
        stage.executor.run_until_complete(stage.spawn(async |_| 1)),
        Ok(Ok::<_, TaskError>(1))
    ));
}
