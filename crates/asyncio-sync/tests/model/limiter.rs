//! `CapacityLimiter`, by its documented rules: anyio's.

use std::rc::Rc;

use asyncio_sync::CapacityLimiter;

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc};

/// One who is woken has a token from then on. Its own operations change the number of tokens to
/// their own number.
#[derive(Clone)]
struct ModelLimiter {
    total: usize,
    borrowed: usize,
    waiters: Vec<usize>,
}

impl ModelLimiter {
    /// Who waits, and has neither been woken nor cancelled.
    fn next(&self, mini: &Mini) -> Option<usize> {
        let mut waiting = self.waiters.iter().copied();
        waiting.find(|task| !mini.is_done(*task))
    }

    fn woken(&self, mini: &Mini) -> usize {
        let woken = |task: &&usize| mini.is_done(**task) && !mini.is_cancelled(**task);
        self.waiters.iter().filter(woken).count()
    }

    fn available(&self, mini: &Mini) -> usize {
        self.total.saturating_sub(self.borrowed + self.woken(mini))
    }

    fn hand_out(&self, mini: &mut Mini) {
        while let Some(next) = self.next(mini)
            && self.available(mini) > 0
        {
            mini.wake(next);
        }
    }
}

impl Model for ModelLimiter {
    const OWN: u8 = 3;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        match mini.tasks[task].pc {
            Pc::New if self.available(mini) == 0 || self.next(mini).is_some() => {
                self.waiters.push(task);
                return mini.waits(task, Pc::Waits(0));
            }
            Pc::Waits(_) => {
                self.waiters.retain(|other| *other != task);
                if cancelled {
                    self.hand_out(mini);
                    return mini.ends(task);
                }
            }
            Pc::Gate => {
                self.borrowed -= 1;
                self.hand_out(mini);
                return mini.ends(task);
            }
            _ => {}
        }
        self.borrowed += 1;
        mini.tell(format!("{task} in"));
        mini.waits(task, Pc::Gate);
    }

    fn own(&mut self, mini: &mut Mini, op: u8) {
        self.total = op.into();
        self.hand_out(mini);
    }

    fn observe(&self, mini: &Mini) -> String {
        let waiting = self.waiters.len() - self.woken(mini);
        format!("{} {} {waiting}", self.borrowed, self.available(mini))
    }
}

impl Real for Rc<CapacityLimiter> {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let limiter = Rc::clone(self);
        async move {
            let _ends = stage.ends(task);
            let _token = limiter.acquire().await.unwrap();
            stage.tell(format!("{task} in"));
            stage.gate(task).await;
        }
    }

    fn own(&self, op: u8) {
        self.set_total_tokens(op.into());
    }

    fn observe(&self) -> String {
        let (borrowed, available) = (self.borrowed_tokens(), self.available_tokens());
        format!("{borrowed} {available} {}", self.tasks_waiting())
    }
}

#[test]
fn a_limiter_lends_what_it_has_in_order_h1_h2() {
    let model = || ModelLimiter {
        total: 1,
        borrowed: 0,
        waiters: Vec::new(),
    };
    let real = || Rc::new(CapacityLimiter::new(1));
    let runs = every_interleaving(4, 6, model, real);
    assert!(runs > 10_000, "only {runs}");
    let runs = every_interleaving(2, 7, model, real);
    assert!(runs > 10_000, "only {runs}");
}
