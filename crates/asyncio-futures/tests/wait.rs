//! Waiting for some of several tasks.

mod turns;

use asyncio_executor::{Spawner, Task, TaskRef, yield_now};
use asyncio_futures::{EmptySetError, Future, ReturnWhen, try_wait, wait};
use asyncio_loop::{create_task, get_running_loop, sleep};
use turns::{SECOND, Turns, simulated, take};

fn spawn<F: std::future::Future<Output: 'static> + 'static>(future: F) -> Task<F::Output> {
    Spawner::current().unwrap().create_task(future)
}

async fn after(turns: u32, value: u32) -> u32 {
    for _ in 0..turns {
        yield_now().await;
    }
    value
}

#[test]
fn all_handles_come_back_in_order_with_their_results() {
    let turns = Turns::new();
    turns.run(async {
        let tasks = [3, 1, 2].map(|n| spawn(after(n, n)));
        let (done, pending) = wait(tasks).await.unwrap();
        let values: Vec<_> = done.into_iter().map(take).collect();
        assert_eq!(values, [3, 1, 2]);
        assert!(pending.is_empty());
    });
}

/// asyncio: three iterations for `wait` of a task that was just made, two when it is done.
#[test]
fn a_wait_takes_three_turns_and_two_for_what_is_done() {
    let turns = Turns::new();
    let turn = turns.turn();
    turns.run(async move {
        let before = turn.now();
        let mut task = spawn(async {});
        wait([&mut task]).await.unwrap();
        assert_eq!(turn.now() - before, 3);
        let before = turn.now();
        wait([&mut task]).await.unwrap();
        assert_eq!(turn.now() - before, 2);
    });
}

#[test]
fn first_completed_returns_what_is_done_by_then() {
    let turns = Turns::new();
    turns.run(async {
        let mut slow = spawn(after(20, 1));
        let mut fast = spawn(after(2, 2));
        let mut equal = spawn(after(2, 3));
        let (done, pending) = wait([&mut slow, &mut fast, &mut equal])
            .return_when(ReturnWhen::FirstCompleted)
            .await
            .unwrap();
        assert_eq!((done.len(), pending.len()), (2, 1));
        assert_eq!(slow.await.unwrap(), 1);
    });
}

#[test]
fn first_exception_is_a_panic_and_not_a_cancellation() {
    let turns = Turns::new();
    turns.run(async {
        let slow = spawn(after(50, 1));
        let victim = spawn(std::future::pending::<u32>());
        victim.cancel();
        let bad = spawn(async {
            after(5, 0).await;
            panic!("boom")
        });
        let (done, pending) = wait([slow, victim, bad])
            .return_when(ReturnWhen::FirstException)
            .await
            .unwrap();
        assert_eq!((done.len(), pending.len()), (2, 1));
        assert!(done[0].cancelled());
        assert!(done[1].exception().unwrap().unwrap().is_panic());
    });
}

#[test]
fn first_exception_of_results_is_an_err() {
    let turns = Turns::new();
    turns.run(async {
        let slow = || {
            spawn(async {
                after(50, 0).await;
                Ok::<_, &str>(1)
            })
        };
        let bad = || spawn(async { Err::<u32, _>("bad") });
        let first = ReturnWhen::FirstException;
        let (done, pending) = try_wait([slow(), bad()]).return_when(first).await.unwrap();
        assert_eq!((done.len(), pending.len()), (1, 1));
        // In the plain form an `Err` is a value like any other.
        let (done, pending) = wait([slow(), bad()]).return_when(first).await.unwrap();
        assert_eq!((done.len(), pending.len()), (2, 0));
    });
}

#[test]
fn nothing_to_wait_for_is_an_error() {
    let turns = Turns::new();
    let error = turns.run(async { wait(Vec::<TaskRef>::new()).await.unwrap_err() });
    assert_eq!(error, EmptySetError);
    assert_eq!(
        std::io::Error::from(error).kind(),
        std::io::ErrorKind::InvalidInput
    );
}

#[test]
fn a_handle_given_twice_counts_once() {
    let turns = Turns::new();
    turns.run(async {
        let future = Future::new();
        future.set_result(1).unwrap();
        let (done, _) = wait([future.clone(), future]).await.unwrap();
        assert_eq!(done.len(), 1);
        let task = spawn(after(1, 1));
        let (done, _) = wait([task.task_ref(), task.task_ref()]).await.unwrap();
        assert_eq!(done.len(), 1);
    });
}

#[test]
fn the_end_of_the_time_returns_what_is_pending_and_cancels_nothing() {
    let (event_loop, _clock) = simulated();
    event_loop
        .run_until_complete(async {
            let tasks = [1, 5].map(|seconds| create_task(sleep(SECOND * seconds)));
            let before = get_running_loop().time();
            let (done, pending) = wait(tasks).timeout(SECOND * 2).await.unwrap();
            assert_eq!(get_running_loop().time() - before, SECOND * 2);
            assert_eq!((done.len(), pending.len()), (1, 1));
            wait(pending).await.unwrap();
            assert_eq!(get_running_loop().time() - before, SECOND * 5);
            assert_eq!(get_running_loop().metrics().timers, 0);
        })
        .unwrap();
}

#[test]
fn a_wait_that_ends_in_time_takes_its_timer_away() {
    let (event_loop, _clock) = simulated();
    event_loop
        .run_until_complete(async {
            let task = create_task(sleep(SECOND));
            wait([task]).timeout(SECOND * 9).await.unwrap();
            assert_eq!(get_running_loop().metrics().timers, 0);
            let mut task = create_task(sleep(SECOND));
            let mut waiting = wait([&mut task]).timeout(SECOND * 9);
            assert!(
                futures_lite::future::poll_once(&mut waiting)
                    .await
                    .is_none()
            );
            assert_eq!(get_running_loop().metrics().timers, 1);
            drop(waiting);
            assert_eq!(get_running_loop().metrics().timers, 0);
            task.await.unwrap();
        })
        .unwrap();
}

#[test]
fn cancelling_the_one_who_waits_cancels_nothing_else() {
    let turns = Turns::new();
    let task = turns.executor().create_task(after(9, 4));
    let reference = task.task_ref();
    let waiting = turns.executor().create_task(async move {
        wait([reference]).await.unwrap();
    });
    turns.one_turn();
    turns.one_turn();
    waiting.cancel();
    turns.settle();
    assert!(waiting.cancelled());
    assert_eq!(take(task), 4);
}

#[test]
fn a_run_can_be_given_a_wait() {
    let (event_loop, _clock) = simulated();
    let tasks = [1, 2].map(|seconds| event_loop.create_task(sleep(SECOND * seconds)));
    let (done, pending) = event_loop.run_until_complete(wait(tasks)).unwrap().unwrap();
    assert_eq!((done.len(), pending.len()), (2, 0));
}
