//! One at a time, in order of arrival, and nobody barges in.

mod stage;

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use asyncio_executor::{Task, TaskError, yield_now};
use asyncio_sync::{Lock, LockGuard, NotAcquiredError, OwnedLockGuard};
use stage::{Stage, take, yields};

/// A task that takes the lock, holds it over `turns` turns, and says so.
fn holder(stage: &Stage, lock: &Rc<Lock>, name: &'static str, turns: u32) -> Task<()> {
    let lock = Rc::clone(lock);
    stage.task(|stage| async move {
        let _guard = lock.acquire().await;
        stage.tell(format!("{name} in"));
        yields(turns).await;
        stage.tell(format!("{name} out"));
    })
}

#[test]
fn a_free_lock_is_taken_without_giving_way() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    let _task = holder(&stage, &lock, "a", 0);
    stage.settle();
    assert_eq!(stage.log(), ["1 a in", "1 a out"]);
    assert!(!lock.locked());
}

#[test]
fn who_waits_goes_on_one_turn_after_the_release_in_order_of_arrival_h2() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    let _tasks: Vec<_> = ["a", "b", "c"]
        .map(|name| holder(&stage, &lock, name, 1))
        .into();
    stage.settle();
    let expected = [
        "1 a in", "2 a out", "3 b in", "4 b out", "5 c in", "5 c out",
    ];
    // The last yields once more: there is nobody whose wake-up its turn would wait for.
    assert_eq!(stage.log()[..5], expected[..5]);
}

#[test]
fn nobody_gets_in_between_the_release_and_the_one_it_wakes_h2() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    lock.try_acquire().unwrap().forget();
    let _a = holder(&stage, &lock, "a", 0);
    stage.turn();
    let _b = holder(&stage, &lock, "b", 0); // it runs before a does
    lock.release().unwrap();
    assert!(!lock.locked(), "nobody has it yet, as in asyncio");
    assert!(lock.try_acquire().is_err(), "it is reserved");
    stage.settle();
    assert_eq!(stage.log(), ["2 a in", "2 a out", "3 b in", "3 b out"]);
}

#[test]
fn who_is_cancelled_after_the_wake_up_passes_it_on_h1() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    lock.try_acquire().unwrap().forget();
    let a = holder(&stage, &lock, "a", 0);
    let _b = holder(&stage, &lock, "b", 0);
    stage.turn();
    lock.release().unwrap();
    a.cancel();
    stage.settle();
    assert!(a.cancelled());
    assert_eq!(stage.log(), ["3 b in", "3 b out"]);
    assert!(!lock.locked());
}

#[test]
fn a_release_to_one_that_is_being_cancelled_reaches_the_next_h1() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    lock.try_acquire().unwrap().forget();
    let a = holder(&stage, &lock, "a", 0);
    let _b = holder(&stage, &lock, "b", 0);
    stage.turn();
    a.cancel();
    lock.release().unwrap();
    stage.settle();
    assert_eq!(stage.log(), ["3 b in", "3 b out"]);
}

#[test]
fn a_free_lock_whose_waiters_are_all_cancelled_is_free() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    lock.try_acquire().unwrap().forget();
    let a = holder(&stage, &lock, "a", 0);
    stage.turn();
    a.cancel();
    lock.release().unwrap();
    assert!(lock.try_acquire().is_ok());
    stage.settle();
    assert!(!lock.locked());
    assert!(lock.try_acquire().is_ok());
}

/// A request that is withdrawn after it has cost a wait its wake-up: the wait looks again.
#[test]
fn a_wait_that_was_passed_over_and_goes_on_gets_the_lock_h1() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    lock.try_acquire().unwrap().forget();
    let a = holder(&stage, &lock, "a", 0);
    stage.turn();
    a.cancel();
    lock.release().unwrap(); // not to one that is about to be dropped
    assert_eq!(a.uncancel(), 0);
    stage.settle();
    assert_eq!(stage.log(), ["2 a in", "2 a out"]);
}

