//! A bounded `mpsc` channel, by its documented rules.

#![allow(unreachable_pub)] // a part of one test binary

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

use asyncio_sync::mpsc::{Receiver, Sender, channel};

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc};

/// A channel with room for one: the first task receives until nothing can come any more, the third
/// reserves room and sends once it is told to go on, the others send. Its own operations are
/// `try_recv`, `try_send` and `close`.
#[derive(Clone)]
pub struct ModelChannel {
    values: Vec<usize>,
    /// Room that nobody has, and nobody was woken for.
    room: usize,
    reserved: usize,
    senders: usize,
    closed: bool,
    waiters: Vec<usize>,
    /// Who was woken for room, and not by the close.
    has_room: Vec<usize>,
}

pub const RECEIVER: usize = 0;
pub const RESERVER: usize = 2;
/// The value of `try_send`.
pub const OWN_VALUE: usize = 9;

/// One sender, and room for one value.
impl Default for ModelChannel {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            room: 1,
            reserved: 0,
            senders: 1,
            closed: false,
            waiters: Vec::new(),
            has_room: Vec::new(),
        }
    }
}

impl ModelChannel {
    pub fn sender_comes(&mut self) {
        self.senders += 1;
    }

    pub fn sender_goes(&mut self, mini: &mut Mini) {
        self.senders -= 1;
        if self.senders == 0 {
            Self::wake_receiver(mini);
        }
    }

    pub fn receiver_goes(&mut self, mini: &mut Mini) {
        self.close(mini);
        self.values.clear();
    }

    fn close(&mut self, mini: &mut Mini) {
        self.closed = true;
        self.waiters.iter().for_each(|task| mini.wake(*task));
        Self::wake_receiver(mini);
    }

    pub fn try_send(&mut self, mini: &mut Mini) {
        if !self.closed && self.has_room(mini) {
            self.room -= 1;
            self.push(mini, OWN_VALUE);
        }
    }

    /// What a sender can be asked.
    pub fn observe_sender(&self) -> String {
        format!("{} {}", self.room, self.closed)
    }

    fn is_over(&self) -> bool {
        (self.closed || self.senders == 0) && self.reserved == 0
    }

    fn hand_out(&mut self, mini: &mut Mini) {
        for task in self.waiters.clone() {
            if self.room > 0 && !self.closed && !mini.is_done(task) {
                self.room -= 1;
                self.has_room.push(task);
                mini.wake(task);
            }
        }
    }

    fn give_back(&mut self, mini: &mut Mini) {
        self.room += 1;
        self.hand_out(mini);
    }

    fn has_room(&self, mini: &Mini) -> bool {
        self.room > 0 && self.waiters.iter().all(|task| mini.is_cancelled(*task))
    }

    fn wake_receiver(mini: &mut Mini) {
        if matches!(mini.tasks[RECEIVER].pc, Pc::Waits(_)) {
            mini.wake(RECEIVER);
        }
    }

    fn push(&mut self, mini: &mut Mini, value: usize) {
        self.values.push(value);
        Self::wake_receiver(mini);
    }

    fn pop(&mut self, mini: &mut Mini) -> Option<usize> {
        let value = (!self.values.is_empty()).then(|| self.values.remove(0))?;
        self.give_back(mini);
        Some(value)
    }

    fn receive(&mut self, mini: &mut Mini) {
        while let Some(value) = self.pop(mini) {
            mini.tell(format!("{RECEIVER} has {value}"));
        }
        if self.is_over() {
            return mini.ends(RECEIVER);
        }
        mini.waits(RECEIVER, Pc::Waits(0));
    }

    /// A task that has come to its room, or to the end of the channel.
    fn sends(&mut self, mini: &mut Mini, task: usize) {
        if self.closed {
            mini.tell(format!("{task} refused"));
            return mini.ends(task);
        }
        if task == RESERVER {
            self.reserved += 1;
            return mini.waits(task, Pc::Gate);
        }
        self.push(mini, task);
        mini.tell(format!("{task} sent"));
        mini.ends(task);
    }
}

