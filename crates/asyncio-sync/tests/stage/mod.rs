//! What the tests play on: an executor whose turns are counted, and a log that knows the turn.

#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;

use asyncio_executor::{Executor, Task, yield_now};

/// More turns than any test takes.
const TURNS_MAX: u32 = 10_000;

/// An executor that is driven turn by turn, and a log.
pub struct Stage {
    executor: Executor,
    log: Log,
}

/// What has happened, with the number of the turn in which it did.
#[derive(Clone, Default)]
pub struct Log {
    turn: Rc<Cell<u32>>,
    lines: Rc<RefCell<Vec<String>>>,
}

impl Log {
    pub fn now(&self) -> u32 {
        self.turn.get()
    }

    /// Writes a line, after the turn's number.
    pub fn tell(&self, line: impl AsRef<str>) {
        let line = format!("{} {}", self.now(), line.as_ref());
        self.lines.borrow_mut().push(line);
    }
}

impl Stage {
    pub fn new() -> Self {
        Self {
            executor: Executor::new(),
            log: Log::default(),
        }
    }

    pub fn executor(&self) -> &Executor {
        &self.executor
    }

    /// What was logged since this was called last.
    pub fn log(&self) -> Vec<String> {
        self.log.lines.take()
    }

    /// A task of what `make` makes, which gets the log.
    pub fn task<F>(&self, make: impl FnOnce(Log) -> F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.executor.create_task(make(self.log.clone()))
    }

    /// One turn; `false` if there was nothing to do.
    pub fn turn(&self) -> bool {
        self.executor.drain();
        let ready = self.executor.ready_len();
        if ready == 0 && !self.executor.has_unanswered() {
            return false;
        }
        self.log.turn.set(self.log.now() + 1);
        self.executor.enter(|| self.executor.run_ready(ready, None));
        self.executor.end_turn();
        true
    }

    /// Turns until nothing is ready.
    #[track_caller]
    pub fn settle(&self) {
        for _ in 0..TURNS_MAX {
            if !self.turn() {
                return;
            }
        }
        panic!("still not settled after {TURNS_MAX} turns");
    }

    /// Begins to count turns anew.
    pub fn reset(&self) {
        self.log.turn.set(0);
    }
}

/// Gives way to the others `times` times.
pub async fn yields(times: u32) {
    for _ in 0..times {
        yield_now().await;
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
