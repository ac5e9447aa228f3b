//! Staggered races. After CPython's `StaggeredTests`.

mod turns;

use std::cell::Cell;
use std::future::{Future, pending, poll_fn, ready};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use asyncio_executor::{catch_cancelled, raise_cancelled, yield_now};
use asyncio_futures::{CancelScope, staggered_race};
use asyncio_loop::{create_task, get_running_loop, sleep};
use turns::{Log, SECOND, run};

type Outcome = Result<&'static str, &'static str>;

/// What an attempt does, said to its log with the second at which it begins.
type Attempt = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Outcome>>>>;

/// The plan of a test: what its attempts said, and since when.
#[derive(Clone)]
struct Plan {
    log: Log,
    start: Instant,
}

impl Plan {
    fn new() -> Self {
        let start = get_running_loop().time();
        let log = Log::default();
        Self { log, start }
    }

    fn now(&self) -> u64 {
        (get_running_loop().time() - self.start).as_secs()
    }

    /// An attempt that ends so after some seconds.
    fn attempt(&self, name: &'static str, seconds: u32, outcome: Outcome) -> Attempt {
        self.doing(name, async move {
            sleep(SECOND * seconds).await;
            outcome
        })
    }

    fn doing(&self, name: &'static str, work: impl Future<Output = Outcome> + 'static) -> Attempt {
        let plan = self.clone();
        Box::new(move || {
            plan.log.add(format!("{name} at {}", plan.now()));
            Box::pin(work)
        })
    }

    /// An attempt that never ends, and when it is cancelled cleans up for a second.
    fn cleans_up(&self, name: &'static str) -> Attempt {
        let plan = self.clone();
        self.doing(name, async move {
            let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
            sleep(SECOND).await;
            plan.log.add(format!("{name} cleaned up at {}", plan.now()));
            cancelled.reraise().await
        })
    }
}

#[test]
fn of_nothing_nobody_wins() {
    run(async {
        let outcome = staggered_race(Vec::<Attempt>::new(), Some(SECOND)).await;
        assert_eq!(outcome, (None, vec![]));
    });
}

#[test]
fn the_first_that_succeeds_in_time_is_the_only_one() {
    run(async {
        let plan = Plan::new();
        let attempts = [plan.attempt("a", 1, Ok("a")), plan.attempt("b", 0, Ok("b"))];
        let (winner, errors) = staggered_race(attempts, SECOND * 2).await;
        assert_eq!((winner, errors), (Some(("a", 0)), vec![None]));
        assert_eq!(plan.log.take(), ["a at 0"]);
        assert_eq!(plan.now(), 1);
    });
}

#[test]
fn a_failure_begins_the_next_at_once() {
    run(async {
        let plan = Plan::new();
        let attempts = [
            plan.attempt("a", 1, Err("no a")),
            plan.attempt("b", 0, Err("no b")),
            plan.attempt("c", 1, Ok("c")),
        ];
        let (winner, errors) = staggered_race(attempts, SECOND * 5).await;
        assert_eq!(winner, Some(("c", 2)));
        assert_eq!(errors, [Some("no a"), Some("no b"), None]);
        assert_eq!(plan.log.take(), ["a at 0", "b at 1", "c at 1"]);
    });
}

#[test]
fn after_the_delay_the_next_begins_beside_the_others() {
    run(async {
        let plan = Plan::new();
        let attempts = [
            plan.attempt("a", 5, Ok("a")),
            plan.attempt("b", 5, Ok("b")),
            plan.attempt("c", 1, Ok("c")),
            plan.attempt("d", 0, Ok("d")),
        ];
        let (winner, errors) = staggered_race(attempts, SECOND * 2).await;
        // a ends as c does, and comes before it.
        assert_eq!((winner, errors), (Some(("a", 0)), vec![None; 3]));
        assert_eq!(plan.log.take(), ["a at 0", "b at 2", "c at 4"]);
        assert_eq!(plan.now(), 5);
    });
}

/// Only the failure of the last one begun begins the next.
#[test]
fn a_late_failure_of_an_early_attempt_hurries_nobody() {
    run(async {
        let plan = Plan::new();
        let attempts = [
            plan.attempt("a", 3, Err("late")),
            plan.attempt("b", 9, Ok("b")),
            plan.attempt("c", 1, Ok("c")),
        ];
        let (winner, errors) = staggered_race(attempts, SECOND * 2).await;
        assert_eq!(
            (winner, errors),
            (Some(("c", 2)), vec![Some("late"), None, None])
        );
        assert_eq!(plan.log.take(), ["a at 0", "b at 2", "c at 4"]);
    });
}

#[test]
fn without_a_delay_each_waits_for_the_failure_of_the_one_before() {
    run(async {
        let plan = Plan::new();
        let attempts = [
            plan.attempt("a", 50, Err("no a")),
            plan.attempt("b", 1, Ok("b")),
            plan.attempt("c", 0, Ok("c")),
        ];
        let (winner, errors) = staggered_race(attempts, None).await;
        assert_eq!((winner, errors), (Some(("b", 1)), vec![Some("no a"), None]));
        assert_eq!(plan.log.take(), ["a at 0", "b at 50"]);
    });
}

#[test]
fn when_all_fail_the_errors_are_all_there() {
    run(async {
        let plan = Plan::new();
        let attempts = [
            plan.attempt("a", 3, Err("no a")),
            plan.attempt("b", 0, Err("no b")),
        ];
        let (winner, errors) = staggered_race(attempts, SECOND).await;
        assert_eq!((winner, errors), (None, vec![Some("no a"), Some("no b")]));
        assert_eq!(plan.now(), 3);
    });
}

