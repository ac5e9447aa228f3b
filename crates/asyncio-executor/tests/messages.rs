//! Which message comes with which cancellation.

mod stage;

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
    stage.turn();
    for task in [&waits, &ready, &itself] {
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
    assert_eq!(outcome(fresh), "cancelled: fifth");
    stage.assert_clean();
}
