//! Waiting under a lock; with the lock again whatever happens.

mod stage;

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use asyncio_executor::{Task, TaskError, catch_cancelled, yield_now};
use asyncio_sync::{Condition, Lock, NotAcquiredError};
use futures_lite::future::poll_once;
use stage::{Stage, take, yields};

/// A task that waits for one notification.
fn waiter(stage: &Stage, condition: &Rc<Condition>, name: &'static str) -> Task<()> {
    let condition = Rc::clone(condition);
    stage.task(|stage| async move {
        let guard = condition.acquire().await;
        let _guard = condition.wait(guard).await;
        stage.tell(name);
    })
}

fn notify(condition: &Condition, n: usize) {
    let _guard = condition.try_acquire().unwrap();
    condition.notify(n).unwrap();
}

#[test]
fn as_many_as_are_notified_go_on_in_order() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(()));
    let _tasks = ["a", "b", "c"].map(|name| waiter(&stage, &condition, name));
    stage.turn();
    assert!(!condition.locked());
    notify(&condition, 2);
    stage.settle();
    assert_eq!(stage.log(), ["2 a", "2 b"]);
    let guard = condition.try_acquire().unwrap();
    condition.notify_all().unwrap();
    drop(guard);
    stage.settle();
    assert_eq!(stage.log(), ["3 c"]);
}

#[test]
fn who_was_notified_waits_for_the_lock() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(()));
    let a = waiter(&stage, &condition, "a");
    stage.turn();
    let guard = condition.try_acquire().unwrap();
    condition.notify(1).unwrap();
    stage.settle();
    assert!(!a.done());
    drop(guard);
    stage.settle();
    assert_eq!(stage.log(), ["3 a"]);
}

#[test]
fn without_the_lock_there_is_nothing_to_notify_or_wait_for() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(()));
    assert_eq!(condition.notify(1), Err(NotAcquiredError));
    assert_eq!(condition.notify_all(), Err(NotAcquiredError));
    let wait = stage.task(|_| {
        let condition = condition.clone();
        async move { condition.wait_forgotten().await }
    });
    stage.settle();
    assert_eq!(take(wait), Err(NotAcquiredError));
    assert_eq!(condition.release(), Err(NotAcquiredError));
}

#[test]
#[should_panic(expected = "of another lock")]
fn a_guard_of_another_lock_is_refused() {
    let condition = Condition::new(());
    let other = Lock::new(());
    drop(condition.wait(other.try_acquire().unwrap()));
}

#[test]
fn a_predicate_is_asked_at_once_and_after_each_notification() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(0));
    let asked = Rc::new(Cell::new(0));
    let task = stage.task(|_| {
        let (condition, asked) = (condition.clone(), asked.clone());
        async move {
            let guard = condition.acquire().await;
            let guard = condition
                .wait_for(guard, |value| {
                    asked.set(asked.get() + 1);
                    *value >= 2
                })
                .await;
            *guard
        }
    });
    stage.settle();
    for turn in 1..=2 {
        assert_eq!(asked.get(), turn);
        let mut guard = condition.try_acquire().unwrap();
        *guard += 1;
        condition.notify(1).unwrap();
        drop(guard);
        stage.settle();
    }
    assert_eq!((take(task), asked.get()), (2, 3));
}

#[test]
fn conditions_may_share_a_lock() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    let [full, empty] = [(); 2].map(|()| Rc::new(Condition::with_lock(lock.clone())));
    let _a = waiter(&stage, &full, "full");
    let _b = waiter(&stage, &empty, "empty");
    stage.turn();
    let guard = lock.try_acquire().unwrap();
    empty.notify_all().unwrap();
    drop(guard);
    stage.settle();
    assert_eq!(stage.log(), ["2 empty"]);
    assert!(Rc::ptr_eq(full.lock(), empty.lock()));
    notify(&full, 1);
    stage.settle();
}

#[test]
fn a_wait_that_is_cancelled_has_the_lock_again_first_h5() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(()));
    let task = stage.task(|stage| {
        let condition = condition.clone();
        async move {
            condition.acquire().await.forget();
            let caught = catch_cancelled(condition.wait_forgotten()).await;
            let message = caught.unwrap_err().message().map(str::to_owned);
            stage.tell(format!("caught, locked: {}", condition.locked()));
            condition.release().unwrap();
            message
        }
    });
    stage.turn();
    let guard = condition.try_acquire().unwrap();
    task.cancel_with("first");
    stage.turn();
    task.cancel_with("second"); // while it waits for the lock
    stage.turn();
    task.cancel_with("last");
    stage.settle();
    assert!(
        !task.done(),
        "it waits for the lock, whatever is asked of it"
    );
    drop(guard);
    stage.settle();
    assert_eq!(stage.log(), ["5 caught, locked: true"]);
    assert_eq!(take(task).as_deref(), Some("last"), "as in asyncio");
    assert!(!condition.locked());
}

#[test]
fn a_guarded_wait_that_is_cancelled_leaves_the_lock_free_h5() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(()));
    let a = waiter(&stage, &condition, "a");
    stage.turn();
    a.cancel_with("enough");
    stage.settle();
    assert!(matches!(a.result(), Ok(Err(TaskError::Cancelled(Some(why)))) if &*why == "enough"));
    assert!(!condition.locked());
    assert!(condition.try_acquire().is_ok());
}

