//! Clean-ups whose `finally` was dropped, at the end of a run and of a runner: they are waited for, not
//! cancelled, and not for ever.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use asyncio::events::ErrorContext;
use asyncio::{
    EventLoop, ManualClock, RunError, Runner, create_task, current_task, finally, get_running_loop,
    sleep, yield_now,
};
use asyncio_testkit::Watchdog;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

type Log = Rc<RefCell<Vec<String>>>;

/// A runner in virtual time that waits for a minute, and what its exception handler is told.
fn simulated() -> (Runner, Log) {
    let clock = ManualClock::new();
    let runner = Runner::builder()
        .loop_factory(move || EventLoop::builder().simulated(&clock)?.build())
        .shutdown_timeout(MINUTE)
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

/// Polls `future` once and drops it, as a `select` does whose other branch is ready.
async fn begin(future: impl Future) {
    let mut future = pin!(future);
    let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
    assert!(!polled);
}

/// Leaves a clean-up behind that takes so long, and then counts.
async fn orphans(time: Duration, ended: &Rc<Cell<u32>>) {
    let ended = Rc::clone(ended);
    let clean_up = async move || {
        sleep(time).await;
        ended.set(ended.get() + 1);
    };
    begin(finally(pending::<()>(), clean_up)).await;
}

#[test]
fn run_returns_when_the_clean_ups_of_main_have_ended() {
    let ended = Rc::default();
    let value = asyncio::run(async {
        orphans(Duration::from_millis(1), &ended).await;
        assert_eq!(ended.get(), 0);
        7
    });
    assert_eq!((value, ended.get()), (Ok(7), 1));
}

#[test]
fn each_run_of_a_runner_waits_for_the_clean_ups_that_it_leaves() {
    let (runner, log) = simulated();
    let ended = Rc::default();
    for run in 1..=3 {
        let value = runner.run(async {
            orphans(SECOND, &ended).await;
            run
        });
        assert_eq!((value, ended.get()), (Ok(run), run));
    }
    assert!(runner.close().is_clean());
    assert!(log.borrow().is_empty(), "{log:?}");
}

#[test]
fn a_cancelled_main_is_waited_for_too() {
    let (runner, log) = simulated();
    let ended = Rc::default();
    let cancelled = runner.run(async {
        orphans(SECOND, &ended).await;
        current_task().unwrap().cancel();
        pending::<()>().await;
    });
    assert_eq!(
        (cancelled, ended.get()),
        (Err(RunError::Cancelled(None)), 1)
    );
    drop(runner);
    assert!(log.borrow().is_empty(), "{log:?}");
}

/// The end of the run has waited for it; what the next run leaves has its own time.
#[test]
fn a_clean_up_that_does_not_end_is_waited_for_once() {
    let (runner, _log) = simulated();
    let event_loop = (**runner.get_loop()).clone();
    let start = event_loop.time();
    let ended = Rc::default();
    runner.run(orphans(3600 * SECOND, &ended)).unwrap();
    assert_eq!(event_loop.time() - start, MINUTE);
    runner.run(orphans(SECOND, &ended)).unwrap();
    assert_eq!(event_loop.time() - start, MINUTE + SECOND);
    assert_eq!(ended.get(), 1);
    let report = runner.close();
    assert_eq!(report.cancelled.len(), 1);
    assert!(report.is_clean());
    assert_eq!(event_loop.time() - start, MINUTE + SECOND);
}

/// Other tasks go on in the next run, as ever.
#[test]
fn a_run_waits_for_nothing_else() {
    let (runner, _log) = simulated();
    let (ended, other) = (Rc::default(), Rc::new(Cell::new(false)));
    let flag = Rc::clone(&other);
    let run = runner.run(async {
        create_task(async move {
            sleep(10 * SECOND).await;
            flag.set(true);
        })
        .detach();
        orphans(SECOND, &ended).await;
    });
    assert_eq!((run, ended.get(), other.get()), (Ok(()), 1, false));
    runner.run(sleep(10 * SECOND)).unwrap();
    assert!(other.get());
}

/// A service orphans a clean-up every second, each of which takes longer than that.
#[test]
fn a_run_waits_for_the_clean_ups_that_there_are_and_not_for_later_ones_of_other_tasks() {
    let (runner, log) = simulated();
    let start = runner.get_loop().time();
    let ended = Rc::default();
    let run = runner.run(async {
        let ended = Rc::clone(&ended);
        create_task(async move {
            loop {
                sleep(SECOND).await;
                orphans(3 * SECOND / 2, &ended).await;
            }
        })
        .detach();
        sleep(9 * SECOND / 4).await;
    });
    assert_eq!(run, Ok(()));
    let event_loop = (**runner.get_loop()).clone();
    assert_eq!(
        event_loop.time() - start,
        7 * SECOND / 2,
        "of the second one"
    );
    assert_eq!(ended.get(), 2);
    let report = runner.close();
    assert!(report.is_clean(), "{report}");
    assert!(event_loop.time() - start < 8 * SECOND);
    assert!(log.borrow().is_empty(), "{log:?}");
}

/// A family of them: each orphans the next when it has ended.
#[test]
fn a_run_waits_for_the_clean_ups_of_clean_ups_however_many() {
    fn chain(left: u32, ended: &Rc<Cell<u32>>) -> impl AsyncFnOnce() + 'static + use<> {
        let ended = Rc::clone(ended);
        async move || {
            yield_now().await;
            ended.set(ended.get() + 1);
            if left > 1 {
                let next: Box<dyn FnOnce() -> Clean> = {
                    let next = chain(left - 1, &ended);
                    Box::new(move || Box::pin(next()))
                };
                begin(finally(pending::<()>(), next)).await;
            }
        }
    }
    type Clean = Pin<Box<dyn Future<Output = ()>>>;
    let (runner, log) = simulated();
    let ended = Rc::default();
    let clean_up = chain(100, &ended);
    let run = runner.run(async move { begin(finally(pending::<()>(), || clean_up())).await });
    assert_eq!((run, ended.get()), (Ok(()), 100));
    assert!(runner.close().is_clean());
    assert!(log.borrow().is_empty(), "{log:?}");
}

