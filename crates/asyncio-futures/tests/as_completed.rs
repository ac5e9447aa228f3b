//! Results in the order in which they come.

mod turns;

use asyncio_executor::{Spawner, yield_now};
use asyncio_futures::{AsCompleted, Future, TimeoutError, as_completed};
use asyncio_loop::{create_task, get_running_loop, sleep};
use futures_lite::{Stream, StreamExt};
use turns::{Log, SECOND, Turns, simulated};

async fn after(turns: u32, value: u32) -> u32 {
    for _ in 0..turns {
        yield_now().await;
    }
    value
}

#[test]
fn results_come_in_order_of_completion() {
    let turns = Turns::new();
    let order = turns.run(async {
        let results = as_completed([30, 10, 20].map(|n| after(n, n)));
        results.map(Result::unwrap).collect::<Vec<_>>().await
    });
    assert_eq!(order, [10, 20, 30]);
}

/// asyncio: three iterations for the first result of a task that was just made.
#[test]
fn the_first_result_comes_in_the_third_turn() {
    let turns = Turns::new();
    let turn = turns.turn();
    turns.run(async move {
        let before = turn.now();
        let mut results = as_completed([after(0, 1), after(0, 2)]);
        assert_eq!(results.next().await.unwrap().unwrap(), 1);
        assert_eq!(turn.now() - before, 3);
        assert_eq!(results.size_hint(), (1, Some(1)));
        assert_eq!(results.next().await.unwrap().unwrap(), 2);
        assert!(results.next().await.is_none());
        assert!(results.next().await.is_none());
    });
}

#[test]
fn cancelled_and_panicked_tasks_are_items_too() {
    let turns = Turns::new();
    turns.run(async {
        let spawner = Spawner::current().unwrap();
        let victim = spawner.create_task(std::future::pending::<()>());
        victim.cancel();
        let bad = spawner.create_task(async { panic!("boom") });
        let mut results = as_completed([victim, bad]);
        assert!(results.next().await.unwrap().unwrap_err().is_cancelled());
        assert!(results.next().await.unwrap().unwrap_err().is_panic());
        assert!(results.next().await.is_none());
    });
}

#[test]
fn nothing_gives_nothing() {
    let turns = Turns::new();
    turns.run(async {
        let mut results = as_completed(Vec::<Future<()>>::new());
        assert!(results.next().await.is_none());
    });
}

#[test]
fn a_future_given_twice_is_one_item() {
    let turns = Turns::new();
    turns.run(async {
        let future = Future::new();
        future.set_result(1).unwrap();
        let results = as_completed([future.clone(), future]);
        assert_eq!(results.count().await, 1);
    });
}

#[test]
fn dropping_the_stream_lets_the_tasks_go_on() {
    let turns = Turns::new();
    let log = Log::default();
    let ends = log.clone();
    turns.run(async move {
        let tasks = [1, 9].map(|n| {
            let log = log.clone();
            async move { log.add(after(n, n).await.to_string()) }
        });
        let mut results = as_completed(tasks);
        results.next().await.unwrap().unwrap();
    });
    assert_eq!(ends.take(), ["1", "9"]);
}

#[test]
fn a_lent_task_that_was_not_reached_can_be_awaited() {
    let turns = Turns::new();
    turns.run(async {
        let spawner = Spawner::current().unwrap();
        let mut tasks = [1, 9].map(|n| spawner.create_task(after(n, n)));
        let first = as_completed(tasks.iter_mut()).next().await.unwrap();
        assert_eq!(first.unwrap(), 1);
        let [_, slow] = tasks;
        assert_eq!(slow.await.unwrap(), 9);
    });
}

