//! What the tests of cancellation play on: turns counted by hand, a log, and things to wait for.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use asyncio_executor::{
    Cancelled, ErrorContext, Executor, Spawner, Task, TaskError, TaskRef, catch_cancelled,
    current_task, yield_now,
};

/// An executor that is driven turn by turn, and a log that knows the turn.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) executor: Rc<Executor>,
    turn: Rc<Cell<u32>>,
    log: Rc<RefCell<Vec<String>>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            executor: Rc::new(Executor::new()),
            turn: Rc::default(),
            log: Rc::default(),
        }
    }

    /// Runs one turn.
    pub(crate) fn turn(&self) {
        self.turn.set(self.turn.get() + 1);
        self.executor.drain();
        self.executor.run_ready(self.executor.ready_len(), None);
        self.executor.end_turn();
    }

    pub(crate) fn turns(&self, count: u32) {
        for _ in 0..count {
            self.turn();
        }
    }

    /// Runs until nothing is ready and no mark waits; at most a thousand turns.
    #[track_caller]
    pub(crate) fn settle(&self) {
        for _ in 0..1000 {
            if self.executor.ready_len() == 0 && !self.executor.has_unanswered() {
                return;
            }
            self.turn();
        }
        panic!("still busy after a thousand turns: {:?}", self.log.borrow());
    }

    /// Begins to count turns anew.
    pub(crate) fn reset(&self) {
        self.turn.set(0);
    }

    pub(crate) fn now(&self) -> u32 {
        self.turn.get()
    }

    pub(crate) fn say(&self, line: impl Into<String>) {
        self.log.borrow_mut().push(line.into());
    }

    /// Says it with the turn.
    pub(crate) fn tell(&self, line: impl AsRef<str>) {
        self.say(format!("{} {}", self.now(), line.as_ref()));
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.take()
    }

    /// Everything that reaches the exception handler from now on.
    pub(crate) fn reports(&self) -> Rc<RefCell<Vec<String>>> {
        let reports: Rc<RefCell<Vec<String>>> = Rc::default();
        let told = Rc::clone(&reports);
        let handler = move |context: &ErrorContext<'_>| told.borrow_mut().push(context.to_string());
        let spawner = self.executor.spawner();
        spawner.set_exception_handler(Some(Rc::new(handler)));
        reports
    }

    /// A task of `make(stage)`.
    #[track_caller]
    pub(crate) fn spawn<F: Future + 'static>(
        &self,
        make: impl FnOnce(Self) -> F,
    ) -> Task<F::Output> {
        self.executor.create_task(make(self.clone()))
    }

    /// Nothing may be left of anything.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.executor.task_count(), 0, "tasks left");
        assert_eq!(self.executor.spawner().scope_count(), 0, "scopes left");
        assert!(!self.executor.has_unanswered(), "marks left");
    }
}

/// How a task has ended, in a word: its value, "cancelled", "cancelled: message", "panicked: …".
#[track_caller]
pub(crate) fn outcome<T: std::fmt::Debug>(task: Task<T>) -> String {
    match task.into_result() {
        Err(task) => format!("pending {task:?}"),
        Ok(Ok(value)) => format!("{value:?}"),
        Ok(Err(TaskError::Cancelled(None))) => "cancelled".into(),
        Ok(Err(TaskError::Cancelled(Some(message)))) => format!("cancelled: {message}"),
        Ok(Err(error @ TaskError::Panicked(_))) => error.to_string(),
    }
}

pub(crate) fn me() -> TaskRef {
    current_task().expect("inside a task")
}

pub(crate) fn spawner() -> Spawner {
    Spawner::current().expect("inside an executor")
}

/// A clean-up that takes some turns, and says so.
pub(crate) fn cleans(
    stage: &Stage,
    name: &'static str,
    turns: u32,
) -> impl AsyncFnOnce() + 'static + use<> {
    let stage = stage.clone();
    async move || {
        let _drops = Drops(stage.clone(), name);
        stage.tell(format!("{name} cleans"));
        pause(turns).await;
        stage.tell(format!("{name} cleaned"));
    }
}

/// Yields `count` times.
pub(crate) async fn pause(count: u32) {
    for _ in 0..count {
        yield_now().await;
    }
}

/// asyncio's `try: body finally: cleanup`, as far as `catch_cancelled` makes one.
pub(crate) async fn finally<T>(
    body: impl Future<Output = T>,
    cleanup: impl Future<Output = ()>,
) -> T {
    match catch_cancelled(body).await {
        Ok(value) => {
            cleanup.await;
            value
        }
        Err(cancelled) => {
            cleanup.await;
            cancelled.reraise().await
        }
    }
}

/// The message of what was caught.
pub(crate) fn message<T>(caught: &Result<T, Cancelled>) -> &str {
    match caught {
        Ok(_) => "not cancelled",
        Err(cancelled) => cancelled.message().unwrap_or("no message"),
    }
}

/// Something to wait for: a flag, and the last waker of each who waits.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    open: Rc<Cell<bool>>,
    wakers: Rc<RefCell<Vec<Waker>>>,
}

impl Gate {
    pub(crate) fn open(&self) {
        self.open.set(true);
        for waker in self.wakers.take() {
            waker.wake();
        }
    }

    pub(crate) fn wait(&self) -> impl Future<Output = ()> + use<> {
        let gate = self.clone();
        poll_fn(move |cx| {
            if gate.open.get() {
                return Poll::Ready(());
            }
            gate.wakers.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        })
    }
}

/// Says so when it is dropped.
pub(crate) struct Drops(pub(crate) Stage, pub(crate) &'static str);

impl Drop for Drops {
    fn drop(&mut self) {
        self.0.tell(format!("drop {}", self.1));
    }
}
