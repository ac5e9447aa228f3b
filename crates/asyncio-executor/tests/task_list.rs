//! Lists of tasks: what they give back, and what happens to tasks that are not like the first.

use std::cell::RefCell;
use std::rc::Rc;

use asyncio_executor::{Executor, Task, TaskList, yield_now};

async fn after(turns: u32, value: u32) -> u32 {
    for _ in 0..turns {
        yield_now().await;
    }
    value
}

fn values(list: TaskList<u32>) -> Vec<u32> {
    list.into_outcomes().map(Result::unwrap).collect()
}

#[test]
fn outcomes_come_in_order() {
    let executor = Executor::new();
    let mut list = TaskList::with_capacity(3);
    for value in 0..3 {
        list.push(executor.create_task(after(3 - value, value)));
    }
    assert_eq!((list.len(), list.is_empty()), (3, false));
    executor.run_until_stalled();
    assert_eq!(values(list), [0, 1, 2]);
}

/// Made elsewhere, on another executor, done before, looked at, built to report: all in one list.
#[test]
fn tasks_that_differ_from_the_first_keep_their_places() {
    let executor = Executor::new();
    let other = Executor::new();
    let done = executor.create_task(after(0, 2));
    let looked_at = executor.create_task(after(0, 3));
    executor.run_until_stalled();
    assert_eq!(looked_at.result().unwrap().unwrap(), &3);
    let mut list = TaskList::with_capacity(0);
    list.push(executor.create_task(after(2, 0)));
    list.push(other.create_task(after(1, 1)));
    list.push(done);
    list.push(looked_at);
    list.push(executor.create_task(after(1, 4)));
    executor.run_until_stalled();
    other.run_until_stalled();
    assert_eq!(values(list), [0, 1, 2, 3, 4]);
}

#[test]
fn one_task_can_be_taken_out_as_a_handle() {
    let executor = Executor::new();
    let list = || {
        let mut list = TaskList::with_capacity(2);
        for value in 0..2 {
            list.push(executor.create_task(after(1, value)));
        }
        list
    };
    let task: Task<u32> = list().into_task(1).unwrap();
    assert_eq!(executor.run_until_complete(task).unwrap().unwrap(), 1);
    assert!(list().into_task(2).is_none());
}

#[test]
fn dropping_the_list_detaches_its_tasks() {
    let executor = Executor::new();
    let log = Rc::new(RefCell::new(vec![]));
    let mut list = TaskList::with_capacity(2);
    for value in 0..2 {
        let log = Rc::clone(&log);
        list.push(executor.create_task(async move {
            yield_now().await;
            log.borrow_mut().push(value);
        }));
    }
    executor.call_soon(move || drop(list));
    executor.run_until_stalled();
    assert_eq!(*log.borrow(), [0, 1]);
}

#[test]
fn a_panic_that_stayed_in_the_list_is_reported() {
    let executor = Executor::new();
    let log = Rc::new(RefCell::new(vec![]));
    let reports = Rc::clone(&log);
    executor
        .spawner()
        .set_exception_handler(Some(Rc::new(move |context| {
            reports.borrow_mut().push(context.cause.clone());
        })));
    let mut list = TaskList::with_capacity(1);
    list.push(executor.create_task(async { panic!("boom") }));
    executor.run_until_stalled();
    assert!(log.borrow().is_empty());
    drop(list);
    assert_eq!(*log.borrow(), [Some(String::from("panicked: boom"))]);
}

#[test]
fn results_that_were_not_asked_for_are_dropped_on_the_way() {
    let executor = Executor::new();
    let value = Rc::new(());
    let mut list = TaskList::with_capacity(3);
    for _ in 0..3 {
        let value = Rc::clone(&value);
        list.push(executor.create_task(async move { value }));
    }
    executor.run_until_stalled();
    let mut outcomes = list.into_outcomes();
    assert_eq!(outcomes.size_hint(), (3, Some(3)));
    assert!(outcomes.next().unwrap().is_ok());
    assert_eq!(Rc::strong_count(&value), 3);
    drop(outcomes);
    assert_eq!(Rc::strong_count(&value), 1);
}

#[test]
#[should_panic(expected = "the task has ended")]
fn an_outcome_that_is_not_there_yet_is_a_panic() {
    let executor = Executor::new();
    let mut list = TaskList::with_capacity(1);
    list.push(executor.create_task(std::future::pending::<()>()));
    let _panics = list.into_outcomes().next();
}
