//! What the tests share: an executor and a loop in virtual time, with a count of their turns.

#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::future::{Future, pending};
use std::rc::Rc;
use std::time::{Duration, Instant};

use asyncio_executor::{Executor, Spawner, Task, TaskRef, catch_cancelled, current_task};
use asyncio_futures::ErrorGroup;
use asyncio_loop::{EventLoop, get_running_loop, sleep};
use asyncio_timers::ManualClock;

/// More turns than any test takes.
const TURNS_MAX: u32 = 100_000;

/// An executor that is driven turn by turn.
pub struct Turns {
    executor: Executor,
    turn: Turn,
}

/// The number of the turn that is under way.
#[derive(Clone, Default)]
pub struct Turn(Rc<Cell<u32>>);

impl Turn {
    pub fn now(&self) -> u32 {
        self.0.get()
    }
}

impl Turns {
    pub fn new() -> Self {
        Self {
            executor: Executor::new(),
            turn: Turn::default(),
        }
    }

    pub fn turn(&self) -> Turn {
        self.turn.clone()
    }

    pub fn spawner(&self) -> Spawner {
        self.executor.spawner()
    }

    pub fn executor(&self) -> &Executor {
        &self.executor
    }

    /// Runs `future` as a task, and turns until nothing is ready; returns what it has returned.
    #[track_caller]
    pub fn run<F: Future<Output: 'static> + 'static>(&self, future: F) -> F::Output {
        let task = self.executor.create_task(future);
        self.settle();
        take(task)
    }

    /// Turns until nothing is ready.
    pub fn settle(&self) {
        for _ in 0..TURNS_MAX {
            if !self.one_turn() {
                return;
            }
        }
        panic!("still not settled after {TURNS_MAX} turns");
    }

    /// One turn; `false` if there was nothing to do.
    pub fn one_turn(&self) -> bool {
        self.executor.drain();
        let ready = self.executor.ready_len();
        if ready == 0 && !self.executor.has_unanswered() {
            return false;
        }
        self.turn.0.set(self.turn.0.get() + 1);
        self.executor.enter(|| self.executor.run_ready(ready, None));
        self.executor.end_turn();
        true
    }
}

/// What a task that has ended has returned.
#[track_caller]
pub fn take<T>(task: Task<T>) -> T {
    match task.into_result() {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => panic!("{error}"),
        Err(_) => panic!("the task has not ended"),
    }
}

/// A loop in virtual time: it jumps where it would sleep.
pub fn simulated() -> (EventLoop, ManualClock) {
    let clock = ManualClock::new();
    let event_loop = EventLoop::builder().simulated(&clock).unwrap();
    (event_loop.debug(false).build().unwrap(), clock)
}

pub const SECOND: Duration = Duration::from_secs(1);

/// Runs `main` on a loop in virtual time, and looks that nothing is left.
#[track_caller]
pub fn run<F: Future>(main: F) -> F::Output {
    let (event_loop, _clock) = simulated();
    let output = event_loop.run_until_complete(main).unwrap();
    assert_eq!(event_loop.metrics().timers, 0);
    assert_eq!(event_loop.spawner().scope_count(), 0);
    assert_eq!(event_loop.spawner().all_tasks().len(), 0);
    output
}

pub fn me() -> TaskRef {
    current_task().unwrap()
}

/// The number of the running loop's turn.
pub fn turn() -> u64 {
    get_running_loop().metrics().turns
}

/// Seconds since `start`, by the running loop's clock.
pub fn since(start: Instant) -> u64 {
    (get_running_loop().time() - start).as_secs()
}

/// The errors of a group, as texts.
#[track_caller]
pub fn texts<T: Debug>(outcome: Result<T, ErrorGroup<&'static str>>) -> Vec<String> {
    let group = outcome.unwrap_err();
    group.into_iter().map(|error| error.to_string()).collect()
}

/// Waits for ever; cancelled, it cleans up for some seconds.
pub async fn cleans_up<T>(log: Log, name: &'static str, seconds: u32) -> T {
    let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
    sleep(SECOND * seconds).await;
    log.add(name);
    cancelled.reraise().await
}

/// A list of what happened, in order.
#[derive(Clone, Default)]
pub struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub fn add(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }
}
