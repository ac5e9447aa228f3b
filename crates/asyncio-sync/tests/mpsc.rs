//! Values from many to one, in order, and none lost; ends that know of each other.

mod stage;

use std::rc::Rc;

use asyncio_executor::Task;
use asyncio_sync::mpsc::{self, SendError, Sender, TryRecvError, TrySendError};
use futures_lite::StreamExt;
use stage::{Stage, take};

fn sends(stage: &Stage, sender: &Sender<u32>, value: u32) -> Task<Result<(), SendError<u32>>> {
    let sender = sender.clone();
    stage.task(move |log| async move {
        let sent = sender.send(value).await;
        log.tell(format!("{value} sent"));
        sent
    })
}

#[test]
fn senders_wait_for_room_in_order_and_nobody_gets_ahead_h2() {
    let stage = Stage::new();
    let (sender, mut receiver) = mpsc::channel(1);
    let _tasks = [1, 2, 3].map(|value| sends(&stage, &sender, value));
    stage.turn();
    assert_eq!(stage.log(), ["1 1 sent"]);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(
        sender.try_send(9),
        Err(TrySendError::Full(9)),
        "the room is taken"
    );
    stage.settle();
    assert_eq!(stage.log(), ["2 2 sent"]);
    assert_eq!((receiver.try_recv(), sender.capacity()), (Ok(2), 0));
    stage.settle();
    assert_eq!(receiver.try_recv(), Ok(3));
    assert_eq!((sender.capacity(), sender.max_capacity()), (1, 1));
}

#[test]
fn a_sender_that_is_cancelled_passes_its_room_on_h1() {
    let stage = Stage::new();
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let tasks = [1, 2].map(|value| sends(&stage, &sender, value));
    stage.turn();
    receiver.try_recv().unwrap();
    tasks[0].cancel();
    stage.settle();
    assert_eq!(
        (receiver.try_recv(), receiver.try_recv()),
        (Ok(2), Err(TryRecvError::Empty))
    );
}

#[test]
fn the_receiver_is_told_when_the_last_sender_is_gone() {
    let stage = Stage::new();
    let (sender, mut receiver) = mpsc::channel(4);
    sender.try_send(1).unwrap();
    let other = sender.clone();
    assert!(sender.same_channel(&other));
    let reader = stage.task(|_| async move {
        let mut values = vec![];
        while let Some(value) = receiver.recv().await {
            values.push(value);
        }
        values
    });
    stage.settle();
    drop(sender);
    stage.settle();
    other.try_send(2).unwrap();
    drop(other);
    stage.settle();
    assert_eq!(take(reader), [1, 2]);
}

#[test]
fn senders_are_told_when_the_receiver_is_gone_and_keep_their_values() {
    let stage = Stage::new();
    let (sender, receiver) = mpsc::channel(1);
    let value = Rc::new(());
    sender.try_send(value.clone()).unwrap();
    let waits = stage.task(|_| {
        let (sender, value) = (sender.clone(), value.clone());
        async move { sender.send(value).await }
    });
    let told = stage.task(|_| {
        let sender = sender.clone();
        async move { sender.closed().await }
    });
    stage.settle();
    drop(receiver);
    stage.settle();
    assert!(told.done() && sender.is_closed());
    let Err(SendError(back)) = take(waits) else {
        panic!("nobody receives");
    };
    assert_eq!(
        Rc::strong_count(&value),
        2,
        "what was not received is dropped"
    );
    drop(back);
    assert!(matches!(
        sender.try_send(value),
        Err(TrySendError::Closed(_))
    ));
}

#[test]
fn a_receiver_that_is_closed_still_has_what_was_sent_or_reserved() {
    let stage = Stage::new();
    let (sender, mut receiver) = mpsc::channel(3);
    sender.try_send(1).unwrap();
    let sender = Rc::new(sender);
    let holder = stage.task(|_| {
        let sender = sender.clone();
        async move {
            let permit = sender.reserve().await.unwrap();
            sender.closed().await;
            permit.send(2);
        }
    });
    stage.turn();
    receiver.close();
    assert!(matches!(sender.try_send(9), Err(TrySendError::Closed(9))));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(
        receiver.try_recv(),
        Err(TryRecvError::Empty),
        "one is reserved"
    );
    stage.settle();
    assert!(holder.done());
    assert_eq!(receiver.try_recv(), Ok(2));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn room_that_is_not_used_goes_back() {
    let stage = Stage::new();
    let (sender, receiver) = mpsc::channel::<u32>(1);
    let task = stage.task(|_| async move {
        let permit = sender.reserve().await.unwrap();
        assert_eq!(sender.capacity(), 0);
        drop(permit);
        sender.capacity()
    });
    stage.settle();
    assert_eq!(take(task), 1);
    drop(receiver);
}

#[test]
fn an_unbounded_sender_never_waits() {
    let stage = Stage::new();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    for n in 0..100 {
        sender.send(n).unwrap();
    }
    let reader = stage.task(|_| async move {
        let mut values = vec![];
        let first = receiver.recv_many(&mut values, 10).await;
        let rest: Vec<_> = receiver.collect().await; // it is a stream
        (first, values.len(), rest.len())
    });
    drop(sender);
    stage.settle();
    assert_eq!(take(reader), (10, 10, 90));

    let (sender, receiver) = mpsc::unbounded_channel();
    drop(receiver);
    assert_eq!(sender.send(1), Err(SendError(1)));
}

#[test]
#[should_panic(expected = "room for a value")]
fn a_channel_without_room_is_refused() {
    let _ = mpsc::channel::<u32>(0);
}
