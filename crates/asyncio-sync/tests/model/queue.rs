//! `asyncio.Queue`.

use std::rc::Rc;

use asyncio_sync::Queue;

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc};

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
