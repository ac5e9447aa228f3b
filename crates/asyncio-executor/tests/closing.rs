//! Closing an executor: everything is dropped, on its own thread, and nothing is left to wait for.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use asyncio_executor::{Executor, Notify, RunError, Spawner, TaskError, current_task, yield_now};
use asyncio_testkit::Watchdog;

fn watchdog() -> Watchdog {
    Watchdog::start("closing", Duration::from_secs(30))
}

/// Counts in its destructor.
struct Counts(Rc<Cell<u32>>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

/// Runs code in its destructor.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn drops_tasks_that_wait_and_tasks_that_never_ran() {
    let _watchdog = watchdog();
    let executor = Executor::new();
    let dropped = Rc::new(Cell::new(0));
    for _ in 0..3 {
        let counts = Counts(dropped.clone());
        executor
            .create_task(async move {
                pending::<()>().await;
                drop(counts);
            })
            .detach();
    }
    executor.run_until_stalled();
    let counts = Counts(dropped.clone());
    executor
        .create_task(async move {
            let _counts = counts;
        })
        .detach();
    executor.close();
    assert_eq!(dropped.get(), 4);
    assert_eq!(executor.task_count(), 0);
    assert!(executor.is_closed());
}

#[test]
fn close_twice_is_close() {
    let executor = Executor::new();
    executor.close();
    executor.close();
    assert!(executor.is_closed());
}

#[test]
fn a_task_dropped_by_closing_ends_as_cancelled() {
    let _watchdog = watchdog();
    let executor = Executor::new();
    let waits = executor.create_task(pending::<u32>());
    executor.run_until_stalled();
    let never_ran = executor.create_task(pending::<u32>());
    let watched = waits.task_ref();
    executor.close();
    for task in [waits, never_ran] {
        assert!(task.done());
        assert!(task.cancelled());
        assert!(!task.cancel());
        assert!(task.result().unwrap().unwrap_err().is_cancelled());
        let outcome = task.into_result().unwrap();
        assert_eq!(
            outcome.unwrap_err().to_string(),
            "task was cancelled: event loop is closed"
        );
    }
    assert!(watched.cancelled());
}

#[test]
fn dropping_the_handle_of_a_task_that_closing_dropped_is_silent() {
    let _watchdog = watchdog();
    let executor = Executor::new();
    let task = executor.create_task(pending::<u32>());
    executor.run_until_stalled();
    executor.close();
    drop(task);
}

#[test]
fn a_handle_dropped_by_the_destructor_of_its_own_task_is_no_harm_w13() {
    let _watchdog = watchdog();
    let executor = Executor::new();
    let slot = Rc::new(RefCell::new(None));
    let inside = slot.clone();
    let task = executor.create_task(async move {
        let _drops = OnDrop(move || drop(inside.take()));
        pending::<()>().await;
    });
    *slot.borrow_mut() = Some(task);
    executor.run_until_stalled();
    executor.close();
    assert!(slot.borrow().is_none());
}

/// A task whose handle is kept by its own done-callback, which closing drops: in the middle of
/// telling of the end, the registry must not keep what only a handle would make it let go of.
#[test]
fn a_handle_that_goes_with_a_callback_keeps_nothing_of_a_closed_executor() {
    struct Silent;
    impl Notify for Silent {
        fn notify(&self) {}
    }
    let notifier = Arc::new(Silent);
    let executor = Executor::with_notifier(Arc::clone(&notifier));
    let task = executor.create_task(pending::<()>());
    let reference = task.task_ref();
    reference.add_done_callback(move |_| drop(task));
    drop(reference);
    executor.run_until_stalled();
    drop(executor);
    assert_eq!(Arc::strong_count(&notifier), 1, "the executor is gone");
}

/// What destructors hand over while an executor closes is refused or dropped, and the close ends.
#[test]
fn destructors_may_use_the_closing_executor_w13() {
    let _watchdog = watchdog();
    let executor = Executor::new();
    let spawner = executor.spawner();
    let door = executor.door();
    let other = executor.create_task(async { yield_now().await });
    let other_ref = other.task_ref();
    let log = Rc::new(RefCell::new(Vec::new()));
    let seen = log.clone();
    executor
        .create_task(async move {
            let _drops = OnDrop(move || {
                let mut seen = seen.borrow_mut();
                let task = spawner.create_task(async {});
                seen.push(format!("task {}", task.cancelled()));
                let called = spawner.call_soon(|| unreachable!("closed"));
                seen.push(format!("callback {}", called.cancelled()));
                let refused = door.call_soon_threadsafe(|| unreachable!("closed"));
                seen.push(format!("door {}", refused.unwrap_err()));
                other_ref.cancel();
                other_ref.add_done_callback(|_| unreachable!("closed"));
                seen.push(format!("all {}", spawner.all_tasks().len() <= 2));
                seen.push(format!("current {:?}", current_task().is_some()));
            });
            pending::<()>().await;
        })
        .detach();
    executor.run_until_stalled();
    drop(other);
    executor.close();
    assert_eq!(
        *log.borrow(),
        [
            "task true",
            "callback true",
            "door event loop is closed",
            "all true",
            "current false",
        ]
    );
}

