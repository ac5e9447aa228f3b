//! Requests to cancel, as one task sees them.

mod stage;

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use asyncio_executor::{
    catch_cancelled, raise_cancelled, renew_requests, requests_around, yield_now,
};
use stage::{Drops, Gate, Stage, finally, me, message, outcome, pause, spawner};

#[test]
fn a_waiting_task_is_dropped_in_the_next_turn() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let _drops = Drops(stage, "body");
        pending::<()>().await;
    });
    stage.turn();
    assert!(task.cancel_with("enough"));
    assert!(
        !task.done() && task.cancelling() == 1,
        "a request, not an order"
    );
    stage.turn();
    assert!(task.done() && task.cancelled());
    assert!(!task.cancel(), "it has ended");
    let watch = task.task_ref();
    assert_eq!(
        (task.cancelling(), watch.cancelling()),
        (1, 1),
        "it is still counted"
    );
    assert_eq!((task.uncancel(), watch.uncancel()), (0, 0));
    assert_eq!(stage.log(), ["2 drop body"]);
    assert_eq!(outcome(task), "cancelled: enough");
    stage.assert_clean();
}

#[test]
fn a_task_cancelled_before_its_first_step_never_runs() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let _caught = catch_cancelled(async { stage.say("ran") }).await;
    });
    task.cancel_with("first");
    task.cancel_with("second");
    stage.turn();
    assert_eq!(
        outcome(task),
        "cancelled: second",
        "CPython 3.13 has the last message here"
    );
    assert!(stage.log().is_empty());
    stage.assert_clean();
}

#[test]
fn several_requests_before_the_answer_are_one_cancellation_w15() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        let caught = catch_cancelled(pending::<()>()).await;
        let counted = me().cancelling();
        pause(2).await;
        format!("{} {counted} {}", message(&caught), me().cancelling())
    });
    stage.turn();
    for word in ["one", "two", "three"] {
        task.cancel_with(word);
    }
    stage.settle();
    assert_eq!(
        outcome(task),
        "\"one 3 3\"",
        "CPython 3.13 has the first message here"
    );
    stage.assert_clean();
}

#[test]
fn withdrawing_every_request_takes_back_what_was_not_delivered() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        catch_cancelled(pause(3)).await.unwrap();
        pause(3).await;
        "went on"
    });
    stage.turn();
    task.cancel();
    task.cancel();
    assert_eq!(
        (task.uncancel(), task.uncancel(), task.uncancel()),
        (1, 0, 0)
    );
    stage.settle();
    assert_eq!(outcome(task), "\"went on\"");

    let task = stage.spawn(async move |_| pause(3).await);
    stage.turn();
    task.cancel();
    task.cancel();
    assert_eq!(task.uncancel(), 1, "one is left, so it is delivered");
    stage.settle();
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn a_caught_request_is_answered_and_still_counted() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let caught = catch_cancelled(pending::<()>()).await;
        stage.tell(format!("{} {}", message(&caught), me().cancelling()));
        pause(2).await;
        assert_eq!(me().uncancel(), 0);
        "swallowed"
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["2 m 1"]);
    assert_eq!(outcome(task), "\"swallowed\"");
    stage.assert_clean();
}

#[test]
fn the_innermost_scope_answers_and_reraising_goes_outwards_at_once() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let outer = catch_cancelled(async {
            let middle = catch_cancelled(async {
                let inner = catch_cancelled(pending::<()>()).await;
                stage.tell(format!("inner {}", message(&inner)));
                inner.unwrap_err().reraise().await;
            });
            let middle = middle.await;
            stage.tell(format!("middle {}", message(&middle)));
            pause(1).await;
            stage.tell("middle cleaned");
            middle.unwrap_err().reraise().await;
        });
        let outer = outer.await;
        stage.tell(format!("outer {}", message(&outer)));
        outer.unwrap_err().reraise().await;
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    let expected = ["2 inner m", "2 middle m", "3 middle cleaned", "3 outer m"];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "cancelled: m");
    stage.assert_clean();
}

