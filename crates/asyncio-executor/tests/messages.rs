//! Which message comes with which cancellation.

mod stage;

use std::future::IntoFuture;

use asyncio_executor::{catch_cancelled, raise_cancelled, yield_now};
use stage::{Stage, me, message, outcome};

/// asyncio keeps the request's in the task, and the raised one's is that of the exception.
#[test]
fn what_is_raised_while_a_request_is_undelivered_leaves_the_request_its_message() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        me().cancel_with("requested");
        let raised = catch_cancelled(raise_cancelled(Some("raised"))).await;
        stage.say(message(&raised));
        let requested = catch_cancelled(yield_now()).await;
        stage.say(message(&requested));
        me().cancel_with("too late");
        raise_cancelled(Some("last")).await;
    });
    stage.settle();
    assert_eq!(stage.log(), ["raised", "requested"]);
    assert_eq!(outcome(task), "cancelled: last");
    stage.assert_clean();
}

#[test]
fn a_request_that_interrupts_clean_up_has_its_own_message() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let outer = catch_cancelled(async {
            let inner = catch_cancelled(std::future::pending::<()>()).await;
            stage.say(message(&inner));
            yield_now().await;
            if let Err(cancelled) = inner {
                cancelled.reraise().await;
            }
        });
        let outer = outer.await;
        stage.say(message(&outer));
    });
    stage.turn();
    task.cancel_with("first");
    stage.turn();
    task.cancel_with("second");
    stage.settle();
    assert_eq!(stage.log(), ["first", "second"]);
    stage.assert_clean();
}

/// asyncio cancels what a task waits for with the first message, and keeps the last for one that is
/// about to run.
#[test]
fn of_several_requests_the_one_that_ends_the_wait_is_delivered_and_else_the_last() {
    let stage = Stage::new();
    let waits = stage.spawn(async move |_| std::future::pending::<()>().await);
    let ready = stage.spawn(async move |_| {
        loop {
            yield_now().await;
        }
    });
    let itself = stage.spawn(async move |_| {
        me().cancel_with("first");
        std::future::pending::<()>().await;
    });
    let itself_ready = stage.spawn(async move |_| {
        me().cancel_with("first");
        yield_now().await;
    });
    stage.turn();
    for task in [&waits, &ready, &itself, &itself_ready] {
        task.cancel_with("second");
        task.cancel_with("third");
    }
    let fresh = stage.spawn(async move |_| std::future::pending::<()>().await);
    fresh.cancel_with("fourth");
    fresh.cancel_with("fifth");
    stage.settle();
    assert_eq!(outcome(waits), "cancelled: second");
    assert_eq!(outcome(ready), "cancelled: third");
    assert_eq!(outcome(itself), "cancelled: first");
    assert_eq!(outcome(itself_ready), "cancelled: third");
    assert_eq!(outcome(fresh), "cancelled: fifth");
    stage.assert_clean();
}

/// A yield that a withdrawn request met is no sign of what the task does when it meets the next one.
#[test]
fn a_request_after_one_that_was_withdrawn_at_a_yield_ends_the_wait_with_its_message() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        me().cancel_with("withdrawn");
        yield_now().await;
        me().cancel_with("first");
        std::future::pending::<()>().await;
    });
    stage.turn();
    assert_eq!(task.uncancel(), 0);
    stage.turn();
    task.cancel_with("second");
    stage.settle();
    assert_eq!(outcome(task), "cancelled: first");
    stage.assert_clean();
}

/// A block that is over before the first `await` after a request has not met it.
#[test]
fn a_scope_that_ends_with_a_request_undelivered_does_not_settle_its_message() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        me().cancel_with("first");
        let inner = catch_cancelled(async {}).await;
        stage.say(message(&inner));
        me().cancel_with("second");
        std::future::pending::<()>().await;
    });
    stage.settle();
    assert_eq!(stage.log(), ["not cancelled"]);
    assert_eq!(outcome(task), "cancelled: second");
    stage.assert_clean();
}

/// asyncio's second request finds nothing to cancel, and what is thrown into the task is the error
/// of what it has waited for.
#[test]
fn a_request_that_finds_the_awaited_task_cancelled_leaves_the_wait_the_first_message() {
    let stage = Stage::new();
    let inner = stage.spawn(async move |_| std::future::pending::<()>().await);
    let inner_ref = inner.task_ref();
    let outer = stage.spawn(async move |stage| {
        let caught = catch_cancelled(inner.into_future()).await;
        stage.say(message(&caught));
    });
    stage.turn();
    outer.cancel_with("first");
    while !inner_ref.done() {
        stage.turn();
    }
    outer.cancel_with("second");
    stage.settle();
    assert_eq!(stage.log(), ["first"]);
    assert_eq!(outcome(outer), "()");
    stage.assert_clean();
}
