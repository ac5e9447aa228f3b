//! The other programs: what they print, with and without arguments, and what they refuse.

use asyncio_conformance::{RunError, run};
use asyncio_examples::http_server::HttpServer;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

const TIME_MAX: Duration = Duration::from_secs(30);

const CLOCK: &str = env!("CARGO_BIN_EXE_clock");
const SOCK_FETCH: &str = env!("CARGO_BIN_EXE_sock_fetch");
const TASK_GROUP: &str = env!("CARGO_BIN_EXE_task_group");
const THREAD_POOL: &str = env!("CARGO_BIN_EXE_thread_pool");
const WATCH_FD: &str = env!("CARGO_BIN_EXE_watch_fd");
const EMBED_IN_FOREIGN_LOOP: &str = env!("CARGO_BIN_EXE_embed_in_foreign_loop");

fn output(program: &str, arguments: &[&str]) -> Result<String, RunError> {
    let mut command = Command::new(program);
    // What a program says of wrong arguments is not this test's output.
    run(command.args(arguments).stderr(Stdio::null()), TIME_MAX)
}

#[test]
fn clock_ticks_as_often_as_it_is_told() {
    let ticks = "tick 1 at 10ms\ntick 2 at 20ms\ntick 3 at 30ms\ntick 4 at 40ms\n";
    assert_eq!(output(CLOCK, &["4", "10"]).unwrap(), ticks);
    assert_eq!(output(CLOCK, &["0"]).unwrap(), "");
}

#[test]
fn clock_refuses_what_is_no_number() {
    for arguments in [&["many"][..], &["3", "0"], &["-1"]] {
        let refused = output(CLOCK, arguments);
        assert!(matches!(refused, Err(RunError::Failed(..))), "{refused:?}");
    }
}

#[test]
fn task_group_leaves_nothing_over() {
    let expected = "service: starts\n\
                    main: the service listens on port 8080\n\
                    near: connection closed\n\
                    far: connection closed\n\
                    main: near was first\n\
                    service: closes\n\
                    main: nothing is left\n";
    assert_eq!(output(TASK_GROUP, &[]).unwrap(), expected);
}

#[test]
fn watch_fd_is_called_as_long_as_there_is_something_to_read() {
    let expected = "read \"ten \"\nread \"byte\"\nread \"s!\"\nthe end\n";
    assert_eq!(output(WATCH_FD, &[]).unwrap(), expected);
}

#[test]
fn watch_fd_watches_standard_input() {
    let mut child = Command::new(WATCH_FD)
        .arg("stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"four").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"read \"four\"\nthe end\n");
}

#[test]
fn embed_in_foreign_loop_runs_both_loops() {
    let expected = "task: I send 1\nforeign loop: I got 1\n\
                    task: I send 2\nforeign loop: I got 2\n\
                    task: I send 3\nforeign loop: I got 3\n\
                    foreign loop: the task has ended\n";
    assert_eq!(output(EMBED_IN_FOREIGN_LOOP, &[]).unwrap(), expected);
}

#[test]
fn urls_of_the_command_line_are_fetched_instead() {
    let server = HttpServer::start(Duration::ZERO).unwrap();
    let urls = [server.url("/b"), server.url("/a?x=1")];
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    for program in [THREAD_POOL, SOCK_FETCH] {
        let output = output(program, &urls).unwrap();
        let pages: Vec<&str> = output.lines().take(2).collect();
        assert_eq!(pages, ["goods /b", "goods /a?x=1"], "{program}");
    }
}

#[test]
fn what_cannot_be_fetched_fails() {
    let server = HttpServer::start(Duration::ZERO).unwrap();
    let gone = server.url("/");
    drop(server);
    for program in [THREAD_POOL, SOCK_FETCH] {
        for url in [gone.as_str(), "https://localhost/", "nonsense"] {
            let failed = output(program, &[url]);
            assert!(matches!(failed, Err(RunError::Failed(..))), "{failed:?}");
        }
    }
}
