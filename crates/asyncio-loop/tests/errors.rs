//! Errors that nobody else is told of, and the debug mode.

mod scene;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::ErrorContext;
use asyncio_loop::{EventLoop, sleep};
use asyncio_testkit::Child;
use asyncio_timers::ManualClock;
use scene::{Log, note_errors, simulated};

#[test]
fn a_panic_of_a_callback_reaches_the_handler_and_the_loop_goes_on() {
    let (event_loop, _clock) = simulated();
    let errors = note_errors(&event_loop);
    let log = Log::new();
    event_loop.call_soon(|| panic!("soon"));
    event_loop.call_later(Duration::from_secs(1), || panic!("later"));
    event_loop.create_task(async { panic!("task") }).detach();
    event_loop.call_later(Duration::from_secs(2), log.entry("after"));
    event_loop
        .run_until_complete(sleep(Duration::from_secs(3)))
        .unwrap();
    log.expect(&["after"]);
    let errors = errors.take();
    for (error, what) in errors.iter().zip(["soon", "task", "later"]) {
        assert!(
            error.contains(what) && error.contains("tests/errors.rs"),
            "{error}"
        );
    }
    assert_eq!(errors.len(), 3);
}

#[test]
fn the_handler_is_returned_when_another_is_set() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let entry = log.entry("mine");
    let mine: asyncio_executor::ExceptionHandler = Rc::new(move |_| entry());
    let default = event_loop.set_exception_handler(Some(mine.clone()));
    assert!(default.is_some());
    event_loop.call_exception_handler(&ErrorContext::new("x"));
    log.expect(&["mine"]);
    assert!(Rc::ptr_eq(
        &event_loop.get_exception_handler().unwrap(),
        &mine
    ));
    let back = event_loop.set_exception_handler(None);
    assert!(Rc::ptr_eq(&back.unwrap(), &mine));
}

#[test]
fn a_handler_may_set_another_and_use_the_loop() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let (inner, here) = (log.clone(), event_loop.clone());
    event_loop.set_exception_handler(Some(Rc::new(move |context| {
        inner.note(context.message);
        here.call_soon(inner.entry("callback of the handler"));
        here.set_exception_handler(None);
    })));
    event_loop.call_exception_handler(&ErrorContext::new("first"));
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    log.expect(&["first", "callback of the handler"]);
}

/// What the default handler writes, and what becomes of a handler that panics.
#[test]
fn errors_are_lines_on_stderr_without_a_handler() {
    let outcome = Child::new("errors_are_lines_on_stderr_without_a_handler").run(|| {
        let event_loop = EventLoop::builder().debug(false).build().unwrap();
        event_loop.call_exception_handler(&ErrorContext::new("plain").caused_by(&"the cause"));
        event_loop.default_exception_handler(&ErrorContext::new("default"));
        event_loop.set_exception_handler(Some(Rc::new(|_| panic!("the handler's own"))));
        event_loop.call_exception_handler(&ErrorContext::new("with a broken handler"));
        assert_eq!(event_loop.run_until_complete(async { 1 }), Ok(1));
    });
    let Some(outcome) = outcome else { return };
    outcome.assert_success();
    let lines: Vec<_> = outcome
        .stderr
        .lines()
        .filter(|line| line.starts_with("asyncio: "))
        .collect();
    assert_eq!(
        lines[..3],
        [
            "asyncio: plain: the cause",
            "asyncio: default",
            "asyncio: with a broken handler"
        ]
    );
    assert!(
        lines[3].contains("unhandled error in exception handler")
            && lines[3].contains("the handler's own")
    );
    assert_eq!(lines.len(), 4);
}

#[test]
fn a_callback_that_blocks_the_loop_is_reported_in_debug_mode() {
    let clock = ManualClock::new();
    let builder = EventLoop::builder().simulated(&clock).unwrap();
    let event_loop = builder.debug(true).build().unwrap();
    assert!(event_loop.get_debug());
    assert_eq!(
        event_loop.slow_callback_duration(),
        Duration::from_millis(100)
    );
    let errors = note_errors(&event_loop);
    let block = |time: Duration| {
        let clock = clock.clone();
        move || clock.advance(time)
    };
    event_loop.call_soon(block(Duration::from_millis(99)));
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    errors.expect(&[]);
    event_loop.call_soon(block(Duration::from_millis(100)));
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    let [error] = errors.take().try_into().unwrap();
    assert!(error.contains("a callback"), "{error}");
    assert!(error.contains("took 0.100 seconds"), "{error}");

    event_loop.set_slow_callback_duration(Duration::from_secs(1));
    event_loop.call_soon(block(Duration::from_millis(999)));
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    errors.expect(&[]);

    // Of a task, its name and where it was made.
    let slow = block(Duration::from_secs(2));
    let blocks = event_loop.build_task().name("blocks").spawn(async move {
        slow();
        sleep(Duration::MAX).await;
    });
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    let [error] = errors.take().try_into().unwrap();
    assert!(
        error.contains("2.000 seconds") && error.contains("task: blocks"),
        "{error}"
    );
    assert!(error.contains("a step of a task"), "{error}");
    assert!(error.contains("tests/errors.rs"), "{error}");

    // A callback after it is not the task's doing.
    event_loop.call_soon(block(Duration::from_secs(3)));
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    let [error] = errors.take().try_into().unwrap();
    assert!(
        error.contains("3.000 seconds") && !error.contains("blocks"),
        "{error}"
    );
    drop(blocks);

    event_loop.set_debug(false);
    event_loop.call_soon(block(Duration::from_secs(5)));
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    errors.expect(&[]);
}

#[test]
fn the_environment_turns_the_debug_mode_on() {
    let debug_of = |value| {
        let outcome = Child::new("the_environment_turns_the_debug_mode_on")
            .env("ASYNCIO_DEBUG", value)
            .run(|| {
                let event_loop = EventLoop::new().unwrap();
                println!("debug: {}", event_loop.get_debug());
                let event_loop = EventLoop::builder().debug(false).build().unwrap();
                assert!(!event_loop.get_debug());
            })?;
        outcome.assert_success();
        Some(outcome.stdout.contains("debug: true"))
    };
    // In the child the first line does everything.
    let Some(on) = debug_of("1") else { return };
    assert!(on);
    assert_eq!(debug_of(""), Some(false));
}

/// In debug mode handles run one by one: the order, the count and the stop are the same.
#[test]
fn the_debug_mode_changes_no_order() {
    let trace = |debug| {
        let clock = ManualClock::new();
        let builder = EventLoop::builder().simulated(&clock).unwrap();
        let event_loop = builder.debug(debug).build().unwrap();
        let log = Log::new();
        let turns = Rc::new(RefCell::new(Vec::new()));
        for n in 0..3 {
            let (log, here) = (log.clone(), event_loop.clone());
            event_loop.call_soon(move || {
                log.note(format!("a{n}"));
                here.call_soon(log.entry(&format!("b{n}")));
            });
        }
        event_loop.call_later(Duration::from_secs(1), log.entry("timer"));
        for _ in 0..3 {
            turns.borrow_mut().push(event_loop.run_once(None).unwrap());
        }
        (log.take(), turns.take())
    };
    assert_eq!(trace(true), trace(false));
}
