//! The watchdog bites late tests, lets others go, and `eventually` gives up.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use asyncio_testkit::{Child, Watchdog, eventually, guarded};

#[test]
fn it_aborts_with_a_message_after_the_dump() {
    let name = "it_aborts_with_a_message_after_the_dump";
    let child = Child::new(name).env("ASYNCIO_TEST_PATIENCE", "2");
    let outcome = child.run(|| {
        let _watchdog = Watchdog::start_with("the slow one", Duration::from_millis(20), || {
            let _ = writeln!(io::stderr(), "the dump");
        });
        loop {
            thread::park();
        }
    });
    let outcome = outcome.expect("the child does not come here");
    assert!(!outcome.status.success());
    let message = outcome
        .stderr
        .find("`the slow one` did not end within 40ms");
    let dump = outcome.stderr.find("the dump");
    assert!(message.is_some() && message < dump, "{}", outcome.stderr);
}

#[test]
fn dropped_in_time_it_does_nothing_and_its_thread_ends() {
    guarded(|| drop(Watchdog::start("quick", Duration::from_secs(3600))));
}

#[test]
fn eventually_returns_as_soon_as_the_condition_holds() {
    let calls = AtomicU32::new(0);
    eventually("the third look", Duration::from_secs(30), || {
        calls.fetch_add(1, Ordering::Relaxed) == 2
    });
    assert_eq!(calls.into_inner(), 3);
}

#[test]
#[should_panic(expected = "what never happens: not within 5ms")]
fn eventually_gives_up() {
    eventually("what never happens", Duration::from_millis(5), || false);
}
