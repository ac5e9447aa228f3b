//! Every sequence of operations, on a model and on the real thing.

#![allow(unreachable_pub)] // a part of one test binary

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use asyncio_executor::{Executor, Task};

use super::mini::{Mini, Pc, TASKS};

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The next task is created.
    Begin,
    Cancel(usize),
    /// A task that waits at its gate is told to go on.
    Open(usize),
    /// The loop runs a turn.
    Turn,
    /// An operation of the primitive's own.
    Own(u8),
}

/// The simplest thing that is right: CPython's code over [`Mini`].
pub trait Model: Clone {
    /// How many operations of its own the primitive has.
    const OWN: u8;

    /// A task is created: what its body owns from then on.
    fn begins(&mut self, _task: usize) {}

    /// One step of a task.
    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool);

    /// The body of a task that was cancelled before its first step is dropped.
    fn never_ran(&mut self, _mini: &mut Mini, _task: usize) {}

    fn own(&mut self, mini: &mut Mini, op: u8);

    /// What can be asked of the primitive at any time.
    fn observe(&self, mini: &Mini) -> String;
}

/// The real thing.
pub trait Real: Sized {
    /// The body of a task, which tells [`Stage`] what happens.
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static;

    fn own(&self, op: u8);

    fn observe(&self) -> String;
}

/// What the body of a task sees.
#[derive(Clone, Default)]
pub struct Stage(Rc<Seen>);

#[derive(Default)]
struct Seen {
    turn: Cell<u32>,
    log: RefCell<Vec<String>>,
    gates: [Gate; TASKS],
}

#[derive(Default)]
struct Gate {
    open: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// Tells that a task's body is gone, whichever way.
pub struct Ends(Stage, usize);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.tell(format!("{} ends", self.1));
    }
}

impl Stage {
    pub fn tell(&self, line: String) {
        let line = format!("{} {line}", self.0.turn.get());
        self.0.log.borrow_mut().push(line);
    }

    pub fn ends(&self, task: usize) -> Ends {
        Ends(self.clone(), task)
    }

