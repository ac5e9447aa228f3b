//! Many who read, or one who writes, in order of arrival.

mod stage;

use std::rc::Rc;

use asyncio_executor::{Task, yield_now};
use asyncio_sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockWriteGuard};
use stage::{Stage, take};

fn reader(stage: &Stage, lock: &Rc<RwLock<u32>>, name: &'static str) -> Task<u32> {
    let lock = Rc::clone(lock);
    stage.task(|log| async move {
        let value = lock.read().await;
        log.tell(format!("{name} reads"));
        yield_now().await;
        *value
    })
}

fn writer(stage: &Stage, lock: &Rc<RwLock<u32>>, name: &'static str) -> Task<()> {
    let lock = Rc::clone(lock);
    stage.task(|log| async move {
        let mut value = lock.write().await;
        log.tell(format!("{name} writes"));
        yield_now().await;
        *value += 1;
    })
}

#[test]
fn readers_share_and_a_writer_is_alone_in_order_h2() {
    let stage = Stage::new();
    let lock = Rc::new(RwLock::new(0));
    let a = reader(&stage, &lock, "a");
    let b = reader(&stage, &lock, "b");
    let _w = writer(&stage, &lock, "w");
    let c = reader(&stage, &lock, "c"); // behind the writer
    let d = reader(&stage, &lock, "d");
    stage.settle();
    let expected = [
        "1 a reads",
        "1 b reads",
        "3 w writes",
        "5 c reads",
        "5 d reads",
    ];
    assert_eq!(stage.log(), expected);
    assert_eq!([a, b, c, d].map(take), [0, 0, 1, 1]);
}

#[test]
fn a_writer_that_gives_up_lets_the_readers_behind_it_in_h1() {
    let stage = Stage::new();
    let lock = Rc::new(RwLock::new(0));
    let guard = lock.try_read().unwrap();
    let w = writer(&stage, &lock, "w");
    let _r = reader(&stage, &lock, "r");
    stage.turn();
    assert!(lock.try_read().is_err(), "a writer waits");
    w.cancel();
    stage.settle();
    assert_eq!(stage.log(), ["3 r reads"]);
    drop(guard);
    assert!(lock.try_write().is_ok());
}

#[test]
fn one_that_is_cancelled_after_its_wake_up_passes_it_on_h1() {
    let stage = Stage::new();
    let lock = Rc::new(RwLock::new(0));
    let guard = lock.try_write().unwrap();
    let w = writer(&stage, &lock, "w");
    let _r = reader(&stage, &lock, "r");
    stage.turn();
    drop(guard);
    w.cancel();
    stage.settle();
    assert_eq!(stage.log(), ["3 r reads"]);
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_writer_can_go_on_reading_with_nobody_in_between() {
    let stage = Stage::new();
    let lock = Rc::new(RwLock::new(1));
    let mut guard = lock.try_write().unwrap();
    *guard = 2;
    let _w = writer(&stage, &lock, "w");
    let _r = reader(&stage, &lock, "r");
    stage.turn();
    let guard = RwLockWriteGuard::downgrade(guard);
    stage.settle();
    assert_eq!((*guard, stage.log().len()), (2, 0), "the writer is first");
    drop(guard);
    stage.settle();
    assert_eq!(stage.log().len(), 2);
}

#[test]
fn owned_guards_outlive_the_borrow() {
    let stage = Stage::new();
    let lock = Rc::new(RwLock::new(String::from("a")));
    let write = stage.task(|_| Rc::clone(&lock).write_owned());
    stage.settle();
    let mut guard: OwnedRwLockWriteGuard<String> = take(write);
    guard.push('b');
    let read = stage.task(|_| Rc::clone(&lock).read_owned());
    stage.settle();
    drop(guard);
    stage.settle();
    let guard: OwnedRwLockReadGuard<String> = take(read);
    assert_eq!(
        format!("{guard:?} {lock:?}"),
        "\"ab\" RwLock { readers: 1, written: false, waiters: 0, .. }"
    );
    assert!(lock.clone().try_write_owned().is_err());
    assert_eq!(*lock.clone().try_read_owned().unwrap(), "ab");
    drop(guard);
    lock.clone().try_write_owned().unwrap().push('c');
    let mut lock = Rc::into_inner(lock).unwrap();
    lock.get_mut().unwrap().push('d');
    assert_eq!(lock.into_inner().as_deref(), Some("abcd"));
}
