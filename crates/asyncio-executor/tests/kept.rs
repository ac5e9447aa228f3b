//! Futures that are kept and no longer polled, as in a loop around a `select` whose other branch is
//! busy: a request that goes to them is not lost, and goes to nobody else.

mod stage;

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use asyncio_executor::{Scope, ScopeRef, Task, catch_cancelled};
use futures_lite::future::{or, poll_once};
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
            cancelled.reraise().await;
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

/// The request has its answer, from the scope that is polled. What follows it is clean-up, which that
/// request does not interrupt by way of the scope that is kept.
#[test]
fn a_request_that_was_answered_does_not_come_again_from_a_scope_that_is_kept() {
    for drops in [false, true] {
        let stage = Stage::new();
        let task = stage.spawn(async move |_| {
            let mut kept = Box::pin(catch_cancelled(pending::<()>()));
            assert!(poll_once(kept.as_mut()).await.is_none());
            assert!(catch_cancelled(pending::<()>()).await.is_err());
            let _still_kept = (!drops).then_some(kept);
            pause(9).await;
            "cleaned up"
        });
        stage.turn();
        task.cancel();
        stage.settle();
        assert_eq!(outcome(task), "\"cleaned up\"", "drops it: {drops}");
        stage.assert_clean();
    }
}

/// Opens a scope around a wait that has no end; `None` if it has ended at once.
async fn open(scope: &mut Scope) -> Option<ScopeRef> {
    let mut body = pin!(Some(pending::<()>()));
    let polled = poll_fn(|cx| Poll::Ready(scope.poll(body.as_mut(), cx).is_pending())).await;
    polled.then(|| scope.reference()).flatten()
}

/// As when both are made before a wait can answer: one cancellation, with the first one's message.
#[test]
fn of_two_requests_that_come_from_scopes_inside_the_order_of_these_does_not_matter() {
    for later_first in [false, true] {
        let stage = Stage::new();
        let task = stage.spawn(async move |_| {
            let (mut one, mut two) = (Scope::new(), Scope::new());
            let _one = open(&mut one).await.unwrap();
            me().cancel_with("one");
            assert!(open(&mut two).await.unwrap().cancel_with("two"));
            if later_first {
                drop(two);
                drop(one);
            } else {
                drop(one);
                drop(two);
            }
            catch_cancelled(pending::<()>())
                .await
                .unwrap_err()
                .message()
                .map(str::to_owned)
        });
        stage.settle();
        assert_eq!(
            outcome(task),
            "Some(\"one\")",
            "the later first: {later_first}"
        );
        stage.assert_clean();
    }
}

/// A branch has let the request through, and the scope around waits for the other branches, of which
/// one is not polled. Then somebody drops all of it.
#[test]
fn a_request_on_its_way_out_of_what_is_dropped_goes_to_the_scope_around() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        let both = catch_cancelled(async {
            let mut kept = Box::pin(catch_cancelled(pending::<()>()));
            assert!(poll_once(kept.as_mut()).await.is_none());
            let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
            cancelled.reraise().await
        });
        or(async { drop(both.await) }, pause(2)).await;
        pending::<()>().await;
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(outcome(task), "cancelled: m");
    stage.assert_clean();
}
