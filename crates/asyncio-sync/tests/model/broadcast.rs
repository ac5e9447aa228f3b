//! `broadcast`, by its documented rules.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use asyncio_sync::broadcast::{Receiver, RecvError, Sender, channel};

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc, TASKS};

/// A channel that keeps so many values.
const KEPT: usize = 2;
/// Sends once it is told to go on; the others receive until nothing can come any more.
const SENDER: usize = 2;

/// Each task has an end of its own from the moment it is created, if the first sender is still there
/// then. The values count on. Its own operations are to `send` by the first sender, and to drop it.
#[derive(Clone)]
struct ModelBroadcast {
    /// All that were sent; the last of them are kept, none from before everybody had gone.
    sent: usize,
    forgotten: usize,
    has_first: bool,
    has_end: [bool; TASKS],
    next: [usize; TASKS],
    waiters: Vec<usize>,
}

impl ModelBroadcast {
    fn receivers(&self) -> usize {
        let receives = |task: &usize| *task != SENDER && self.has_end[*task];
        (0..TASKS).filter(receives).count()
    }

    fn is_over(&self) -> bool {
        !self.has_first && !self.has_end[SENDER]
    }

    fn tell_all(&self, mini: &mut Mini) {
        self.waiters.iter().for_each(|task| mini.wake(*task));
    }

    /// To how many.
    fn send(&mut self, mini: &mut Mini) -> usize {
        if self.receivers() > 0 {
            self.sent += 1;
            self.tell_all(mini);
        }
        self.receivers()
    }

    fn receives(&mut self, mini: &mut Mini, task: usize) {
        let first = self.forgotten.max(self.sent.saturating_sub(KEPT));
        if self.next[task] < first {
            mini.tell(format!("{task} lost {}", first - self.next[task]));
            self.next[task] = first;
        }
        for value in self.next[task]..self.sent {
            mini.tell(format!("{task} has {value}"));
        }
        self.next[task] = self.sent;
        if self.is_over() {
            mini.tell(format!("{task} over"));
            return mini.ends(task);
        }
        self.waiters.push(task);
        mini.waits(task, Pc::Waits(0));
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
            self.forgotten = self.sent;
        }
    }
}

impl Model for ModelBroadcast {
    const OWN: u8 = 2;

    fn begins(&mut self, task: usize) {
        self.has_end[task] = self.has_first;
        self.next[task] = self.sent;
    }

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        self.waiters.retain(|other| *other != task);
        match (task, mini.tasks[task].pc) {
            _ if cancelled || !self.has_end[task] => mini.ends(task),
            (SENDER, Pc::New) => mini.waits(task, Pc::Gate),
            (SENDER, _) => {
                let receivers = self.send(mini);
                mini.tell(format!("{task} sent to {receivers}"));
                mini.ends(task);
            }
            _ => self.receives(mini, task),
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
            _ if !self.has_first => {}
            0 => drop(self.send(mini)),
            _ => {
                self.has_first = false;
                if self.is_over() {
                    self.tell_all(mini);
                }
            }
        }
    }

    fn observe(&self, _: &Mini) -> String {
        match self.has_first {
            true => format!("{}", self.receivers()),
            false => String::new(),
        }
    }
}

struct RealBroadcast {
    first: RefCell<Option<Sender<usize>>>,
    sent: Rc<Cell<usize>>,
}

/// The next value, to everybody. Returns to how many.
fn send(sender: &Sender<usize>, sent: &Cell<usize>) -> usize {
    let receivers = sender.send(sent.get()).unwrap_or(0);
    sent.set(sent.get() + usize::from(receivers > 0));
    receivers
}

async fn receives(stage: &Stage, task: usize, receiver: &mut Receiver<usize>) {
    loop {
        match receiver.recv().await {
            Ok(value) => stage.tell(format!("{task} has {value}")),
            Err(RecvError::Lagged(lost)) => stage.tell(format!("{task} lost {lost}")),
            Err(RecvError::Closed) => return stage.tell(format!("{task} over")),
        }
    }
}

enum End {
    Sends(Sender<usize>),
    Receives(Receiver<usize>),
}

impl Real for RealBroadcast {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let sent = Rc::clone(&self.sent);
        let end = self.first.borrow().as_ref().map(|first| match task {
            SENDER => End::Sends(first.clone()),
            _ => End::Receives(first.subscribe()),
        });
        async move {
            let _ends = stage.ends(task);
            match end {
                None => {}
                Some(End::Receives(mut receiver)) => receives(&stage, task, &mut receiver).await,
                Some(End::Sends(sender)) => {
                    stage.gate(task).await;
                    let receivers = send(&sender, &sent);
                    stage.tell(format!("{task} sent to {receivers}"));
                }
            }
        }
    }

    fn own(&self, op: u8) {
        match op {
            0 => {
                if let Some(first) = &*self.first.borrow() {
                    send(first, &self.sent);
                }
            }
            _ => drop(self.first.take()),
        }
    }

    fn observe(&self) -> String {
        let first = self.first.borrow();
        first
            .as_ref()
            .map_or_else(String::new, |sender| format!("{}", sender.receiver_count()))
    }
}

#[test]
fn a_broadcast_reaches_all_in_order_and_tells_what_is_lost_h1_h6() {
    let model = || ModelBroadcast {
        sent: 0,
        forgotten: 0,
        has_first: true,
        has_end: [false; TASKS],
        next: [0; TASKS],
        waiters: Vec::new(),
    };
    let real = || RealBroadcast {
        first: RefCell::new(Some(channel(KEPT).0)),
        sent: Rc::default(),
    };
    let runs = every_interleaving(4, 7, model, real);
    assert!(runs > 10_000, "only {runs}");
}