/// asyncio's scenario `as_completed_timeout`: each item that is left is an error, and its task
/// goes on.
#[test]
fn after_the_timeout_each_item_left_is_an_error() {
    let (event_loop, _clock) = simulated();
    event_loop
        .run_until_complete(async {
            let before = get_running_loop().time();
            let mut tasks = [1, 5, 6].map(|seconds| create_task(sleep(SECOND * seconds)));
            {
                let mut results = as_completed(&mut tasks).timeout(SECOND * 3);
                assert!(results.next().await.unwrap().unwrap().is_ok());
                assert_eq!(results.next().await.unwrap().unwrap_err(), TimeoutError);
                assert_eq!(get_running_loop().time() - before, SECOND * 3);
                assert_eq!(results.next().await.unwrap().unwrap_err(), TimeoutError);
                assert!(results.next().await.is_none());
            }
            let [_, second, third] = tasks;
            second.await.unwrap();
            third.await.unwrap();
            assert_eq!(get_running_loop().time() - before, SECOND * 6);
        })
        .unwrap();
}

#[test]
fn a_result_that_is_there_before_the_timeout_comes_first() {
    let (event_loop, _clock) = simulated();
    event_loop
        .run_until_complete(async {
            let tasks = [1, 5].map(|seconds| create_task(sleep(SECOND * seconds)));
            let mut results = as_completed(tasks).timeout(SECOND * 3);
            sleep(SECOND * 4).await;
            assert!(results.next().await.unwrap().is_ok());
            assert_eq!(results.next().await.unwrap().unwrap_err(), TimeoutError);
        })
        .unwrap();
}

/// Without an extension trait of streams in scope.
mod bare {
    use super::{SECOND, simulated};
    use asyncio_futures::as_completed;
    use asyncio_loop::sleep;

    #[test]
    fn a_loop_over_the_results_needs_no_other_crate() {
        let (event_loop, _clock) = simulated();
        let order = event_loop.run_until_complete(async {
            let mut order = Vec::new();
            let mut results = as_completed([3, 1, 2].map(|n| async move {
                sleep(SECOND * n).await;
                n
            }));
            while let Some(result) = results.next().await {
                order.push(result.ok());
            }
            let mut late = as_completed([sleep(SECOND * 9)]).timeout(SECOND);
            while let Some(result) = late.next().await {
                order.push(result.is_ok().then_some(9));
            }
            order
        });
        assert_eq!(order.unwrap(), [Some(1), Some(2), Some(3), None]);
    }
}

#[test]
fn the_timer_goes_when_all_have_ended_and_when_the_stream_is_dropped() {
    let (event_loop, _clock) = simulated();
    event_loop
        .run_until_complete(async {
            let timers = || get_running_loop().metrics().timers;
            let mut results = as_completed([sleep(SECOND)]).timeout(SECOND * 9);
            results.next().await.unwrap().unwrap().unwrap();
            assert_eq!(timers(), 0);
            drop(as_completed([std::future::pending::<()>()]).timeout(SECOND * 9));
            assert_eq!(timers(), 0);
        })
        .unwrap();
}

/// What others have a `JoinSet` for.
#[test]
fn tasks_can_be_added_while_results_come() {
    let turns = Turns::new();
    turns.run(async {
        let mut results = as_completed([9, 1].map(|it| after(it, it)));
        assert_eq!(results.len(), 2);
        assert_eq!(results.next().await.unwrap().unwrap(), 1);
        results.add(after(0, 0));
        assert_eq!(results.next().await.unwrap().unwrap(), 0);
        assert_eq!(results.next().await.unwrap().unwrap(), 9);
        assert!(results.is_empty() && results.next().await.is_none());
        // A place that was left is taken again: memory is that of the tasks alive.
        for round in 0..100 {
            results.add(after(round % 3, round));
            assert_eq!(results.next().await.unwrap().unwrap(), round);
        }
        assert!(results.next().await.is_none());
    });
}

#[test]
fn results_of_no_tasks_are_over_until_there_is_one() {
    let turns = Turns::new();
    turns.run(async {
        let mut results = AsCompleted::default();
        assert!(results.is_empty());
        assert!(results.next().await.is_none());
        results.add(after(2, 1));
        results.add(after(1, 2));
        assert_eq!(results.next().await.unwrap().unwrap(), 2);
        assert_eq!(results.next().await.unwrap().unwrap(), 1);
        assert!(results.next().await.is_none());
    });
}
