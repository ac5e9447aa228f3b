//! Making a reactor: the choice of the selector, and too few descriptors.

use asyncio_reactor::{Reactor, SELECTOR_VARIABLE, SelectorKind};
use asyncio_testkit::{Census, Child};
use std::fs::File;
use std::io::ErrorKind;

/// A reactor in a child whose environment says `value`: the selector's name or the error.
#[track_caller]
fn with_variable(test: &str, value: &str, check: impl FnOnce(Result<&str, String>)) {
    let child = Child::new(test).env(SELECTOR_VARIABLE, value).run(|| {
        let reactor = Reactor::<()>::new();
        check(match &reactor {
            Ok(reactor) => Ok(reactor.selector_name()),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                Err(error.to_string())
            }
        });
    });
    if let Some(outcome) = child {
        outcome.assert_success();
    }
}

#[test]
fn the_environment_chooses_poll() {
    with_variable("the_environment_chooses_poll", "poll", |name| {
        assert_eq!(name, Ok("poll"));
    });
}

#[test]
fn the_environment_chooses_the_default() {
    let test = "the_environment_chooses_the_default";
    with_variable(test, "default", |name| assert_ne!(name, Ok("poll")));
}

#[test]
fn an_empty_variable_is_no_choice() {
    with_variable("an_empty_variable_is_no_choice", "", |name| {
        assert!(name.is_ok());
    });
}

#[test]
fn an_unknown_selector_is_a_clear_error() {
    with_variable("an_unknown_selector_is_a_clear_error", "Poll", |name| {
        let expected = "ASYNCIO_SELECTOR: unknown selector `Poll`, expected `default` or `poll`";
        assert_eq!(name, Err(expected.to_owned()));
    });
}

/// With every number of free descriptors up to enough: an error, or a reactor that works; and
/// nothing is left open.
#[track_caller]
fn with_too_few_descriptors(test: &str, kind: SelectorKind) {
    let child = Child::new(test).descriptors_max(64).run(|| {
        let mut failures = 0;
        for free in 0.. {
            let mut all = Vec::new();
            let error = loop {
                match File::open("/dev/null") {
                    Ok(file) => all.push(file),
                    Err(error) => break error,
                }
            };
            assert_eq!(
                error.raw_os_error(),
                Some(rustix::io::Errno::MFILE.raw_os_error())
            );
            // One more for the look at what is open.
            all.truncate(all.len() - free);
            let filler = all.pop().unwrap();
            drop(filler);
            let before = Census::take();
            let filler = File::open("/dev/null").unwrap();
            let made = kind.build();
            drop(filler);
            let Err(error) = made else {
                Reactor::<()>::with_selector(made.unwrap())
                    .wait(Some(Default::default()))
                    .unwrap();
                break;
            };
            assert_eq!(
                error.raw_os_error(),
                Some(rustix::io::Errno::MFILE.raw_os_error())
            );
            let difference = Census::take().since(&before);
            assert!(difference.is_within(0, 0), "{difference}");
            failures += 1;
            assert!(failures < 10);
        }
        assert!(failures > 0);
    });
    if let Some(outcome) = child {
        outcome.assert_success();
    }
}

#[test]
fn too_few_descriptors_for_the_default_are_an_error() {
    let test = "too_few_descriptors_for_the_default_are_an_error";
    with_too_few_descriptors(test, SelectorKind::Default);
}

#[test]
fn too_few_descriptors_for_poll_are_an_error() {
    with_too_few_descriptors(
        "too_few_descriptors_for_poll_are_an_error",
        SelectorKind::Poll,
    );
}
