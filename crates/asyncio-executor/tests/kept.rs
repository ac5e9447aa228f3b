//! Futures that are kept and no longer polled, as in a loop around a `select` whose other branch is
//! busy: a request that goes to them is not lost, and goes to nobody else.

mod stage;

use std::future::{Future, pending};
use std::pin::Pin;

use asyncio_executor::{Task, catch_cancelled};
use futures_lite::future::poll_once;
use stage::{Stage, me, outcome, pause};

/// Polls `kept` once, and then waits for something else for ever.
async fn keeps(kept: impl Future) {
    let mut kept = Box::pin(kept);
    assert!(poll_once(kept.as_mut()).await.is_none());
    pending::<()>().await;
}

/// A body as it is, and in a scope that lets a cancellation through.
fn bare_and_in_a_scope(
    body: impl Fn() -> Pin<Box<dyn Future<Output = ()>>>,
) -> [Pin<Box<dyn Future<Output = ()>>>; 2] {
    let (bare, inner) = (body(), body());
    let scoped = Box::pin(async {
        if let Err(cancelled) = catch_cancelled(inner).await {
            cancelled.reraise::<()>().await;
        }
    });
    [bare, scoped]
}

#[test]
fn a_mark_that_a_new_scope_takes_over_goes_back_if_that_is_not_polled_again() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        me().cancel_with("m");
        keeps(catch_cancelled(pending::<()>())).await;
    });
    stage.settle();
    assert_eq!(outcome(task), "cancelled: m");
    stage.assert_clean();
}

#[test]
fn a_request_made_in_the_last_poll_of_a_scope_goes_to_the_scope_around() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        keeps(catch_cancelled(async {
            me().cancel_with("m");
            pending::<()>().await;
        }))
        .await;
    });
    stage.settle();
    assert_eq!(outcome(task), "cancelled: m");
    stage.assert_clean();
}

/// The wait for a task that has ended has nothing to pass a request on to.
#[test]
fn a_claim_that_is_refused_and_not_polled_again_leaves_the_request_to_its_parent() {
    let stage = Stage::new();
    let bodies = bare_and_in_a_scope(|| {
        let other = stage.spawn(async move |_| pause(1).await);
        Box::pin(keeps(other.into_future()))
    });
    let tasks = bodies.map(|body| stage.executor.create_task(body));
    stage.turns(3);
    for task in tasks {
        task.cancel_with("m");
        stage.settle();
        assert_eq!(outcome(task), "cancelled: m");
    }
    stage.assert_clean();
}

/// The request came back as far as the claim, which nobody polls.
#[test]
fn a_request_that_comes_back_to_a_claim_that_is_not_polled_goes_on_to_its_parent() {
    let stage = Stage::new();
    let bodies = bare_and_in_a_scope(|| {
        let other: Task<()> = stage.spawn(async move |_| pending().await);
        Box::pin(keeps(other.into_future()))
    });
    for body in bodies {
        let task = stage.executor.create_task(body);
        stage.turn();
        task.cancel_with("m");
        stage.turns(3);
        assert!(!task.done(), "two further turns, then the parent");
        stage.settle();
        assert_eq!(outcome(task), "cancelled: m");
    }
    stage.assert_clean();
}

/// The awaited task has answered it: nothing is left of the request.
#[test]
fn a_request_that_was_answered_by_a_value_goes_nowhere() {
    let stage = Stage::new();
    let other = stage.spawn(async move |_| catch_cancelled(pending::<()>()).await.is_err());
    let task = stage.spawn(async move |_| {
        let mut kept = Box::pin(other.into_future());
        assert!(poll_once(kept.as_mut()).await.is_none());
        pause(9).await;
        kept.await.unwrap()
    });
    stage.turn();
    task.cancel();
    stage.settle();
    assert_eq!(outcome(task), "true");
    stage.assert_clean();
}

/// A task that was made since stands in the place of the one that has ended. It is no business of
/// the one that waited for that: neither before it has run again nor if it never polls the wait.
#[test]
fn a_request_never_goes_to_a_later_task_in_the_place_of_the_awaited_one() {
    for waits in [true, false] {
        for scoped in [0, 1] {
            let stage = Stage::new();
            let mut bodies = bare_and_in_a_scope(|| {
                let other = stage.spawn(async move |_| pause(1).await);
                if waits {
                    Box::pin(async move { other.await.unwrap() })
                } else {
                    Box::pin(keeps(other.into_future()))
                }
            });
            let body = std::mem::replace(&mut bodies[scoped], Box::pin(async {}));
            let task = stage.executor.create_task(body);
            stage.turns(2);
            assert_eq!(stage.executor.task_count(), 1, "the awaited task has ended");
            let later: Task<()> = stage.spawn(async move |_| pending().await);
            task.cancel_with("m");
            assert_eq!(later.cancelling(), 0);
            stage.settle();
            assert_eq!(outcome(task), "cancelled: m");
            later.cancel();
            stage.settle();
            assert_eq!(outcome(later), "cancelled");
            stage.assert_clean();
        }
    }
}
