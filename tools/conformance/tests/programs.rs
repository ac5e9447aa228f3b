//! The recordings: each program has one, and comparing tells where an output differs.

use std::process::Command;
use std::time::Duration;

use asyncio_conformance::{CPython, Differs, NoInterpreter, Program, RunError, run};

const TIME_MAX: Duration = Duration::from_secs(60);

#[test]
fn every_program_has_a_recording() {
    let programs = Program::all().unwrap();
    let names: Vec<&str> = programs.iter().map(Program::name).collect();
    assert_eq!(
        names,
        [
            "done_callback",
            "gather_groups",
            "gather_parallel",
            "task_result",
            "thread_pool"
        ]
    );
    for program in &programs {
        assert!(!program.recording().is_empty(), "{}", program.name());
        program.compare(program.recording()).unwrap();
    }
}

#[test]
fn a_missing_line_and_a_further_line_differ() {
    let program = Program::named("task_result").unwrap();
    let missing = program.recording().strip_suffix("bobby\n").unwrap();
    let differs = program.compare(missing).unwrap_err();
    assert_eq!((differs.line, differs.printed), (5, None));

    let further = format!("{}more\n", program.recording());
    let expected = Differs {
        line: 6,
        printed: Some("more".to_owned()),
        recorded: None,
    };
    assert_eq!(program.compare(&further), Err(expected));
}

#[test]
fn an_unknown_program_is_an_error() {
    assert!(Program::named("no_such_program").is_err());
}

/// Asks the interpreter of this machine, where there is one: the quickest program only, the rest is
/// the tool's work.
#[test]
fn cpython_still_prints_the_recording() {
    let python = match CPython::find() {
        Ok(python) => python,
        Err(NoInterpreter::Missing) => return,
        Err(refused) => panic!("{refused}"),
    };
    let program = Program::named("task_result").unwrap();
    let output = python.run(program.source(), TIME_MAX).unwrap();
    assert_eq!(program.compare(&output), Ok(()));
}

#[cfg(unix)]
#[test]
fn a_program_that_does_not_end_is_killed() {
    let endless = run(
        Command::new("sleep").arg("1000"),
        Duration::from_millis(100),
    );
    assert!(matches!(endless, Err(RunError::TimedOut(_))), "{endless:?}");
}

#[cfg(unix)]
#[test]
fn a_program_that_fails_tells_its_status_and_output() {
    let failed = run(
        Command::new("sh").args(["-c", "echo half; exit 3"]),
        TIME_MAX,
    );
    match failed {
        Err(RunError::Failed(status, output)) => {
            assert_eq!((status.code(), output.as_str()), (Some(3), "half\n"));
        }
        other => panic!("{other:?}"),
    }
}
