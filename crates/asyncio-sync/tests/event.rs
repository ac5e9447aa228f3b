//! Everybody who waits is woken, in order, also when the event is cleared at once.

mod stage;

use std::rc::Rc;

use asyncio_executor::Task;
use asyncio_sync::Event;
use stage::{Stage, take};

fn waiter(stage: &Stage, event: &Rc<Event>, name: &'static str) -> Task<()> {
    let event = Rc::clone(event);
    stage.task(|stage| async move {
        event.wait().await;
        stage.tell(name);
    })
}

#[test]
fn all_who_wait_go_on_one_turn_after_the_event_in_order() {
    let stage = Stage::new();
    let event = Rc::new(Event::new());
    let _tasks = ["a", "b", "c"].map(|name| waiter(&stage, &event, name));
    stage.turn();
    assert_eq!(stage.log(), [""; 0]);
    event.set();
    event.set();
    stage.settle();
    assert_eq!(stage.log(), ["2 a", "2 b", "2 c"]);
}

#[test]
fn a_set_event_is_not_waited_for() {
    let stage = Stage::new();
    let event = Rc::new(Event::new());
    event.set();
    take({
        let task = waiter(&stage, &event, "a");
        stage.turn();
        task
    });
    assert_eq!(stage.log(), ["1 a"]);
}

#[test]
fn an_event_that_is_cleared_at_once_wakes_who_waited_and_nobody_else() {
    let stage = Stage::new();
    let event = Rc::new(Event::new());
    let _a = waiter(&stage, &event, "a");
    stage.turn();
    event.set();
    event.clear();
    let b = waiter(&stage, &event, "b");
    stage.settle();
    assert_eq!(stage.log(), ["2 a"]);
    assert!(!b.done() && !event.is_set());
    event.set();
    stage.settle();
    assert_eq!(stage.log(), ["3 b"]);
}

#[test]
fn a_wait_that_is_cancelled_leaves_the_others_h1() {
    let stage = Stage::new();
    let event = Rc::new(Event::new());
    let tasks = ["a", "b", "c"].map(|name| waiter(&stage, &event, name));
    stage.turn();
    tasks[0].cancel();
    event.set();
    tasks[1].cancel();
    stage.settle();
    assert_eq!(stage.log(), ["2 c"]);
    assert!(tasks[0].cancelled() && tasks[1].cancelled());
}
