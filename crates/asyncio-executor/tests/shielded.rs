//! `shielded`: no request goes in, and none is lost by that.

mod stage;

use std::future::{Future, pending};
use std::pin::pin;
use std::task::Poll;

use asyncio_executor::{catch_cancelled, raise_cancelled, shielded};
use futures_lite::future::{or, poll_once, zip};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use stage::{Gate, Stage, finally, me, message, outcome, pause};

#[test]
fn the_body_goes_on_and_the_request_is_answered_at_the_next_await() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let value = shielded(async {
            pause(3).await;
            stage.tell("body done");
            42
        })
        .await;
        stage.tell(format!("{value}"));
        pause(1).await;
        stage.say("never");
    });
    stage.turn();
    task.cancel_with("m");
    assert_eq!(task.cancelling(), 1);
    stage.settle();
    assert_eq!(stage.log(), ["4 body done", "4 42"]);
    assert_eq!(outcome(task), "cancelled: m");
    stage.assert_clean();
}

/// As a coroutine that returns while `_must_cancel` is set.
#[test]
fn a_task_that_ends_with_its_shielded_body_ends_as_cancelled() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| shielded(pause(3)).await);
    stage.turn();
    task.cancel();
    stage.settle();
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn a_scope_around_answers_after_the_body() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let caught = catch_cancelled(async {
            shielded(pause(3)).await;
            stage.tell("shielded");
            pause(1).await;
        })
        .await;
        stage.tell(message(&caught));
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["4 shielded", "5 m"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn several_requests_meanwhile_are_one_afterwards() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        shielded(pause(5)).await;
        let caught = catch_cancelled(pause(1)).await;
        stage.tell(format!("{} {}", message(&caught), me().cancelling()));
        pause(2).await;
        "went on"
    });
    for message in ["a", "b", "c"] {
        stage.turn();
        task.cancel_with(message);
    }
    stage.settle();
    assert_eq!(stage.log(), ["7 a 3"]);
    assert_eq!(outcome(task), "\"went on\"");
    stage.assert_clean();
}

#[test]
fn a_request_that_is_withdrawn_meanwhile_is_not_delivered() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        shielded(pause(3)).await;
        pause(3).await;
        "went on"
    });
    stage.turn();
    task.cancel();
    assert_eq!(task.uncancel(), 0);
    stage.settle();
    assert_eq!(outcome(task), "\"went on\"");
    stage.assert_clean();
}

#[test]
fn a_request_of_the_body_itself_waits_for_its_end() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        shielded(async {
            me().cancel_with("self");
            pause(2).await;
            stage.tell("went on");
        })
        .await;
        let caught = catch_cancelled(pause(1)).await;
        stage.tell(message(&caught));
    });
    stage.settle();
    assert_eq!(stage.log(), ["3 went on", "4 self"]);
    assert_eq!(outcome(task), "()");
}

/// Without the shield the awaited task would be cancelled.
#[test]
fn a_claim_inside_passes_nothing_on() {
    let stage = Stage::new();
    let awaited = stage.spawn(async move |stage| {
        pause(3).await;
        stage.tell("awaited done");
        7
    });
    let task = stage.spawn(async move |stage| {
        let value = shielded(awaited.into_future()).await.unwrap();
        stage.tell(format!("{value}"));
        pause(1).await;
        stage.say("never");
    });
    stage.turn();
    task.cancel();
    stage.settle();
    assert_eq!(stage.log(), ["4 awaited done", "5 7"]);
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn a_claim_that_begins_while_the_shield_keeps_a_request_passes_nothing_on() {
    let stage = Stage::new();
    let awaited = stage.spawn(async move |_| {
        pause(6).await;
        7
    });
    let task = stage.spawn(async move |stage| {
        let value = shielded(async {
            pause(2).await;
            catch_cancelled(awaited.into_future()).await.unwrap()
        })
        .await
        .unwrap();
        stage.tell(format!("{value}"));
        pause(1).await;
    });
    stage.turn();
    task.cancel();
    stage.settle();
    assert_eq!(stage.log(), ["8 7"]);
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn a_cancellation_that_the_body_raises_goes_on_outwards() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let caught = catch_cancelled(shielded(async {
            pause(1).await;
            raise_cancelled("raised").await;
        }))
        .await;
        stage.tell(message(&caught));
    });
    stage.settle();
    assert_eq!(stage.log(), ["2 raised"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// The task's request, kept by the shield, is not lost by the body's own cancellation.
#[test]
fn a_body_that_is_cancelled_by_itself_and_from_outside_is_cancelled_once() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let caught = catch_cancelled(shielded(async {
            pause(3).await;
            raise_cancelled("inner").await;
        }))
        .await;
        stage.tell(message(&caught));
        pause(2).await;
        stage.say("never");
    });
    stage.turn();
    task.cancel_with("outer");
    stage.settle();
    assert_eq!(stage.log(), ["4 inner"]);
    assert!(
        outcome(task).starts_with("cancelled"),
        "as in asyncio, where `_must_cancel` is still set"
    );
    stage.assert_clean();
}

