//! Cancel scopes that are given away, and what `move_on_after` makes of a deadline.

mod turns;

use std::future::{Future, pending};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use asyncio_executor::{ErrorContext, catch_cancelled, yield_now};
use asyncio_futures::{CancelScope, TimeoutError, move_on_after, timeout};
use asyncio_loop::{create_task, get_running_loop, sleep};
use turns::{Log, SECOND, me, run};

#[test]
fn what_is_not_cancelled_returns_its_value() {
    run(async {
        let scope = CancelScope::new();
        assert_eq!(scope.run(async { 1 }).await, Some(1));
        let slow = scope.run(async {
            sleep(SECOND).await;
            2
        });
        assert_eq!(slow.await, Some(2));
        assert!(!scope.cancel_called());
    });
}

#[test]
fn a_scope_is_cancelled_from_elsewhere_and_its_clean_up_is_awaited() {
    run(async {
        let (scope, start) = (CancelScope::new(), get_running_loop().time());
        let stop = scope.clone();
        get_running_loop().call_later(SECOND, move || stop.cancel_with("enough"));
        let outcome = scope.run(async {
            let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(
                (cancelled.message(), me().cancelling()),
                (Some("enough"), 1)
            );
            sleep(SECOND).await;
            cancelled.reraise().await;
        });
        assert_eq!(outcome.await, None);
        assert_eq!(get_running_loop().time() - start, SECOND * 2);
        assert!(scope.cancel_called());
        assert_eq!(me().cancelling(), 0);
        yield_now().await;
    });
}

#[test]
fn what_begins_in_a_cancelled_scope_is_never_polled() {
    run(async {
        let scope = CancelScope::new();
        scope.cancel();
        let outcome = scope.run(async { unreachable!("never polled") });
        assert_eq!(outcome.await, None::<()>);
    });
}

#[test]
fn a_scope_is_cancelled_from_inside() {
    run(async {
        let scope = CancelScope::new();
        let outcome = scope.run(async {
            scope.cancel();
            scope.cancel();
            yield_now().await;
            unreachable!("answered at the first await");
        });
        assert_eq!(outcome.await, None::<()>);
        let scope = CancelScope::new();
        let outcome = scope.run(async {
            yield_now().await;
            scope.cancel();
            "no await is left"
        });
        assert_eq!(outcome.await, Some("no await is left"));
        yield_now().await; // no request is left behind
    });
}

#[test]
fn a_body_that_swallows_the_cancellation_has_its_value_returned() {
    run(async {
        let scope = CancelScope::new();
        let stop = scope.clone();
        get_running_loop().call_later(SECOND, move || stop.cancel());
        let outcome = scope.run(async {
            assert!(catch_cancelled(pending::<()>()).await.is_err());
            "kept"
        });
        assert_eq!(outcome.await, Some("kept"));
    });
}

#[test]
fn who_waits_for_the_cancellation_is_told_after_what_runs_under_it() {
    run(async {
        let (scope, log) = (CancelScope::new(), Log::default());
        let watches = ["a", "b"].map(|name| {
            let (scope, log) = (scope.clone(), log.clone());
            create_task(async move {
                scope.cancelled().await;
                log.add(name);
            })
        });
        let gone = create_task({
            let scope = scope.clone();
            async move { scope.cancelled().await }
        });
        let runs = create_task({
            let (scope, log) = (scope.clone(), log.clone());
            async move {
                assert!(scope.run(pending::<()>()).await.is_none());
                log.add("ran");
            }
        });
        yield_now().await;
        gone.cancel();
        yield_now().await;
        scope.cancel();
        for task in watches.into_iter().chain([runs]) {
            task.await.unwrap();
        }
        assert_eq!(log.take(), ["ran", "a", "b"]);
        scope.cancelled().await; // at once
    });
}

#[test]
fn several_tasks_end_together_in_the_order_in_which_they_began() {
    run(async {
        let (scope, log) = (CancelScope::new(), Log::default());
        let tasks = ["a", "b", "c"].map(|name| {
            let (scope, log) = (scope.clone(), log.clone());
            create_task(async move {
                let body = async {
                    let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
                    log.add(name);
                    cancelled.reraise().await;
                };
                scope.run(body).await
            })
        });
        yield_now().await;
        scope.cancel();
        for task in tasks {
            assert_eq!(task.await.unwrap(), None);
        }
        assert_eq!(log.take(), ["a", "b", "c"]);
    });
}

#[test]
fn a_cancellation_from_outside_stays_one() {
    run(async {
        let scope = CancelScope::new();
        let inner = scope.clone();
        let task = create_task(async move { inner.run(pending::<()>()).await });
        yield_now().await;
        task.cancel_with("outside");
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "task was cancelled: outside");
        assert!(!scope.cancel_called());

        // Both at once: that from outside wins.
        let inner = scope.clone();
        let task = create_task(async move { inner.run(pending::<()>()).await });
        yield_now().await;
        scope.cancel();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn scopes_and_timeouts_nest() {
    run(async {
        let scope = CancelScope::new();
        let outcome = scope.run(timeout(SECOND, pending::<()>()));
        assert_eq!(outcome.await, Some(Err(TimeoutError)));
        assert!(timeout(SECOND, scope.run(pending::<()>())).await.is_err());
        let inner = CancelScope::new();
        let outcome = scope.run(async {
            scope.cancel();
            inner.run(pending::<()>()).await
        });
        assert_eq!(outcome.await, None);
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn dropping_a_body_leaves_nothing_in_the_scope() {
    run(async {
        let scope = CancelScope::new();
        let mut body = Box::pin(scope.run(pending::<()>()));
        assert!(futures_lite::future::poll_once(&mut body).await.is_none());
        assert!(format!("{scope:?}").contains("running: 1"));
        drop(body);
        assert!(format!("{scope:?}").contains("running: 0"));
        scope.cancel();
    });
}

#[test]
fn running_out_of_time_may_be_no_error() {
    run(async {
        let start = get_running_loop().time();
        assert_eq!(move_on_after(SECOND, async { 1 }).await, Some(1));
        assert_eq!(move_on_after(SECOND, pending::<()>()).await, None);
        assert_eq!(get_running_loop().time() - start, SECOND);
    });
}

/// A waker of a foreign executor that panics.
struct Bad;

impl Wake for Bad {
    fn wake(self: Arc<Self>) {
        panic!("in a waker");
    }
}

#[test]
fn a_foreign_waker_that_panics_keeps_nobody_from_being_told() {
    run(async {
        let scope = CancelScope::new();
        let mut foreign = pin!(scope.cancelled());
        let bad = Waker::from(Arc::new(Bad));
        assert!(
            foreign
                .as_mut()
                .poll(&mut Context::from_waker(&bad))
                .is_pending()
        );
        let other = scope.clone();
        let told = create_task(async move { other.cancelled().await });
        yield_now().await;
        let stop = scope.clone();
        let handler = Rc::new(|_: &ErrorContext<'_>| ());
        get_running_loop()
            .spawner()
            .set_exception_handler(Some(handler));
        stop.cancel();
        assert_eq!(
            timeout(Duration::from_secs(1), told)
                .await
                .map(|told| told.is_ok()),
            Ok(true)
        );
    });
}
