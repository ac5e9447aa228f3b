//! `wait_for`: a timeout around one await.

mod turns;

use std::time::Duration;

use asyncio_executor::{catch_cancelled, yield_now};
use asyncio_futures::{Future, TimeoutError, gather, timeout, wait_for};
use asyncio_loop::{create_task, get_running_loop, sleep};
use turns::{Log, SECOND, run, turn};

const NO_TIME: Option<Duration> = Some(Duration::ZERO);

#[test]
fn without_a_limit_it_just_awaits() {
    run(async {
        wait_for(sleep(SECOND * 1000), None).await.unwrap();
        let before = turn();
        assert_eq!(wait_for(async { 1 }, SECOND).await, Ok(1));
        assert_eq!(turn(), before);
    });
}

/// asyncio: `wait_for` of a task takes two iterations.
#[test]
fn a_task_is_awaited_in_two_turns() {
    run(async {
        let before = turn();
        let task = create_task(async { 1 });
        assert_eq!(wait_for(task, SECOND).await.unwrap().unwrap(), 1);
        assert_eq!(turn() - before, 2);
    });
}

#[test]
fn the_future_runs_in_the_same_task_and_may_borrow() {
    run(async {
        let text = String::from("borrowed");
        let here = asyncio_executor::current_task();
        let body = async {
            yield_now().await;
            assert_eq!(asyncio_executor::current_task(), here);
            text.as_str()
        };
        assert_eq!(wait_for(body, SECOND).await, Ok("borrowed"));
    });
}

/// asyncio: a coroutine is not even started, and three iterations pass.
#[test]
fn with_no_time_a_future_never_starts() {
    run(async {
        let log = Log::default();
        let before = turn();
        let outcome = wait_for(async { log.add("never") }, NO_TIME).await;
        assert_eq!(outcome, Err(TimeoutError));
        assert_eq!(turn() - before, 3);
        assert!(log.take().is_empty());
    });
}

/// asyncio: `wait_for` makes an eager task of it, which is cancelled where it waits.
#[test]
fn with_no_time_a_future_has_its_first_step_where_tasks_are_eager() {
    run(async {
        get_running_loop().set_eager(true);
        assert_eq!(wait_for(async { 1 }, NO_TIME).await, Ok(1));
        let log = Log::default();
        let before = turn();
        let outcome = wait_for(
            async {
                log.add("first step");
                let cancelled = catch_cancelled(sleep(SECOND)).await.unwrap_err();
                log.add("clean-up");
                cancelled.reraise().await;
            },
            NO_TIME,
        );
        assert_eq!(outcome.await, Err(TimeoutError));
        assert_eq!(turn() - before, 3);
        assert_eq!(log.take(), ["first step", "clean-up"]);
    });
}

/// asyncio sets the timer first, and timers of one moment fire in order.
#[test]
fn the_deadline_comes_before_timers_that_the_future_sets_for_the_same_moment() {
    run(async {
        let log = Log::default();
        let body = || async {
            let inner = log.clone();
            let mut eager = get_running_loop()
                .build_task()
                .eager(true)
                .spawn(async move {
                    let slept = catch_cancelled(sleep(SECOND)).await;
                    inner.add(if slept.is_ok() { "slept" } else { "cancelled" });
                });
            let _ = (&mut eager).await;
        };
        // What the task has answered counts.
        assert_eq!(wait_for(body(), SECOND).await, Ok(()));
        assert_eq!(timeout(SECOND, body()).await, Ok(()));
        assert_eq!(log.take(), ["cancelled", "cancelled"]);
    });
}

#[test]
fn there_is_a_timer_from_the_first_wait_on_and_none_before() {
    run(async {
        let timers = || get_running_loop().metrics().timers;
        let seen = wait_for(async { timers() }, SECOND).await;
        assert_eq!(seen, Ok(0));
        let body = async {
            yield_now().await;
            timers()
        };
        assert_eq!(wait_for(body, SECOND).await, Ok(1));
        assert_eq!(timers(), 0);
    });
}

