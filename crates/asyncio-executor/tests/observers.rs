//! Observers of tasks: told of the end in their place among callbacks and waits.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;

use asyncio_executor::{Cancellation, End, Executor, Observer, yield_now};

/// A log that tasks, callbacks and observers share.
#[derive(Default)]
struct Log(RefCell<Vec<String>>);

impl Log {
    fn say(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }
}

/// Tells of an end one turn later, as a combinator does.
struct Told {
    log: Rc<Log>,
    executor: asyncio_executor::Spawner,
}

impl Observer for Told {
    fn ended(self: Rc<Self>, index: u32, end: End) {
        let log = Rc::clone(&self.log);
        self.executor
            .call_soon(move || log.say(format!("observer {index} {end:?}")));
    }
}

/// A task group watches its children before anybody else gets their handles.
#[test]
fn an_observer_that_was_there_first_is_told_first() {
    let executor = Executor::new();
    let log = Rc::<Log>::default();
    let told = || {
        let (log, executor) = (Rc::clone(&log), executor.spawner());
        Rc::new(Told { log, executor })
    };
    let task = executor.create_task(async { yield_now().await });
    task.observe(told(), 1);
    let seen = Rc::clone(&log);
    task.add_done_callback(move |_| seen.say("callback"));
    let mut awaited = executor.create_task(async { yield_now().await });
    awaited.observe(told(), 2);
    let seen = Rc::clone(&log);
    executor
        .create_task(async move {
            (&mut awaited).await.unwrap();
            seen.say("awaited");
        })
        .detach();
    executor.run_until_stalled();
    let expected = [
        "observer 1 Returned",
        "callback",
        "observer 2 Returned",
        "awaited",
    ];
    assert_eq!(log.0.take(), expected);
}

#[test]
fn an_observer_that_came_later_is_told_later() {
    let executor = Executor::new();
    let log = Rc::<Log>::default();
    let task = executor.create_task(async { yield_now().await });
    let seen = Rc::clone(&log);
    task.add_done_callback(move |_| seen.say("callback"));
    let (told, spawner) = (Rc::clone(&log), executor.spawner());
    let observer = Told {
        log: told,
        executor: spawner,
    };
    task.observe(Rc::new(observer), 1);
    executor.run_until_stalled();
    assert_eq!(log.0.take(), ["callback", "observer 1 Returned"]);
}

/// A combinator that observes a task for a while does not take it from its group; nor does a
/// factory.
#[test]
fn an_owner_is_told_before_everybody_whatever_becomes_of_the_handle() {
    let executor = Executor::new();
    let log = Rc::<Log>::default();
    let told = || {
        let (log, executor) = (Rc::clone(&log), executor.spawner());
        Rc::new(Told { log, executor })
    };
    let spawner = executor.spawner();
    let other = spawner.clone();
    spawner.set_task_factory(Some(Rc::new(move |_| other.build_task())));
    let works = async {
        yield_now().await;
        Ok::<_, ()>(())
    };
    let task = executor.build_task().spawn_owned(works, told(), 1);
    spawner.set_task_factory(None);
    let seen = Rc::clone(&log);
    task.add_done_callback(move |_| seen.say("callback"));
    task.observe(told(), 2);
    task.unobserve();
    task.detach();
    executor.run_until_stalled();
    assert_eq!(log.0.take(), ["observer 1 Returned", "callback"]);

    let builder = executor.build_task();
    let cancelled = builder.spawn_owned(async { Ok::<_, ()>(()) }, told(), 3);
    cancelled.cancel();
    cancelled.detach();
    executor.run_until_stalled();
    assert_eq!(log.0.take(), ["observer 3 Cancelled"]);

    executor.close();
    let refused = executor.build_task();
    let refused = refused.spawn_owned(async { Ok::<_, ()>(()) }, Rc::new(Counts(log)), 4);
    assert!(refused.cancelled());
}

/// Its owner is all that there is of a task without a handle: it hears of every end, and can cancel.
#[test]
fn an_owner_is_told_of_a_task_that_never_had_a_handle() {
    let executor = Executor::new();
    let log = Rc::<Log>::default();
    let told = || {
        let (log, executor) = (Rc::clone(&log), executor.spawner());
        Rc::new(Told { log, executor })
    };
    let spawn = |future: Pin<Box<dyn Future<Output = Result<(), ()>>>>, index| {
        let builder = executor.build_task().name("owned");
        builder.spawn_owned_detached(future, told(), index)
    };
    assert!(spawn(Box::pin(async { Ok(()) }), 1).is_some());
    assert!(spawn(Box::pin(async { Err(()) }), 2).is_some());
    assert!(spawn(Box::pin(async { panic!("as told") }), 3).is_some());
    let waits = spawn(Box::pin(std::future::pending()), 4).unwrap();
    assert_eq!(executor.all_tasks()[3].get_name(), "owned");
    executor.run_until_stalled();
    let spawner = executor.spawner();
    Cancellation::request(None, |request| assert!(request.task_at(&spawner, waits)));
    executor.run_until_stalled();
    Cancellation::request(None, |request| assert!(!request.task_at(&spawner, waits)));
    let expected = [
        "observer 1 Returned",
        "observer 2 Returned",
        "observer 3 Panicked",
        "observer 4 Cancelled",
    ];
    assert_eq!(log.0.take(), expected);

    executor.close();
    let refused = executor.build_task();
    let counts = Rc::new(Counts(Rc::clone(&log)));
    let refused = refused.spawn_owned_detached(async { Ok::<_, ()>(()) }, counts, 4);
    assert!(refused.is_none());
    assert_eq!(log.0.take(), ["told"]);
}

/// Tells of an end at once.
struct Counts(Rc<Log>);

impl Observer for Counts {
    fn ended(self: Rc<Self>, index: u32, end: End) {
        assert_eq!((index, end), (4, End::Cancelled));
        self.0.say("told");
    }
}