#[test]
fn a_task_can_raise_the_cancellation_itself() {
    let stage = Stage::new();
    let caught = stage.spawn(async move |_| {
        let caught = catch_cancelled(raise_cancelled("inside")).await;
        format!("{} {}", message(&caught), me().cancelling())
    });
    let raises = stage.spawn(async move |_| raise_cancelled("out").await);
    stage.turn();
    assert_eq!(outcome(caught), "\"inside 0\"", "nobody had requested it");
    assert_eq!(outcome(raises), "cancelled: out");
    stage.assert_clean();
}

#[test]
fn a_value_returned_with_a_request_undelivered_is_lost() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        me().cancel_with("too late to wait");
        5
    });
    stage.turn();
    assert_eq!(outcome(task), "cancelled: too late to wait");
    stage.assert_clean();
}

#[test]
fn a_panic_with_a_request_undelivered_stays_a_panic() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        me().cancel();
        panic!("stronger")
    });
    stage.turn();
    assert_eq!(outcome::<()>(task), "task panicked: stronger");
    stage.assert_clean();
}

/// asyncio: an exception is stronger than a cancellation that was not delivered.
#[test]
fn an_error_with_a_request_undelivered_stays_an_error_where_errors_count() {
    let stage = Stage::new();
    let fails = async || {
        me().cancel();
        Err::<(), _>("stronger")
    };
    let counts = stage.executor.create_task(async move {
        let task = spawner().build_task().report_errors().spawn(fails());
        task.await.unwrap()
    });
    let value = stage.spawn(async move |_| fails().await);
    stage.settle();
    assert_eq!(outcome(counts), "Err(\"stronger\")");
    assert_eq!(outcome(value), "cancelled", "a value like others");
    stage.assert_clean();
}

/// What is raised is caught, and the request is still to be answered: also after scopes that never
/// wait.
#[test]
fn a_cancellation_that_is_raised_does_not_answer_a_request() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        me().cancel();
        let raised = catch_cancelled(raise_cancelled(None)).await;
        assert!(raised.is_err());
        stage.tell("raised");
        catch_cancelled(catch_cancelled(async {}))
            .await
            .unwrap()
            .unwrap();
        pause(1).await;
    });
    stage.settle();
    assert_eq!(outcome(task), "cancelled");
    assert_eq!(stage.log(), ["1 raised"]);
    stage.assert_clean();
}

#[test]
fn a_request_made_anew_waits_for_the_next_await_behind_any_scope() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        let caught = catch_cancelled(async {
            let caught = catch_cancelled(pause(9)).await;
            caught.unwrap_err().renew();
        });
        caught.await.unwrap();
        catch_cancelled(async { catch_cancelled(async {}).await.unwrap() })
            .await
            .unwrap();
        pause(9).await;
    });
    stage.turn();
    task.cancel_with("once");
    stage.settle();
    assert_eq!(outcome(task), "cancelled: once");

    let answered = stage.spawn(async move |_| {
        let _answered = catch_cancelled(pause(9)).await;
        renew_requests();
        renew_requests();
        let caught = catch_cancelled(pause(9)).await.is_err();
        pause(1).await;
        me().uncancel();
        renew_requests();
        pause(1).await;
        caught
    });
    stage.turn();
    answered.cancel();
    stage.settle();
    assert_eq!(outcome(answered), "true");
    stage.assert_clean();
}

#[test]
fn a_task_that_cancels_itself_is_interrupted_at_its_next_wait() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        me().cancel_with("by itself");
        stage.tell("goes on");
        let caught = catch_cancelled(async {
            stage.tell("still in the same poll");
            pending::<()>().await;
        });
        let caught = caught.await;
        stage.tell(message(&caught));
    });
    stage.settle();
    let expected = ["1 goes on", "1 still in the same poll", "2 by itself"];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// Row 10: what is waited for is ready, but the task has not been resumed: the request wins, and
