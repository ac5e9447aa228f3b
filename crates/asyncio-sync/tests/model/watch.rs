//! `watch`, by its documented rules.

use std::cell::{Cell, RefCell};

use asyncio_sync::watch::{Receiver, Sender, channel};

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc, TASKS};

/// A value that counts how often it was changed. The first two tasks tell each change that they see,
/// the third waits for the second change, the fourth until nobody looks. Each has an end of its own
/// from the moment it is created, if the first sender is still there then. Its own operations are
/// to `send` by that one, to look for something to modify in vain, and to drop it.
#[derive(Clone)]
struct ModelWatch {
    version: usize,
    has_first: bool,
    has_end: [bool; TASKS],
    seen: [usize; TASKS],
    watchers: Vec<usize>,
    /// Who waits until nobody looks.
    closers: Vec<usize>,
}

const WAITS_FOR: usize = 2;
const SENDER: usize = 3;
const WANTED: usize = 2;

impl ModelWatch {
    fn receivers(&self) -> usize {
        self.has_end[..SENDER].iter().filter(|has| **has).count()
    }

    fn is_over(&self) -> bool {
        !self.has_first && !self.has_end[SENDER]
    }

    fn tell_all(&self, mini: &mut Mini) {
        self.watchers.iter().for_each(|task| mini.wake(*task));
    }

    fn watch(&mut self, mini: &mut Mini, task: usize) {
        let is_new = mini.tasks[task].pc == Pc::New;
        if self.seen[task] != self.version || (is_new && task == WAITS_FOR) {
            self.seen[task] = self.version;
            if task != WAITS_FOR {
                mini.tell(format!("{task} sees {}", self.version));
            } else if self.version >= WANTED {
                mini.tell(format!("{task} has {}", self.version));
                return mini.ends(task);
            }
        }
        if self.is_over() {
            mini.tell(format!("{task} over"));
            return mini.ends(task);
        }
        self.watchers.push(task);
        mini.waits(task, Pc::Waits(0));
    }

    /// Others may have come to look since it was woken.
    fn close(&mut self, mini: &mut Mini, task: usize) {
        if self.receivers() > 0 {
            self.closers.push(task);
            return mini.waits(task, Pc::Waits(0));
        }
        mini.tell(format!("{task} closed"));
        mini.ends(task);
    }

    fn drop_end(&mut self, mini: &mut Mini, task: usize) {
        if !std::mem::take(&mut self.has_end[task]) {
            return;
        }
        if task == SENDER {
            if self.is_over() {
                self.tell_all(mini);
            }
        } else if self.receivers() == 0 {
            self.closers.iter().for_each(|task| mini.wake(*task));
        }
    }
}

impl Model for ModelWatch {
    const OWN: u8 = 3;

    fn begins(&mut self, task: usize) {
        self.has_end[task] = self.has_first;
        self.seen[task] = self.version;
    }

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        self.watchers.retain(|other| *other != task);
        self.closers.retain(|other| *other != task);
        match task {
            _ if cancelled || !self.has_end[task] => mini.ends(task),
            SENDER => self.close(mini, task),
            _ => self.watch(mini, task),
        }
        if mini.tasks[task].pc == Pc::Ended {
            self.drop_end(mini, task);
        }
    }

    fn never_ran(&mut self, mini: &mut Mini, task: usize) {
        self.drop_end(mini, task);
    }

    fn own(&mut self, mini: &mut Mini, op: u8) {
        match op {
            0 if self.has_first && self.receivers() > 0 => {
                self.version += 1;
                self.tell_all(mini);
            }
            2 if self.has_first => {
                self.has_first = false;
                if self.is_over() {
                    self.tell_all(mini);
                }
            }
            _ => {}
        }
    }

    fn observe(&self, _: &Mini) -> String {
        match self.has_first {
            true => format!("{} {}", self.receivers(), self.version),
            false => String::new(),
        }
    }
}

struct RealWatch {
    first: RefCell<Option<Sender<usize>>>,
    sent: Cell<usize>,
}

enum End {
    Sends(Sender<usize>),
    Looks(Receiver<usize>),
}

async fn looks(stage: &Stage, task: usize, receiver: &mut Receiver<usize>) {
    if task == WAITS_FOR
        && let Ok(value) = receiver.wait_for(|value| *value >= WANTED).await
    {
        return stage.tell(format!("{task} has {value}"));
    }
    while receiver.changed().await.is_ok() {
        stage.tell(format!("{task} sees {}", receiver.get()));
    }
    stage.tell(format!("{task} over"));
}

impl Real for RealWatch {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let end = self.first.borrow().as_ref().map(|first| match task {
            SENDER => End::Sends(first.clone()),
            _ => End::Looks(first.subscribe()),
        });
        async move {
            let _ends = stage.ends(task);
            match end {
                None => {}
                Some(End::Looks(mut receiver)) => looks(&stage, task, &mut receiver).await,
                Some(End::Sends(sender)) => {
                    sender.closed().await;
                    stage.tell(format!("{task} closed"));
                }
            }
        }
    }

    fn own(&self, op: u8) {
        let first = self.first.borrow();
        match (op, &*first) {
            (0, Some(first)) => {
                let sent = first.send(self.sent.get() + 1);
                self.sent.set(self.sent.get() + usize::from(sent.is_ok()));
            }
            (1, Some(first)) => drop(first.send_if_modified(|_| false)),
            _ => {
                drop(first);
                if op == 2 {
                    drop(self.first.take());
                }
            }
        }
    }

    fn observe(&self) -> String {
        self.first.borrow().as_ref().map_or_else(String::new, |it| {
            format!("{} {}", it.receiver_count(), it.get())
        })
    }
}

#[test]
fn a_watch_shows_the_latest_value_to_all_and_both_sides_know_the_end_h1_h6() {
    let model = || ModelWatch {
        version: 0,
        has_first: true,
        has_end: [false; TASKS],
        seen: [0; TASKS],
        watchers: Vec::new(),
        closers: Vec::new(),
    };
    let real = || RealWatch {
        first: RefCell::new(Some(channel(0).0)),
        sent: Cell::new(0),
    };
    let runs = every_interleaving(4, 7, model, real);
    assert!(runs > 10_000, "only {runs}");
}
