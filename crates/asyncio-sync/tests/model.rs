//! The primitives against CPython's code, transliterated over an asyncio in miniature, and those
//! that asyncio has not against their documented rules: every sequence of operations on up to four
//! tasks, compared after each one, down to the turn.

#[path = "model/barrier.rs"]
mod barrier;
#[path = "model/broadcast.rs"]
mod broadcast;
#[path = "model/check.rs"]
mod check;
#[path = "model/limiter.rs"]
mod limiter;
#[path = "model/mini.rs"]
mod mini;
#[path = "model/mpsc.rs"]
mod mpsc;
#[path = "model/mpsc_ends.rs"]
mod mpsc_ends;
#[path = "model/notify.rs"]
mod notify;
#[path = "model/once_cell.rs"]
mod once_cell;
#[path = "model/oneshot.rs"]
mod oneshot;
#[path = "model/queue.rs"]
mod queue;
#[path = "model/rwlock.rs"]
mod rwlock;
#[path = "model/semaphore.rs"]
mod semaphore;
#[path = "model/semaphore_many.rs"]
mod semaphore_many;
#[path = "model/watch.rs"]
mod watch;

use std::rc::Rc;

use asyncio_sync::{Condition, Event, Lock};
use check::{Model, Real, Stage, every_interleaving};
use mini::{Mini, Pc};

/// `asyncio.Lock`.
#[derive(Clone, Default)]
struct ModelLock {
    locked: bool,
    waiters: Vec<usize>,
}

impl ModelLock {
    /// Whether it was taken at once; otherwise the task waits at `pc`.
    fn acquire(&mut self, mini: &mut Mini, task: usize, pc: Pc) -> bool {
        if !self.locked && self.waiters.iter().all(|other| mini.is_cancelled(*other)) {
            self.locked = true;
            return true;
        }
        self.waiters.push(task);
        mini.waits(task, pc);
        false
    }

    /// A task that waited goes on; whether it has the lock.
    fn resume(&mut self, mini: &mut Mini, task: usize, cancelled: bool) -> bool {
        self.waiters.retain(|other| *other != task);
        if cancelled {
            if !self.locked {
                self.wake_first(mini);
            }
            return false;
        }
        self.locked = true;
        true
    }

    fn release(&mut self, mini: &mut Mini) {
        self.locked = false;
        self.wake_first(mini);
    }

    fn wake_first(&self, mini: &mut Mini) {
        if let Some(first) = self.waiters.first() {
            mini.wake(*first);
        }
    }
}

impl Model for ModelLock {
    const OWN: u8 = 0;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        let has = match mini.tasks[task].pc {
            Pc::New => self.acquire(mini, task, Pc::Waits(0)),
            Pc::Waits(_) => {
                let has = self.resume(mini, task, cancelled);
                if cancelled {
                    mini.ends(task);
                }
                has
            }
            _ => {
                self.release(mini);
                return mini.ends(task);
            }
        };
        if has {
            mini.tell(format!("{task} in"));
            mini.waits(task, Pc::Gate);
        }
    }

    fn own(&mut self, _: &mut Mini, _: u8) {}

    fn observe(&self, _: &Mini) -> String {
        format!("{}", self.locked)
    }
}

impl Real for Rc<Lock> {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let lock = Rc::clone(self);
        async move {
            let _ends = stage.ends(task);
            let _guard = lock.acquire().await;
            stage.tell(format!("{task} in"));
            stage.gate(task).await;
        }
    }

    fn own(&self, _: u8) {}

    fn observe(&self) -> String {
        format!("{}", self.locked())
    }
}

#[test]
fn a_lock_is_what_cpython_has_h1_h2() {
    let runs = every_interleaving(4, 8, ModelLock::default, || Rc::new(Lock::new(())));
    assert!(runs > 10_000, "only {runs}");
}

/// `asyncio.Event`; its own operations are `set` and `clear`.
#[derive(Clone, Default)]
struct ModelEvent {
    set: bool,
    waiters: Vec<usize>,
}

impl Model for ModelEvent {
    const OWN: u8 = 2;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        if mini.tasks[task].pc == Pc::New && !self.set {
            self.waiters.push(task);
            return mini.waits(task, Pc::Waits(0));
        }
        self.waiters.retain(|other| *other != task);
        if !cancelled {
            mini.tell(format!("{task} goes on"));
        }
        mini.ends(task);
    }

    fn own(&mut self, mini: &mut Mini, op: u8) {
        if op == 0 && !self.set {
            self.waiters.iter().for_each(|task| mini.wake(*task));
        }
        self.set = op == 0;
    }

    fn observe(&self, _: &Mini) -> String {
        format!("{}", self.set)
    }
}