/// the value is lost.
#[test]
fn a_request_wins_over_readiness_that_was_not_seen_w15() {
    for cancel_first in [false, true] {
        let stage = Stage::new();
        let gate = Gate::default();
        let wait = gate.wait();
        let task = stage.spawn(async move |_| catch_cancelled(wait).await.is_err());
        stage.turn();
        if cancel_first {
            task.cancel();
            gate.open();
        } else {
            gate.open();
            task.cancel();
        }
        stage.settle();
        assert_eq!(outcome(task), "true");
        stage.assert_clean();
    }
}

#[test]
fn a_second_request_interrupts_the_clean_up() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let cleanup = async {
            stage.tell("clean-up begins");
            let _drops = Drops(stage.clone(), "clean-up");
            pending::<()>().await;
        };
        finally(pending::<()>(), cleanup).await;
    });
    stage.turn();
    task.cancel_with("one");
    stage.turns(3);
    assert!(!task.done());
    task.cancel_with("two");
    stage.settle();
    assert_eq!(stage.log(), ["2 clean-up begins", "5 drop clean-up"]);
    assert_eq!(outcome(task), "cancelled: two");
    stage.assert_clean();
}

#[test]
fn a_clean_up_after_a_normal_end_is_interrupted_by_the_first_request() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        finally(pause(1), async {
            stage.tell("clean-up begins");
            pending::<()>().await;
        })
        .await;
    });
    stage.turns(3);
    task.cancel();
    stage.settle();
    assert_eq!(stage.log(), ["2 clean-up begins"]);
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn a_request_made_while_a_body_is_dropped_is_a_new_one() {
    struct Cancels(asyncio_executor::TaskRef);
    impl Drop for Cancels {
        fn drop(&mut self) {
            self.0.cancel_with("from the destructor");
        }
    }
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let first = catch_cancelled(async {
            let _cancels = Cancels(me());
            pending::<()>().await;
        });
        let first = first.await;
        stage.tell(message(&first));
        let second = catch_cancelled(pause(3)).await;
        stage.tell(message(&second));
    });
    stage.turn();
    task.cancel_with("from outside");
    stage.settle();
    assert_eq!(stage.log(), ["2 from outside", "3 from the destructor"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn a_scope_answers_neither_in_its_first_poll_nor_in_the_poll_of_the_request() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let polls = Rc::new(Cell::new(0));
        let counts = polls.clone();
        let caught = catch_cancelled(poll_fn(move |_| {
            counts.set(counts.get() + 1);
            me().cancel_with("now");
            Poll::<()>::Pending
        }));
        let caught = caught.await;
        stage.tell(format!("{} after {} poll", message(&caught), polls.get()));
    });
    stage.settle();
    assert_eq!(stage.log(), ["2 now after 1 poll"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// A body that becomes ready in the poll in which the request was made keeps its value; the
/// request goes to the scope around, and is answered at the next wait.
#[test]
fn a_scope_that_ends_hands_an_undelivered_request_outwards() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let inner = catch_cancelled(async {
            me().cancel_with("on the way");
            7
        });
        stage.tell(format!("inner {:?}", inner.await.ok()));
        let outer = catch_cancelled(pending::<()>()).await;
        stage.tell(format!("outer {}", message(&outer)));
    });
    stage.settle();
    assert_eq!(stage.log(), ["1 inner Some(7)", "2 outer on the way"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn a_scope_that_is_dropped_hands_its_request_outwards() {
    let stage = Stage::new();
    let gate = Gate::default();
    let wait = gate.wait();
    let task = stage.spawn(async move |stage| {
        futures_lite::future::or(wait, async {
            catch_cancelled(pending::<()>()).await.ok();
            stage.say("never answered");
        })
        .await;
        stage.tell("gate");
        pause(1).await;
        stage.say("never");
    });
    stage.turn();
    gate.open();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["2 gate"]);
    assert_eq!(outcome(task), "cancelled: m");
    stage.assert_clean();
}

#[test]
fn a_future_that_reraised_stays_pending() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let caught = catch_cancelled(pending::<()>()).await;
        let mut reraises = Box::pin(caught.unwrap_err().reraise());
        let again = catch_cancelled(poll_fn(|cx| {
            for _ in 0..3 {
                assert!(reraises.as_mut().poll(cx).is_pending());
            }
            Poll::<()>::Pending
        }));
        let again = again.await;
        stage.tell(message(&again));
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["2 m"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn outside_every_task_nobody_requests_and_bodies_just_run() {
    let value = futures_lite::future::block_on(async {
        let inner = catch_cancelled(catch_cancelled(async {
            futures_lite::future::yield_now().await;
            3
        }));
        inner.await.unwrap().unwrap()
    });
    assert_eq!(value, 3);
    assert_eq!(requests_around(), 0);
    let raised = raise_cancelled(None);
    assert!(futures_lite::future::block_on(futures_lite::future::poll_once(raised)).is_none());
}

#[test]
fn a_callback_that_polls_a_scope_is_in_no_task() {
    let stage = Stage::new();
    let seen = Rc::new(Cell::new(None));
    let sees = seen.clone();
    stage.executor.call_soon(move || {
        let value = futures_lite::future::block_on(catch_cancelled(async {
            futures_lite::future::yield_now().await;
            requests_around()
        }));
        sees.set(value.ok());
    });
    stage.settle();
    assert_eq!(seen.get(), Some(0));
    stage.assert_clean();
}

#[test]
fn requests_around_counts_those_of_the_task_and_the_scopes_outwards() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        assert_eq!(requests_around(), 0);
        let _ = catch_cancelled(pending::<()>()).await;
        stage.tell(format!("{}", requests_around()));
        let _ = catch_cancelled(async {
            stage.tell(format!("{}", requests_around()));
            pending::<()>().await;
        })
        .await;
        stage.tell(format!("{}", requests_around()));
        me().uncancel();
        stage.tell(format!("{}", requests_around()));
    });
    stage.turn();
    task.cancel();
    stage.settle();
    task.cancel();
    stage.settle();
    assert_eq!(stage.log(), ["2 1", "2 1", "3 2", "3 1"]);
    assert_eq!(outcome(task), "()");
    assert_eq!(requests_around(), 0);
    stage.assert_clean();
}