/// As in a loop around a `select` whose other branch is busy.
#[test]
fn a_request_goes_on_to_who_keeps_the_wait_and_does_not_poll_it() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(()));
    let task = stage.task(|_| {
        let condition = Rc::clone(&condition);
        async move {
            let mut wait = Box::pin(condition.wait(condition.acquire().await));
            assert!(poll_once(wait.as_mut()).await.is_none());
            pending::<()>().await;
        }
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    let outcome = task.into_result().expect("the task has ended");
    assert!(matches!(outcome, Err(TaskError::Cancelled(Some(message))) if &*message == "m"));
    assert!(!condition.locked());
}

/// It was polled, and has only to wait for the lock: the request is answered when it has that.
#[test]
fn a_request_does_not_go_on_from_a_wait_that_is_polled_before_that_has_its_lock() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(()));
    let a = waiter(&stage, &condition, "a");
    stage.turn();
    let guard = condition.try_acquire().unwrap();
    a.cancel();
    stage.settle();
    assert!(!a.done());
    drop(guard);
    stage.settle();
    assert!(a.task_ref().cancelled());
    assert_eq!(stage.log(), [""; 0]);
}

#[test]
fn a_notification_of_one_that_is_cancelled_goes_to_the_next_h1() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(()));
    let a = waiter(&stage, &condition, "a");
    let _b = waiter(&stage, &condition, "b");
    stage.turn();
    notify(&condition, 1);
    a.cancel();
    stage.settle();
    assert!(a.cancelled());
    assert_eq!(stage.log(), ["3 b"]);
}

#[test]
fn a_notification_passes_over_one_that_is_being_cancelled_h1() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(()));
    let a = waiter(&stage, &condition, "a");
    let _others = ["b", "c"].map(|name| waiter(&stage, &condition, name));
    stage.turn();
    a.cancel();
    notify(&condition, 1);
    stage.settle();
    // And c is woken for nothing, which asyncio allows itself, too.
    assert_eq!(stage.log(), ["2 b", "3 c"]);
}

#[test]
fn one_that_is_cancelled_while_it_waits_for_the_lock_passes_both_on_h1() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(()));
    let a = waiter(&stage, &condition, "a");
    let _b = waiter(&stage, &condition, "b");
    stage.turn();
    let guard = condition.try_acquire().unwrap();
    condition.notify(1).unwrap();
    stage.turn(); // a waits for the lock
    a.cancel();
    stage.turn();
    drop(guard);
    stage.settle();
    assert!(a.cancelled());
    assert_eq!(stage.log(), ["5 b"]);
    assert!(!condition.locked());
}

/// A foreign `select!` drops: there is nobody left who could want the lock.
#[test]
fn a_wait_that_is_dropped_leaves_lock_and_notification_to_others_h1() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(()));
    let mut cx = Context::from_waker(Waker::noop());
    {
        let mut wait = pin!(condition.wait(condition.try_acquire().unwrap()));
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        let _b = waiter(&stage, &condition, "b");
        stage.turn();
        notify(&condition, 1);
    }
    stage.settle();
    assert_eq!(stage.log(), ["2 b"]);
    assert!(!condition.locked());

    let unpolled = condition.wait(condition.try_acquire().unwrap());
    assert!(condition.locked());
    drop(unpolled);
    assert!(!condition.locked());
}

#[test]
fn a_task_that_ends_in_the_middle_of_its_executor_leaves_the_lock_free() {
    let condition = Rc::new(Condition::new(()));
    let stage = Stage::new();
    let a = waiter(&stage, &condition, "a");
    let b = waiter(&stage, &condition, "b");
    stage.turn();
    notify(&condition, 1);
    drop((a, b, stage));
    assert!(condition.try_acquire().is_ok());
    assert!(format!("{condition:?}").contains("waiters: 0"));
}

#[test]
#[should_panic(expected = "polled after completion")]
fn a_wait_that_is_over_is_not_polled_again() {
    let condition = Condition::new(());
    let mut cx = Context::from_waker(Waker::noop());
    let mut wait = pin!(condition.wait(condition.try_acquire().unwrap()));
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    notify(&condition, 1);
    assert!(wait.as_mut().poll(&mut cx).is_ready());
    let _ = wait.as_mut().poll(&mut cx);
}

#[test]
fn a_producer_and_a_consumer_meet() {
    let stage = Stage::new();
    let condition = Rc::new(Condition::new(Vec::new()));
    let consumer = stage.task(|_| {
        let condition = condition.clone();
        async move {
            let mut sum = 0;
            for _ in 0..10 {
                let guard = condition.acquire().await;
                let mut items = condition.wait_for(guard, |items| !items.is_empty()).await;
                sum += items.remove(0);
            }
            sum
        }
    });
    let _producer = stage.task(|_| {
        let condition = condition.clone();
        async move {
            for item in 1..=10 {
                let mut items = condition.acquire().await;
                items.push(item);
                condition.notify(1).unwrap();
                yield_now().await;
                drop(items);
                yields(item % 3).await;
            }
        }
    });
    stage.settle();
    assert_eq!(take(consumer), 55);
}
