//! One is woken, or all; one wake-up is kept.

mod stage;

use std::rc::Rc;

use asyncio_executor::Task;
use asyncio_sync::Notify;
use stage::Stage;

fn waiter(stage: &Stage, notify: &Rc<Notify>, name: &'static str) -> Task<()> {
    let notify = Rc::clone(notify);
    stage.task(|log| async move {
        notify.notified().await;
        log.tell(name);
    })
}

#[test]
fn one_is_woken_at_a_time_in_order_and_one_wake_up_is_kept() {
    let stage = Stage::new();
    let notify = Rc::new(Notify::new());
    let _tasks = ["a", "b"].map(|name| waiter(&stage, &notify, name));
    stage.turn();
    notify.notify_one();
    stage.settle();
    assert_eq!(stage.log(), ["2 a"]);
    notify.notify_one();
    notify.notify_one();
    notify.notify_one();
    let _later = ["c", "d"].map(|name| waiter(&stage, &notify, name));
    stage.settle();
    assert_eq!(stage.log(), ["3 b", "3 c"]);
}

#[test]
fn all_who_wait_are_woken_and_nothing_is_kept() {
    let stage = Stage::new();
    let notify = Rc::new(Notify::new());
    notify.notify_waiters();
    let _tasks = ["a", "b"].map(|name| waiter(&stage, &notify, name));
    stage.turn();
    notify.notify_waiters();
    let late = waiter(&stage, &notify, "late");
    stage.settle();
    assert_eq!(stage.log(), ["2 a", "2 b"]);
    assert!(!late.done());
}

#[test]
fn a_wake_up_for_one_that_is_cancelled_goes_to_the_next_or_is_kept_h1() {
    let stage = Stage::new();
    let notify = Rc::new(Notify::new());
    let tasks = ["a", "b"].map(|name| waiter(&stage, &notify, name));
    stage.turn();
    notify.notify_one();
    tasks[0].cancel();
    stage.settle();
    assert_eq!(stage.log(), ["3 b"]);

    let c = waiter(&stage, &notify, "c");
    stage.turn();
    notify.notify_one();
    c.cancel();
    stage.settle();
    let _d = waiter(&stage, &notify, "d");
    stage.settle();
    assert_eq!(stage.log(), ["6 d"]);
}

#[test]
fn one_of_all_that_is_cancelled_leaves_nothing_behind_h1() {
    let stage = Stage::new();
    let notify = Rc::new(Notify::new());
    let a = waiter(&stage, &notify, "a");
    stage.turn();
    notify.notify_waiters();
    a.cancel();
    stage.settle();
    let late = waiter(&stage, &notify, "late");
    stage.settle();
    assert!(!late.done());
}
