//! `run` and `Runner`: what a run returns, several runs on one loop, and closing in order.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use asyncio::contextvars::{Context, ContextVar};
use asyncio::events::ErrorContext;
use asyncio::threads::ShutdownOutcome;
use asyncio::{
    EventLoop, ManualClock, RunError, Runner, catch_cancelled, create_task, current_task,
    get_running_loop, sleep, try_running_loop, yield_now,
};
use asyncio_testkit::Watchdog;

/// What the exception handler was told, a line each.
type Log = Rc<RefCell<Vec<String>>>;

/// A runner in virtual time with this limit, and what its exception handler is told.
fn simulated(shutdown_timeout: Duration) -> (Runner, Log) {
    let clock = ManualClock::new();
    let runner = Runner::builder()
        .loop_factory(move || EventLoop::builder().simulated(&clock)?.build())
        .shutdown_timeout(shutdown_timeout)
        .build()
        .unwrap();
    let log = Log::default();
    let told = Rc::clone(&log);
    let handler = move |context: &ErrorContext<'_>| told.borrow_mut().push(context.to_string());
    runner
        .get_loop()
        .set_exception_handler(Some(Rc::new(handler)));
    (runner, log)
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn run_returns_what_main_returns() {
    let words = ["may", "borrow"];
    assert_eq!(asyncio::run(async { words.len() }), Ok(2));
    assert!(try_running_loop().is_none());
}

#[test]
fn run_inside_a_running_loop_is_an_error() {
    let inner = asyncio::run(async { asyncio::run(async { 1 }) });
    assert_eq!(inner, Ok(Err(RunError::OtherRunning)));
}

#[test]
fn run_that_is_stopped_is_an_error() {
    let stopped = asyncio::run(async {
        get_running_loop().stop();
        std::future::pending::<()>().await;
    });
    assert_eq!(stopped, Err(RunError::Stopped));
}

#[test]
fn main_that_is_cancelled_is_an_error_with_the_message() {
    let cancelled = asyncio::run(async {
        current_task().unwrap().cancel_with("enough");
        yield_now().await;
    });
    assert_eq!(cancelled, Err(RunError::Cancelled(Some("enough".into()))));
}

#[test]
fn panic_of_main_goes_on_after_the_tasks_have_cleaned_up() {
    let (sender, cleaned) = mpsc::channel();
    let panic = std::panic::catch_unwind(|| {
        asyncio::run(async move {
            create_task(async move {
                let caught = catch_cancelled(std::future::pending::<()>()).await;
                yield_now().await;
                sender.send(caught.is_err()).unwrap();
            })
            .detach();
            yield_now().await;
            panic!("main");
        })
    });
    assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "main");
    assert_eq!(cleaned.try_recv(), Ok(true));
    assert!(try_running_loop().is_none());
}

#[test]
fn panic_of_a_task_while_a_panic_of_main_unwinds_is_reported() {
    let (runner, log) = simulated(MINUTE);
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        runner.run(async {
            create_task(async {
                let _ = catch_cancelled(std::future::pending::<()>()).await;
                panic!("second");
            })
            .detach();
            yield_now().await;
            panic!("first");
        })
    }));
    assert_eq!(*panic.unwrap_err().downcast::<&str>().unwrap(), "first");
    assert_eq!(log.borrow().len(), 1, "{log:?}");
    assert!(log.borrow()[0].contains("second"), "{log:?}");
}

#[test]
fn runs_share_the_loop_and_its_tasks() {
    let (runner, _) = simulated(MINUTE);
    let steps = Rc::new(Cell::new(0));
    let counted = Rc::clone(&steps);
    runner
        .run(async {
            create_task(async move {
                loop {
                    counted.set(counted.get() + 1);
                    sleep(MINUTE).await;
                }
            })
            .detach();
            sleep(MINUTE * 2 + MINUTE / 2).await;
        })
        .unwrap();
    assert_eq!(steps.get(), 3);
    runner.run(sleep(MINUTE)).unwrap();
    assert_eq!(steps.get(), 4);
}