/// After a minute the run returns; closing the runner cancels it, and gives it up after another.
#[test]
fn a_clean_up_that_does_not_end_is_given_up_and_reported() {
    let _watchdog = Watchdog::start("clean_ups", Duration::from_secs(30));
    let (runner, log) = simulated();
    let start = runner.get_loop().time();
    let run = runner.run(async {
        let stubborn = || async {
            loop {
                let _ = asyncio::catch_cancelled(pending::<()>()).await;
            }
        };
        begin(finally(pending::<()>(), stubborn)).await;
        7
    });
    assert_eq!(run, Ok(7));
    let event_loop = (**runner.get_loop()).clone();
    assert_eq!(event_loop.time() - start, MINUTE);
    let report = runner.close();
    assert_eq!(event_loop.time() - start, 2 * MINUTE);
    assert_eq!(report.unfinished.len(), 1, "{report}");
    let log = log.borrow();
    assert_eq!(log.len(), 1, "{log:?}");
    let expected = "clean-up was given up: its event loop is closed; task: clean-up of Task-";
    assert!(log[0].starts_with(expected), "{log:?}");
    assert!(log[0].contains("clean_ups.rs"), "{log:?}");
}

#[test]
fn an_interrupt_ends_the_waiting_of_a_run() {
    let (runner, _log) = simulated();
    let ended = Rc::default();
    let interrupter = runner.interrupter();
    let run = runner.run(async {
        let event_loop = get_running_loop();
        event_loop.call_later(SECOND, move || assert!(interrupter.interrupt()));
        orphans(2 * SECOND, &ended).await;
        7
    });
    assert_eq!((run, ended.get()), (Ok(7), 0));
    runner.run(sleep(2 * SECOND)).unwrap();
    assert_eq!(ended.get(), 1, "it went on in the next run");
}

/// What a task that is cancelled at the end orphans is waited for, and not cancelled itself.
#[test]
fn closing_cancels_tasks_and_not_the_clean_ups_that_they_orphan() {
    let (runner, log) = simulated();
    let ended = Rc::default();
    let counts = Rc::clone(&ended);
    runner
        .run(async move {
            let work = async move {
                let clean_up = async move || {
                    orphans(SECOND, &counts).await;
                    sleep(SECOND).await;
                    counts.set(counts.get() + 1);
                };
                finally(pending::<()>(), clean_up).await;
            };
            create_task(work).detach();
            yield_now().await;
        })
        .unwrap();
    let report = runner.close();
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.cancelled.len(), ended.get()), (1, 2));
    assert!(log.borrow().is_empty(), "{log:?}");
}

/// A clean-up may need other tasks, so those are cancelled after it.
#[test]
fn clean_ups_end_before_the_other_tasks_are_cancelled() {
    let answered = Rc::new(Cell::new(false));
    let flag = Rc::clone(&answered);
    asyncio::run(async move {
        let other = create_task(async {
            sleep(Duration::from_millis(2)).await;
            true
        });
        let clean_up = async move || flag.set(other.await.unwrap_or(false));
        begin(finally(pending::<()>(), clean_up)).await;
    })
    .unwrap();
    assert!(answered.get());
}

/// A future that is dropped in the middle of a run, by a panic of the run.
#[test]
fn after_a_panic_of_main_clean_ups_are_waited_for() {
    let ended = Rc::<Cell<u32>>::default();
    let counts = Rc::clone(&ended);
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        asyncio::run(async move {
            orphans(Duration::from_millis(1), &counts).await;
            panic!("of main");
        })
    }));
    let _: Result<Result<(), RunError>, _> = panics;
    assert_eq!(ended.get(), 1);
}

/// The compiler's proof that what `finally` returns is a future of its body's output.
#[test]
fn finally_is_a_future_like_any_other() {
    fn output<F: Future<Output = u8>>(future: F) -> F {
        future
    }
    let value = asyncio::run(output(finally(async { 3 }, || async {})));
    assert_eq!(value, Ok(3));
}
