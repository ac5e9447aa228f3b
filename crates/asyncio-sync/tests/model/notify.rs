//! `Notify`, by its documented rules: tokio's.

use std::rc::Rc;

use asyncio_sync::Notify;

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc, TASKS};

/// Its own operations are `notify_one` and `notify_waiters`.
#[derive(Clone, Default)]
struct ModelNotify {
    kept: bool,
    waiters: Vec<usize>,
    /// Who was woken alone: that is passed on.
    alone: [bool; TASKS],
}

impl ModelNotify {
    fn notify_one(&mut self, mini: &mut Mini) {
        let next = self.waiters.iter().find(|task| !mini.is_done(**task));
        let Some(next) = next.copied() else {
            self.kept = true;
            return;
        };
        self.alone[next] = true;
        mini.wake(next);
    }
}

impl Model for ModelNotify {
    const OWN: u8 = 2;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        if mini.tasks[task].pc == Pc::New && !std::mem::take(&mut self.kept) {
            self.waiters.push(task);
            return mini.waits(task, Pc::Waits(0));
        }
        self.waiters.retain(|other| *other != task);
        if !cancelled {
            mini.tell(format!("{task} goes on"));
        } else if self.alone[task] {
            self.notify_one(mini);
        }
        mini.ends(task);
    }

    fn own(&mut self, mini: &mut Mini, op: u8) {
        match op {
            0 => self.notify_one(mini),
            _ => self.waiters.iter().for_each(|task| mini.wake(*task)),
        }
    }

    /// Nothing can be asked of it: what is kept shows when somebody comes.
    fn observe(&self, _: &Mini) -> String {
        String::new()
    }
}

impl Real for Rc<Notify> {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let notify = Rc::clone(self);
        async move {
            let _ends = stage.ends(task);
            notify.notified().await;
            stage.tell(format!("{task} goes on"));
        }
    }

    fn own(&self, op: u8) {
        match op {
            0 => self.notify_one(),
            _ => self.notify_waiters(),
        }
    }

    fn observe(&self) -> String {
        String::new()
    }
}

#[test]
fn a_notification_wakes_one_or_all_and_one_is_kept_h1() {
    let runs = every_interleaving(4, 7, ModelNotify::default, || Rc::new(Notify::new()));
    assert!(runs > 10_000, "only {runs}");
}