#[test]
fn runs_share_one_context() {
    static USER: ContextVar<&str> = ContextVar::new("user");
    drop(USER.set("outside"));
    let (runner, _) = simulated(MINUTE);
    assert_eq!(runner.run(async { USER.get() }), Ok(Some("outside")));
    runner.run(async { drop(USER.set("first run")) }).unwrap();
    assert_eq!(runner.run(async { USER.get() }), Ok(Some("first run")));
    // Its context is a copy.
    assert_eq!(USER.get(), Some("outside"));
    // Tasks copy it.
    let seen = runner.run(async { create_task(async { USER.get() }).await.unwrap() });
    assert_eq!(seen, Ok(Some("first run")));
}

#[test]
fn a_run_in_a_context_of_its_own_leaves_the_runners_alone() {
    static USER: ContextVar<&str> = ContextVar::new("user");
    let (runner, _) = simulated(MINUTE);
    let context = Context::new();
    runner
        .run_with_context(&context, async { drop(USER.set("mine")) })
        .unwrap();
    assert_eq!(context.get(&USER), Some("mine"));
    assert_eq!(runner.run(async { USER.get() }), Ok(None));
}

#[test]
fn a_task_keeps_its_result_after_the_run() {
    let (runner, _) = simulated(MINUTE);
    let mut task = runner.get_loop().create_task(async {
        sleep(MINUTE).await;
        String::from("bobby")
    });
    assert_eq!(runner.run(&mut task).unwrap(), "bobby");
    assert_eq!(task.into_result().unwrap().unwrap(), "bobby");
}

#[test]
fn debug_and_the_loop_factory_make_the_loop() {
    let made = Rc::new(Cell::new(0));
    let count = Rc::clone(&made);
    let runner = Runner::builder()
        .debug(true)
        .loop_factory(move || {
            count.set(count.get() + 1);
            EventLoop::builder().debug(false).build()
        })
        .build()
        .unwrap();
    assert_eq!(made.get(), 1);
    assert_eq!(
        runner.run(async { get_running_loop().get_debug() }),
        Ok(true)
    );
}

#[test]
fn a_factory_that_fails_is_an_error() {
    let failed = Runner::builder()
        .loop_factory(|| Err(std::io::ErrorKind::OutOfMemory.into()))
        .build();
    assert_eq!(failed.unwrap_err().kind(), std::io::ErrorKind::OutOfMemory);
}

#[test]
fn closing_cancels_what_is_left_in_order_and_waits_for_it() {
    let (runner, log) = simulated(MINUTE);
    let ends = Rc::new(RefCell::new(Vec::new()));
    runner
        .run(async {
            for name in ["one", "two", "three"] {
                let ends = Rc::clone(&ends);
                create_task(async move {
                    let _ = catch_cancelled(std::future::pending::<()>()).await;
                    ends.borrow_mut().push(format!("{name} is cancelled"));
                    sleep(Duration::from_secs(1)).await;
                    ends.borrow_mut().push(format!("{name} has ended"));
                })
                .detach();
            }
            yield_now().await;
        })
        .unwrap();
    let event_loop = (**runner.get_loop()).clone();
    let report = runner.close();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.cancelled.len(), 3);
    assert_eq!(
        *ends.borrow(),
        [
            "one is cancelled",
            "two is cancelled",
            "three is cancelled",
            "one has ended",
            "two has ended",
            "three has ended"
        ]
    );
    assert!(log.borrow().is_empty(), "{log:?}");
    assert!(event_loop.is_closed());
}

#[test]
fn tasks_that_clean_up_makes_are_cancelled_and_waited_for_too() {
    let (runner, log) = simulated(MINUTE);
    let ended = Rc::new(Cell::new(false));
    let flag = Rc::clone(&ended);
    runner
        .run(async {
            create_task(async move {
                let _ = catch_cancelled(std::future::pending::<()>()).await;
                create_task(async move {
                    let _ = catch_cancelled(std::future::pending::<()>()).await;
                    yield_now().await;
                    flag.set(true);
                })
                .detach();
                yield_now().await;
            })
            .detach();
            yield_now().await;
        })
        .unwrap();
    let report = runner.close();
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.cancelled.len(), 2);
    assert!(ended.get());
    assert!(log.borrow().is_empty(), "{log:?}");
}

