//! The forms in which asyncio's programs are written: what is made before the loop runs, and what
//! `run_until_complete` takes.

#![cfg(feature = "futures")]

use std::cell::Cell;
use std::future::Future as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use asyncio::{
    EventLoop, Future, ManualClock, ReturnWhen, Runner, TaskError, gather, gather_on, shield,
    sleep, timeout, try_gather_on, wait, wait_for,
};

const SECOND: Duration = Duration::from_secs(1);

fn simulated() -> EventLoop {
    let builder = EventLoop::builder().simulated(&ManualClock::new());
    builder.unwrap().build().unwrap()
}

async fn after(seconds: u32) -> u32 {
    sleep(SECOND * seconds).await;
    seconds
}

#[test]
fn a_group_made_before_the_loop_runs_is_run_by_value() {
    let event_loop = simulated();
    let group = gather_on(event_loop.spawner(), (1..=3).map(after));
    let values = event_loop.run_until_complete(group).unwrap().unwrap();
    assert_eq!(values, [1, 2, 3]);
}

#[test]
fn a_group_that_is_lent_keeps_its_values() {
    let event_loop = simulated();
    let mut group = gather_on(event_loop.spawner(), (after(2), async { "two" }));
    event_loop.run_until_complete(&mut group).unwrap();
    assert!(group.done());
    assert_eq!(group.into_result().unwrap().unwrap(), (2, "two"));
}

#[test]
fn a_group_of_tasks_ends_with_the_first_error() {
    let event_loop = simulated();
    let fails = async {
        sleep(SECOND).await;
        Err("refused")
    };
    let (slow, fails) = (
        event_loop.create_task(async { Ok(after(100).await) }),
        event_loop.create_task(fails),
    );
    let start = event_loop.time();
    let group = try_gather_on(event_loop.spawner(), [slow, fails]);
    let ended = event_loop.run_until_complete(group).unwrap();
    assert_eq!(ended.unwrap_err().to_string(), "refused");
    assert_eq!(event_loop.time() - start, SECOND);
}

#[test]
fn a_wait_made_before_the_loop_runs_gives_the_tasks_back() {
    let event_loop = simulated();
    let mut tasks: Vec<_> = (1..=3)
        .map(|it| event_loop.create_task(after(it)))
        .collect();
    let first = wait(&mut tasks).return_when(ReturnWhen::FirstCompleted);
    let (done, pending) = event_loop.run_until_complete(first).unwrap().unwrap();
    assert_eq!((done.len(), pending.len()), (1, 2));
    event_loop
        .run_until_complete(wait(&mut tasks))
        .unwrap()
        .unwrap();
    let values: Vec<u32> = tasks
        .into_iter()
        .map(|task| task.into_result().unwrap().unwrap())
        .collect();
    assert_eq!(values, [1, 2, 3]);
}

#[test]
fn a_task_is_run_by_value_and_lent() {
    let event_loop = simulated();
    let mut task = event_loop.create_task(after(1));
    assert_eq!(event_loop.run_until_complete(&mut task), Ok(&1));
    assert_eq!(event_loop.run_until_complete(task).unwrap().unwrap(), 1);
}

#[test]
fn a_future_is_set_by_a_callback() {
    let event_loop = simulated();
    let future = Future::new_on(event_loop.spawner());
    let set = future.clone();
    event_loop.call_later(SECOND, move || set.set_result("set").unwrap());
    assert_eq!(
        event_loop.run_until_complete(future).unwrap().unwrap(),
        "set"
    );
}

#[test]
fn run_takes_them_all() {
    let runner = Runner::builder()
        .loop_factory(|| Ok(simulated()))
        .build()
        .unwrap();
    let event_loop = runner.get_loop();
    let group = gather_on(event_loop.spawner(), [after(1)]);
    assert_eq!(runner.run(group).unwrap().unwrap(), [1]);
    let task = event_loop.create_task(after(2));
    assert_eq!(runner.run(task).unwrap().unwrap(), 2);
    let future = Future::new_on(event_loop.spawner());
    future.set_result(3).unwrap();
    assert_eq!(runner.run(future).unwrap().unwrap(), 3);
    let timed = runner.run(wait_for(after(9), SECOND));
    assert!(timed.unwrap().is_err());
}

#[test]
fn groups_can_be_nested_and_cancelled_as_one() {
    let event_loop = simulated();
    let steps = Rc::new(Cell::new(0));
    let step = |seconds: u32| {
        let steps = Rc::clone(&steps);
        async move {
            after(seconds).await;
            steps.set(steps.get() + 1);
        }
    };
    let outcome = event_loop.run_until_complete(async {
        let mut first = gather([step(1), step(2)]);
        let mut second = gather([step(1), step(2)]);
        second.cancel();
        let both = gather((&mut first, &mut second)).await;
        assert!(matches!(both, Err(TaskError::Cancelled(_))));
        assert!(!first.done() && second.done());
        first.await
    });
    assert!(outcome.unwrap().is_ok());
    assert_eq!(steps.get(), 2);
}

#[test]
fn a_shield_keeps_a_time_out_away() {
    let event_loop = simulated();
    let value = event_loop.run_until_complete(async {
        let mut task = asyncio::create_task(after(5));
        assert!(wait_for(shield(&mut task), SECOND).await.is_err());
        task.await.unwrap()
    });
    assert_eq!(value, Ok(5));
}

/// What awaits it is told at once, by a panic; the task and both loops go on.
#[test]
fn a_task_of_another_loop_is_refused_h7() {
    let (ours, other) = (simulated(), simulated());
    let task = other.create_task(after(7));
    let run = || ours.run_until_complete(timeout(SECOND, task));
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    let message = payload.downcast::<String>().unwrap();
    assert!(message.starts_with("Task-1, created at "), "{message}");
    assert!(message.contains("another event loop"), "{message}");
    assert_eq!(ours.run_until_complete(after(1)), Ok(1));
    let tasks = other.all_tasks();
    assert_eq!(tasks.len(), 1);
    other.run_until_complete(tasks[0].wait()).unwrap();
}

/// Another runtime of the thread may wait for our tasks while we are driven in parts.
#[test]
fn a_foreign_executor_may_wait_for_a_task() {
    let ours = simulated();
    let answer = Future::new_on(ours.spawner());
    let task = ours.create_task(async { 7 });
    let mut value = pin!(task.into_future());
    let mut told = pin!(answer.clone().into_future());
    let mut waiter = Context::from_waker(Waker::noop());
    assert!(value.as_mut().poll(&mut waiter).is_pending());
    assert!(told.as_mut().poll(&mut waiter).is_pending());
    answer.set_result(5).unwrap();
    ours.run_once(Some(Duration::ZERO)).unwrap();
    let polled = (value.poll(&mut waiter), told.poll(&mut waiter));
    assert!(matches!(polled, (Poll::Ready(Ok(7)), Poll::Ready(Ok(5)))));
}