#[test]
fn a_wait_in_the_middle_may_be_dropped() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    let tasks = ["a", "b", "c", "d"].map(|name| holder(&stage, &lock, name, 1));
    stage.turn();
    tasks[2].cancel();
    stage.settle();
    let log = stage.log();
    let names: Vec<_> = log.iter().map(|line| &line[2..]).collect();
    assert_eq!(names, ["a in", "a out", "b in", "b out", "d in", "d out"]);
}

#[test]
fn a_release_of_what_nobody_holds_is_an_error() {
    let lock: Lock = Lock::new(());
    assert_eq!(lock.release(), Err(NotAcquiredError));
    let guard = lock.try_acquire().unwrap();
    assert_eq!(
        lock.release(),
        Err(NotAcquiredError),
        "its guard releases it"
    );
    guard.forget();
    assert_eq!(lock.release(), Ok(()));
    assert_eq!(lock.release(), Err(NotAcquiredError));
}

#[test]
fn the_value_is_the_guards_and_comes_back() {
    let mut lock = Lock::new(String::from("a"));
    {
        let mut guard: LockGuard<'_, String> = lock.try_acquire().unwrap();
        guard.push('b');
        assert_eq!(
            (format!("{guard}"), format!("{guard:?}")),
            ("ab".into(), "\"ab\"".into())
        );
        assert!(lock.try_acquire().is_err());
    }
    let guard = lock.try_acquire().unwrap();
    guard.forget();
    lock.get_mut().unwrap().push('c');
    lock.release().unwrap();
    assert_eq!(lock.into_inner().as_deref(), Some("abc"));
}

#[test]
fn an_owned_guard_outlives_the_borrow() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(1));
    let guard: OwnedLockGuard<i32> = Rc::clone(&lock).try_acquire_owned().unwrap();
    let waits = stage.task(|_| Rc::clone(&lock).acquire_owned());
    stage.settle();
    assert!(!waits.done());
    drop(guard);
    stage.settle();
    let mut guard = take(waits);
    *guard += 1;
    drop(guard);
    assert_eq!(*lock.try_acquire().unwrap(), 2);
}

#[test]
fn an_error_or_a_panic_under_the_lock_releases_it() {
    let stage = Stage::new();
    stage
        .executor()
        .spawner()
        .set_exception_handler(Some(Rc::new(|_| ())));
    let lock = Rc::new(Lock::new(7));
    let task = stage.task(|_| {
        let lock = Rc::clone(&lock);
        async move {
            let mut guard = lock.acquire().await;
            *guard = 8;
            std::panic::resume_unwind(Box::new("under the lock"));
        }
    });
    stage.settle();
    assert!(matches!(task.result(), Ok(Err(TaskError::Panicked(_)))));
    assert_eq!(*lock.try_acquire().unwrap(), 8);
}

/// asyncio counts no polls; a `select!` polls again what was not woken.
#[test]
fn a_poll_without_a_wake_up_changes_nothing() {
    let lock: Lock = Lock::new(());
    let guard = lock.try_acquire().unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let (mut first, mut second) = (pin!(lock.acquire()), pin!(lock.acquire()));
    for _ in 0..3 {
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
    }
    drop(guard);
    assert!(
        second.as_mut().poll(&mut cx).is_pending(),
        "it is the first's turn"
    );
    assert!(first.as_mut().poll(&mut cx).is_ready());
    assert!(second.as_mut().poll(&mut cx).is_ready());
}

#[test]
fn what_is_dropped_unpolled_or_ready_has_no_place() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    drop(lock.acquire());
    let a = holder(&stage, &lock, "a", 0);
    stage.settle();
    assert!(a.done() && !lock.locked());
    assert!(format!("{lock:?}").contains("waiters: 0"));
}

#[test]
fn a_task_that_dies_with_its_executor_gives_up_its_place() {
    let lock = Rc::new(Lock::new(()));
    let stage = Stage::new();
    let guard = Rc::clone(&lock).try_acquire_owned().unwrap();
    let waits = stage.task(|_| {
        let lock = Rc::clone(&lock);
        async move {
            let _guard = lock.acquire().await;
            yield_now().await;
        }
    });
    stage.settle();
    drop((waits, stage));
    drop(guard);
    assert!(lock.try_acquire().is_ok());
}
