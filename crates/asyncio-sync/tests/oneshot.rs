//! One value, once, and ends that know of each other.

mod stage;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

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

#[test]
fn a_wait_by_reference_that_is_cancelled_loses_no_value_also_after_it_was_woken_h1_h6() {
    for sent_before in [false, true] {
        let stage = Stage::new();
        let (sender, receiver) = oneshot::channel();
        let receiver = Rc::new(RefCell::new(receiver));
        let reader = stage.task({
            let receiver = Rc::clone(&receiver);
            |_| async move { poll_fn(|cx| Pin::new(&mut *receiver.borrow_mut()).poll(cx)).await }
        });
        stage.settle();
        let mut sender = Some(sender);
        let mut send = || sender.take().map(|sender| sender.send(7));
        if sent_before {
            send();
        }
        reader.cancel();
        stage.settle();
        assert!(reader.cancelled());
        send();
        assert_eq!(receiver.borrow_mut().try_recv(), Ok(7), "{sent_before}");
    }
}

#[test]
fn a_wait_by_value_that_is_cancelled_tells_the_sender_h1_h6() {
    let stage = Stage::new();
    let (mut sender, receiver) = oneshot::channel();
    let reader = stage.task(|_| receiver);
    let waits = stage.task(|log| async move {
        sender.closed().await;
        log.tell("closed");
        sender.send(7)
    });
    stage.settle();
    stage.reset();
    reader.cancel();
    stage.settle();
    assert!(reader.cancelled());
    assert_eq!(
        (stage.log(), take(waits)),
        (vec!["2 closed".into()], Err(7))
    );
}

#[test]
fn a_value_whose_receiver_is_cancelled_after_it_was_woken_is_dropped_at_once_h1() {
    let stage = Stage::new();
    let value = Rc::new(());
    let (sender, receiver) = oneshot::channel();
    let reader = stage.task(|_| receiver);
    stage.settle();
    sender.send(Rc::clone(&value)).unwrap();
    reader.cancel();
    stage.settle();
    assert!(reader.cancelled());
    assert_eq!(Rc::strong_count(&value), 1);
}

#[test]
fn a_wait_for_the_receiver_to_go_that_is_dropped_keeps_the_sender_h1() {
    let (mut sender, mut receiver) = oneshot::channel();
    let mut waits = Box::pin(sender.closed());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waits.as_mut().poll(&mut cx).is_pending());
    drop(waits);
    sender.send(7).unwrap();
    assert_eq!(receiver.try_recv(), Ok(7));
}
