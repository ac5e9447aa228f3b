//! Running, stopping, closing; and what happens when they are done in the wrong place.

mod scene;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{RunError, TaskError, yield_now};
use asyncio_loop::{EventLoop, LoopRef, get_running_loop, sleep, to_thread, try_running_loop};
use asyncio_testkit::guarded;
use scene::{Log, NoteDrop, simulated};

#[test]
fn a_run_returns_its_output_and_may_borrow() {
    let (event_loop, _clock) = simulated();
    let words = ["may", "borrow"].map(str::to_owned);
    assert_eq!(event_loop.run_until_complete(async { words.len() }), Ok(2));
    assert!(!event_loop.is_running());
    assert!(try_running_loop().is_none());
}

#[test]
fn a_task_keeps_the_result_of_its_run() {
    let (event_loop, _clock) = simulated();
    let mut task = event_loop.create_task(async { "kept" });
    assert_eq!(*event_loop.run_until_complete(&mut task).unwrap(), "kept");
    assert_eq!(*task.result().unwrap().unwrap(), "kept");
}

/// As many as CPython 3.13 makes for a coroutine or a task of so many steps.
#[test]
fn a_run_makes_the_turn_after_the_one_in_which_what_it_waits_for_ends() {
    fn tick(event_loop: &LoopRef, turns: &Rc<Cell<u32>>) {
        turns.set(turns.get() + 1);
        let (again, counts) = (event_loop.clone(), Rc::clone(turns));
        event_loop.call_soon(move || tick(&again, &counts));
    }
    let turns_of = |run: fn(&EventLoop, u32)| {
        [0, 1, 2].map(|steps| {
            let (event_loop, _clock) = simulated();
            let turns = Rc::new(Cell::new(0));
            let (ticks, counts) = ((*event_loop).clone(), Rc::clone(&turns));
            event_loop.call_soon(move || tick(&ticks, &counts));
            run(&event_loop, steps);
            turns.get()
        })
    };
    async fn pause(steps: u32) {
        for _ in 0..steps {
            yield_now().await;
        }
    }
    let future = turns_of(|event_loop, steps| event_loop.run_until_complete(pause(steps)).unwrap());
    let lent = turns_of(|event_loop, steps| {
        let mut task = event_loop.create_task(pause(steps));
        event_loop.run_until_complete(&mut task).unwrap();
    });
    let given = turns_of(|event_loop, steps| {
        let task = event_loop.create_task(pause(steps));
        event_loop.run_until_complete(task).unwrap().unwrap();
    });
    assert_eq!((future, lent, given), ([2, 3, 4], [2, 3, 4], [2, 3, 4]));
}

#[test]
fn the_running_loop_is_known_inside_a_run_only() {
    let (event_loop, _clock) = simulated();
    event_loop
        .run_until_complete(async {
            assert!(get_running_loop().same_loop(&event_loop));
            assert!(event_loop.is_running());
        })
        .unwrap();
    let outside = catch_unwind(get_running_loop).unwrap_err();
    let message = outside.downcast_ref::<String>().unwrap();
    assert!(message.contains("no running event loop"), "{message}");
}

#[test]
fn stop_before_a_run_makes_one_turn_and_what_is_left_survives() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let (inner, here) = (log.clone(), event_loop.clone());
    event_loop.call_soon(move || {
        inner.note("first turn");
        here.call_soon(inner.entry("second turn"));
    });
    event_loop.stop();
    event_loop.run_forever().unwrap();
    log.expect(&["first turn"]);
    event_loop.stop();
    event_loop.run_forever().unwrap();
    log.expect(&["second turn"]);
}

#[test]
fn stop_ends_the_run_after_its_turn() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let here = event_loop.clone();
    event_loop.call_soon(move || here.stop());
    event_loop.call_soon(log.entry("same turn"));
    event_loop.run_forever().unwrap();
    log.expect(&["same turn"]);
}

#[test]
fn a_stopped_run_has_no_value_and_its_task_goes_on_in_the_next() {
    let (event_loop, _clock) = simulated();
    let here = event_loop.clone();
    event_loop.call_later(Duration::from_secs(1), move || here.stop());
    let mut task = event_loop.create_task(async {
        sleep(Duration::from_secs(2)).await;
        "later"
    });
    assert_eq!(
        event_loop.run_until_complete(&mut task).unwrap_err(),
        RunError::Stopped
    );
    assert_eq!(
        RunError::Stopped.to_string(),
        "event loop stopped before the future completed"
    );
    assert_eq!(*event_loop.run_until_complete(&mut task).unwrap(), "later");
}

#[test]
fn a_stop_in_the_last_turn_is_not_left_for_the_next_run() {
    let (event_loop, _clock) = simulated();
    let value = event_loop.run_until_complete(async {
        get_running_loop().stop();
        1
    });
    assert_eq!(value, Ok(1));
    assert_eq!(
        event_loop.run_until_complete(sleep(Duration::from_secs(5))),
        Ok(())
    );
}

