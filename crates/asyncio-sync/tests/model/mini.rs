//! asyncio in miniature: a ready queue, tasks that wait for one future each, and cancellation. It
//! is what the models of the primitives stand on.

#![allow(unreachable_pub)] // a part of one test binary

use std::collections::VecDeque;

/// As many tasks as there are at most.
pub const TASKS: usize = 4;

/// The future that a task waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fut {
    #[default]
    Pending,
    Done,
    Cancelled,
}

/// How far a task has come; what stands between is the primitive's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pc {
    #[default]
    Unborn,
    New,
    /// Waits for the primitive; the number tells where.
    Waits(u8),
    /// Waits to be told to go on.
    Gate,
    Ended,
}

#[derive(Clone, Debug, Default)]
pub struct Task {
    pub pc: Pc,
    pub fut: Fut,
    must_cancel: bool,
    /// Whether it was told to go on; that lasts.
    pub gate_open: bool,
}

/// The loop.
#[derive(Clone, Debug, Default)]
pub struct Mini {
    pub tasks: [Task; TASKS],
    ready: VecDeque<usize>,
    turn: u32,
    pub log: Vec<String>,
}

impl Mini {
    pub fn tell(&mut self, line: String) {
        self.log.push(format!("{} {line}", self.turn));
    }

    pub fn begin(&mut self, task: usize) {
        self.tasks[task].pc = Pc::New;
        self.ready.push_back(task);
    }

    pub fn cancel(&mut self, task: usize) {
        let it = &mut self.tasks[task];
        match (it.pc, it.fut) {
            (Pc::Unborn | Pc::Ended, _) | (_, Fut::Cancelled) => {}
            (Pc::New, _) | (_, Fut::Done) => it.must_cancel = true,
            (_, Fut::Pending) => {
                it.fut = Fut::Cancelled;
                self.ready.push_back(task);
            }
        }
    }

    /// `fut.set_result()`, if it is not done.
    pub fn wake(&mut self, task: usize) {
        if self.tasks[task].fut == Fut::Pending {
            self.tasks[task].fut = Fut::Done;
            self.ready.push_back(task);
        }
    }

    /// Tells a task to go on past its gate, now or when it comes there.
    pub fn open(&mut self, task: usize) {
        self.tasks[task].gate_open = true;
        if self.tasks[task].pc == Pc::Gate {
            self.wake(task);
        }
    }

    pub fn waits(&mut self, task: usize, pc: Pc) {
        self.tasks[task].pc = pc;
        self.tasks[task].fut = Fut::Pending;
    }

    pub fn ends(&mut self, task: usize) {
        self.tasks[task].pc = Pc::Ended;
        self.tell(format!("{task} ends"));
    }

    pub fn is_cancelled(&self, task: usize) -> bool {
        self.tasks[task].fut == Fut::Cancelled
    }

    /// Whether it will be cancelled when it runs.
    pub fn is_requested(&self, task: usize) -> bool {
        self.tasks[task].must_cancel || self.is_cancelled(task)
    }

    pub fn is_done(&self, task: usize) -> bool {
        self.tasks[task].fut != Fut::Pending
    }

    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Begins a turn: the tasks whose steps it has.
    pub fn begin_turn(&mut self) -> usize {
        self.turn += 1;
        self.ready.len()
    }

    /// The next task of the turn, and whether a cancellation is thrown into it.
    pub fn next(&mut self) -> (usize, bool) {
        let task = self.ready.pop_front().expect("the turn has so many");
        let it = &mut self.tasks[task];
        let cancelled = std::mem::take(&mut it.must_cancel) || it.fut == Fut::Cancelled;
        (task, cancelled)
    }
}
