//! Staggered races. After CPython's `StaggeredTests`.

mod turns;

use std::future::{Future, pending};
use std::pin::Pin;
use std::time::Duration;

use asyncio_executor::{catch_cancelled, raise_cancelled, yield_now};
use asyncio_futures::staggered_race;
use asyncio_loop::{create_task, get_running_loop, sleep};
use turns::{Log, simulated};

const SECOND: Duration = Duration::from_secs(1);

/// Runs `main` on a loop in virtual time, and looks that nothing is left.
#[track_caller]
fn run<F: Future>(main: F) -> F::Output {
    let (event_loop, _clock) = simulated();
    let output = event_loop.run_until_complete(main).unwrap();
    assert_eq!(event_loop.metrics().timers, 0);
    assert_eq!(event_loop.spawner().scope_count(), 0);
    output
}

/// Ends after so many seconds.
async fn ends(
    log: Log,
    index: u32,
    seconds: u32,
    outcome: Result<u32, &'static str>,
) -> Result<u32, &'static str> {
    log.add(format!(
        "{index} at {}",
        get_running_loop().metrics().turns.min(1) * 0 + now()
    ));
    sleep(SECOND * seconds).await;
    outcome
}

/// Seconds of the loop's clock since the test began: the clock begins at the same moment each time.
fn now() -> u64 {
    START.with(|start| {
        let now = get_running_loop().time();
        let start = start.get_or_init(|| now);
        (now - *start).as_secs()
    })
}

thread_local! {
    static START: std::cell::OnceCell<std::time::Instant> = const { std::cell::OnceCell::new() };
}

#[test]
fn of_nothing_nobody_wins() {
    run(async {
        let none: [fn() -> std::future::Ready<Result<(), ()>>; 0] = [];
        let (winner, errors) = staggered_race(none, None).await;
        assert_eq!((winner, errors), (None, vec![]));
    });
}