    /// Waits until the task is told to go on.
    pub async fn gate(&self, task: usize) {
        let gate = &self.0.gates[task];
        poll_fn(|cx| {
            if gate.open.get() {
                return Poll::Ready(());
            }
            gate.waker.replace(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    fn open(&self, task: usize) {
        self.0.gates[task].open.set(true);
        if let Some(waker) = self.0.gates[task].waker.take() {
            waker.wake();
        }
    }
}

/// The model's side of one run.
#[derive(Clone)]
struct Expected<M> {
    model: M,
    mini: Mini,
}

impl<M: Model> Expected<M> {
    fn possible(&self, tasks: usize) -> Vec<Op> {
        let mut ops = Vec::new();
        let born = self.born();
        for task in 0..born {
            let it = &self.mini.tasks[task];
            if it.pc == Pc::Ended {
                continue;
            }
            ops.push(Op::Cancel(task));
            if it.pc == Pc::Gate && !it.gate_open {
                ops.push(Op::Open(task));
            }
        }
        if born < tasks {
            ops.push(Op::Begin);
        }
        if self.mini.has_ready() {
            ops.push(Op::Turn);
        }
        ops.extend((0..M::OWN).map(Op::Own));
        ops
    }

    fn born(&self) -> usize {
        let unborn = |task: &super::mini::Task| task.pc == Pc::Unborn;
        self.mini.tasks.iter().position(unborn).unwrap_or(TASKS)
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Begin => {
                let task = self.born();
                self.model.begins(task);
                self.mini.begin(task);
            }
            Op::Cancel(task) => self.mini.cancel(task),
            Op::Open(task) => self.mini.open(task),
            Op::Own(op) => self.model.own(&mut self.mini, op),
            Op::Turn => {
                for _ in 0..self.mini.begin_turn() {
                    let (task, cancelled) = self.mini.next();
                    if cancelled && self.mini.tasks[task].pc == Pc::New {
                        self.mini.tasks[task].pc = Pc::Ended;
                        self.model.never_ran(&mut self.mini, task);
                    } else {
                        self.model.step(&mut self.mini, task, cancelled);
                    }
                }
            }
        }
    }
}

/// The real side of one run.
struct Actual<R> {
    real: R,
    executor: Executor,
    stage: Stage,
    tasks: Vec<Task<()>>,
}

impl<R: Real> Actual<R> {
    fn new(real: R) -> Self {
        Self {
            real,
            executor: Executor::new(),
            stage: Stage::default(),
            tasks: Vec::new(),
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Begin => {
                let body = self.real.body(self.stage.clone(), self.tasks.len());
                self.tasks.push(self.executor.create_task(body));
            }
            Op::Cancel(task) => drop(self.tasks[task].cancel()),
            Op::Open(task) => self.stage.open(task),
            Op::Own(op) => self.executor.enter(|| self.real.own(op)),
            Op::Turn => {
                self.stage.0.turn.set(self.stage.0.turn.get() + 1);
                self.executor.drain();
                let ready = self.executor.ready_len();
                self.executor.enter(|| self.executor.run_ready(ready, None));
                self.executor.end_turn();
            }
        }
    }
}

/// How far a sequence of operations goes.
#[derive(Clone, Copy)]
enum Bound {
    /// So many operations of all kinds.
    Length(usize),
    /// So many besides the beginnings of tasks and the turns, with those before and between them
    /// in every order. One who is to be cancelled already is not cancelled once more.
    Operations(usize),
}

impl Bound {
    /// `length`, or the operations of `ASYNCIO_MODEL_OPERATIONS`, which `cargo xtask deep` sets: from
    /// four on each test has as many sequences as it wants.
    fn of(length: usize) -> Self {
        let operations = std::env::var("ASYNCIO_MODEL_OPERATIONS").ok();
        operations.map_or(Self::Length(length), |number| {
            Self::Operations(number.parse().expect("a number of operations"))
        })
    }

    /// Whether `ops` go as far.
    fn is_reached(self, ops: &[Op]) -> bool {
        let is_counted = |op: &&Op| !matches!(op, Op::Begin | Op::Turn);
        match self {
            Self::Length(length) => ops.len() == length,
            Self::Operations(most) => ops.iter().filter(is_counted).count() == most,
        }
    }

    fn allows(self, op: Op, mini: &Mini) -> bool {
        match (self, op) {
            (Self::Operations(_), Op::Cancel(task)) => !mini.is_requested(task),
            _ => true,
        }
    }
}

/// Tries every sequence of `length` operations on up to `tasks` tasks, or a deep run's; then lets
/// everybody go on. Returns how many there were.
pub fn every_interleaving<M: Model, R: Real>(
    tasks: usize,
    length: usize,
    model: impl Fn() -> M,
    real: impl Fn() -> R,
) -> u64 {
    let bound = Bound::of(length);
    let start = Expected {
        model: model(),
        mini: Mini::default(),
    };
    let mut done = 0;
    let mut stack = vec![(start, Vec::<Op>::new())];
    while let Some((expected, ops)) = stack.pop() {
        let mut possible = expected.possible(tasks);
        possible.retain(|op| bound.allows(*op, &expected.mini));
        if bound.is_reached(&ops) || possible.is_empty() {
            run(&ops, model(), real());
            done += 1;
            continue;
        }
        for op in possible {
            let mut next = expected.clone();
            next.apply(op);
            let mut ops = ops.clone();
            ops.push(op);
            stack.push((next, ops));
        }
    }
    done
}

fn run<M: Model, R: Real>(ops: &[Op], model: M, real: R) {
    let mut expected = Expected {
        model,
        mini: Mini::default(),
    };
    let mut actual = Actual::new(real);
    let mut step = |op: Op, ops: &[Op]| {
        expected.apply(op);
        actual.apply(op);
        let log = actual.stage.0.log.borrow();
        assert_eq!(*log, expected.mini.log, "after {op:?} of {ops:?}");
        let (seen, should) = (
            actual.real.observe(),
            expected.model.observe(&expected.mini),
        );
        assert_eq!(seen, should, "after {op:?} of {ops:?}; {log:?}");
        let open = |task: &usize| {
            let it = &expected.mini.tasks[*task];
            it.pc == Pc::Gate && !it.gate_open
        };
        (expected.mini.has_ready(), (0..TASKS).find(open))
    };
    let mut left = (false, None);
    for op in ops {
        left = step(*op, ops);
    }
    // To the end: whoever can go on does.
    for _ in 0..100 {
        left = match left {
            (true, _) => step(Op::Turn, ops),
            (false, Some(task)) => step(Op::Open(task), ops),
            (false, None) => return,
        };
    }
    panic!("it does not end: {ops:?}");
}
