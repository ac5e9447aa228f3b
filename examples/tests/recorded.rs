//! The ports of the recorded programs print what CPython printed, line by line.
//!
//! Real time: two of them sleep for two seconds, as the programs they are ports of, and some print
//! how long they took.

use asyncio_conformance::{Program, run};
use std::process::Command;
use std::time::Duration;

const TIME_MAX: Duration = Duration::from_secs(30);

#[track_caller]
fn prints_the_recording(program: &str, name: &str) {
    let output = run(&mut Command::new(program), TIME_MAX).unwrap();
    let recorded = Program::named(name).unwrap();
    if let Err(differs) = recorded.compare(&output) {
        panic!("{name}: {differs}\n--- printed\n{output}");
    }
}

#[test]
fn gather_parallel() {
    prints_the_recording(env!("CARGO_BIN_EXE_gather_parallel"), "gather_parallel");
}

#[test]
fn gather_groups() {
    prints_the_recording(env!("CARGO_BIN_EXE_gather_groups"), "gather_groups");
}

#[test]
fn task_result() {
    prints_the_recording(env!("CARGO_BIN_EXE_task_result"), "task_result");
}

#[test]
fn done_callback() {
    prints_the_recording(env!("CARGO_BIN_EXE_done_callback"), "done_callback");
}

#[test]
fn thread_pool() {
    prints_the_recording(env!("CARGO_BIN_EXE_thread_pool"), "thread_pool");
}

/// `sock_fetch` has no heartbeat; everything else is as with threads.
#[test]
fn sock_fetch_prints_what_thread_pool_does() {
    let output = run(
        &mut Command::new(env!("CARGO_BIN_EXE_sock_fetch")),
        TIME_MAX,
    )
    .unwrap();
    let recorded = Program::named("thread_pool").unwrap();
    let lines = recorded.recording().lines();
    let expected: Vec<&str> = lines
        .filter(|it| !it.starts_with("loop stayed free"))
        .collect();
    assert_eq!(output.lines().collect::<Vec<_>>(), expected);
}
