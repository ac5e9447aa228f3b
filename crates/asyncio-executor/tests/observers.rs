//! Observers of tasks: told of the end in their place among callbacks and waits.

use std::cell::RefCell;
use std::rc::Rc;

use asyncio_executor::{End, Executor, Observer, yield_now};

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
