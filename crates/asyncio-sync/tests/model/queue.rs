//! `asyncio.Queue`, `LifoQueue` and `PriorityQueue`.

use std::rc::Rc;

use asyncio_sync::{BaseQueue, Fifo, Lifo, Priority, Store};

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc, TASKS};

/// What a task does with the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Gets,
    Puts,
    Joins,
}

use Role::{Gets, Joins, Puts};

/// A queue. The first `OWN` of its own operations are `put_nowait`, `get_nowait`, `shutdown`,
/// `task_done` and an immediate `shutdown`.
#[derive(Clone)]
struct ModelQueue<const OWN: u8> {
    roles: [Role; TASKS],
    maxsize: usize,
    /// `_get`: which of some items is next.
    next: fn(&[usize]) -> usize,
    items: Vec<usize>,
    getters: Vec<usize>,
    putters: Vec<usize>,
    is_shutdown: bool,
    unfinished: usize,
    joiners: Vec<usize>,
}

/// The item of `put_nowait`.
const OWN_ITEM: usize = 9;

impl<const OWN: u8> ModelQueue<OWN> {
    fn is_full(&self) -> bool {
        self.items.len() == self.maxsize
    }

    fn wake_next(waiters: &mut Vec<usize>, mini: &mut Mini) {
        while !waiters.is_empty() {
            let next = waiters.remove(0);
            if !mini.is_done(next) {
                return mini.wake(next);
            }
        }
    }

    fn put_in(&mut self, mini: &mut Mini, item: usize) {
        self.items.push(item);
        self.unfinished += 1;
        Self::wake_next(&mut self.getters, mini);
    }

    fn has_done(&mut self, mini: &mut Mini, items: usize) {
        self.unfinished -= items;
        if self.unfinished == 0 {
            self.joiners.iter().for_each(|task| mini.wake(*task));
        }
    }

    /// Who has waited once for the end of the work does not look again.
    fn join(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        if mini.tasks[task].pc == Pc::New && self.unfinished > 0 {
            self.joiners.push(task);
            return mini.waits(task, Pc::Waits(0));
        }
        self.joiners.retain(|other| *other != task);
        if !cancelled {
            mini.tell(format!("{task} joined"));
        }
        mini.ends(task);
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
        let item = self.items.remove((self.next)(&self.items));
        Self::wake_next(&mut self.putters, mini);
        mini.tell(format!("{task} has {item}"));
        mini.ends(task);
    }

    fn put(&mut self, mini: &mut Mini, task: usize) {
        if self.is_shutdown {
            mini.tell(format!("{task} shut"));
            return mini.ends(task);
        }
        if !self.is_full() {
            self.put_in(mini, task);
            mini.tell(format!("{task} put"));
            return mini.ends(task);
        }
        self.putters.push(task);
        mini.waits(task, Pc::Waits(0));
    }
}

impl<const OWN: u8> Model for ModelQueue<OWN> {
    const OWN: u8 = OWN;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        let role = self.roles[task];
        if role == Joins {
            return self.join(mini, task, cancelled);
        }
        let gets = role == Gets;
        if cancelled {
            let usable = if gets {
                !self.items.is_empty()
            } else {
                !self.is_full()
            };
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
            0 if !self.is_shutdown && !self.is_full() => {
                self.put_in(mini, OWN_ITEM);
            }
            1 if !self.items.is_empty() => {
                self.items.remove((self.next)(&self.items));
                Self::wake_next(&mut self.putters, mini);
            }
            3 if self.unfinished > 0 => self.has_done(mini, 1),
            2 | 4 => {
                self.is_shutdown = true;
                if op == 4 {
                    let dropped = self.items.drain(..).count().min(self.unfinished);
                    self.has_done(mini, dropped);
                }
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

struct RealQueue<S: Store<usize>> {
    roles: [Role; TASKS],
    queue: Rc<BaseQueue<usize, S>>,
}

impl<S: Store<usize> + 'static> Real for RealQueue<S> {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let (role, queue) = (self.roles[task], Rc::clone(&self.queue));
        async move {
            let _ends = stage.ends(task);
            let line = match role {
                Gets => queue
                    .get()
                    .await
                    .map(|item| format!("{task} has {item}"))
                    .ok(),
                Puts => queue.put(task).await.map(|()| format!("{task} put")).ok(),
                Joins => {
                    queue.join().await;
                    Some(format!("{task} joined"))
                }
            };
            stage.tell(line.unwrap_or_else(|| format!("{task} shut")));
        }
    }

    fn own(&self, op: u8) {
        match op {
            0 => drop(self.queue.put_nowait(OWN_ITEM)),
            1 => drop(self.queue.get_nowait()),
            2 => self.queue.shutdown(false),
            3 => drop(self.queue.task_done()), // refused while nothing is unfinished
            _ => self.queue.shutdown(true),
        }
    }

    fn observe(&self) -> String {
        format!("{}", self.queue.qsize())
    }
}

fn agrees<S: Store<usize> + Default + 'static, const OWN: u8>(
    length: usize,
    roles: [Role; TASKS],
    maxsize: usize,
    next: fn(&[usize]) -> usize,
) {
    let model = || ModelQueue::<OWN> {
        roles,
        maxsize,
        next,
        items: Vec::new(),
        getters: Vec::new(),
        putters: Vec::new(),
        is_shutdown: false,
        unfinished: 0,
        joiners: Vec::new(),
    };
    let real = || RealQueue {
        roles,
        queue: Rc::new(BaseQueue::<usize, S>::new(maxsize)),
    };
    let runs = every_interleaving(4, length, model, real);
    assert!(runs > 10_000, "only {runs}");
}

const TURN_ABOUT: [Role; TASKS] = [Gets, Puts, Gets, Puts];

#[test]
fn a_queue_is_what_cpython_has_h1_h6() {
    agrees::<Fifo<usize>, 3>(7, TURN_ABOUT, 1, |_| 0);
    agrees::<Fifo<usize>, 3>(7, TURN_ABOUT, 2, |_| 0);
}

#[test]
fn a_queue_that_is_joined_and_shut_down_is_what_cpython_has_h1_h6() {
    for roles in [[Puts, Joins, Puts, Gets], [Joins, Puts, Gets, Joins]] {
        agrees::<Fifo<usize>, 5>(6, roles, 1, |_| 0);
    }
}

#[test]
fn a_lifo_queue_is_what_cpython_has_h1_h6() {
    agrees::<Lifo<usize>, 3>(7, TURN_ABOUT, 2, |items| items.len() - 1);
}

#[test]
fn a_priority_queue_is_what_cpython_has_h1_h6() {
    agrees::<Priority<usize>, 3>(7, TURN_ABOUT, 2, |items| {
        let least = items.iter().enumerate().min_by_key(|(_, item)| **item);
        least.map_or(0, |(index, _)| index)
    });
}