impl Real for Rc<Event> {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let event = Rc::clone(self);
        async move {
            let _ends = stage.ends(task);
            event.wait().await;
            stage.tell(format!("{task} goes on"));
        }
    }

    fn own(&self, op: u8) {
        match op {
            0 => self.set(),
            _ => self.clear(),
        }
    }

    fn observe(&self) -> String {
        format!("{}", self.is_set())
    }
}

#[test]
fn an_event_is_what_cpython_has_h1() {
    let runs = every_interleaving(4, 7, ModelEvent::default, || Rc::new(Event::new()));
    assert!(runs > 10_000, "only {runs}");
}

/// `asyncio.Condition`. A task takes the lock, holds it until it is told to go on, waits to be
/// notified, and releases the lock. The operation of its own is `notify(1)` if the lock is held.
#[derive(Clone, Default)]
struct ModelCondition {
    lock: ModelLock,
    waiters: Vec<usize>,
    /// Whose wait was cancelled, and has yet to have the lock again.
    cancelled: [bool; mini::TASKS],
}

impl ModelCondition {
    const ACQUIRES: Pc = Pc::Waits(0);
    const WAITS: Pc = Pc::Waits(1);
    const RELOCKS: Pc = Pc::Waits(2);

    fn notify(&self, mini: &mut Mini) {
        if let Some(next) = self.waiters.iter().find(|task| !mini.is_done(**task)) {
            mini.wake(*next);
        }
    }

    fn holds_again(&mut self, mini: &mut Mini, task: usize) {
        if self.cancelled[task] {
            self.notify(mini);
        } else {
            mini.tell(format!("{task} notified"));
        }
        self.lock.release(mini);
        mini.ends(task);
    }
}

impl Model for ModelCondition {
    const OWN: u8 = 1;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        match mini.tasks[task].pc {
            Pc::New => {
                if self.lock.acquire(mini, task, Self::ACQUIRES) {
                    mini.waits(task, Pc::Gate);
                }
            }
            Self::ACQUIRES => match self.lock.resume(mini, task, cancelled) {
                true => mini.waits(task, Pc::Gate),
                false => return mini.ends(task),
            },
            Pc::Gate if cancelled => {
                self.lock.release(mini);
                mini.ends(task);
            }
            Pc::Gate => {
                self.lock.release(mini);
                self.waiters.push(task);
                mini.waits(task, Self::WAITS);
            }
            Self::WAITS => {
                self.cancelled[task] = cancelled;
                self.waiters.retain(|other| *other != task);
                if self.lock.acquire(mini, task, Self::RELOCKS) {
                    self.holds_again(mini, task);
                }
            }
            _ => {
                self.cancelled[task] |= cancelled;
                let has = self.lock.resume(mini, task, cancelled)
                    || self.lock.acquire(mini, task, Self::RELOCKS);
                if has {
                    self.holds_again(mini, task);
                }
            }
        }
        if mini.tasks[task].pc == Pc::Gate && mini.tasks[task].gate_open {
            mini.wake(task);
        }
    }

    fn own(&mut self, mini: &mut Mini, _: u8) {
        if self.lock.locked {
            self.notify(mini);
        }
    }

    fn observe(&self, _: &Mini) -> String {
        format!("{}", self.lock.locked)
    }
}

impl Real for Rc<Condition> {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let condition = Rc::clone(self);
        async move {
            let _ends = stage.ends(task);
            let guard = condition.acquire().await;
            stage.gate(task).await;
            let _guard = condition.wait(guard).await;
            stage.tell(format!("{task} notified"));
        }
    }

    fn own(&self, _: u8) {
        let _ = self.notify(1); // refused while nobody has the lock
    }

    fn observe(&self) -> String {
        format!("{}", self.locked())
    }
}

#[test]
fn a_condition_is_what_cpython_has_h1_h5() {
    let real = || Rc::new(Condition::new(()));
    let runs = every_interleaving(3, 8, ModelCondition::default, real);
    assert!(runs > 10_000, "only {runs}");
    let runs = every_interleaving(4, 7, ModelCondition::default, real);
    assert!(runs > 10_000, "only {runs}");
}
