//! `Interrupter`: the first interrupt cancels the main task, the second ends the run.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use asyncio::runners::Interrupter;
use asyncio::{
    EventLoop, ManualClock, RunError, Runner, catch_cancelled, create_task, current_task, sleep,
    yield_now,
};
use asyncio_testkit::Watchdog;

fn runner() -> Runner {
    let clock = ManualClock::new();
    Runner::builder()
        .loop_factory(move || EventLoop::builder().simulated(&clock)?.build())
        .build()
        .unwrap()
}

#[test]
fn the_first_interrupt_cancels_main() {
    let runner = runner();
    let interrupter = runner.interrupter();
    let cleaned = Cell::new(false);
    let run = runner.run(async {
        assert!(interrupter.interrupt());
        let cancelled = catch_cancelled(std::future::pending::<()>())
            .await
            .unwrap_err();
        assert_eq!(cancelled.message(), None);
        yield_now().await;
        cleaned.set(true);
        cancelled.reraise().await;
    });
    assert_eq!(run, Err(RunError::Interrupted));
    assert!(cleaned.get());
}

#[test]
fn main_may_swallow_the_first_interrupt() {
    let runner = runner();
    let interrupter = runner.interrupter();
    let run = runner.run(async {
        interrupter.interrupt();
        let caught = catch_cancelled(std::future::pending::<()>()).await;
        caught.is_err()
    });
    assert_eq!(run, Ok(true));
}

#[test]
fn the_second_interrupt_ends_the_run_at_once() {
    let runner = runner();
    let interrupter = runner.interrupter();
    let steps = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&steps);
    let run = runner.run(async {
        interrupter.interrupt();
        let _ = catch_cancelled(std::future::pending::<()>()).await;
        seen.borrow_mut().push("first");
        interrupter.interrupt();
        let _ = catch_cancelled(std::future::pending::<()>()).await;
        seen.borrow_mut().push("never");
    });
    assert_eq!(run, Err(RunError::Interrupted));
    assert_eq!(*steps.borrow(), ["first"]);
}

#[test]
fn interrupts_of_an_earlier_run_do_not_count_in_the_next() {
    let runner = runner();
    let interrupter = runner.interrupter();
    let interrupt = || async {
        interrupter.interrupt();
        catch_cancelled(std::future::pending::<()>()).await.is_err()
    };
    assert_eq!(runner.run(interrupt()), Ok(true));
    assert_eq!(runner.run(interrupt()), Ok(true));
    assert_eq!(runner.run(async { 3 }), Ok(3));
}

#[test]
fn a_task_that_main_waits_for_gets_the_interrupt() {
    let runner = runner();
    let interrupter = runner.interrupter();
    let seen = Rc::new(Cell::new(false));
    let flag = Rc::clone(&seen);
    let mut task = runner.get_loop().create_task(async move {
        yield_now().await; // Main waits for us now.
        interrupter.interrupt();
        let cancelled = catch_cancelled(std::future::pending::<()>())
            .await
            .unwrap_err();
        flag.set(true);
        cancelled.reraise().await;
    });
    assert_eq!(runner.run(&mut task).err(), Some(RunError::Interrupted));
    assert!(seen.get());
    assert!(task.cancelled());
}

#[test]
fn what_main_waited_for_at_that_moment_is_not_lost() {
    let runner = runner();
    let interrupter = runner.interrupter();
    let run = runner.run(async {
        // Wakes main twice in one turn: by its end, and by the interrupt.
        let task = create_task(async move { interrupter.interrupt() }).task_ref();
        let waiting = catch_cancelled(std::future::pending::<()>());
        let ((), caught) = join(task.wait(), waiting).await;
        caught.is_err()
    });
    assert_eq!(run, Ok(true));
}

/// Polls both whenever it is polled.
async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (std::pin::pin!(a), std::pin::pin!(b));
    let (mut left, mut right) = (None, None);
    std::future::poll_fn(|cx| {
        if left.is_none()
            && let std::task::Poll::Ready(value) = a.as_mut().poll(cx)
        {
            left = Some(value);
        }
        if right.is_none()
            && let std::task::Poll::Ready(value) = b.as_mut().poll(cx)
        {
            right = Some(value);
        }
        match (left.take(), right.take()) {
            (Some(left), Some(right)) => std::task::Poll::Ready((left, right)),
            (l, r) => {
                (left, right) = (l, r);
                std::task::Poll::Pending
            }
        }
    })
    .await
}

