//! A branch of a race that panics: the panic goes on, and the others are dropped where they are.

mod turns;

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use asyncio_executor::{TaskError, catch_cancelled, finally, yield_now};
use asyncio_futures::{race, select, staggered_race, timeout};
use asyncio_loop::{create_task, get_running_loop, sleep};
use turns::{Log, SECOND, me, run, turn};

/// Says in its destructor that it was dropped, and in which turn.
struct Dropped(Log, &'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add(format!("{} dropped in turn {}", self.1, turn()));
    }
}

/// Waits for ever, and would notice a cancellation.
async fn waits(log: Log, name: &'static str) {
    let _dropped = Dropped(log.clone(), name);
    let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
    log.add(format!("{name} cancelled"));
    cancelled.reraise().await;
}

/// Panics after so many turns.
async fn panics(turns: u32) {
    for _ in 0..turns {
        yield_now().await;
    }
    panic!("a branch in turn {}", turn())
}

type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;
type Race = Boxed<()>;

async fn succeeds<T>(body: impl Future<Output = T>) -> Result<T, ()> {
    Ok(body.await)
}

/// A staggered race of these; they begin one turn after the other.
async fn staggered<T, const N: usize>(bodies: [Boxed<T>; N]) {
    let attempts = bodies.map(|body| || succeeds(body));
    staggered_race(attempts, Duration::ZERO).await;
}

/// Runs the race as a task of its own, which must end by the panic; returns the turn it came in.
async fn panicked(race: impl Future<Output = ()> + 'static) -> u64 {
    let Err(TaskError::Panicked(payload)) = create_task(race).await else {
        panic!("the panic did not go on");
    };
    let message = payload.message().unwrap();
    let (_, turn) = message.split_once("a branch in turn ").unwrap();
    turn.parse().unwrap()
}

