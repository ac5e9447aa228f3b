//! A test that lacks something says so and is skipped, or fails where that is forbidden.

use asyncio_testkit::{Child, Outcome, needs, needs_program, needs_root};

const NO_SKIP: &str = "ASYNCIO_TEST_NO_SKIP";

/// Runs `body` in a process of its own, where skipping is allowed or not.
fn with(no_skip: &str, test: &str, body: impl FnOnce()) -> Option<Outcome> {
    Child::new(test).env(NO_SKIP, no_skip).run(body)
}

#[test]
fn what_is_there_is_not_spoken_of() {
    let test = "what_is_there_is_not_spoken_of";
    let outcome = with("1", test, || assert!(needs("a moon", true)));
    let Some(outcome) = outcome else { return };
    outcome.assert_success();
    assert!(!outcome.stderr.contains("moon"), "{}", outcome.stderr);
}

#[test]
fn what_is_missing_is_named_in_one_line_which_is_seen() {
    let test = "what_is_missing_is_named_in_one_line_which_is_seen";
    let outcome = with("", test, || {
        assert!(!needs("a moon", false));
        assert!(!needs_program("a-program-that-nobody-has"));
    });
    let Some(outcome) = outcome else { return };
    outcome.assert_success();
    for missing in ["a moon", "a-program-that-nobody-has"] {
        let line = format!("skipped: needs {missing} ({test})\n");
        assert!(outcome.stderr.contains(&line), "{}", outcome.stderr);
    }
}

#[test]
fn it_fails_where_skipping_is_forbidden() {
    let test = "it_fails_where_skipping_is_forbidden";
    let outcome = with("1", test, || {
        let _ = needs_program("a-program-that-nobody-has");
    });
    let outcome = outcome.expect("the child does not come here");
    assert!(!outcome.status.success());
    let message = "needs a-program-that-nobody-has, and ASYNCIO_TEST_NO_SKIP is set";
    let said = outcome.stdout + &outcome.stderr;
    assert!(said.contains(message), "{said}");
}

#[cfg(unix)]
#[test]
fn a_program_is_a_file_on_the_path_that_can_be_run() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("asyncio-needs-{}", std::process::id()));
    fs::create_dir_all(folder.join("a-folder")).unwrap();
    fs::write(folder.join("a-text"), "").unwrap();
    fs::write(folder.join("a-program"), "").unwrap();
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.join("a-program"), mode).unwrap();
    let outcome = Child::new("a_program_is_a_file_on_the_path_that_can_be_run")
        .env("PATH", &format!("/nowhere:{}", folder.display()))
        .env(NO_SKIP, "")
        .run(|| {
            assert!(needs_program("a-program"));
            assert!(!needs_program("a-text"));
            assert!(!needs_program("a-folder"));
        });
    fs::remove_dir_all(&folder).unwrap();
    if let Some(outcome) = outcome {
        outcome.assert_success();
    }
}

#[cfg(unix)]
#[test]
fn root_is_who_may_write_where_nobody_may() {
    use std::fs::{self, OpenOptions, Permissions};
    use std::os::unix::fs::PermissionsExt;
    let file = std::env::temp_dir().join(format!("asyncio-root-{}", std::process::id()));
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o444)).unwrap();
    let may_write = OpenOptions::new().write(true).open(&file).is_ok();
    fs::remove_file(&file).unwrap();
    let outcome = with("", "root_is_who_may_write_where_nobody_may", || {
        assert_eq!(needs_root(), may_write);
    });
    if let Some(outcome) = outcome {
        outcome.assert_success();
    }
}
