//! Timeouts: what they cancel, what they convert, and what they leave alone.

mod turns;

use std::time::Duration;

use asyncio_executor::{RunError, Task, catch_cancelled, raise_cancelled, yield_now};
use asyncio_futures::{
    Future, Timeout, TimeoutError, TimeoutStateError, move_on_after, timeout, timeout_at,
};
use asyncio_loop::{create_task, get_running_loop, sleep};
use turns::{Log, SECOND, me, run, simulated, since, turn};

#[test]
fn a_body_that_takes_too_long_is_dropped_and_the_outcome_says_so() {
    run(async {
        let (start, before) = (get_running_loop().time(), turn());
        assert_eq!(timeout(SECOND, sleep(SECOND * 5)).await, Err(TimeoutError));
        assert_eq!((since(start), turn() - before), (1, 2));
        assert_eq!(timeout(SECOND * 5, sleep(SECOND)).await, Ok(()));
        assert_eq!(since(start), 2);
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn what_is_ready_at_once_needs_no_loop() {
    let ready = timeout(Duration::ZERO, async { 1 });
    assert_eq!(futures_lite::future::block_on(ready), Ok(1));
}

#[test]
#[should_panic(expected = "no running event loop")]
fn what_has_to_wait_needs_a_loop() {
    let pending = timeout(SECOND, std::future::pending::<()>());
    let _never = futures_lite::future::block_on(pending);
}

/// asyncio: with `timeout(0)` the body runs to its first suspension, and one turn passes.
#[test]
fn no_time_at_all_lets_the_body_run_to_its_first_wait() {
    run(async {
        let log = Log::default();
        let body = async {
            log.add("first step");
            yield_now().await;
            log.add("never");
        };
        let before = turn();
        assert_eq!(timeout(Duration::ZERO, body).await, Err(TimeoutError));
        assert_eq!(turn() - before, 1);
        assert_eq!(log.take(), ["first step"]);
        let past = get_running_loop().time() - SECOND;
        assert_eq!(timeout_at(past, sleep(SECOND)).await, Err(TimeoutError));
    });
}

#[test]
fn a_time_past_the_end_of_time_is_never() {
    run(async {
        assert_eq!(timeout(Duration::MAX, sleep(SECOND)).await, Ok(()));
    });
}

#[test]
fn clean_up_runs_and_is_waited_for() {
    run(async {
        let start = get_running_loop().time();
        let body = async {
            let cancelled = catch_cancelled(sleep(SECOND * 9)).await.unwrap_err();
            assert_eq!(me().cancelling(), 1);
            sleep(SECOND * 2).await;
            cancelled.reraise().await;
        };
        assert_eq!(timeout(SECOND, body).await, Err(TimeoutError));
        assert_eq!(since(start), 3);
    });
}

#[test]
fn no_limit_and_an_endless_one_are_the_same() {
    run(async {
        let long = || sleep(SECOND * 1_000_000_000);
        assert_eq!(timeout(None, long()).await, Ok(()));
        assert_eq!(timeout(Duration::MAX, long()).await, Ok(()));
        assert_eq!(timeout_at(None, long()).await, Ok(()));
        assert_eq!(move_on_after(None, long()).await, Some(()));
        assert_eq!(timeout(Some(SECOND), long()).await, Err(TimeoutError));
    });
}

/// What was cancelled may still return; that is the outcome.
#[test]
fn a_body_that_swallows_the_cancellation_has_its_value_returned() {
    run(async {
        let deadline = Timeout::after(SECOND);
        let body = async {
            assert!(catch_cancelled(sleep(SECOND * 5)).await.is_err());
            (me().cancelling(), "kept")
        };
        assert_eq!(deadline.run(body).await, Ok((1, "kept")));
        assert!(deadline.expired());
        assert_eq!(me().cancelling(), 0);
    });
}

/// The cancellation of the task goes on outwards, and is no timeout.
#[test]
fn a_cancellation_from_outside_stays_one() {
    run(async {
        let deadline = Timeout::after(SECOND * 5);
        let inner = deadline.clone();
        let task = create_task(async move { inner.run(sleep(SECOND * 9)).await });
        sleep(SECOND).await;
        assert!(task.cancel_with("outside"));
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "task was cancelled: outside");
        assert!(!deadline.expired());
    });
}

#[test]
fn a_task_that_is_cancelled_as_its_timeout_expires_is_cancelled() {
    run(async {
        let task = create_task(timeout(SECOND, sleep(SECOND * 9)));
        let reference = task.task_ref();
        // Made before the timeout's timer, for the same moment: in the same turn.
        get_running_loop().call_later(SECOND, move || {
            reference.cancel();
        });
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

/// gh-102780: a timeout inside clean-up counts from the requests that there were before.
#[test]
fn a_timeout_in_the_clean_up_of_a_cancelled_task_converts_its_own_request() {
    run(async {
        let task: Task<_> = create_task(async {
            let cancelled = catch_cancelled(sleep(SECOND * 9)).await.unwrap_err();
            assert_eq!(me().cancelling(), 1);
            let outcome = timeout(SECOND, sleep(SECOND * 9)).await;
            assert_eq!(outcome, Err(TimeoutError));
            cancelled.reraise().await;
        });
        sleep(SECOND).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn the_outer_of_two_timeouts_goes_through_the_inner() {
    run(async {
        let inner = Timeout::after(SECOND * 5);
        let start = get_running_loop().time();
        let body = async {
            let caught = catch_cancelled(inner.run(sleep(SECOND * 9))).await;
            assert!(caught.is_err(), "the inner lets it through");
            assert_eq!(me().cancelling(), 1);
            sleep(SECOND * 3).await;
        };
        assert_eq!(timeout(SECOND, body).await, Ok(()));
        assert!(!inner.expired());
        assert_eq!(since(start), 4);
    });
}

/// Both expire in one turn: each asks once, and the outer one reports.
#[test]
fn of_two_timeouts_that_expire_together_the_outer_one_wins() {
    run(async {
        let (outer, inner) = (Timeout::after(SECOND), Timeout::after(SECOND));
        assert_eq!(
            outer.run(inner.run(sleep(SECOND * 9))).await,
            Err(TimeoutError)
        );
        assert!(outer.expired() && inner.expired());

        let (outer, inner) = (Timeout::after(SECOND), Timeout::after(SECOND));
        let body = async {
            assert!(catch_cancelled(inner.run(sleep(SECOND * 9))).await.is_err());
            assert_eq!(me().cancelling(), 1);
            sleep(SECOND * 3).await;
        };
        assert_eq!(outer.run(body).await, Ok(()));
        assert!(outer.expired() && inner.expired());
        assert_eq!(me().cancelling(), 0);
    });
}

/// Also when the loop was busy past both deadlines.
#[test]
fn a_busy_loop_loses_neither_of_two_timeouts() {
    let (event_loop, clock) = simulated();
    event_loop
        .run_until_complete(async {
            let inner = async {
                clock.advance(SECOND * 60);
                timeout(SECOND, sleep(SECOND)).await
            };
            let outcome = timeout(SECOND, async {
                yield_now().await;
                inner.await
            });
            assert_eq!(outcome.await, Err(TimeoutError));
        })
        .unwrap();
}

#[test]
fn the_inner_of_two_timeouts_is_converted_inside() {
    run(async {
        let body = async { timeout(SECOND, sleep(SECOND * 9)).await };
        assert_eq!(timeout(SECOND * 5, body).await, Ok(Err(TimeoutError)));
    });
}

#[test]
fn many_timeouts_nest() {
    run(async {
        let mut body: std::pin::Pin<Box<dyn std::future::Future<Output = u32>>> = Box::pin(async {
            sleep(SECOND * 100).await;
            0
        });
        for depth in 1..=50 {
            // The tenth from inside is the first to expire.
            let limit = if depth == 10 { SECOND } else { SECOND * 50 };
            let inner = body;
            body = Box::pin(async move { timeout(limit, inner).await.unwrap_or(depth) });
        }
        assert_eq!(body.await, 10);
    });
}

#[test]
fn a_task_that_is_awaited_inside_is_cancelled_and_waited_for() {
    run(async {
        let start = get_running_loop().time();
        let mut task = create_task(async {
            let cancelled = catch_cancelled(sleep(SECOND * 9)).await.unwrap_err();
            sleep(SECOND).await;
            cancelled.reraise().await;
        });
        assert!(timeout(SECOND, &mut task).await.is_err());
        assert!(task.done() && task.cancelled());
        assert_eq!(since(start), 2);
    });
}

/// A task that answers with a value has it returned.
#[test]
fn the_value_of_a_task_that_swallows_the_timeout_is_returned() {
    run(async {
        let task = create_task(async {
            let _swallowed = catch_cancelled(sleep(SECOND * 9)).await;
            "kept"
        });
        let outcome = timeout(SECOND, task).await;
        assert_eq!(outcome.unwrap().unwrap(), "kept");
    });
}

#[test]
fn a_future_that_is_awaited_inside_is_cancelled() {
    run(async {
        let future = Future::<()>::new();
        assert!(timeout(SECOND, &future).await.is_err());
        assert!(future.cancelled());
    });
}

#[test]
fn a_cancellation_raised_by_the_body_goes_on() {
    run(async {
        let task = create_task(timeout(SECOND, async {
            raise_cancelled("own").await;
        }));
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "task was cancelled: own");
    });
}

#[test]
fn dropping_it_drops_the_body_and_the_timer() {
    run(async {
        let deadline = Timeout::after(SECOND * 5);
        {
            let mut waiting = Box::pin(deadline.run(sleep(SECOND * 9)));
            assert!(
                futures_lite::future::poll_once(&mut waiting)
                    .await
                    .is_none()
            );
            assert_eq!(get_running_loop().metrics().timers, 2);
        }
        assert_eq!(get_running_loop().metrics().timers, 0);
        assert!(!deadline.expired());
        assert_eq!(deadline.reschedule(None), Err(TimeoutStateError));
    });
}

#[test]
fn a_deadline_can_be_set_from_inside() {
    run(async {
        let start = get_running_loop().time();
        let deadline = Timeout::never();
        assert_eq!(deadline.when(), None);
        let mover = deadline.clone();
        let body = async move {
            sleep(SECOND * 2).await;
            let when = get_running_loop().time() + SECOND;
            mover.reschedule(Some(when)).unwrap();
            assert_eq!(mover.when(), Some(when));
            sleep(SECOND * 5).await;
        };
        assert_eq!(deadline.run(body).await, Err(TimeoutError));
        assert_eq!(since(start), 3);
    });
}

#[test]
fn a_deadline_can_be_moved_and_taken_away_from_outside() {
    run(async {
        let start = get_running_loop().time();
        let deadline = Timeout::after(SECOND * 2);
        let mover = deadline.clone();
        let moving = create_task(async move {
            sleep(SECOND).await;
            mover.reschedule(Some(start + SECOND * 4)).unwrap();
            sleep(SECOND).await;
            mover.reschedule(None).unwrap();
        });
        assert_eq!(deadline.run(sleep(SECOND * 9)).await, Ok(()));
        assert_eq!(since(start), 9);
        moving.await.unwrap();
    });
}

/// asyncio's scenario `timeout_nested_same_reverse`.
#[test]
fn a_deadline_moved_before_the_first_wait_counts() {
    run(async {
        let outer = Timeout::after(SECOND * 9);
        let inner = Timeout::after(SECOND);
        let soon = get_running_loop().time() + SECOND;
        let before = turn();
        let body = inner.run(async {
            outer.reschedule(Some(soon)).unwrap();
            sleep(SECOND * 9).await;
        });
        assert_eq!(outer.run(body).await, Err(TimeoutError));
        assert_eq!(turn() - before, 2);
        assert!(outer.expired() && inner.expired());
    });
}

#[test]
fn a_deadline_moved_into_the_past_expires_in_the_next_turn() {
    run(async {
        let deadline = Timeout::never();
        let mover = deadline.clone();
        let start = get_running_loop().time();
        let body = async move {
            yield_now().await;
            mover.reschedule(Some(start)).unwrap();
            sleep(SECOND).await;
        };
        assert_eq!(deadline.run(body).await, Err(TimeoutError));
        assert_eq!(since(start), 0);
    });
}

/// What was ready before it was moved comes first: it stands at the end of the queue again.
#[test]
fn a_deadline_moved_into_the_past_twice_takes_a_new_place() {
    run(async {
        let log = Log::default();
        let deadline = Timeout::at(get_running_loop().time());
        let (mover, soon) = (deadline.clone(), log.clone());
        let start = get_running_loop().time();
        let body = async {
            get_running_loop().call_soon(move || soon.add("soon"));
            mover.reschedule(Some(start)).unwrap();
            let _ = catch_cancelled(sleep(SECOND)).await;
            log.add("cancelled");
        };
        let watched = get_running_loop().call_soon({
            let (log, deadline) = (log.clone(), deadline.clone());
            move || log.add(format!("expired: {}", deadline.expired()))
        });
        assert_eq!(deadline.run(body).await, Ok(()));
        assert!(!watched.cancelled());
        assert_eq!(log.take(), ["expired: false", "soon", "cancelled"]);
    });
}

#[test]
fn a_deadline_moved_into_the_past_and_out_of_it_does_not_expire() {
    run(async {
        let deadline = Timeout::at(get_running_loop().time());
        let mover = deadline.clone();
        let body = async move {
            mover.reschedule(None).unwrap();
            yield_now().await;
            yield_now().await;
            let moved = get_running_loop().time() + SECOND;
            mover.reschedule(Some(moved)).unwrap();
            sleep(SECOND / 2).await;
        };
        assert_eq!(deadline.run(body).await, Ok(()));
        assert!(!deadline.expired());
    });
}

#[test]
fn a_deadline_moves_only_while_something_runs_under_it() {
    run(async {
        let deadline = Timeout::after(SECOND);
        assert_eq!(deadline.reschedule(None), Err(TimeoutStateError));
        assert_eq!(deadline.run(async {}).await, Ok(()));
        assert_eq!(deadline.reschedule(None), Err(TimeoutStateError));
        assert!(!deadline.expired());
    });
}

#[test]
fn a_deadline_serves_once() {
    let (event_loop, _clock) = simulated();
    let main = event_loop.create_task(async {
        let deadline = Timeout::after(SECOND);
        deadline.run(async {}).await.unwrap();
        let _panics = deadline.run(async {}).await;
    });
    let error = event_loop.run_until_complete(main).unwrap().unwrap_err();
    assert!(error.to_string().contains("make another one"));
}

#[test]
fn the_main_future_can_be_under_a_timeout() {
    let (event_loop, _clock) = simulated();
    let outcome = event_loop.run_until_complete(timeout(SECOND, sleep(SECOND * 9)));
    assert_eq!(outcome, Ok(Err(TimeoutError)));
    let cancelled = event_loop.run_until_complete(async {
        me().cancel();
        timeout(SECOND, sleep(SECOND * 9)).await
    });
    assert_eq!(cancelled, Err(RunError::Cancelled(None)));
}

#[test]
fn the_error_converts_to_io() {
    let error = std::io::Error::from(TimeoutError);
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(error.to_string(), "timed out");
}

/// asyncio's `__aenter__` sets the timer, or makes the callback of one that is due, before the body
/// begins.
#[test]
fn a_handles_deadline_comes_before_what_its_body_sets_up() {
    run(async {
        let log = Log::default();
        let later = |what: &'static str| {
            let log = log.clone();
            // In the turn after the next one.
            get_running_loop().call_soon(move || {
                get_running_loop().call_soon(move || log.add(what));
            });
        };
        let due = Timeout::after(Duration::ZERO);
        let outcome = due.run(async {
            later("set up by the body");
            std::future::pending::<()>().await;
        });
        assert!(outcome.await.is_err());
        log.add("expired");
        sleep(SECOND).await;
        assert_eq!(log.take(), ["expired", "set up by the body"]);

        let moved = Timeout::after(SECOND);
        let outcome = moved.run(async {
            moved.reschedule(Some(get_running_loop().time())).unwrap();
            later("set up by the body");
            std::future::pending::<()>().await;
        });
        assert!(outcome.await.is_err());
        log.add("expired");
        sleep(SECOND).await;
        assert_eq!(log.take(), ["expired", "set up by the body"]);

        let same = Timeout::after(SECOND);
        let (expires, expired) = (same.clone(), log.clone());
        let outcome = same.run(async move {
            get_running_loop().call_later(SECOND, move || {
                expired.add(if expires.expired() {
                    "after it"
                } else {
                    "before it"
                });
            });
            std::future::pending::<()>().await;
        });
        assert!(outcome.await.is_err());
        assert_eq!(log.take(), ["after it"]);
    });
}

#[test]
fn a_handle_whose_body_panics_at_once_leaves_no_timer() {
    run(async {
        let deadline = Timeout::after(SECOND);
        let body = deadline.run(async { panic!("at once") });
        let body = std::panic::AssertUnwindSafe(body);
        let caught = futures_lite::FutureExt::catch_unwind(body).await;
        assert!(caught.is_err());
        assert_eq!(get_running_loop().metrics().timers, 0);
    });
}