#[test]
fn branches_beside_it_answer_at_once_and_wait_for_it() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let shield = shielded(async {
            pause(4).await;
            stage.tell("shielded done");
        });
        let other = finally(pending::<()>(), async { stage.tell("other cleaned") });
        zip(shield, other).await;
        stage.say("never");
    });
    stage.turn();
    task.cancel();
    stage.settle();
    assert_eq!(stage.log(), ["2 other cleaned", "5 shielded done"]);
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

/// The sibling has let the request through, and the shield kept the same one: that is one.
#[test]
fn the_same_request_kept_and_unwinding_is_answered_once() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let other = finally(pending::<()>(), async {});
        let caught = catch_cancelled(zip(shielded(pause(4)), other)).await;
        stage.tell(message(&caught.map(|_| ())));
        pause(3).await;
        "went on"
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["5 m"]);
    assert_eq!(outcome(task), "\"went on\"");
    stage.assert_clean();
}

#[test]
fn a_combinator_that_polls_only_what_was_woken_reaches_the_scopes_around() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let mut branches: FuturesUnordered<_> = (1..=3)
            .map(|turns| {
                let stage = stage.clone();
                async move {
                    let caught = catch_cancelled(async {
                        shielded(pause(turns)).await;
                        pending::<()>().await;
                    })
                    .await;
                    stage.tell(format!("{turns} {}", message(&caught)));
                }
            })
            .collect();
        while branches.next().await.is_some() {}
    });
    stage.turns(2); // it polls two a turn
    task.cancel_with("m");
    stage.settle();
    let log = stage.log();
    for branch in ["1 m", "2 m", "3 m"] {
        assert!(log.iter().any(|said| said.ends_with(branch)), "{log:?}");
    }
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn dropped_in_the_middle_it_hands_its_request_over() {
    let stage = Stage::new();
    let gate = Gate::default();
    let wait = gate.wait();
    let task = stage.spawn(async move |stage| {
        or(shielded(pending::<()>()), wait).await;
        stage.tell("won");
        pause(1).await;
        stage.say("never");
    });
    stage.turn();
    task.cancel_with("m");
    stage.turns(5);
    assert!(!task.done(), "the shield keeps it");
    gate.open();
    stage.settle();
    assert_eq!(stage.log(), ["7 won"]);
    assert_eq!(outcome(task), "cancelled: m");
    stage.assert_clean();
}

#[test]
fn kept_and_not_polled_it_keeps_its_request_and_the_executor_sleeps() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let mut shield = pin!(shielded(pause(2)));
        assert!(poll_once(shield.as_mut()).await.is_none());
        Gate::default().wait().await;
        shield.await;
        stage.say("never");
    });
    stage.turn();
    task.cancel();
    stage.settle();
    assert!(!task.done());
    stage.executor.close();
    drop(task);
    stage.assert_clean();
}

#[test]
fn ready_at_once_it_leaves_no_trace() {
    let stage = Stage::new();
    let task =
        stage.spawn(async move |_| shielded(async { 1 }).await + shielded(async { 2 }).await);
    stage.turn();
    assert_eq!(outcome(task), "3");
    stage.assert_clean();
}

#[test]
fn outside_an_executor_it_is_its_body() {
    assert_eq!(futures_lite::future::block_on(shielded(async { 5 })), 5);
    let mut shield = pin!(shielded(pending::<()>()));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert_eq!(shield.as_mut().poll(&mut cx), Poll::Pending);
    assert!(format!("{shield:?}").contains("Shielded"));
}