#[test]
fn an_interrupt_ends_the_run_in_which_it_is_made() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let spawner = event_loop.spawner().clone();
    event_loop.call_soon(move || spawner.interrupt(Box::new("why")));
    event_loop.call_soon(log.entry("left"));
    let main = std::future::pending::<()>();
    assert_eq!(
        event_loop.run_until_complete(main),
        Err(RunError::Interrupted)
    );
    log.expect(&[]);
    assert_eq!(event_loop.run_until_complete(async { 1 }), Ok(1));
    log.expect(&["left"]);
}

#[test]
fn an_interrupt_that_comes_too_late_is_not_left_for_the_next_run() {
    let (event_loop, _clock) = simulated();
    let interrupt = || {
        let spawner = event_loop.spawner().clone();
        move || spawner.interrupt(Box::new(()))
    };
    let log = Log::new();
    // In the turn after the one in which main ends, which every run makes.
    let late = interrupt();
    let main = async { drop(get_running_loop().call_soon(late)) };
    assert_eq!(event_loop.run_until_complete(main), Ok(()));
    // In the turn in which main ends.
    let main = async { interrupt()() };
    assert_eq!(event_loop.run_until_complete(main), Ok(()));
    // Outside a run.
    interrupt()();
    for _ in 0..3 {
        event_loop.call_soon(log.entry("called"));
    }
    assert_eq!(event_loop.run_until_complete(async { 5 }), Ok(5));
    log.expect(&["called"; 3]);
}

#[test]
fn a_run_inside_a_run_is_an_error_w16() {
    let (event_loop, _clock) = simulated();
    let (other, _) = simulated();
    event_loop
        .run_until_complete(async {
            assert_eq!(
                event_loop.run_until_complete(async {}),
                Err(RunError::AlreadyRunning)
            );
            assert_eq!(event_loop.run_forever(), Err(RunError::AlreadyRunning));
            assert_eq!(
                other.run_until_complete(async {}),
                Err(RunError::OtherRunning)
            );
            assert_eq!(other.run_forever(), Err(RunError::OtherRunning));
            let inside = event_loop.run_once(Some(Duration::ZERO));
            assert_eq!(inside.unwrap_err(), RunError::AlreadyRunning);
        })
        .unwrap();
    // Neither loop is the worse for it.
    assert_eq!(event_loop.run_until_complete(async { 1 }), Ok(1));
    assert_eq!(other.run_until_complete(async { 2 }), Ok(2));
}

/// A task for another loop of this thread may be made inside a run; it runs when that loop does.
#[test]
fn a_task_for_another_loop_waits_for_its_loop_w16() {
    let (event_loop, _clock) = simulated();
    let (other, _) = simulated();
    let task = event_loop
        .run_until_complete(async { other.create_task(async { 7 }) })
        .unwrap();
    assert!(!task.done());
    assert_eq!(other.run_until_complete(task).unwrap().unwrap(), 7);
}

#[test]
fn a_destructor_may_make_tasks_w16() {
    struct Spawns(LoopRef, Log);
    impl Drop for Spawns {
        fn drop(&mut self) {
            let log = self.1.clone();
            self.0
                .create_task(async move { log.note("made by a destructor") })
                .detach();
        }
    }
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let spawns = Spawns(event_loop.clone(), log.clone());
    event_loop
        .run_until_complete(async move {
            drop(spawns);
            yield_now().await;
        })
        .unwrap();
    log.expect(&["made by a destructor"]);
    // While the loop closes, too: that task is dropped.
    let spawns = Spawns(event_loop.clone(), log.clone());
    event_loop
        .create_task(async move {
            let _spawns = spawns;
            std::future::pending::<()>().await;
        })
        .detach();
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    event_loop.close();
    log.expect(&[]);
    assert_eq!(event_loop.metrics().tasks, 0);
}

#[test]
fn a_panic_of_the_main_future_goes_on_and_leaves_the_loop_usable() {
    let (event_loop, _clock) = simulated();
    let run =
        AssertUnwindSafe(|| event_loop.run_until_complete(async { panic!("out of the run") }));
    let payload = catch_unwind(run).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"out of the run"));
    assert!(!event_loop.is_running());
    assert_eq!(event_loop.run_until_complete(async { 1 }), Ok(1));
}

#[test]
fn a_cancelled_main_task_is_an_error_of_the_run() {
    let (event_loop, _clock) = simulated();
    let run = event_loop.run_until_complete(async {
        asyncio_executor::current_task()
            .unwrap()
            .cancel_with("enough");
        std::future::pending::<()>().await;
    });
    assert_eq!(run, Err(RunError::Cancelled(Some("enough".into()))));
}

