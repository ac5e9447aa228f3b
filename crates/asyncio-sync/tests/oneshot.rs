//! One value, once, and ends that know of each other.

mod stage;

use std::rc::Rc;

use asyncio_sync::oneshot::{self, RecvError, TryRecvError};
use stage::{Stage, take};

#[test]
fn a_value_comes_one_turn_after_it_was_sent() {
    let stage = Stage::new();
    let (sender, receiver) = oneshot::channel();
    let reader = stage.task(|log| async move {
        let value = receiver.await;
        log.tell("has it");
        value
    });
    stage.turn();
    sender.send(7).unwrap();
    stage.settle();
    assert_eq!(
        (stage.log(), take(reader)),
        (vec!["2 has it".into()], Ok(7))
    );
}

#[test]
fn a_sender_that_is_dropped_tells_the_receiver() {
    let stage = Stage::new();
    let (sender, receiver) = oneshot::channel::<u32>();
    let reader = stage.task(|_| receiver);
    stage.turn();
    drop(sender);
    stage.settle();
    assert_eq!(take(reader), Err(RecvError));
}

#[test]
fn a_receiver_that_is_dropped_tells_the_sender_and_gives_the_value_back() {
    let stage = Stage::new();
    let (mut sender, receiver) = oneshot::channel::<u32>();
    let waits = stage.task(|_| async move {
        sender.closed().await;
        (sender.is_closed(), sender.send(7))
    });
    stage.settle();
    assert!(!waits.done());
    drop(receiver);
    stage.settle();
    assert_eq!(take(waits), (true, Err(7)));
}

#[test]
fn a_value_can_be_looked_for() {
    let (sender, mut receiver) = oneshot::channel();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.send(1).unwrap();
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));

    let (sender, mut receiver) = oneshot::channel();
    receiver.close();
    assert_eq!(sender.send(1), Err(1));
    let (sender, mut receiver) = oneshot::channel();
    sender.send(1).unwrap();
    receiver.close();
    assert_eq!(receiver.try_recv(), Ok(1), "it was sent before");
}

#[test]
fn a_value_that_nobody_takes_is_dropped_with_the_receiver() {
    let value = Rc::new(());
    let (sender, receiver) = oneshot::channel();
    sender.send(value.clone()).unwrap();
    drop(receiver);
    assert_eq!(Rc::strong_count(&value), 1);
}