/// A done-callback of a task that is over is dropped when it is added, and not queued for ever.
#[test]
fn a_closed_executor_takes_no_done_callback_w13() {
    let _watchdog = watchdog();
    let executor = Executor::new();
    let task = executor.create_task(async {});
    let task_ref = task.task_ref();
    executor.run_until_stalled();
    executor.close();
    let dropped = Rc::new(Cell::new(0));
    let counts = Counts(dropped.clone());
    task_ref.add_done_callback(move |_| {
        let _counts = counts;
        unreachable!("closed")
    });
    assert_eq!(dropped.get(), 1);
}

#[test]
fn after_close_tasks_are_born_cancelled_and_runs_are_refused() {
    let executor = Executor::new();
    executor.close();
    let dropped = Rc::new(Cell::new(0));
    let counts = Counts(dropped.clone());
    let task = executor.build_task().name("late").spawn(async move {
        let _counts = counts;
    });
    assert_eq!(dropped.get(), 1);
    assert!(task.cancelled());
    assert_eq!(task.get_name(), "late");
    assert!(matches!(
        task.into_result(),
        Ok(Err(TaskError::Cancelled(Some(why)))) if &*why == "event loop is closed"
    ));
    assert!(executor.call_soon(|| unreachable!()).cancelled());
    assert_eq!(executor.run_until_complete(async {}), Err(RunError::Closed));
    assert_eq!(executor.run_until_stalled(), 0);
    assert_eq!(executor.ready_len(), 0);
}

/// The main future stands on its driver's stack: closing does not wait for it.
#[test]
fn closing_does_not_wait_for_a_main_task() {
    let _watchdog = watchdog();
    let executor = Executor::new();
    let dropped = Rc::new(Cell::new(0));
    let counts = Counts(dropped.clone());
    {
        let main = pin!(executor.main_task(async move {
            let _counts = counts;
            pending::<()>().await;
        }));
        executor.close();
        assert!(!main.done());
        assert_eq!(dropped.get(), 0);
    }
    assert_eq!(dropped.get(), 1);
    assert_eq!(executor.task_count(), 0);
}

#[test]
fn a_main_task_that_is_dropped_early_leaves_nothing() {
    let _watchdog = watchdog();
    let executor = Executor::new();
    drop(executor.main_task(async {}));
    assert_eq!(executor.task_count(), 0);

    let spawner = executor.spawner();
    executor.call_soon(move || spawner.interrupt(Box::new(())));
    let ran = executor.run_until_complete(pending::<()>());
    assert_eq!(ran, Err(RunError::Interrupted));
    assert_eq!(executor.task_count(), 0);
    executor.close();
}

/// A callback that holds its own handle is a circle, which nobody else would ever open.
#[test]
fn a_callback_that_closing_drops_is_cancelled_for_whoever_holds_its_handle() {
    let _watchdog = watchdog();
    let executor = Executor::new();
    let dropped = Rc::new(Cell::new(0));
    let own = Rc::new(RefCell::new(None));
    let held = (Counts(dropped.clone()), own.clone());
    let handle = executor.call_soon(move || drop(held));
    *own.borrow_mut() = Some(handle.clone());
    drop(own);
    executor.close();
    assert_eq!(dropped.get(), 1);
    assert!(handle.cancelled());
}

#[test]
#[should_panic(expected = "cannot close a running executor")]
fn closing_inside_a_run_panics() {
    let _watchdog = watchdog();
    let executor = Rc::new(Executor::new());
    let inside = executor.clone();
    let _ = executor.run_until_complete(async move { inside.close() });
}

#[test]
fn closing_inside_a_task_of_run_until_stalled_panics_there() {
    let _watchdog = watchdog();
    let executor = Rc::new(Executor::new());
    let inside = executor.clone();
    let task = executor.create_task(async move { inside.close() });
    executor.run_until_stalled();
    let outcome = task.into_result().unwrap();
    assert_eq!(
        outcome.unwrap_err().to_string(),
        "task panicked: cannot close a running executor"
    );
    assert!(!executor.is_closed());
}

#[test]
fn a_spawner_outlives_its_executor() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    let door = executor.door();
    drop(executor);
    assert!(spawner.is_closed());
    assert!(spawner.create_task(async {}).cancelled());
    assert!(spawner.call_soon(|| unreachable!()).cancelled());
    assert!(door.call_soon_threadsafe(|| unreachable!()).is_err());
    assert!(spawner.all_tasks().is_empty());
    assert!(Spawner::current().is_none());
}

#[test]
fn an_executor_may_live_in_a_thread_local_w6() {
    thread_local! {
        static EXECUTOR: Executor = Executor::new();
    }
    let dropped = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = dropped.clone();
    std::thread::spawn(move || {
        EXECUTOR.with(|executor| {
            struct OnItsThread(std::thread::ThreadId, Arc<std::sync::atomic::AtomicU32>);
            impl Drop for OnItsThread {
                fn drop(&mut self) {
                    assert_eq!(self.0, std::thread::current().id());
                    self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            }
            let guard = OnItsThread(std::thread::current().id(), count);
            executor
                .create_task(async move {
                    let _guard = guard;
                    pending::<()>().await;
                })
                .detach();
            executor.run_until_stalled();
        });
    })
    .join()
    .unwrap();
    assert_eq!(dropped.load(std::sync::atomic::Ordering::Relaxed), 1);
}
