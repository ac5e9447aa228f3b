//! `asyncio.Queue`, `LifoQueue` and `PriorityQueue`.

use std::rc::Rc;

use asyncio_sync::{BaseQueue, Fifo, Lifo, Priority, Store};

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc};

/// A queue: even tasks get, odd ones put. Its own operations are `put_nowait`, `get_nowait` and
/// `shutdown`.
#[derive(Clone)]
struct ModelQueue {
    maxsize: usize,
    /// `_get`: which of some items is next.
    next: fn(&[usize]) -> usize,
    items: Vec<usize>,
    getters: Vec<usize>,
    putters: Vec<usize>,
    is_shutdown: bool,
}

/// The item of `put_nowait`.
const OWN_ITEM: usize = 9;

impl ModelQueue {
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
                self.items.push(OWN_ITEM);
                Self::wake_next(&mut self.getters, mini);
            }
            1 if !self.items.is_empty() => {
                self.items.remove((self.next)(&self.items));
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

impl<S: Store<usize> + 'static> Real for Rc<BaseQueue<usize, S>> {
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

fn agrees<S: Store<usize> + Default + 'static>(maxsize: usize, next: fn(&[usize]) -> usize) {
    let model = || ModelQueue {
        maxsize,
        next,
        items: Vec::new(),
        getters: Vec::new(),
        putters: Vec::new(),
        is_shutdown: false,
    };
    let real = || Rc::new(BaseQueue::<usize, S>::new(maxsize));
    let runs = every_interleaving(4, 7, model, real);
    assert!(runs > 10_000, "only {runs}");
}

#[test]
fn a_queue_is_what_cpython_has_h1_h6() {
    agrees::<Fifo<usize>>(1, |_| 0);
    agrees::<Fifo<usize>>(2, |_| 0);
}

#[test]
fn a_lifo_queue_is_what_cpython_has_h1_h6() {
    agrees::<Lifo<usize>>(2, |items| items.len() - 1);
}

#[test]
fn a_priority_queue_is_what_cpython_has_h1_h6() {
    agrees::<Priority<usize>>(2, |items| {
        let least = items.iter().enumerate().min_by_key(|(_, item)| **item);
        least.map_or(0, |(index, _)| index)
    });
}