#[test]
fn a_request_to_a_task_that_is_ready_anyway_is_delivered_in_that_step() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        loop {
            yield_now().await;
        }
    });
    stage.turns(3);
    task.cancel();
    stage.turn();
    assert_eq!(outcome::<()>(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn a_cancelled_task_that_panics_while_it_cleans_up_has_panicked() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        finally(pending::<()>(), async { panic!("in clean-up") }).await;
    });
    stage.turn();
    task.cancel();
    stage.settle();
    assert_eq!(outcome(task), "task panicked: in clean-up");
    stage.assert_clean();
}

/// What a task group does with the cancellation that its children's errors replace.
#[test]
fn a_request_made_anew_is_answered_at_the_next_await() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
        pause(1).await;
        cancelled.renew();
        stage.say("goes on");
        let caught = catch_cancelled(pending::<()>()).await;
        stage.say(format!("{} {}", message(&caught), me().cancelling()));
        caught.unwrap_err().renew();
        pause(1).await;
        stage.say("never");
    });
    stage.turn();
    task.cancel_with("enough");
    stage.settle();
    assert_eq!(stage.log(), ["goes on", "enough 1"]);
    assert_eq!(outcome(task), "cancelled: enough");
    stage.assert_clean();
}

#[test]
fn a_request_made_anew_at_the_end_of_a_task_cancels_it() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
        cancelled.renew();
    });
    stage.turn();
    task.cancel();
    stage.settle();
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}