/// asyncio's rule: `KeyboardInterrupt` only if `uncancel()` leaves nothing.
#[test]
fn somebody_elses_cancellation_is_not_taken_for_an_interrupt() {
    let runner = runner();
    let interrupter = runner.interrupter();
    let run = runner.run(async {
        interrupter.interrupt();
        current_task().unwrap().cancel();
        sleep(Duration::from_secs(1)).await;
    });
    assert_eq!(run, Err(RunError::Cancelled(None)));
}

#[test]
fn main_that_cancels_itself_without_an_interrupt_is_cancelled() {
    let run = runner().run(async {
        current_task().unwrap().cancel();
        yield_now().await;
    });
    assert_eq!(run, Err(RunError::Cancelled(None)));
}

#[test]
fn a_nested_run_is_refused_and_takes_nothing_from_the_outer_one() {
    let runner = runner();
    let interrupter = runner.interrupter();
    let run = runner.run(async {
        assert_eq!(runner.run(async {}), Err(RunError::AlreadyRunning));
        assert!(interrupter.interrupt());
        catch_cancelled(std::future::pending::<()>()).await.is_err()
    });
    assert_eq!(run, Ok(true));
}

#[test]
fn nothing_is_interrupted_between_runs() {
    let runner = runner();
    let interrupter = runner.interrupter();
    assert!(!interrupter.interrupt());
    assert_eq!(runner.run(async { 1 }), Ok(1));
    assert!(!interrupter.interrupt());
    assert_eq!(runner.run(async { 2 }), Ok(2));
    assert!(runner.close().is_clean());
    assert!(!interrupter.interrupt());
}

#[test]
fn an_interrupt_ends_the_waiting_of_close() {
    let _watchdog = Watchdog::start(
        "an_interrupt_ends_the_waiting_of_close",
        Duration::from_secs(60),
    );
    let runner = Runner::new().unwrap();
    let interrupter = runner.interrupter();
    runner
        .run(async {
            create_task(async move {
                let _ = catch_cancelled(std::future::pending::<()>()).await;
                assert!(interrupter.interrupt());
                std::future::pending::<()>().await;
            })
            .detach();
            yield_now().await;
        })
        .unwrap();
    let report = runner.close();
    assert_eq!(report.executor, Err(RunError::Interrupted));
    assert_eq!(report.unfinished.len(), 1);
}

#[test]
fn a_sleeping_loop_is_woken_by_an_interrupt_of_another_thread() {
    let _watchdog = Watchdog::start(
        "a_sleeping_loop_is_woken_by_an_interrupt_of_another_thread",
        Duration::from_secs(60),
    );
    let runner = Runner::new().unwrap();
    let interrupter = runner.interrupter();
    let (asleep, is_asleep) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        is_asleep.recv().unwrap();
        interrupter.interrupt()
    });
    let run = runner.run(async {
        asleep.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    assert_eq!(run, Err(RunError::Interrupted));
    assert!(thread.join().unwrap());
}

#[test]
fn interrupts_from_many_threads_end_one_run_after_the_other() {
    let _watchdog = Watchdog::start(
        "interrupts_from_many_threads_end_one_run_after_the_other",
        Duration::from_secs(60),
    );
    let runner = Runner::new().unwrap();
    let (stop, stopped) = mpsc::channel::<()>();
    let interrupter = runner.interrupter();
    let storm = std::thread::spawn(move || {
        while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
            interrupter.interrupt();
            std::thread::yield_now();
        }
    });
    for _ in 0..200 {
        let run = runner.run(async {
            loop {
                let _ = catch_cancelled(std::future::pending::<()>()).await;
            }
        });
        assert_eq!(run, Err(RunError::Interrupted));
    }
    drop(stop);
    storm.join().unwrap();
    assert_eq!(runner.run(async { 1 }), Ok(1));
}

#[test]
fn an_interrupter_crosses_threads_and_outlives_its_runner() {
    fn crosses<T: Send + Sync + Clone + 'static>(value: T) -> T {
        value
    }
    let interrupter: Interrupter = crosses(runner().interrupter());
    assert!(!interrupter.interrupt());
}