impl Model for ModelChannel {
    const OWN: u8 = 3;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        if task == RECEIVER {
            return match cancelled {
                true => mini.ends(task),
                false => self.receive(mini),
            };
        }
        match mini.tasks[task].pc {
            Pc::New if self.closed => self.sends(mini, task),
            Pc::New if self.has_room(mini) => {
                self.room -= 1;
                self.sends(mini, task);
            }
            Pc::New => {
                self.waiters.push(task);
                mini.waits(task, Pc::Waits(0));
            }
            Pc::Waits(_) => {
                self.waiters.retain(|other| *other != task);
                if self.has_room.contains(&task) && (cancelled || self.closed) {
                    self.room += 1;
                }
                self.hand_out(mini);
                match cancelled {
                    true => mini.ends(task),
                    false => self.sends(mini, task),
                }
            }
            _ => {
                self.reserved -= 1;
                if cancelled {
                    self.give_back(mini);
                } else {
                    self.push(mini, task);
                    mini.tell(format!("{task} sent"));
                }
                if self.is_over() {
                    Self::wake_receiver(mini);
                }
                mini.ends(task);
            }
        }
        if mini.tasks[task].pc == Pc::Gate && mini.tasks[task].gate_open {
            mini.wake(task);
        }
    }

    fn own(&mut self, mini: &mut Mini, op: u8) {
        match op {
            0 => drop(self.pop(mini)),
            1 => self.try_send(mini),
            _ => self.close(mini),
        }
    }

    fn observe(&self, _: &Mini) -> String {
        format!("{} {}", self.values.len(), self.observe_sender())
    }
}

/// The receiver's task, until nothing can come any more.
pub async fn receives(
    stage: &Stage,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<Option<usize>>,
) {
    while let Some(value) = poll_fn(&mut poll).await {
        stage.tell(format!("{RECEIVER} has {value}"));
    }
}

/// The task of one that sends.
pub async fn sends(stage: &Stage, task: usize, sender: &Sender<usize>) {
    let is_sent = if task == RESERVER {
        match sender.reserve().await {
            Ok(permit) => {
                stage.gate(task).await;
                permit.send(task);
                true
            }
            Err(_) => false,
        }
    } else {
        sender.send(task).await.is_ok()
    };
    let line = if is_sent { "sent" } else { "refused" };
    stage.tell(format!("{task} {line}"));
}

struct RealChannel {
    sender: Rc<Sender<usize>>,
    receiver: Rc<RefCell<Receiver<usize>>>,
}

impl Real for RealChannel {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let (sender, receiver) = (Rc::clone(&self.sender), Rc::clone(&self.receiver));
        async move {
            let _ends = stage.ends(task);
            match task {
                RECEIVER => receives(&stage, |cx| receiver.borrow_mut().poll_recv(cx)).await,
                _ => sends(&stage, task, &sender).await,
            }
        }
    }

    fn own(&self, op: u8) {
        match op {
            0 => drop(self.receiver.borrow_mut().try_recv()),
            1 => drop(self.sender.try_send(OWN_VALUE)),
            _ => self.receiver.borrow_mut().close(),
        }
    }

    fn observe(&self) -> String {
        let (len, room) = (self.receiver.borrow().len(), self.sender.capacity());
        format!("{len} {room} {}", self.sender.is_closed())
    }
}

#[test]
fn a_channel_has_room_for_who_comes_first_and_loses_nothing_h1_h2_h6() {
    let real = || {
        let (sender, receiver) = channel(1);
        RealChannel {
            sender: Rc::new(sender),
            receiver: Rc::new(RefCell::new(receiver)),
        }
    };
    let runs = every_interleaving(4, 7, ModelChannel::default, real);
    assert!(runs > 10_000, "only {runs}");
}
