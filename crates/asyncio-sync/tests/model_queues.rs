//! Queues and barriers against CPython's code, transliterated over an asyncio in miniature: as
//! `model` does for locks.

#[path = "model/check.rs"]
mod check;
#[path = "model/mini.rs"]
mod mini;

use std::rc::Rc;

use asyncio_sync::{Barrier, Queue};
use check::{Model, Real, Stage, every_interleaving};
use mini::{Mini, Pc};

/// `asyncio.Queue(1)`: even tasks get, odd ones put. Its own operations are `put_nowait`,
/// `get_nowait` and `shutdown`.
#[derive(Clone, Default)]
struct ModelQueue {
    items: Vec<usize>,
    getters: Vec<usize>,
    putters: Vec<usize>,
    is_shutdown: bool,
}

/// The item of `put_nowait`.
const OWN_ITEM: usize = 9;

impl ModelQueue {
    fn wake_next(waiters: &mut Vec<usize>, mini: &mut Mini) {
        while !waiters.is_empty() {
            let next = waiters.remove(0);
            if !mini.is_done(next) {
                return mini.wake(next);
            }
        }
    }

    fn get(&mut self, mini: &mut Mini, task: usize) {
        if self.items.is_empty() {
            if self.is_shutdown {
                mini.tell(format!("{task} shut"));
                return mini.ends(task);
            }
            self.getters.push(task);
            return mini.waits(task, Pc::Waits(0));
        }
        let item = self.items.remove(0);
        Self::wake_next(&mut self.putters, mini);
        mini.tell(format!("{task} has {item}"));
        mini.ends(task);
    }

    fn put(&mut self, mini: &mut Mini, task: usize) {
        if self.is_shutdown {
            mini.tell(format!("{task} shut"));
            return mini.ends(task);
        }
        if self.items.is_empty() {
            self.items.push(task);
            Self::wake_next(&mut self.getters, mini);
            mini.tell(format!("{task} put"));
            return mini.ends(task);
        }
        self.putters.push(task);
        mini.waits(task, Pc::Waits(0));
    }
}

impl Model for ModelQueue {
    const OWN: u8 = 3;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        let gets = task.is_multiple_of(2);
        if cancelled {
            let usable = self.items.is_empty() != gets;
            let waiters = if gets {
                &mut self.getters
            } else {
                &mut self.putters
            };
            waiters.retain(|other| *other != task);
            if usable && !mini.is_cancelled(task) {
                Self::wake_next(waiters, mini);
            }
            return mini.ends(task);
        }
        match gets {
            true => self.get(mini, task),
            false => self.put(mini, task),
        }
    }

    fn own(&mut self, mini: &mut Mini, op: u8) {
        match op {
            0 if !self.is_shutdown && self.items.is_empty() => {
                self.items.push(OWN_ITEM);
                Self::wake_next(&mut self.getters, mini);
            }
            1 if !self.items.is_empty() => {
                self.items.remove(0);
                Self::wake_next(&mut self.putters, mini);
            }
            2 => {
                self.is_shutdown = true;
                let waiting = self.getters.drain(..).chain(self.putters.drain(..));
                waiting.for_each(|task| mini.wake(task));
            }
            _ => {}
        }
    }

    fn observe(&self, _: &Mini) -> String {
        format!("{}", self.items.len())
    }
}

impl Real for Rc<Queue<usize>> {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let queue = Rc::clone(self);
        async move {
            let _ends = stage.ends(task);
            let line = match task % 2 {
                0 => queue
                    .get()
                    .await
                    .map(|item| format!("{task} has {item}"))
                    .ok(),
                _ => queue.put(task).await.map(|()| format!("{task} put")).ok(),
            };
            stage.tell(line.unwrap_or_else(|| format!("{task} shut")));
        }
    }

    fn own(&self, op: u8) {
        match op {
            0 => drop(self.put_nowait(OWN_ITEM)),
            1 => drop(self.get_nowait()),
            _ => self.shutdown(false),
        }
    }

    fn observe(&self) -> String {
        format!("{}", self.qsize())
    }
}

#[test]
fn a_queue_is_what_cpython_has_h1_h6() {
    let real = || Rc::new(Queue::new(1));
    let runs = every_interleaving(4, 7, ModelQueue::default, real);
    assert!(runs > 10_000, "only {runs}");
}

/// `asyncio.Barrier(2)`, whose lock nobody ever waits for. Its own operations are `reset` and
/// `abort`.
#[derive(Clone, Default)]
struct ModelBarrier {
    state: State,
    count: usize,
    waiters: Vec<usize>,
    index: [usize; mini::TASKS],
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Filling,
    Draining,
    Resetting,
    Broken,
}

impl ModelBarrier {
    const BLOCKED: Pc = Pc::Waits(0);
    const INSIDE: Pc = Pc::Waits(1);
    const PARTIES: usize = 2;

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
                if self.index[task] + 1 < Self::PARTIES {
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
    let real = || Rc::new(Barrier::new(ModelBarrier::PARTIES));
    let runs = every_interleaving(4, 7, ModelBarrier::default, real);
    assert!(runs > 10_000, "only {runs}");
}
