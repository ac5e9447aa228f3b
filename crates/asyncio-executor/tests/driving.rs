//! Drivers of one's own: a main future beside turns that do not run it.

use std::cell::Cell;
use std::future::pending;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{Executor, catch_cancelled, yield_now};
use asyncio_testkit::Watchdog;

#[test]
fn a_main_futures_entry_stays_ready_in_turns_without_it() {
    let executor = Executor::new();
    let mut main = pin!(executor.main_task(async {
        yield_now().await;
        7
    }));
    executor.create_task(yield_now()).detach();
    executor.run_until_stalled();
    assert_eq!((executor.task_count(), executor.ready_len()), (1, 1));
    assert_eq!(executor.run_ready(1, None), 0);
    for _ in 0..2 {
        assert_eq!(executor.ready_len(), 1);
        let ran = executor.run_ready(1, Some(&mut || _ = main.as_mut().step()));
        assert_eq!(ran, 1);
    }
    assert_eq!(main.take_outcome().unwrap().unwrap(), 7);
}

/// The others get their turns, in order.
#[test]
fn turns_without_the_main_future_run_what_is_behind_it() {
    let executor = Executor::new();
    let main = pin!(executor.main_task(pending::<()>()));
    let calls = Rc::new(Cell::new(0));
    let count = Rc::clone(&calls);
    executor.call_soon(move || count.set(count.get() + 1));
    assert_eq!(executor.run_until_stalled(), 2);
    assert_eq!(calls.get(), 1);
    assert!(!main.done());
}

/// Its request waits for it, and nobody else does.
#[test]
fn a_request_of_the_main_future_waits_for_its_driver_and_keeps_nobody_awake() {
    let _watchdog = Watchdog::start("a request of the main future", Duration::from_secs(60));
    let executor = Executor::new();
    let mut main = pin!(executor.main_task(catch_cancelled(pending::<()>())));
    executor.run_ready(1, Some(&mut || _ = main.as_mut().step()));
    executor.all_tasks()[0].cancel();
    executor.run_until_stalled();
    assert_eq!(executor.ready_len(), 1);
    executor.run_ready(1, Some(&mut || _ = main.as_mut().step()));
    assert!(
        main.take_outcome().unwrap().unwrap().is_err(),
        "the scope has answered it"
    );
}

#[test]
fn the_entry_of_a_main_future_that_is_gone_keeps_nobody_awake() {
    let executor = Executor::new();
    drop(executor.main_task(pending::<()>()));
    assert_eq!(executor.ready_len(), 1);
    assert_eq!(executor.run_until_stalled(), 1);
    assert_eq!(executor.ready_len(), 0);
}
