//! `oneshot`, by its documented rules.

use std::cell::RefCell;
use std::rc::Rc;

use asyncio_sync::oneshot::{Receiver, Sender, channel};

use crate::check::{Model, Real, Stage, every_interleaving};
use crate::mini::{Mini, Pc};

/// Where an end of the channel is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Whoever wants it takes it.
    Here,
    /// A task has it.
    Taken,
    Gone,
}

/// The first task waits for the value, and puts the receiver back, whatever has become of its wait;
/// the third ends the receiver with its wait. The second waits until nobody will receive, and puts
/// the sender back; the fourth sends once it is told to go on. One that finds its end taken or gone
/// says so. The operations of its own are those on an end that is not taken: `try_recv`, `close`, a
/// receiver's drop, `send`, a sender's drop.
#[derive(Clone)]
struct ModelOneshot {
    sender: End,
    receiver: End,
    value: Option<usize>,
    closed: bool,
    /// The task that waits for the value, and the one that waits for the close.
    waits: [Option<usize>; 2],
}

const PUTS_BACK: usize = 0;
const WAITS_FOR_CLOSE: usize = 1;
const SENDS: usize = 3;
/// The value of the operation of its own.
const OWN_VALUE: usize = 9;

impl ModelOneshot {
    fn close(&mut self, mini: &mut Mini) {
        self.closed = true;
        self.waits[1].into_iter().for_each(|task| mini.wake(task));
    }

    fn receiver_goes(&mut self, mini: &mut Mini) {
        self.receiver = End::Gone;
        self.value = None;
        self.close(mini);
    }

    fn sender_goes(&mut self, mini: &mut Mini) {
        self.sender = End::Gone;
        self.waits[0].into_iter().for_each(|task| mini.wake(task));
    }

    /// Whether somebody will receive it.
    fn send(&mut self, mini: &mut Mini, value: usize) -> bool {
        if !self.closed {
            self.value = Some(value);
        }
        self.sender_goes(mini);
        !self.closed
    }

    fn receives(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        self.waits[0] = None;
        if !cancelled {
            if let Some(value) = self.value.take() {
                mini.tell(format!("{task} has {value}"));
            } else if self.sender == End::Gone || self.closed {
                mini.tell(format!("{task} gone"));
            } else {
                self.waits[0] = Some(task);
                return mini.waits(task, Pc::Waits(0));
            }
        }
        match task {
            PUTS_BACK => self.receiver = End::Here,
            _ => self.receiver_goes(mini),
        }
        mini.ends(task);
    }

    fn waits_for_close(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        self.waits[1] = None;
        if !cancelled {
            if !self.closed {
                self.waits[1] = Some(task);
                return mini.waits(task, Pc::Waits(0));
            }
            mini.tell(format!("{task} closed"));
        }
        self.sender = End::Here;
        mini.ends(task);
    }
}

impl Model for ModelOneshot {
    const OWN: u8 = 5;

    fn step(&mut self, mini: &mut Mini, task: usize, cancelled: bool) {
        let end = match task {
            WAITS_FOR_CLOSE | SENDS => &mut self.sender,
            _ => &mut self.receiver,
        };
        if mini.tasks[task].pc == Pc::New {
            if *end != End::Here {
                mini.tell(format!("{task} none"));
                return mini.ends(task);
            }
            *end = End::Taken;
        }
        match (task, mini.tasks[task].pc) {
            (WAITS_FOR_CLOSE, _) => self.waits_for_close(mini, task, cancelled),
            (SENDS, Pc::New) => mini.waits(task, Pc::Gate),
            (SENDS, _) if cancelled => {
                self.sender_goes(mini);
                mini.ends(task);
            }
            (SENDS, _) => {
                let sent = self.send(mini, task);
                mini.tell(format!("{task} {sent}"));
                mini.ends(task);
            }
            _ => self.receives(mini, task, cancelled),
        }
    }

    fn own(&mut self, mini: &mut Mini, op: u8) {
        match (op, self.receiver, self.sender) {
            (0, End::Here, _) => self.value = None,
            (1, End::Here, _) => self.close(mini),
            (2, End::Here, _) => self.receiver_goes(mini),
            (3, _, End::Here) => drop(self.send(mini, OWN_VALUE)),
            (4, _, End::Here) => self.sender_goes(mini),
            _ => {}
        }
    }

    fn observe(&self, _: &Mini) -> String {
        let closed = (self.sender == End::Here).then_some(self.closed);
        format!("{closed:?}")
    }
}

type Slot<T> = Rc<RefCell<Option<T>>>;

struct RealOneshot {
    sender: Slot<Sender<usize>>,
    receiver: Slot<Receiver<usize>>,
}

/// An end that is put back when the task is done with it, whichever way.
struct Lent<T>(Option<T>, Slot<T>);

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        self.1.replace(self.0.take());
    }
}

async fn receives(stage: &Stage, task: usize, slot: &Slot<Receiver<usize>>) -> Option<()> {
    let receiver = slot.take()?;
    let received = match task {
        PUTS_BACK => {
            let mut lent = Lent(Some(receiver), Rc::clone(slot));
            lent.0.as_mut()?.await
        }
        _ => receiver.await,
    };
    stage.tell(match received {
        Ok(value) => format!("{task} has {value}"),
        Err(_) => format!("{task} gone"),
    });
    Some(())
}

async fn has_sender(stage: &Stage, task: usize, slot: &Slot<Sender<usize>>) -> Option<()> {
    let sender = slot.take()?;
    if task == SENDS {
        stage.gate(task).await;
        stage.tell(format!("{task} {}", sender.send(task).is_ok()));
    } else {
        let mut lent = Lent(Some(sender), Rc::clone(slot));
        lent.0.as_mut()?.closed().await;
        stage.tell(format!("{task} closed"));
    }
    Some(())
}

impl Real for RealOneshot {
    fn body(&self, stage: Stage, task: usize) -> impl Future<Output = ()> + 'static {
        let (sender, receiver) = (Rc::clone(&self.sender), Rc::clone(&self.receiver));
        async move {
            let _ends = stage.ends(task);
            let found = match task {
                WAITS_FOR_CLOSE | SENDS => has_sender(&stage, task, &sender).await,
                _ => receives(&stage, task, &receiver).await,
            };
            if found.is_none() {
                stage.tell(format!("{task} none"));
            }
        }
    }

    fn own(&self, op: u8) {
        match op {
            0 => drop(self.receiver.borrow_mut().as_mut().map(Receiver::try_recv)),
            1 => drop(self.receiver.borrow_mut().as_mut().map(Receiver::close)),
            2 => drop(self.receiver.take()),
            3 => drop(self.sender.take().map(|sender| sender.send(OWN_VALUE))),
            _ => drop(self.sender.take()),
        }
    }

    fn observe(&self) -> String {
        let closed = self.sender.borrow().as_ref().map(Sender::is_closed);
        format!("{closed:?}")
    }
}

#[test]
fn a_value_is_received_once_or_both_ends_know_that_it_is_not_h1_h6() {
    let model = || ModelOneshot {
        sender: End::Here,
        receiver: End::Here,
        value: None,
        closed: false,
        waits: [None; 2],
    };
    let real = || {
        let (sender, receiver) = channel();
        RealOneshot {
            sender: Rc::new(RefCell::new(Some(sender))),
            receiver: Rc::new(RefCell::new(Some(receiver))),
        }
    };
    let runs = every_interleaving(4, 6, model, real);
    assert!(runs > 10_000, "only {runs}");
}
