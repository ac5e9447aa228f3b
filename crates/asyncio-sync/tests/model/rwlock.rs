//! `RwLock`, by its documented rules: in order of arrival, many who read or one who writes.

use std::rc::Rc;

use asyncio_sync::{AnyRwLockWriteGuard, RwLock};

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc, TASKS};

/// What a task does once it has the lock: it reads, writes, or goes on as a reader.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Reads,
    Writes,
    Downgrades,
}

use Role::{Downgrades, Reads, Writes};

/// One who is woken has the lock from then on.
#[derive(Clone)]
struct ModelRwLock {
    roles: [Role; TASKS],
    readers: usize,
    written: bool,
    waiters: Vec<usize>,
}

impl ModelRwLock {
    fn fits(&self, task: usize) -> bool {
        !self.written && (self.roles[task] == Reads || self.readers == 0)
    }

    fn has_live(&self, mini: &Mini) -> bool {
        self.waiters.iter().any(|task| !mini.is_cancelled(*task))
    }

    fn take(&mut self, task: usize) {
        match self.roles[task] {
            Reads => self.readers += 1,
            Writes | Downgrades => self.written = true,
        }
    }

    fn hand_out(&mut self, mini: &mut Mini) {
        for task in self.waiters.clone() {
            if mini.is_done(task) {
                continue;
            }
            if !self.fits(task) {
                return;
            }
            self.take(task);
            mini.wake(task);
        }
    }

    /// Whoever has it, as a reader or as the writer, gives it back.
    fn release(&mut self, mini: &mut Mini) {
        match self.written {
            true => self.written = false,
            false => self.readers -= 1,
        }
        self.hand_out(mini);
    }
}

impl Model for ModelRwLock {
    const OWN: u8 = 0;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        match mini.tasks[task].pc {
            Pc::New if self.has_live(mini) || !self.fits(task) => {
                self.waiters.push(task);
                return mini.waits(task, Pc::Waits(0));
            }
            Pc::New => self.take(task),
            Pc::Waits(_) => {
                self.waiters.retain(|other| *other != task);
                if cancelled && !mini.is_cancelled(task) {
                    self.release(mini); // it had been woken
                }
                self.hand_out(mini);
                if cancelled {
                    return mini.ends(task);
                }
            }
            _ => {
                self.release(mini);
                return mini.ends(task);
            }
        }
        mini.tell(format!("{task} in"));
        if self.roles[task] == Downgrades {
            self.written = false;
            self.readers = 1;
            self.hand_out(mini);
        }
        mini.waits(task, Pc::Gate);
    }

    fn own(&mut self, _: &mut Mini, _: u8) {}

    fn observe(&self, mini: &Mini) -> String {
        let read = !self.written && !self.has_live(mini);
        format!("{read} {}", read && self.readers == 0)
    }
}

struct RealRwLock {
    roles: [Role; TASKS],
    lock: Rc<RwLock>,
}

impl Real for RealRwLock {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let (role, lock) = (self.roles[task], Rc::clone(&self.lock));
        async move {
            let _ends = stage.ends(task);
            let (_reads, _writes);
            match role {
                Reads => _reads = lock.read().await,
                Writes => _writes = lock.write().await,
                Downgrades => {
                    let guard = lock.write().await;
                    stage.tell(format!("{task} in"));
                    _reads = AnyRwLockWriteGuard::downgrade(guard);
                }
            }
            if role != Downgrades {
                stage.tell(format!("{task} in"));
            }
            stage.gate(task).await;
        }
    }

    fn own(&self, _: u8) {}

    /// Asking takes the lock, and gives it back: nothing may come of that.
    fn observe(&self) -> String {
        let read = self.lock.try_read().is_ok();
        format!("{read} {}", self.lock.try_write().is_ok())
    }
}

#[test]
fn a_read_write_lock_is_fair_to_all_h1_h2() {
    let casts = [
        [Reads, Writes, Reads, Reads],
        [Writes, Reads, Reads, Writes],
        [Reads, Downgrades, Writes, Reads],
        [Downgrades, Writes, Reads, Reads],
    ];
    for roles in casts {
        let model = || ModelRwLock {
            roles,
            readers: 0,
            written: false,
            waiters: Vec::new(),
        };
        let real = || RealRwLock {
            roles,
            lock: Rc::new(RwLock::new(())),
        };
        let runs = every_interleaving(4, 8, model, real);
        assert!(runs > 10_000, "only {runs}");
    }
}