/// Each task of the chain makes the next one when it is cancelled: that has no end, but closing has.
#[test]
fn an_endless_chain_of_tasks_is_ended() {
    let _watchdog = Watchdog::start(
        "an_endless_chain_of_tasks_is_ended",
        Duration::from_secs(60),
    );
    fn next() {
        create_task(async {
            let _ = catch_cancelled(std::future::pending::<()>()).await;
            next();
        })
        .detach();
    }
    let (runner, log) = simulated(MINUTE);
    runner
        .run(async {
            next();
            yield_now().await;
        })
        .unwrap();
    let report = runner.close();
    assert_eq!(report.unfinished.len(), 1, "{report}");
    assert_eq!(log.borrow().len(), 1, "{log:?}");
}

#[test]
fn a_task_that_refuses_to_end_is_reported_when_the_time_is_up() {
    let (runner, log) = simulated(MINUTE);
    let start = runner.get_loop().time();
    let task = runner
        .run(async {
            let task = get_running_loop()
                .build_task()
                .name("stubborn")
                .spawn(async {
                    loop {
                        let _ = catch_cancelled(sleep(Duration::MAX)).await;
                    }
                });
            yield_now().await;
            task.task_ref()
        })
        .unwrap();
    let event_loop = (**runner.get_loop()).clone();
    let report = runner.close();
    assert!(!report.is_clean());
    assert_eq!(report.unfinished, std::slice::from_ref(&task));
    assert_eq!(event_loop.time() - start, MINUTE);
    assert_eq!(log.borrow().len(), 1, "{log:?}");
    let told = &log.borrow()[0];
    assert!(
        told.starts_with("task was destroyed but it is pending; task: stubborn; created at "),
        "{told}"
    );
    assert!(told.contains("runner.rs"), "{told}");
    // Closing the loop has dropped it.
    assert!(task.done());
    assert_eq!(
        report.to_string(),
        "1 tasks were cancelled, 0 panicked, 1 did not end; default executor: complete"
    );
}

#[test]
fn a_panic_at_the_end_is_reported_once_in_asyncios_words() {
    let (runner, log) = simulated(MINUTE);
    let task = runner
        .run(async {
            let task = create_task(async {
                let _ = catch_cancelled(std::future::pending::<()>()).await;
                panic!("in the clean-up");
            });
            yield_now().await;
            task.task_ref()
        })
        .unwrap();
    let event_loop = (**runner.get_loop()).clone();
    let report = runner.close();
    assert_eq!(report.panicked, [task]);
    assert!(!report.is_clean());
    assert_eq!(log.borrow().len(), 1, "{log:?}");
    let told = &log.borrow()[0];
    assert!(
        told.starts_with(
            "unhandled exception during asyncio.run() shutdown: panicked: in the clean-up; task: "
        ),
        "{told}"
    );
    assert!(event_loop.is_closed());
}

#[test]
fn an_error_that_is_to_be_reported_is_reported_at_the_end_too() {
    let (runner, log) = simulated(MINUTE);
    runner
        .run(async {
            let task = async {
                let _ = catch_cancelled(std::future::pending::<()>()).await;
                Err::<(), _>("disk full")
            };
            let builder = get_running_loop().build_task();
            builder.report_errors().spawn(task).detach();
            yield_now().await;
        })
        .unwrap();
    let report = runner.close();
    assert_eq!(report.cancelled.len(), 1);
    assert_eq!(log.borrow().len(), 1, "{log:?}");
    assert!(
        log.borrow()[0]
            .starts_with("unhandled exception during asyncio.run() shutdown: disk full; task: "),
        "{log:?}"
    );
}

#[test]
fn a_handler_that_is_set_while_closing_stays() {
    let (runner, log) = simulated(MINUTE);
    let other = Log::default();
    let told = Rc::clone(&other);
    runner
        .run(async {
            create_task(async move {
                let _ = catch_cancelled(std::future::pending::<()>()).await;
                let handler =
                    move |context: &ErrorContext<'_>| told.borrow_mut().push(context.to_string());
                get_running_loop().set_exception_handler(Some(Rc::new(handler)));
                let _ = catch_cancelled(std::future::pending::<()>()).await;
            })
            .detach();
            yield_now().await;
        })
        .unwrap();
    // That it did not end is told to the handler that it has set.
    assert_eq!(runner.close().unfinished.len(), 1);
    assert!(log.borrow().is_empty(), "{log:?}");
    assert_eq!(other.borrow().len(), 1, "{other:?}");
}