/// It is not in the ready queue meanwhile, so that a request finds it where asyncio's does.
#[test]
fn with_no_time_a_request_to_cancel_comes_in_its_turn() {
    run(async {
        let log = Log::default();
        let inner = log.clone();
        let waits = create_task(async move {
            let caught = catch_cancelled(wait_for(sleep(SECOND), NO_TIME)).await;
            assert!(caught.is_err());
            inner.add("cancelled");
        });
        let inner = log.clone();
        let yields = create_task(async move {
            yield_now().await;
            inner.add("was in the queue before");
        });
        yield_now().await;
        waits.cancel();
        waits.await.unwrap();
        yields.await.unwrap();
        assert_eq!(log.take(), ["was in the queue before", "cancelled"]);
    });
}

#[test]
fn with_no_time_what_is_done_is_returned() {
    run(async {
        let task = create_task(async { "n" });
        sleep(SECOND).await;
        assert_eq!(wait_for(task, NO_TIME).await.unwrap().unwrap(), "n");
        let future = Future::new();
        future.set_result(2).unwrap();
        assert_eq!(wait_for(future, NO_TIME).await.unwrap().unwrap(), 2);
    });
}

#[test]
fn with_no_time_a_task_is_cancelled_and_waited_for() {
    run(async {
        let mut task = create_task(async {
            let cancelled = catch_cancelled(sleep(SECOND)).await.unwrap_err();
            sleep(SECOND).await;
            cancelled.reraise().await;
        });
        yield_now().await;
        let start = get_running_loop().time();
        assert_eq!(
            wait_for(&mut task, NO_TIME).await.unwrap_err(),
            TimeoutError
        );
        assert!(task.cancelled());
        assert_eq!(get_running_loop().time() - start, SECOND);

        let stubborn = create_task(async {
            let _swallowed = catch_cancelled(sleep(SECOND)).await;
            "kept"
        });
        yield_now().await;
        assert_eq!(wait_for(stubborn, NO_TIME).await.unwrap().unwrap(), "kept");
    });
}

#[test]
fn too_late_cancels_the_task_and_waits_for_its_end() {
    run(async {
        let start = get_running_loop().time();
        let log = Log::default();
        let inner = log.clone();
        let task = create_task(async move {
            let cancelled = catch_cancelled(sleep(SECOND * 10)).await.unwrap_err();
            inner.add("slow exit");
            sleep(SECOND * 2).await;
            inner.add("exit");
            cancelled.reraise().await;
        });
        assert!(wait_for(task, SECOND).await.is_err());
        assert_eq!(log.take(), ["slow exit", "exit"]);
        assert_eq!(get_running_loop().time() - start, SECOND * 3);
    });
}

/// A cancellation that races with the end is never swallowed.
#[test]
fn a_cancellation_that_races_with_completion_wins() {
    run(async {
        let future = Future::<u32>::new();
        let waited = future.clone();
        let waiting = create_task(async move { wait_for(waited, SECOND).await });
        yield_now().await;
        future.set_result(1).unwrap();
        waiting.cancel();
        assert!(waiting.await.unwrap_err().is_cancelled());
    });
}

/// Nor is a timeout reported where the value had come.
#[test]
fn a_value_that_comes_with_the_deadline_is_returned_or_the_time_was_over() {
    run(async {
        let future = Future::<u32>::new();
        let setter = future.clone();
        get_running_loop().call_later(SECOND, move || setter.set_result(1).unwrap());
        // The value's timer is the earlier one of the two; the deadline's comes before the turn
        // in which the value would be seen.
        let outcome = wait_for(future.clone(), SECOND).await;
        assert_eq!(outcome.unwrap_err(), TimeoutError);
        assert!(!future.cancelled());
    });
}

#[test]
fn cancelling_the_awaiting_task_cancels_what_it_waits_for() {
    run(async {
        let inner = create_task(std::future::pending::<()>());
        let reference = inner.task_ref();
        let waiting = create_task(wait_for(inner, SECOND * 5));
        yield_now().await;
        waiting.cancel();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert!(reference.cancelled());
    });
}

#[test]
fn a_group_can_be_waited_for() {
    run(async {
        let group = gather([sleep(SECOND), sleep(SECOND * 2)]);
        assert!(wait_for(group, SECOND * 3).await.unwrap().is_ok());
        let mut group = gather([sleep(SECOND), sleep(SECOND * 9)]);
        assert!(wait_for(&mut group, SECOND * 3).await.is_err());
        assert!(group.cancelled());
    });
}
