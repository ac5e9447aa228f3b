//! Real time in tests, in one place: a bound on how long a test may take, and waiting with a bound.

use std::io::{self, Write};
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::exclusive::Registered;

/// The variable that says how many times as long everything may take: for a sanitizer, which makes
/// a test ten times slower, and for machines that are busy.
const PATIENCE: &str = "ASYNCIO_TEST_PATIENCE";

/// A limit of real time, as long as [`PATIENCE`] makes it.
fn patient(limit: Duration) -> Duration {
    let times = std::env::var(PATIENCE).ok();
    limit * times.and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// Ends the process, with a message, when it is still alive after a time.
///
/// A test that hangs says nothing; one that is aborted says which and where to look. The thread
/// ends when the watchdog is dropped.
///
/// ```
/// use asyncio_testkit::Watchdog;
/// use std::time::Duration;
///
/// let _watchdog = Watchdog::start("what this test does", Duration::from_secs(30));
/// ```
#[derive(Debug)]
#[must_use = "a watchdog that is dropped watches nothing"]
pub struct Watchdog {
    /// Closing this channel calls the watchdog off.
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Aborts the process `limit` of real time from now, unless dropped before.
    ///
    /// # Panics
    ///
    /// When the thread cannot be started.
    pub fn start(name: &str, limit: Duration) -> Watchdog {
        Watchdog::start_with(name, limit, || ())
    }

    /// The same, and calls `dump` first: the place to print what is known of the tasks.
    ///
    /// # Panics
    ///
    /// When the thread cannot be started.
    pub fn start_with(
        name: &str,
        limit: Duration,
        dump: impl FnOnce() + Send + 'static,
    ) -> Watchdog {
        let limit = patient(limit);
        let (alive, called_off) = mpsc::channel::<()>();
        let (ready, is_ready) = mpsc::channel();
        let name = name.to_owned();
        let thread = thread::Builder::new()
            .name("watchdog".into())
            .spawn(move || {
                let _registered = Registered::current_thread();
                // The receiver waits below until this came.
                let _ = ready.send(());
                if called_off.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                    // Not `eprintln!`, which libtest captures and an abort would lose.
                    let message = format!("watchdog: `{name}` did not end within {limit:?}\n");
                    let _ = io::stderr().write_all(message.as_bytes());
                    dump();
                    process::abort();
                }
            })
            .expect("cannot start the watchdog's thread");
        is_ready
            .recv()
            .expect("the watchdog's thread sends before anything else");
        Watchdog {
            alive: Some(alive),
            thread: Some(thread),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take() {
            // It only ends by returning or by aborting the process.
            let _ = thread.join();
        }
    }
}

/// Waits in real time until `condition` holds, looking every millisecond, and at most for `limit`.
///
/// For what a test cannot order: another thread's end, the kernel. Everything else is ordered with
/// events, channels and a manual clock.
///
/// # Panics
///
/// When it does not hold after `limit`; the message names `what`.
#[track_caller]
pub fn eventually(what: &str, limit: Duration, condition: impl FnMut() -> bool) {
    assert!(
        holds_within(limit, condition),
        "{what}: not within {limit:?}"
    );
}

/// Whether `condition` came to hold within `limit` of real time.
pub(crate) fn holds_within(limit: Duration, condition: impl FnMut() -> bool) -> bool {
    holds_before(patient(limit), condition)
}

/// [`holds_within`] for what is no failure if it does not: the limit is not stretched.
pub(crate) fn holds_before(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        // Real time: whoever is waited for gives no sign that could be waited on.
        thread::sleep(Duration::from_millis(1));
    }
}
