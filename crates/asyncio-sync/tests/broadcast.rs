//! Every value to everybody, and who is too far behind is told.

mod stage;

use std::rc::Rc;

use asyncio_sync::broadcast::{self, RecvError, SendError, TryRecvError};
use stage::{Stage, take};

#[test]
fn everybody_gets_every_value_a_turn_later() {
    let stage = Stage::new();
    let (sender, first) = broadcast::channel(4);
    let second = sender.subscribe();
    let tasks = [first, second].map(|mut receiver| {
        stage.task(|log| async move {
            let mut values = vec![];
            while let Ok(value) = receiver.recv().await {
                log.tell(format!("{value}"));
                values.push(value);
            }
            values
        })
    });
    stage.turn();
    assert_eq!(sender.send(1), Ok(2));
    sender.send(2).unwrap();
    stage.settle();
    assert_eq!(stage.log(), ["2 1", "2 2", "2 1", "2 2"]);
    sender.send(3).unwrap();
    drop(sender);
    stage.settle();
    assert_eq!(tasks.map(take), [vec![1, 2, 3], vec![1, 2, 3]]);
}

#[test]
fn who_is_too_far_behind_loses_the_oldest_and_is_told_how_many() {
    let stage = Stage::new();
    let (sender, mut slow) = broadcast::channel(2);
    for n in 0..5 {
        sender.send(n).unwrap();
    }
    assert_eq!(slow.len(), 5);
    let task = stage.task(|_| async move {
        let lost = slow.recv().await;
        (
            lost,
            slow.recv().await,
            slow.recv().await,
            slow.recv().await,
        )
    });
    drop(sender);
    stage.settle();
    let closed = Err(RecvError::Closed);
    assert_eq!(
        take(task),
        (Err(RecvError::Lagged(3)), Ok(3), Ok(4), closed)
    );
}

#[test]
fn a_value_without_receivers_comes_back_and_nothing_is_kept_for_nobody() {
    let (sender, receiver) = broadcast::channel(2);
    let value = Rc::new(());
    sender.send(value.clone()).unwrap();
    drop(receiver);
    assert_eq!(Rc::strong_count(&value), 1);
    assert_eq!(sender.send(value.clone()), Err(SendError(value)));
    assert_eq!(sender.receiver_count(), 0);
}

#[test]
fn a_receiver_gets_what_is_sent_from_when_it_was_made() {
    let (sender, mut old) = broadcast::channel(4);
    sender.send(1).unwrap();
    let mut new = sender.subscribe();
    let mut newer = old.resubscribe();
    sender.send(2).unwrap();
    assert_eq!(
        (old.try_recv(), new.try_recv(), newer.try_recv()),
        (Ok(1), Ok(2), Ok(2))
    );
    assert_eq!(new.try_recv(), Err(TryRecvError::Empty));
    assert!(new.is_empty() && !old.is_empty());
}

#[test]
fn a_wait_that_is_cancelled_loses_nothing_h6() {
    let stage = Stage::new();
    let (sender, mut receiver) = broadcast::channel(4);
    let task = stage.task(|_| async move { receiver.recv().await });
    let mut kept = sender.subscribe();
    stage.turn();
    sender.send(1).unwrap();
    task.cancel();
    stage.settle();
    assert!(task.cancelled());
    assert_eq!((kept.try_recv(), sender.receiver_count()), (Ok(1), 1));
}
