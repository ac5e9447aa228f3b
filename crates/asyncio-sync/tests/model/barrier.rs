//! `asyncio.Barrier`.

use std::rc::Rc;

use asyncio_sync::Barrier;

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc, TASKS};

/// `asyncio.Barrier`, whose lock nobody ever waits for. Its own operations are `reset` and
/// `abort`.
#[derive(Clone)]
struct ModelBarrier {
    parties: usize,
    state: State,
    count: usize,
    waiters: Vec<usize>,
    index: [usize; TASKS],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Filling,
    Draining,
    Resetting,
    Broken,
}

impl ModelBarrier {
    const BLOCKED: Pc = Pc::Waits(0);
    const INSIDE: Pc = Pc::Waits(1);

    fn new(parties: usize) -> Self {
        Self {
            parties,
            state: State::Filling,
            count: 0,
            waiters: Vec::new(),
            index: [0; TASKS],
        }
    }

    fn notify(&self, mini: &mut Mini, n: usize) {
        let waiting: Vec<_> = self.waiters.to_vec();
        let live = waiting.into_iter().filter(|task| !mini.is_done(*task));
        for task in live.take(n).collect::<Vec<_>>() {
            mini.wake(task);
        }
    }

    fn wait(&mut self, mini: &mut Mini, task: usize, pc: Pc) {
        self.waiters.push(task);
        mini.waits(task, pc);
    }

    fn exit(&mut self, mini: &mut Mini) {
        self.count -= 1;
        if self.count == 0 {
            if matches!(self.state, State::Resetting | State::Draining) {
                self.state = State::Filling;
            }
            self.notify(mini, usize::MAX);
        }
    }

    fn leave(&mut self, mini: &mut Mini, task: usize, place: Option<usize>) {
        self.exit(mini);
        mini.tell(format!("{task} {place:?}"));
        mini.ends(task);
    }
}

impl Model for ModelBarrier {
    const OWN: u8 = 2;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        let pc = mini.tasks[task].pc;
        self.waiters.retain(|other| *other != task);
        if cancelled {
            self.notify(mini, 1);
            if pc == Self::INSIDE {
                self.exit(mini);
            }
            return mini.ends(task);
        }
        if pc == Self::INSIDE {
            return match self.state {
                State::Filling => self.wait(mini, task, Self::INSIDE),
                State::Draining => self.leave(mini, task, Some(self.index[task])),
                State::Resetting | State::Broken => self.leave(mini, task, None),
            };
        }
        match self.state {
            State::Draining | State::Resetting => self.wait(mini, task, Self::BLOCKED),
            State::Broken => {
                mini.tell(format!("{task} None"));
                mini.ends(task);
            }
            State::Filling => {
                self.index[task] = self.count;
                self.count += 1;
                if self.index[task] + 1 < self.parties {
                    return self.wait(mini, task, Self::INSIDE);
                }
                self.state = State::Draining;
                self.notify(mini, usize::MAX);
                self.leave(mini, task, Some(self.index[task]));
            }
        }
    }

    fn own(&mut self, mini: &mut Mini, op: u8) {
        self.state = match (op, self.count) {
            (0, 0) => State::Filling,
            (0, _) => State::Resetting,
            _ => State::Broken,
        };
        self.notify(mini, usize::MAX);
    }

    fn observe(&self, _: &Mini) -> String {
        let waiting = if self.state == State::Filling {
            self.count
        } else {
            0
        };
        format!("{waiting} {}", self.state == State::Broken)
    }
}

impl Real for Rc<Barrier> {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let barrier = Rc::clone(self);
        async move {
            let _ends = stage.ends(task);
            let place = barrier.wait().await.ok();
            stage.tell(format!("{task} {place:?}"));
        }
    }

    fn own(&self, op: u8) {
        match op {
            0 => self.reset(),
            _ => self.abort(),
        }
    }

    fn observe(&self) -> String {
        format!("{} {}", self.n_waiting(), self.broken())
    }
}

#[test]
fn a_barrier_is_what_cpython_has_h1() {
    for parties in [2, 3] {
        let model = || ModelBarrier::new(parties);
        let runs = every_interleaving(4, 7, model, || Rc::new(Barrier::new(parties)));
        assert!(runs > 10_000, "only {runs}");
    }
}
