//! Races: who wins, and what the losers may still do.

mod turns;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn, ready};
use std::rc::Rc;

use asyncio_executor::{catch_cancelled, finally, raise_cancelled, shielded, yield_now};
use asyncio_futures::{TimeoutError, race, select, timeout};
use asyncio_loop::{create_task, get_running_loop, sleep};
use turns::{Log, SECOND, cleans_up, me, run, turn};

async fn after<T>(seconds: u32, value: T) -> T {
    sleep(SECOND * seconds).await;
    value
}

#[test]
fn the_first_that_is_ready_wins() {
    run(async {
        assert_eq!(race((after(2, "b"), after(1, "a"), pending())).await, "a");
        assert_eq!(race([3, 1, 2].map(|it| after(it, it))).await, 1);
        assert_eq!(race((after(1, "alone"),)).await, "alone");
    });
}

#[test]
fn of_those_that_are_ready_at_once_the_first_in_order_wins() {
    run(async {
        let before = turn();
        let log = Log::default();
        let never_polled = async {
            log.add("polled");
            2
        };
        assert_eq!(race((pending(), ready(1), never_polled)).await, 1);
        assert_eq!(log.take(), [""; 0]);
        assert_eq!(race([5, 5, 5].map(|it| after(it, turn()))).await, before);
    });
}

#[test]
fn losers_without_clean_up_cost_no_turn() {
    run(async {
        let yields = async || {
            yield_now().await;
            turn()
        };
        let before = turn();
        assert_eq!(race((pending(), yields(), pending())).await, before + 1);
        assert_eq!(turn(), before + 1);
    });
}

/// They are polled anyhow, in the poll that decides the race.
#[test]
fn the_task_is_not_woken_for_its_losers() {
    let polls = run(async {
        let polls = Rc::new(Cell::new(0));
        let counts = Rc::clone(&polls);
        let loser = || async { drop(catch_cancelled(pending::<()>()).await) };
        let mut body = Box::pin(async move {
            race((pending(), loser(), yield_now())).await;
            pending::<()>().await;
        });
        let task = create_task(poll_fn(move |cx| {
            counts.set(counts.get() + 1);
            body.as_mut().poll(cx)
        }));
        for _ in 0..9 {
            yield_now().await;
        }
        let polls = polls.get();
        task.cancel();
        drop(task.await);
        polls
    });
    assert_eq!(polls, 2);
}

#[test]
fn losers_are_cancelled_in_order_and_their_clean_up_is_awaited() {
    run(async {
        let (log, start) = (Log::default(), get_running_loop().time());
        let winner = race((
            cleans_up(log.clone(), "slow", 3),
            after(1, "winner"),
            cleans_up(log.clone(), "fast", 1),
            finally(pending(), {
                let log = log.clone();
                move || async move { log.add("at once") }
            }),
        ))
        .await;
        assert_eq!(winner, "winner");
        assert_eq!(log.take(), ["at once", "fast", "slow"]);
        assert_eq!(get_running_loop().time() - start, SECOND * 4);
        assert_eq!(me().cancelling(), 0);
        yield_now().await; // no request is left behind
    });
}

#[test]
fn what_a_loser_still_returns_is_dropped() {
    struct Dropped(Rc<Cell<u32>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    run(async {
        let dropped = Rc::new(Cell::new(0));
        let loser = async {
            let _swallowed = catch_cancelled(pending::<()>()).await;
            Some(Dropped(Rc::clone(&dropped)))
        };
        assert!(race((loser, after(1, None))).await.is_none());
        assert_eq!(dropped.get(), 1);
    });
}

#[test]
fn a_task_that_loses_is_cancelled_and_waited_for() {
    run(async {
        let log = Log::default();
        let mut task = create_task(cleans_up::<()>(log.clone(), "task", 1));
        let outcome = race(((&mut task).into_future(), after(1, Ok(())))).await;
        assert!(outcome.is_ok());
        assert!(task.cancelled());
        assert_eq!(log.take(), ["task"]);
    });
}

/// What no request goes into is waited for; the request is not left behind.
#[test]
fn a_shielded_loser_goes_on_to_its_end() {
    run(async {
        let start = get_running_loop().time();
        assert_eq!(
            race((shielded(after(3, "loser")), after(1, "winner"))).await,
            "winner"
        );
        assert_eq!(get_running_loop().time() - start, SECOND * 3);
        yield_now().await;
    });
}

#[test]
fn branches_may_borrow() {
    run(async {
        let words = RefCell::new(Vec::new());
        let push = async |word: &'static str, seconds| {
            sleep(SECOND * seconds).await;
            words.borrow_mut().push(word);
        };
        race((push("first", 1), push("second", 2))).await;
        assert_eq!(words.into_inner(), ["first"]);
    });
}

#[test]
fn a_cancellation_reaches_all_branches_and_goes_on_when_they_have_cleaned_up() {
    run(async {
        let log = Log::default();
        let inner = log.clone();
        let task = create_task(async move {
            let swallows = async {
                assert!(catch_cancelled(pending::<()>()).await.is_err());
                "a value"
            };
            race((
                cleans_up(inner.clone(), "slow", 2),
                swallows,
                pending(),
                cleans_up(inner, "fast", 1),
            ))
            .await
        });
        yield_now().await;
        yield_now().await;
        task.cancel_with("outside");
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "task was cancelled: outside");
        assert_eq!(log.take(), ["fast", "slow"]);
    });
}

