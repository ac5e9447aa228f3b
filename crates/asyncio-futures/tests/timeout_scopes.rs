//! Timeouts together with `finally`, `shielded` and combinators that drop or forget them: a timeout's
//! request never leaves the timeout.

mod turns;

use std::cell::{Cell, OnceCell};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use asyncio_executor::{Executor, WaitPlace, catch_cancelled, finally, shielded, yield_now};
use asyncio_futures::{Timeout, TimeoutError, timeout};
use asyncio_loop::{create_task, get_running_loop, sleep};
use futures_lite::future::{or, poll_once};
use turns::{SECOND, me, run, since};

/// It has expired, and its scope has not been polled since.
#[test]
fn a_timeout_that_is_dropped_as_it_expires_leaves_its_task_alone() {
    run(async {
        or(sleep(SECOND), async {
            let _ = timeout(SECOND, pending::<()>()).await;
            unreachable!("the first branch is ready in the same poll");
        })
        .await;
        yield_now().await;
        sleep(SECOND).await;
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn a_timeout_that_expires_where_nobody_polls_it_leaves_its_task_alone() {
    run(async {
        let start = get_running_loop().time();
        let mut kept = pin!(timeout(SECOND, pending::<()>()));
        assert!(poll_once(kept.as_mut()).await.is_none());
        sleep(SECOND * 5).await;
        assert_eq!(kept.await, Err(TimeoutError));
        assert_eq!(since(start), 5);
    });
}

/// The task was cancelled, too: that request is not lost with the timeout's.
#[test]
fn a_timeout_that_is_dropped_as_it_expires_hands_over_what_is_not_its_own() {
    run(async {
        let task = create_task(async {
            or(sleep(SECOND), async {
                let _ = timeout(SECOND, shielded(pending::<()>())).await;
            })
            .await;
            yield_now().await;
            unreachable!("the task was cancelled");
        });
        sleep(SECOND / 2).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_shielded_body_that_ends_late_has_its_value_returned() {
    run(async {
        let start = get_running_loop().time();
        let deadline = Timeout::after(SECOND);
        let body = shielded(async {
            sleep(SECOND * 3).await;
            7
        });
        assert_eq!(deadline.clone().run(body).await, Ok(7));
        assert!(deadline.expired());
        assert_eq!((since(start), me().cancelling()), (3, 0));
        sleep(SECOND).await; // it was not the task that was cancelled
    });
}

#[test]
fn of_two_timeouts_around_a_shielded_body_neither_cancels_the_task() {
    run(async {
        let body = timeout(SECOND * 2, shielded(sleep(SECOND * 3)));
        assert_eq!(timeout(SECOND, body).await, Ok(Ok(())));
        sleep(SECOND).await;
        assert_eq!(me().cancelling(), 0);
    });
}

/// What waits after the shielded step is where the request is answered.
#[test]
fn a_timeout_ends_what_comes_after_a_shielded_step() {
    run(async {
        let start = get_running_loop().time();
        let body = async {
            shielded(sleep(SECOND * 3)).await;
            sleep(SECOND * 100).await;
        };
        assert_eq!(timeout(SECOND, body).await, Err(TimeoutError));
        assert_eq!(since(start), 3);
    });
}

#[test]
fn a_timeout_inside_a_shielded_body_works_as_ever() {
    run(async {
        let body = timeout(SECOND, sleep(SECOND * 100));
        assert_eq!(shielded(body).await, Err(TimeoutError));
    });
}

#[test]
fn a_timeout_waits_for_the_clean_up_and_is_still_one() {
    run(async {
        let start = get_running_loop().time();
        let body = finally(pending::<()>(), || sleep(SECOND * 2));
        assert_eq!(timeout(SECOND, body).await, Err(TimeoutError));
        assert_eq!((since(start), me().cancelling()), (3, 0));
    });
}

#[test]
fn a_clean_up_may_limit_itself() {
    run(async {
        let start = get_running_loop().time();
        let given_up = Rc::new(Cell::new(false));
        let flag = given_up.clone();
        let body = finally(pending::<()>(), async move || {
            let closed = timeout(SECOND * 2, pending::<()>()).await;
            flag.set(closed.is_err());
        });
        assert_eq!(timeout(SECOND, body).await, Err(TimeoutError));
        assert_eq!((since(start), given_up.get()), (3, true));
    });
}

/// The outer one expires while the inner one's clean-up runs: it interrupts that.
#[test]
fn a_later_timeout_interrupts_the_clean_up_of_an_earlier_one() {
    run(async {
        let start = get_running_loop().time();
        let body = finally(pending::<()>(), || sleep(SECOND * 100));
        let inner = timeout(SECOND, body);
        assert_eq!(timeout(SECOND * 2, inner).await, Err(TimeoutError));
        assert_eq!((since(start), me().cancelling()), (2, 0));
    });
}

/// The cancellation was the timeout's, and the clean-up's orphaning does not make it the task's.
#[test]
fn a_clean_up_that_is_dropped_inside_its_timeout_hands_over_the_timeouts_request_only() {
    run(async {
        let body = or(
            async {
                finally(pending::<()>(), || sleep(SECOND * 5)).await;
                unreachable!("cancelled by the timeout");
            },
            sleep(SECOND * 2),
        );
        assert_eq!(timeout(SECOND, body).await, Ok(()));
        sleep(SECOND).await;
        assert_eq!(me().cancelling(), 0);
        let clean_ups = get_running_loop().spawner().clean_ups();
        assert_eq!(clean_ups.len(), 1);
        clean_ups[0].wait().await;
    });
}

#[test]
fn a_cancelled_task_is_not_taken_for_a_timeout_by_a_clean_up_that_takes_longer() {
    run(async {
        let task = create_task(async {
            let body = finally(pending::<()>(), || sleep(SECOND * 5));
            let ended = catch_cancelled(timeout(SECOND * 2, body)).await;
            assert!(ended.is_err(), "{ended:?}");
        });
        sleep(SECOND).await;
        task.cancel();
        task.await.unwrap();
    });
}

/// As in asyncio, where a task has one count of requests: the timeout withdraws one at its end.
#[test]
fn a_body_that_withdraws_the_timeouts_request_leaves_it_the_next_one() {
    run(async {
        let task = create_task(async {
            let body = async {
                assert!(catch_cancelled(sleep(SECOND * 5)).await.is_err());
                assert_eq!(me().cancelling(), 1);
                assert_eq!((me().uncancel(), me().cancelling()), (0, 0));
                assert_eq!((me().uncancel(), me().cancelling()), (0, 0));
                me().cancel();
                assert_eq!(me().cancelling(), 1);
                sleep(SECOND * 5).await;
            };
            assert_eq!(timeout(SECOND, body).await, Err(TimeoutError));
            assert_eq!(me().cancelling(), 0);
            sleep(SECOND).await;
            7
        });
        assert_eq!(task.await.unwrap(), 7);
    });
}

/// The count does not go below zero, where it would swallow a request to come.
#[test]
fn a_withdrawal_lasts_no_longer_than_the_timeout_whose_request_it_was() {
    run(async {
        let task = create_task(async {
            let body = async {
                assert!(catch_cancelled(sleep(SECOND * 5)).await.is_err());
                assert_eq!(me().uncancel(), 0);
            };
            assert_eq!(timeout(SECOND, body).await, Ok(()));
            assert_eq!(me().cancelling(), 0);
            me().cancel();
            assert_eq!(me().cancelling(), 1);
            let body = timeout(SECOND, sleep(SECOND * 5));
            assert!(catch_cancelled(body).await.is_err());
            assert_eq!(me().cancelling(), 1);
        });
        assert!(task.await.is_ok());
    });
}

/// Among timers of the same moment it comes before those that its body sets: also where its scope is of
/// another executor than the loop's.
#[test]
fn a_timeout_polled_under_another_executor_keeps_its_place() {
    let other = Executor::new();
    run(async move {
        let here = get_running_loop();
        let tie = here.time() + SECOND;
        let wait = Rc::new(OnceCell::new());
        let heard = Rc::new(Cell::new(false));
        let body = poll_fn(|_| {
            wait.get_or_init(|| {
                let (seen, since) = (Rc::clone(&wait), Rc::clone(&heard));
                here.call_at(tie, move || {
                    since.set(seen.get().is_some_and(WaitPlace::is_requested));
                });
                WaitPlace::here()
            });
            Poll::<()>::Pending
        });
        let mut limited = pin!(timeout(SECOND, body));
        poll_fn(|cx| {
            assert!(other.enter(|| limited.as_mut().poll(cx)).is_pending());
            Poll::Ready(())
        })
        .await;
        sleep(SECOND * 2).await;
        assert!(heard.get(), "when the callback ran it had rung");
    });
}
