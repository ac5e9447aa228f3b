//! The latest state, for those who want to know of changes.

mod stage;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use asyncio_sync::watch::{self, RecvError, SendError};
use stage::{Stage, take};

#[test]
fn who_watches_sees_the_latest_a_turn_after_the_change() {
    let stage = Stage::new();
    let (sender, mut receiver) = watch::channel(0);
    let task = stage.task(|log| async move {
        let mut seen = vec![];
        while receiver.changed().await.is_ok() {
            log.tell("changed");
            seen.push(*receiver.get());
        }
        seen
    });
    stage.turn();
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    stage.settle();
    sender.send_modify(|value| *value += 1);
    drop(sender);
    stage.settle();
    assert_eq!(stage.log(), ["2 changed", "3 changed"]);
    assert_eq!(take(task), [2, 3]);
}

#[test]
fn a_change_before_the_wait_is_not_missed() {
    let stage = Stage::new();
    let (sender, mut receiver) = watch::channel(0);
    assert_eq!(receiver.has_changed(), Ok(false));
    sender.send(1).unwrap();
    assert_eq!(receiver.has_changed(), Ok(true));
    let mut other = receiver.clone();
    assert_eq!(*other.get_and_update(), 1);
    assert_eq!(
        (other.has_changed(), receiver.has_changed()),
        (Ok(false), Ok(true))
    );
    let task = stage.task(|_| async move { receiver.changed().await });
    stage.settle();
    assert_eq!(take(task), Ok(()));
    drop(sender);
    assert_eq!(other.has_changed(), Err(RecvError));
}

#[test]
fn a_predicate_is_waited_for() {
    let stage = Stage::new();
    let (sender, mut receiver) = watch::channel(0);
    let task = stage.task(|_| async move { receiver.wait_for(|value| *value > 2).await });
    let mut hopeless = sender.subscribe();
    let never = stage.task(|_| async move { hopeless.wait_for(|value| *value > 9).await });
    for n in 1..=3 {
        stage.settle();
        assert!(!task.done());
        sender.send(n).unwrap();
    }
    drop(sender);
    stage.settle();
    assert_eq!(take(task).as_deref(), Ok(&3));
    assert_eq!(take(never), Err(RecvError));
}

#[test]
fn a_look_keeps_the_value_as_it_was() {
    let (sender, receiver) = watch::channel(vec![1]);
    let before = receiver.get();
    sender.send_modify(|values| values.push(2));
    assert_eq!((&*before, &*receiver.get()), (&vec![1], &vec![1, 2]));
    let old = sender.send_replace(vec![]);
    assert_eq!(*old, [1, 2]);
}

/// What a channel's value is made from, which counts its clones.
#[derive(Default)]
struct Counted(Rc<Cell<u32>>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.set(self.0.get() + 1);
        Self(Rc::clone(&self.0))
    }
}

#[test]
fn a_value_that_nobody_keeps_a_look_at_is_changed_where_it_is() {
    let (sender, receiver) = watch::channel(Counted::default());
    let clones = Rc::clone(&receiver.get().0);
    sender.send_modify(|_| ());
    assert_eq!(clones.get(), 0);
    let look = receiver.get();
    sender.send_modify(|_| ());
    assert_eq!(clones.get(), 1);
    drop(look);
}

#[test]
fn who_waits_is_told_only_of_what_was_changed() {
    let (sender, mut receiver) = watch::channel(1);
    let raise = |to: i32| {
        sender.send_if_modified(|value| {
            let raises = to > *value;
            *value = to.max(*value);
            raises
        })
    };
    assert!(!raise(1));
    assert_eq!(receiver.has_changed(), Ok(false));
    assert!(raise(2));
    assert_eq!(receiver.has_changed(), Ok(true));
    assert_eq!(*receiver.get_and_update(), 2);
}

#[test]
fn a_change_that_panics_is_told_to_nobody() {
    let (sender, receiver) = watch::channel(1);
    let modified = catch_unwind(AssertUnwindSafe(|| {
        sender.send_modify(|value| {
            *value = 2;
            resume_unwind(Box::new("changed my mind"));
        });
    }));
    assert!(modified.is_err());
    assert_eq!((*sender.get(), receiver.has_changed()), (2, Ok(false)));
}

#[test]
fn the_sender_is_told_when_nobody_looks() {
    let stage = Stage::new();
    let (sender, receiver) = watch::channel(0);
    let task = stage.task(|_| async move {
        sender.closed().await;
        sender
    });
    stage.settle();
    assert!(!task.done());
    drop(receiver);
    stage.settle();
    let sender = take(task);
    assert_eq!(sender.send(1), Err(SendError(1)));
    let again = sender.subscribe();
    assert_eq!((sender.send(1), *again.get()), (Ok(()), 1));
    assert_eq!((sender.is_closed(), sender.receiver_count()), (false, 1));
}

#[test]
fn a_wait_that_is_cancelled_has_seen_nothing_h6() {
    let stage = Stage::new();
    let (sender, receiver) = watch::channel(0);
    let mut waiting = receiver.clone();
    let task = stage.task(|_| async move { waiting.changed().await });
    stage.turn();
    sender.send(1).unwrap();
    task.cancel();
    stage.settle();
    assert!(task.cancelled());
    assert_eq!(receiver.has_changed(), Ok(true));
}
