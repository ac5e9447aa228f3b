//! The task factory: what every builder goes through.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use asyncio_executor::{Executor, Spawner};

#[test]
fn a_factory_sees_every_builder() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    let count = Rc::new(Cell::new(0));
    let counts = count;
    let before = spawner.set_task_factory(Some(Rc::new(move |builder| {
        counts.set(counts.get() + 1);
        builder.name(format!("made {}", counts.get()))
    })));
    assert!(before.is_none() && spawner.get_task_factory().is_some());
    assert_eq!(executor.create_task(async {}).get_name(), "made 1");
    assert_eq!(spawner.create_task(async {}).get_name(), "made 2");
    let named = executor.build_task().name("mine").spawn(async {});
    assert_eq!(named.get_name(), "made 3", "the factory has the last word");
    assert!(spawner.set_task_factory(None).is_some());
    assert_eq!(executor.create_task(async {}).get_name(), "Task-4");
}

#[test]
fn a_factory_may_make_eager_tasks_of_all() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    spawner.set_task_factory(Some(Rc::new(|builder| builder.eager(true))));
    executor
        .run_until_complete(async move { assert!(spawner.create_task(async {}).done()) })
        .unwrap();
}

/// What a factory makes itself is plain: it is not called inside itself.
#[test]
fn a_factory_that_makes_tasks_is_not_called_for_them() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    let (inside, made) = (spawner.clone(), Rc::new(RefCell::new(Vec::new())));
    let makes = made.clone();
    spawner.set_task_factory(Some(Rc::new(move |builder| {
        assert!(inside.get_task_factory().is_some(), "still set");
        makes.borrow_mut().push(inside.create_task(async {}));
        builder
    })));
    executor.create_task(async {}).detach();
    executor.create_task(async {}).detach();
    assert_eq!(made.borrow().len(), 2);
    assert_eq!(executor.task_count(), 4);
}

#[test]
fn a_factory_may_replace_or_remove_itself() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    let inside = spawner.clone();
    spawner.set_task_factory(Some(Rc::new(move |builder| {
        inside.set_task_factory(None);
        builder.name("once")
    })));
    assert_eq!(executor.create_task(async {}).get_name(), "once");
    assert!(spawner.get_task_factory().is_none());
    assert_eq!(executor.create_task(async {}).get_name(), "Task-2");
}

/// W11: a factory that panics is reported, and the task is made as it was asked for.
#[test]
fn a_factory_that_panics_loses_no_task_w11() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    let reports = Rc::new(RefCell::new(Vec::new()));
    let seen = reports.clone();
    spawner.set_exception_handler(Some(Rc::new(move |context| {
        seen.borrow_mut().push(context.to_string());
    })));
    spawner.set_task_factory(Some(Rc::new(|_| panic!("no tasks today"))));
    let task = executor.build_task().name("mine").spawn(async { 3 });
    assert_eq!(task.get_name(), "mine");
    let task = executor.run_until_complete(task).unwrap();
    assert_eq!(task.unwrap(), 3);
    assert_eq!(
        *reports.borrow(),
        ["panic in the task factory: panicked: no tasks today"]
    );
    assert!(spawner.get_task_factory().is_some(), "it stays set");
}

#[test]
fn a_factory_may_use_the_current_executor() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    spawner.set_task_factory(Some(Rc::new(|builder| {
        let here = Spawner::current().is_some();
        builder.name(if here { "inside" } else { "outside" })
    })));
    assert_eq!(spawner.create_task(async {}).get_name(), "outside");
    let name = executor.run_until_complete(async move { spawner.create_task(async {}).get_name() });
    assert_eq!(name.unwrap(), "inside");
}

/// A builder that a factory kept, or has from elsewhere, does not move the task to where that is from.
#[test]
fn a_factory_that_returns_the_builder_of_another_executor_leaves_the_task_where_it_is() {
    let (executor, elsewhere) = (Executor::new(), Executor::new());
    let foreign = elsewhere.build_task().name("foreign");
    let factory = move |_| foreign.clone();
    executor.spawner().set_task_factory(Some(Rc::new(factory)));
    let task = executor.create_task(async { 3 });
    assert_eq!(task.get_name(), "foreign");
    assert_eq!((executor.task_count(), elsewhere.task_count()), (1, 0));
    assert_eq!(executor.run_until_complete(task).unwrap().unwrap(), 3);
}