#[test]
fn a_cancellation_while_the_losers_clean_up_does_not_lose_the_winner() {
    run(async {
        let log = Log::default();
        let inner = log.clone();
        let task = create_task(async move {
            let winner = race((after(1, "winner"), cleans_up(inner.clone(), "never", 9))).await;
            inner.add(winner);
            assert_eq!(me().cancelling(), 1);
            yield_now().await;
            unreachable!("the request is answered at the next await");
        });
        sleep(SECOND * 2).await;
        let start = get_running_loop().time();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["winner"]);
        assert_eq!(get_running_loop().time(), start);
    });
}

#[test]
fn a_cancellation_wins_over_readiness_in_the_same_turn() {
    run(async {
        let task = create_task(race((after(1, ()), pending())));
        let reference = task.task_ref();
        sleep(SECOND / 2).await;
        get_running_loop().call_later(SECOND / 2, move || {
            reference.cancel();
        });
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_branch_that_raises_a_cancellation_ends_the_race_with_it() {
    run(async {
        let log = Log::default();
        let inner = log.clone();
        let task = create_task(async move {
            let raises = async {
                sleep(SECOND).await;
                raise_cancelled("own").await;
            };
            race((cleans_up(inner, "other", 1), raises)).await;
        });
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "task was cancelled: own");
        assert_eq!(log.take(), ["other"]);
    });
}

#[test]
fn races_nest_and_stand_in_timeouts() {
    run(async {
        let log = Log::default();
        let inner = race((cleans_up(log.clone(), "inner", 1), pending()));
        assert_eq!(race((inner, after(1, "outer"))).await, "outer");
        assert_eq!(log.take(), ["inner"]);
        let inner = race((cleans_up::<()>(log.clone(), "timed out", 1), pending()));
        assert_eq!(timeout(SECOND, inner).await, Err(TimeoutError));
        assert_eq!(log.take(), ["timed out"]);
        assert_eq!(me().cancelling(), 0);
        yield_now().await;
    });
}

#[test]
fn a_thousand_branches() {
    run(async {
        assert_eq!(race((0..1000).map(|it| after(1000 - it, it))).await, 999);
    });
}

#[test]
#[should_panic(expected = "a race of nothing")]
fn a_race_of_nothing_is_refused() {
    futures_lite::future::block_on(race(Vec::<std::future::Ready<()>>::new()));
}

#[test]
fn a_race_needs_no_loop() {
    assert_eq!(
        futures_lite::future::block_on(race((pending(), ready(1)))),
        1
    );
}

#[test]
fn select_runs_the_code_of_the_winner() {
    run(async {
        let mut seen = Vec::new();
        for round in 0..3 {
            let text = select! {
                number = after(1 + (round + 1) % 3, 42) => format!("number {number}"),
                (a, b) = after(1 + (round + 2) % 3, ("x", 'y')) => format!("pair {a} {b}"),
                () = after(1 + (round + 3) % 3, ()) => { "nothing".to_owned() }
            };
            seen.push(text);
        }
        assert_eq!(seen, ["nothing", "pair x y", "number 42"]);
    });
}

#[test]
fn select_arms_are_code_of_the_function() {
    async fn first_even(numbers: &[u32]) -> Result<u32, String> {
        let mut index = 0;
        loop {
            select! {
                number = after(1, numbers.get(index)) => {
                    index += 1;
                    match number {
                        Some(number) if number % 2 == 0 => return Ok(*number),
                        Some(_) => continue,
                        None => break,
                    }
                },
                problem = after(9, "too long".to_owned()) => Err(problem)?,
            }
        }
        Err("none".to_owned())
    }
    run(async {
        assert_eq!(first_even(&[1, 3, 4]).await, Ok(4));
        assert_eq!(first_even(&[1, 3]).await, Err("none".to_owned()));
    });
}

/// As in a `match`.
#[test]
fn select_needs_no_comma_behind_a_block() {
    run(async {
        let mut blocks = 0;
        for winner in 1..=4 {
            let text = select! {
                () = after(4 + u32::from(winner != 1), ()) => {
                    blocks += 1;
                    "block"
                }
                (a, _) = after(4 + u32::from(winner != 2), ("pair", 'y')) => a,
                [only] = after(4 + u32::from(winner != 3), ["array"]) => { only }
                Wrapped(text) = after(4, Wrapped("last")) => { text },
            };
            assert_eq!(text, ["block", "pair", "array", "last"][winner - 1]);
        }
        assert_eq!(blocks, 1);
    });
}

struct Wrapped(&'static str);

/// A borrow of a `RefCell` that a future was made from, for example.
#[test]
fn select_drops_temporaries_before_the_arm_runs() {
    struct Temporary<'a>(&'a Log);
    impl Temporary<'_> {
        fn future(&self) -> impl Future<Output = u32> + use<> {
            after(1, 1)
        }
    }
    impl Drop for Temporary<'_> {
        fn drop(&mut self) {
            self.0.add("temporary");
        }
    }
    run(async {
        let log = Log::default();
        select! {
            _ = Temporary(&log).future() => log.add("arm"),
            () = pending() => {},
        }
        assert_eq!(log.take(), ["temporary", "arm"]);
    });
}

#[test]
fn select_takes_one_and_twelve() {
    run(async {
        let mut count = 0;
        select! { it = after(1, 1) => count += it }
        select! {
            () = pending() => {}, () = pending() => {}, () = pending() => {}, () = pending() => {},
            () = pending() => {}, () = pending() => {}, () = pending() => {}, () = pending() => {},
            () = pending() => {}, () = pending() => {}, () = pending() => {},
            it = after(1, 2) => count += it,
        }
        assert_eq!(count, 3);
    });
}