/// Each kind of race between a branch before, the one that panics, and one behind it.
fn races(log: &Log, turns: u32) -> [(&'static str, Race); 4] {
    let (first, last) = (waits(log.clone(), "first"), waits(log.clone(), "last"));
    let tuple = async move { race((first, panics(turns), last)).await };
    let list = {
        let (first, last) = (waits(log.clone(), "first"), waits(log.clone(), "last"));
        let branches: [Race; 3] = [Box::pin(first), Box::pin(panics(turns)), Box::pin(last)];
        async move { race(branches).await }
    };
    let (first, last) = (waits(log.clone(), "first"), waits(log.clone(), "last"));
    let select = async move {
        select! {
            () = first => {}
            () = panics(turns) => {}
            () = last => {}
        }
    };
    let (first, last) = (waits(log.clone(), "first"), waits(log.clone(), "last"));
    let staggered = staggered([Box::pin(first), Box::pin(panics(turns)), Box::pin(last)]);
    [
        ("a tuple", Box::pin(tuple)),
        ("a list", Box::pin(list)),
        ("select", Box::pin(select)),
        ("staggered", Box::pin(staggered)),
    ]
}

#[test]
fn a_panic_goes_on_and_drops_the_others_where_they_wait() {
    run(async {
        let log = Log::default();
        for (name, race) in races(&log, 2) {
            let turn = panicked(race).await;
            let mut dropped = log.take();
            dropped.sort();
            let expected =
                ["first", "last"].map(|branch| format!("{branch} dropped in turn {turn}"));
            assert_eq!(dropped, expected, "{name}: in the turn of the panic");
        }
    });
}

#[test]
fn a_panic_in_the_first_poll_drops_those_that_had_not_begun() {
    run(async {
        let log = Log::default();
        for (name, race) in races(&log, 0) {
            let turn = panicked(race).await;
            assert_eq!(
                log.take(),
                [format!("first dropped in turn {turn}")],
                "{name}: the last never began"
            );
        }
    });
}

/// The clean-up of a `finally` is never lost: it goes on as a task of its own.
#[test]
fn what_a_dropped_branch_has_to_clean_up_is_cleaned_up() {
    run(async {
        let cleaned = Rc::new(Cell::new(0));
        let cleans = || {
            let cleaned = Rc::clone(&cleaned);
            let clean_up = async move || {
                sleep(SECOND).await;
                cleaned.set(cleaned.get() + 1);
            };
            finally(pending::<()>(), clean_up)
        };
        let (branch, other, attempt) = (cleans(), cleans(), cleans());
        panicked(async move { race((branch, panics(1))).await }).await;
        panicked(async move {
            select! {
                () = other => {}
                () = panics(1) => {}
            }
        })
        .await;
        panicked(staggered([Box::pin(attempt), Box::pin(panics(1))])).await;
        assert_eq!(cleaned.get(), 0);
        sleep(SECOND * 2).await;
        assert_eq!(cleaned.get(), 3);
    });
}

/// A loser's clean-up that panics: the winner's value is dropped, and so is a loser that still cleans
/// up.
#[test]
fn a_loser_that_panics_takes_the_winner_with_it() {
    async fn cleans_up(log: Log) -> Dropped {
        let _dropped = Dropped(log, "loser");
        drop(catch_cancelled(pending::<()>()).await);
        pending().await
    }
    async fn fails() -> Dropped {
        drop(catch_cancelled(pending::<()>()).await);
        yield_now().await;
        panics(0).await;
        unreachable!()
    }
    async fn wins(log: Log) -> Dropped {
        yield_now().await;
        Dropped(log, "value")
    }
    run(async {
        let log = Log::default();
        let tell = log.clone();
        let kinds: [Race; 3] = [
            Box::pin({
                let (log, tell) = (tell.clone(), tell.clone());
                async move { drop(race((cleans_up(log), fails(), wins(tell))).await) }
            }),
            Box::pin({
                let (log, tell) = (tell.clone(), tell.clone());
                async move {
                    select! {
                        _ = cleans_up(log) => {}
                        _ = fails() => {}
                        _ = wins(tell) => {}
                    }
                }
            }),
            Box::pin(async move {
                let log = tell.clone();
                let (loser, fails) = (cleans_up(log), fails());
                staggered([Box::pin(loser), Box::pin(fails), Box::pin(wins(tell))]).await;
            }),
        ];
        for (number, kind) in kinds.into_iter().enumerate() {
            let turn = panicked(kind).await;
            let mut dropped = log.take();
            dropped.sort();
            let expected = ["loser", "value"].map(|it| format!("{it} dropped in turn {turn}"));
            assert_eq!(dropped, expected, "race {number}");
        }
    });
}

/// What calls an attempt may panic as well, and the timer of the next one is there then.
#[test]
fn a_staggered_race_that_panics_leaves_no_timer() {
    run(async {
        let log = Log::default();
        let first = waits(log.clone(), "first");
        let turn = panicked(async move {
            let mut first = Some(first);
            let attempts = std::iter::from_fn(|| {
                let first = first.take();
                Some(move || {
                    let Some(first) = first else {
                        panic!("a branch in turn {}", turn())
                    };
                    succeeds(first)
                })
            });
            staggered_race(attempts, SECOND).await;
        })
        .await;
        assert_eq!(log.take(), [format!("first dropped in turn {turn}")]);
        panicked(async move {
            let attempts = [|| succeeds(panics(1)); 2];
            staggered_race(attempts, SECOND * 9).await;
        })
        .await;
        assert_eq!(get_running_loop().metrics().timers, 0);
    });
}

/// Where the panic is caught, the task goes on as if there had been no race: no request is left, and
/// its own scopes answer.
#[test]
fn a_task_that_catches_the_panic_goes_on() {
    run(async {
        let log = Log::default();
        for (name, race) in races(&log, 2) {
            let mut race = Some(race);
            let caught = timeout(
                SECOND,
                poll_fn(move |cx| {
                    let body = race.as_mut().unwrap().as_mut();
                    match catch_unwind(AssertUnwindSafe(|| body.poll(cx))) {
                        Ok(polled) => polled.map(|()| false),
                        Err(_) => {
                            race = None;
                            Poll::Ready(true)
                        }
                    }
                }),
            );
            assert_eq!(caught.await, Ok(true), "{name}");
            let told = log.take();
            assert_eq!(told.len(), 2, "{name}");
            assert!(told.iter().all(|it| it.contains(" dropped ")), "{told:?}");
            assert_eq!(me().cancelling(), 0);
            assert!(timeout(SECOND, pending::<()>()).await.is_err());
        }
    });
}
