//! The end of a bounded `mpsc` channel by a drop: of the last sender, and of the receiver.

use std::cell::RefCell;

use asyncio_sync::mpsc::{Receiver, Sender, channel};

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc, TASKS};
use crate::mpsc::{ModelChannel, OWN_VALUE, RECEIVER, receives, sends};

/// The same channel, whose ends belong to the tasks: each that sends has a sender of its own from
/// the moment it is created, and the first has the receiver. Its own operations are to drop the
/// sender that all the others come from, and `try_send` by it.
#[derive(Clone)]
struct ModelEnds {
    channel: ModelChannel,
    /// Whether the sender is there that the others come from.
    has_first: bool,
    has_sender: [bool; TASKS],
}

impl ModelEnds {
    /// The body of a task is gone, and what it owned.
    fn drop_end(&mut self, mini: &mut Mini, task: usize) {
        if task == RECEIVER {
            self.channel.receiver_goes(mini);
        } else if self.has_sender[task] {
            self.channel.sender_goes(mini);
        }
    }
}

impl Model for ModelEnds {
    const OWN: u8 = 2;

    fn begins(&mut self, task: usize) {
        if task != RECEIVER && self.has_first {
            self.has_sender[task] = true;
            self.channel.sender_comes();
        }
    }

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        if task == RECEIVER || self.has_sender[task] {
            self.channel.step(mini, task, cancelled);
        } else {
            mini.ends(task);
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
            0 => {
                self.has_first = false;
                self.channel.sender_goes(mini);
            }
            _ => self.channel.try_send(mini),
        }
    }

    fn observe(&self, _: &Mini) -> String {
        match self.has_first {
            true => self.channel.observe_sender(),
            false => String::new(),
        }
    }
}

struct RealEnds {
    first: RefCell<Option<Sender<usize>>>,
    receiver: RefCell<Option<Receiver<usize>>>,
}

impl Real for RealEnds {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let (mut sender, mut receiver) = (None, None);
        match task {
            RECEIVER => receiver = self.receiver.take(),
            _ => sender = self.first.borrow().clone(),
        }
        async move {
            let _ends = stage.ends(task);
            if let Some(receiver) = &mut receiver {
                receives(&stage, |cx| receiver.poll_recv(cx)).await;
            } else if let Some(sender) = &sender {
                sends(&stage, task, sender).await;
            }
        }
    }

    fn own(&self, op: u8) {
        match op {
            0 => drop(self.first.take()),
            _ => drop(
                self.first
                    .borrow()
                    .as_ref()
                    .map(|it| it.try_send(OWN_VALUE)),
            ),
        }
    }

    fn observe(&self) -> String {
        let first = self.first.borrow();
        first.as_ref().map_or_else(String::new, |sender| {
            format!("{} {}", sender.capacity(), sender.is_closed())
        })
    }
}

#[test]
fn a_channel_is_over_with_its_last_sender_or_its_receiver_and_loses_nothing_before_h1_h2_h6() {
    let model = || ModelEnds {
        channel: ModelChannel::default(),
        has_first: true,
        has_sender: [false; TASKS],
    };
    let real = || {
        let (sender, receiver) = channel(1);
        RealEnds {
            first: RefCell::new(Some(sender)),
            receiver: RefCell::new(Some(receiver)),
        }
    };
    let runs = every_interleaving(4, 7, model, real);
    assert!(runs > 10_000, "only {runs}");
}