#[test]
fn closing_drops_everything_and_runs_nothing() {
    guarded(|| {
        let (event_loop, _clock) = simulated();
        let log = Log::new();
        let (far, near) = std::os::unix::net::UnixStream::pair().unwrap();
        // Notes when it is called, which it must not be, and when it is dropped.
        let callback = |what| {
            let (held, called) = (NoteDrop(log.clone(), what), log.entry("called"));
            move || {
                let _held = &held;
                called();
            }
        };
        let task = callback("task");
        event_loop
            .create_task(async move {
                sleep(Duration::MAX).await;
                task();
            })
            .detach();
        event_loop.run_once(Some(Duration::ZERO)).unwrap();
        event_loop.call_soon(callback("soon"));
        event_loop.call_later(Duration::from_secs(1), callback("later"));
        event_loop.add_reader(near, callback("reader")).unwrap();
        event_loop.close();
        let mut dropped = log.take();
        dropped.sort();
        assert_eq!(dropped, ["later", "reader", "soon", "task"]);
        let left = event_loop.metrics();
        let left = (left.ready, left.timers, left.sources, left.tasks);
        assert_eq!(left, (0, 0, 0, 0));
        event_loop.close();
        drop(far);
    });
}

/// What every method does on a closed loop: errors and values, no panic, and nothing runs.
#[test]
fn a_closed_loop_refuses_everything_in_order() {
    let (event_loop, clock) = simulated();
    let log = Log::new();
    let handle = event_loop.handle();
    event_loop.close();
    assert!(event_loop.is_closed() && handle.is_closed() && !event_loop.is_running());

    assert!(event_loop.call_soon(log.entry("soon")).cancelled());
    let timer = event_loop.call_later(Duration::from_secs(1), log.entry("later"));
    assert!(timer.cancelled());
    timer.cancel();
    assert!(event_loop.call_at(clock.now(), log.entry("at")).cancelled());
    let task = event_loop.create_task(async { 1 });
    assert!(task.done() && task.cancelled());
    let Err(Ok(outcome)) = Err::<(), _>(task.into_result()) else {
        panic!("not done")
    };
    assert!(
        matches!(outcome, Err(TaskError::Cancelled(Some(why))) if &*why == "event loop is closed")
    );

    let (far, near) = std::os::unix::net::UnixStream::pair().unwrap();
    let near = Rc::new(near);
    for refused in [
        event_loop.add_reader(near.clone(), log.entry("reader")),
        event_loop.add_writer(near.clone(), log.entry("writer")),
        event_loop.register(far).map(drop),
        event_loop
            .socket(
                asyncio_loop::socket::Domain::IPV4,
                asyncio_loop::socket::Type::STREAM,
            )
            .map(drop),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
        assert_eq!(error.to_string(), "event loop is closed");
    }
    assert!(!event_loop.remove_reader(&near) && !event_loop.remove_writer(&near));
    assert!(
        event_loop
            .run_in_executor(None, || ())
            .unwrap_err()
            .to_string()
            .contains("closed")
    );
    event_loop.set_default_executor(asyncio_blocking::ThreadPoolExecutor::new());
    assert!(handle.call_soon_threadsafe(|| ()).is_err());
    assert!(handle.run_coroutine_threadsafe(|| async {}).is_err());
    assert!(handle.stop().is_err());
    assert_eq!(
        event_loop.run_until_complete(async {}),
        Err(RunError::Closed)
    );
    assert_eq!(event_loop.run_forever(), Err(RunError::Closed));
    assert_eq!(
        event_loop.run_once(Some(Duration::ZERO)).unwrap_err(),
        RunError::Closed
    );
    assert!(event_loop.all_tasks().is_empty());
    event_loop.stop();
    event_loop.call_exception_handler(&asyncio_executor::ErrorContext::new("after the end"));
    log.expect(&[]);
}

#[test]
fn closing_a_running_loop_is_refused() {
    let (event_loop, _clock) = simulated();
    event_loop
        .run_until_complete(async {
            let closing = catch_unwind(AssertUnwindSafe(|| event_loop.close())).unwrap_err();
            assert_eq!(
                closing.downcast_ref(),
                Some(&"cannot close a running event loop")
            );
            assert!(!event_loop.is_closed());
        })
        .unwrap();
}

/// A loop that a task owns: it closes when that task is dropped, inside another loop's run.
#[test]
fn a_loop_may_close_inside_the_run_of_another() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let (inner, _) = simulated();
    let held = NoteDrop(log.clone(), "inner task dropped");
    inner
        .create_task(async move {
            let _held = held;
            std::future::pending::<()>().await;
        })
        .detach();
    event_loop
        .run_until_complete(async move { drop(inner) })
        .unwrap();
    log.expect(&["inner task dropped"]);
    assert_eq!(event_loop.run_until_complete(async { 1 }), Ok(1));
}

#[test]
fn dropping_the_owner_closes_for_every_handle() {
    let (event_loop, _clock) = simulated();
    let (reference, handle) = (event_loop.clone(), event_loop.handle());
    drop(event_loop);
    assert!(reference.is_closed() && handle.is_closed());
}

#[test]
fn free_functions_outside_a_run_say_what_to_do() {
    fn message(f: impl Future) -> String {
        let mut f = Box::pin(f);
        let poll = AssertUnwindSafe(|| {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            f.as_mut().poll(&mut cx).is_ready()
        });
        *catch_unwind(poll)
            .unwrap_err()
            .downcast::<String>()
            .unwrap()
    }
    for message in [message(sleep(Duration::ZERO)), message(to_thread(|| ()))] {
        assert!(message.contains("asyncio::run"), "{message}");
    }
}
