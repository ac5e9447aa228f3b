//! Making a loop: by name, and where the system refuses.

use std::fs::File;
use std::io;
use std::time::Duration;

use asyncio_loop::{EventLoop, sleep};
use asyncio_reactor::SelectorKind;
use asyncio_testkit::Child;

#[test]
fn the_selector_can_be_chosen() {
    let poll = EventLoop::builder()
        .selector_kind(SelectorKind::Poll)
        .build()
        .unwrap();
    assert_eq!(poll.selector_name(), "poll");
    assert_eq!(poll.run_until_complete(async { 1 }), Ok(1));
}

#[test]
fn the_environment_names_the_selector() {
    let child = || Child::new("the_environment_names_the_selector");
    let outcome = child()
        .env("ASYNCIO_SELECTOR", "poll")
        .run(|| match EventLoop::new() {
            Ok(event_loop) => println!("selector: {}", event_loop.selector_name()),
            Err(error) => println!("{:?}: {error}", error.kind()),
        });
    let Some(outcome) = outcome else { return };
    outcome.assert_success();
    assert!(
        outcome.stdout.contains("selector: poll"),
        "{}",
        outcome.stdout
    );
    let outcome = child().env("ASYNCIO_SELECTOR", "kqeue").run(|| ()).unwrap();
    outcome.assert_success();
    assert!(
        outcome.stdout.contains("InvalidInput") && outcome.stdout.contains("`kqeue`"),
        "{}",
        outcome.stdout
    );
}

/// As many descriptors as there are left.
fn take_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

fn free_descriptors() -> usize {
    take_descriptors().len()
}

/// EMFILE: an error, and what was opened before it is closed again.
#[test]
fn a_loop_without_descriptors_is_an_error_and_leaves_none() {
    let test = "a_loop_without_descriptors_is_an_error_and_leaves_none";
    let outcome = Child::new(test).descriptors_max(64).run(|| {
        for kind in [SelectorKind::Default, SelectorKind::Poll] {
            // All numbers but the last few: each step of the making fails once.
            let mut taken = take_descriptors();
            let mut failures = 0;
            let event_loop = loop {
                let before = free_descriptors();
                match EventLoop::builder().selector_kind(kind).build() {
                    Ok(event_loop) => break event_loop,
                    Err(error) => {
                        assert_eq!(
                            error.raw_os_error(),
                            Some(rustix::io::Errno::MFILE.raw_os_error())
                        );
                        assert_eq!(free_descriptors(), before);
                        failures += 1;
                    }
                }
                taken
                    .pop()
                    .expect("a loop needs fewer descriptors than there are");
            };
            assert!(failures >= 1);
            assert_eq!(
                event_loop.run_until_complete(sleep(Duration::from_millis(1))),
                Ok(())
            );
        }
    });
    if let Some(outcome) = outcome {
        outcome.assert_success();
    }
}

#[test]
fn an_unknown_kind_is_an_error_value() {
    let error = "iocp".parse::<SelectorKind>().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}
