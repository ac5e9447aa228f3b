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
