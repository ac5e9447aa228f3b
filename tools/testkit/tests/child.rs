//! A child process runs one test, under its own limits, and reports how it ended.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::process;
use std::time::Duration;

use asyncio_testkit::{Child, in_child};

#[test]
fn the_body_runs_in_another_process() {
    let parent = process::id().to_string();
    let outcome = Child::new("the_body_runs_in_another_process")
        .env("PARENT", &parent)
        .run(|| {
            assert_ne!(env::var("PARENT").unwrap(), process::id().to_string());
            writeln!(io::stderr(), "the child's body has run").unwrap();
        });
    let Some(outcome) = outcome else { return };
    outcome.assert_success();
    assert!(
        outcome.stderr.contains("the child's body has run"),
        "{outcome:?}"
    );
}

#[test]
fn in_child_passes_when_the_body_does() {
    in_child("in_child_passes_when_the_body_does", || ());
}

#[test]
fn a_panic_in_the_child_is_a_failure_in_the_parent() {
    let name = "a_panic_in_the_child_is_a_failure_in_the_parent";
    let outcome = Child::new(name).run(|| panic!("a panic of the body"));
    let Some(outcome) = outcome else { return };
    assert!(!outcome.status.success());
    assert!(
        outcome.stderr.contains("a panic of the body"),
        "{outcome:?}"
    );
    let verdict = std::panic::catch_unwind(|| outcome.assert_success());
    assert!(verdict.is_err());
}

#[test]
#[cfg(unix)]
fn an_abort_of_the_child_is_seen_as_its_signal() {
    use std::os::unix::process::ExitStatusExt;

    let name = "an_abort_of_the_child_is_seen_as_its_signal";
    let Some(outcome) = Child::new(name).run(|| process::abort()) else {
        return;
    };
    assert_eq!(outcome.status.signal(), Some(6)); // SIGABRT, everywhere.
}

#[test]
#[cfg(unix)]
fn a_child_runs_out_of_descriptors_at_its_own_limit() {
    let name = "a_child_runs_out_of_descriptors_at_its_own_limit";
    let outcome = Child::new(name).descriptors_max(32).run(|| {
        let mut files = Vec::new();
        let error = loop {
            match File::open("Cargo.toml") {
                Ok(file) => files.push(file),
                Err(error) => break error,
            }
        };
        assert!(files.len() < 32, "{} files", files.len());
        assert_eq!(error.raw_os_error(), Some(24)); // EMFILE, everywhere.
    });
    let Some(outcome) = outcome else { return };
    outcome.assert_success();
}

#[test]
#[cfg(all(unix, target_pointer_width = "64"))]
fn a_child_runs_out_of_memory_at_its_own_limit() {
    let name = "a_child_runs_out_of_memory_at_its_own_limit";
    if cfg!(target_os = "macos") {
        return; // Its kernel accepts RLIMIT_AS and does not keep to it.
    }
    let outcome = Child::new(name).memory_bytes_max(4 << 30).run(|| {
        let mut bytes: Vec<u8> = Vec::new();
        assert!(bytes.try_reserve_exact(8 << 30).is_err());
    });
    let Some(outcome) = outcome else { return };
    outcome.assert_success();
}

#[test]
fn a_child_that_hangs_is_ended_by_its_watchdog() {
    let name = "a_child_that_hangs_is_ended_by_its_watchdog";
    let outcome = Child::new(name)
        .time_max(Duration::from_millis(50))
        .env("ASYNCIO_TEST_PATIENCE", "2")
        .run(|| {
            loop {
                std::thread::park();
            }
        });
    let outcome = outcome.expect("the child does not come here");
    assert!(!outcome.status.success());
    assert!(
        outcome.stderr.contains("did not end within 100ms"),
        "{outcome:?}"
    );
}

#[test]
#[should_panic(expected = "no test with the name `no_such_test`")]
fn a_name_that_no_test_has_is_refused() {
    in_child("no_such_test", || ());
}