#[test]
fn callbacks_that_are_left_are_dropped_without_running() {
    struct Dropped(Rc<Cell<bool>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let dropped = Rc::new(Cell::new(false));
    let canary = Dropped(Rc::clone(&dropped));
    let (runner, log) = simulated(MINUTE);
    runner.get_loop().call_later(MINUTE, move || {
        drop(canary);
        panic!("not called");
    });
    assert!(runner.close().is_clean());
    assert!(dropped.get());
    assert!(log.borrow().is_empty(), "{log:?}");
}

/// Hands a job to the default executor and waits until it runs: one that does not yet is cancelled
/// with its task.
async fn running_job(job: impl FnOnce() + Send + 'static) {
    let runs = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&runs);
    let job = move || {
        flag.store(true, Ordering::SeqCst);
        job();
    };
    let task = get_running_loop().run_in_executor(None, job).unwrap();
    while !runs.load(Ordering::SeqCst) {
        yield_now().await;
    }
    task.detach();
}

#[test]
fn closing_waits_for_the_threads_of_the_default_executor() {
    let _watchdog = Watchdog::start(
        "closing_waits_for_the_threads_of_the_default_executor",
        Duration::from_secs(60),
    );
    let (sender, ended) = mpsc::channel();
    let runner = Runner::new().unwrap();
    runner
        .run(async {
            let (release, released) = mpsc::channel::<()>();
            running_job(move || {
                // Ends when the task that holds the other end is gone: while the runner closes.
                let _ = released.recv();
                sender.send(()).unwrap();
            })
            .await;
            create_task(async move {
                let _release = release;
                std::future::pending::<()>().await;
            })
            .detach();
        })
        .unwrap();
    let report = runner.close();
    assert!(report.is_clean(), "{report}");
    assert_eq!(ended.try_recv(), Ok(()));
}

/// Real time: how long a thread runs is nothing that a clock of ours decides.
#[test]
fn a_thread_that_does_not_end_is_reported_when_the_time_is_up() {
    let _watchdog = Watchdog::start(
        "a_thread_that_does_not_end_is_reported_when_the_time_is_up",
        Duration::from_secs(60),
    );
    let (release, released) = mpsc::channel::<()>();
    let runner = Runner::builder()
        .shutdown_timeout(Duration::from_millis(20))
        .build()
        .unwrap();
    let log = Log::default();
    let told = Rc::clone(&log);
    let handler = move |context: &ErrorContext<'_>| told.borrow_mut().push(context.to_string());
    runner
        .get_loop()
        .set_exception_handler(Some(Rc::new(handler)));
    runner
        .run(running_job(move || {
            let _ = released.recv();
        }))
        .unwrap();
    let report = runner.close();
    let left = ShutdownOutcome::TimedOut {
        threads: 1,
        queued: 0,
    };
    assert_eq!(report.executor, Ok(left), "{report}");
    assert!(report.unfinished.is_empty(), "{report}");
    assert_eq!(log.borrow().len(), 1, "{log:?}");
    assert!(log.borrow()[0].contains("did not finish joining its threads"));
    drop(release);
}

#[test]
fn a_runner_dropped_inside_another_loop_closes_at_once() {
    let (runner, log) = simulated(MINUTE);
    let task = runner.get_loop().create_task(std::future::pending::<()>());
    let report = asyncio::run(async move { runner.close() }).unwrap();
    assert_eq!(report.executor, Err(RunError::OtherRunning));
    assert_eq!(report.unfinished.len(), 1);
    assert!(task.cancelled());
    assert_eq!(log.borrow().len(), 2, "{log:?}");
}

#[test]
fn a_runner_whose_loop_was_closed_says_so() {
    let (runner, log) = simulated(MINUTE);
    runner.get_loop().close();
    assert_eq!(runner.run(async {}), Err(RunError::Closed));
    let report = runner.close();
    assert_eq!(report.executor, Err(RunError::Closed));
    assert!(log.borrow().is_empty(), "{log:?}");
}

#[test]
fn closing_a_runner_that_never_ran_is_clean() {
    let (runner, _) = simulated(MINUTE);
    assert!(runner.close().is_clean());
}
