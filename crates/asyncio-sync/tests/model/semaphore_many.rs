//! `Semaphore` beyond asyncio's, by its documented rules: many permits at once, and the close.

use std::rc::Rc;

use asyncio_sync::Semaphore;

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc, TASKS};

/// A task takes as many permits as its `amounts` says, all at once and in order of arrival. Its
/// own operations are `release`, `add_permits(2)` and `close`.
#[derive(Clone)]
struct ModelMany {
    amounts: [usize; TASKS],
    permits: usize,
    waiters: Vec<usize>,
    /// Who was woken with permits, and not by the close.
    has: [bool; TASKS],
    closed: bool,
}

impl ModelMany {
    fn is_ahead(&self, mini: &Mini) -> bool {
        self.waiters.iter().any(|task| !mini.is_cancelled(*task))
    }

    /// The first who waits gets what it waits for, if there is as much.
    fn wake_next(&mut self, mini: &mut Mini) -> bool {
        let next = self.waiters.iter().find(|task| !mini.is_done(**task));
        match next.copied() {
            Some(next) if !self.closed && self.permits >= self.amounts[next] => {
                self.permits -= self.amounts[next];
                self.has[next] = true;
                mini.wake(next);
                true
            }
            _ => false,
        }
    }

    /// As with so many releases: each wakes one.
    fn add(&mut self, mini: &mut Mini, amount: usize) {
        self.permits += amount;
        for _ in 0..amount {
            self.wake_next(mini);
        }
    }
}

impl Model for ModelMany {
    const OWN: u8 = 3;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        let amount = self.amounts[task];
        match mini.tasks[task].pc {
            Pc::New if self.closed => {
                mini.tell(format!("{task} closed"));
                return mini.ends(task);
            }
            Pc::New if self.permits < amount || self.is_ahead(mini) => {
                self.waiters.push(task);
                return mini.waits(task, Pc::Waits(0));
            }
            Pc::New => self.permits -= amount,
            Pc::Waits(_) => {
                self.waiters.retain(|other| *other != task);
                if cancelled && self.has[task] {
                    self.permits += amount;
                }
                while self.wake_next(mini) {}
                if cancelled {
                    return mini.ends(task);
                }
                if !self.has[task] {
                    mini.tell(format!("{task} closed"));
                    return mini.ends(task);
                }
            }
            _ => {
                self.add(mini, amount);
                return mini.ends(task);
            }
        }
        mini.tell(format!("{task} in"));
        mini.waits(task, Pc::Gate);
    }

    fn own(&mut self, mini: &mut Mini, op: u8) {
        match op {
            0 => self.add(mini, 1),
            1 => self.add(mini, 2),
            _ => {
                self.closed = true;
                self.waiters.iter().for_each(|task| mini.wake(*task));
            }
        }
    }

    fn observe(&self, mini: &Mini) -> String {
        let locked = !self.closed && (self.permits == 0 || self.is_ahead(mini));
        format!("{} {} {locked}", self.permits, self.closed)
    }
}

struct RealMany {
    amounts: [usize; TASKS],
    semaphore: Rc<Semaphore>,
}

impl Real for RealMany {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let (amount, semaphore) = (self.amounts[task], Rc::clone(&self.semaphore));
        async move {
            let _ends = stage.ends(task);
            let Ok(_permits) = semaphore.acquire_many(amount).await else {
                return stage.tell(format!("{task} closed"));
            };
            stage.tell(format!("{task} in"));
            stage.gate(task).await;
        }
    }

    fn own(&self, op: u8) {
        match op {
            0 => self.semaphore.release().unwrap(),
            1 => self.semaphore.add_permits(2).unwrap(),
            _ => self.semaphore.close(),
        }
    }

    fn observe(&self) -> String {
        let Self { semaphore, .. } = self;
        let closed = semaphore.is_closed();
        let locked = !closed && semaphore.locked();
        format!("{} {closed} {locked}", semaphore.available_permits())
    }
}

#[test]
fn many_permits_come_at_once_in_order_of_arrival_or_the_close_does_h1_h2() {
    for (amounts, permits) in [([1, 2, 1, 2], 2), ([2, 1, 3, 1], 2), ([2, 1, 1, 1], 1)] {
        let model = || ModelMany {
            amounts,
            permits,
            waiters: Vec::new(),
            has: [false; TASKS],
            closed: false,
        };
        let real = || RealMany {
            amounts,
            semaphore: Rc::new(Semaphore::new(permits)),
        };
        let runs = every_interleaving(4, 6, model, real);
        assert!(runs > 10_000, "only {runs}");
    }
}