#[test]
fn no_delay_at_all_begins_all_of_them() {
    run(async {
        let plan = Plan::new();
        let attempts = (0..50u32).map(|it| plan.attempt("x", 50 - it, Ok("x")));
        let (winner, _) = staggered_race(attempts, Duration::ZERO).await;
        assert_eq!(winner, Some(("x", 49)));
        assert_eq!(plan.log.take(), ["x at 0"; 50]);
        assert_eq!(plan.now(), 1);
    });
}

/// As in Python 3.14: nothing is left running.
#[test]
fn the_losers_are_cancelled_and_their_clean_up_is_awaited() {
    run(async {
        let plan = Plan::new();
        let attempts = [
            plan.cleans_up("a"),
            plan.attempt("b", 1, Ok("b")),
            plan.attempt("c", 0, Ok("c")),
        ];
        let (winner, errors) = staggered_race(attempts, SECOND * 2).await;
        assert_eq!((winner, errors), (Some(("b", 1)), vec![None, None]));
        assert_eq!(plan.log.take(), ["a at 0", "b at 2", "a cleaned up at 4"]);
        yield_now().await; // no request is left behind
    });
}

#[test]
fn an_attempt_that_raises_a_cancellation_has_failed() {
    run(async {
        let plan = Plan::new();
        let raises = plan.doing("a", async { raise_cancelled(None).await });
        let attempts = [raises, plan.attempt("b", 1, Ok("b"))];
        let (winner, errors) = staggered_race(attempts, None).await;
        assert_eq!((winner, errors), (Some(("b", 1)), vec![None, None]));
    });
}

/// Python 3.14: a cancellation from outside goes to all, and is not lost. Nothing begins before
/// all have answered it.
#[test]
fn a_cancellation_reaches_all_attempts() {
    run(async {
        let plan = Plan::new();
        let inner = plan.clone();
        let task = create_task(async move {
            let swallows = async {
                assert!(catch_cancelled(pending::<()>()).await.is_err());
                Err("answered with an error")
            };
            let attempts = [
                inner.cleans_up("a"),
                inner.doing("b", swallows),
                inner.attempt("c", 0, Ok("c")),
            ];
            staggered_race(attempts, SECOND * 3).await
        });
        sleep(SECOND * 5).await;
        task.cancel_with("outside");
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "task was cancelled: outside");
        let expected = ["a at 0", "b at 3", "a cleaned up at 6"];
        assert_eq!(plan.log.take(), expected);
        assert_eq!(plan.now(), 6);
    });
}

#[test]
fn when_all_attempts_swallow_a_cancellation_the_race_goes_on() {
    run(async {
        let plan = Plan::new();
        let inner = plan.clone();
        let task = create_task(async move {
            let swallows = async {
                assert!(catch_cancelled(pending::<()>()).await.is_err());
                Err("answered with an error")
            };
            let attempts = [inner.doing("a", swallows), inner.attempt("b", 1, Ok("b"))];
            staggered_race(attempts, None).await
        });
        sleep(SECOND).await;
        task.cancel();
        let (winner, errors) = task.await.unwrap();
        assert_eq!((winner, errors.len()), (Some(("b", 1)), 2));
        assert_eq!(plan.log.take(), ["a at 0", "b at 1"]);
    });
}

#[test]
fn a_cancellation_while_the_losers_clean_up_does_not_lose_the_winner() {
    run(async {
        let plan = Plan::new();
        let inner = plan.clone();
        let task = create_task(async move {
            let attempts = [inner.cleans_up("a"), inner.attempt("b", 1, Ok("b"))];
            let (winner, _) = staggered_race(attempts, SECOND).await;
            inner.log.add(winner.unwrap().0);
            yield_now().await;
            unreachable!("the request is answered at the next await");
        });
        sleep(SECOND * 5 / 2).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(plan.log.take(), ["a at 0", "b at 1", "b"]);
    });
}

/// However many fail at once after it.
#[test]
fn an_attempt_is_polled_once_a_turn() {
    run(async {
        let polls = Cell::new(0);
        let attempts = (0..50).map(|number| {
            let polls = &polls;
            move || {
                poll_fn(move |_| match number {
                    0 => {
                        polls.set(polls.get() + 1);
                        Poll::Pending
                    }
                    49 => Poll::Ready(Ok("the last")),
                    _ => Poll::Ready(Err("at once")),
                })
            }
        });
        let (winner, errors) = staggered_race(attempts, SECOND).await;
        assert_eq!(winner, Some(("the last", 49)));
        assert_eq!(errors.iter().flatten().count(), 48);
        assert_eq!(polls.get(), 2); // when it began, and when the delay was over
    });
}

#[test]
fn attempts_that_fail_at_once_leave_a_turn_to_others() {
    run(async {
        let begun = Cell::new(0);
        let endless = std::iter::repeat_with(|| {
            || {
                begun.set(begun.get() + 1);
                assert!(begun.get() < 10_000, "nobody else has a turn");
                ready(Err::<(), _>("at once"))
            }
        });
        let scope = CancelScope::new();
        let stop = scope.clone();
        let other = create_task(async move {
            yield_now().await;
            stop.cancel();
        });
        assert!(scope.run(staggered_race(endless, None)).await.is_none());
        other.await.unwrap();
        assert!(begun.get() > 0);
    });
}
