//! Terminals as pipes: both sides of one, lines and raw bytes, and a hang-up from either side.
#![cfg(unix)]

mod stream_scene;

use asyncio_loop::EventLoop;
use asyncio_reactor::SelectorKind;
use asyncio_testkit::{Pattern, Watchdog, guarded};
use asyncio_transports::{Flow, connect_read_pipe, connect_write_pipe};
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;
use stream_scene::{Log, Recorder, raw_terminal, reports, terminal, turns};

/// Lost with `EIO`, which has no kind of its own.
const IO_ERROR: &str = "lost: Uncategorized";

/// Runs a scenario with edges and without, and checks that it leaves nothing behind.
fn run(mut scenario: impl AsyncFnMut()) {
    for kind in [SelectorKind::Default, SelectorKind::Poll] {
        let _watchdog = Watchdog::start("a scenario of terminals", Duration::from_secs(60));
        guarded(|| {
            let event_loop = EventLoop::builder().selector_kind(kind).build().unwrap();
            event_loop.run_until_complete(scenario()).unwrap();
        });
    }
}

#[test]
fn lines_come_one_a_read_and_control_d_is_the_end() {
    run(async || {
        let (mut emulator, program) = terminal();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let (transport, _) = connect_read_pipe(|| protocol, program).await.unwrap();
        // Two lines and a half, of which all that is whole comes.
        emulator.write_all(b"one\ntwo\nthr").unwrap();
        log.until_received(8).await;
        turns(3).await;
        assert_eq!(log.received(), b"one\ntwo\n");
        assert_eq!(log.count("data"), 2);
        emulator.write_all(b"ee\n\x04").unwrap();
        log.until("lost").await;
        assert_eq!(log.received(), b"one\ntwo\nthree\n");
        assert_eq!(log.calls(), ["made", "data", "eof", "lost"]);
        assert!(transport.is_closing());
    });
}

/// Linux tells who reads from the emulator's side that the program is gone by `EIO`. As in asyncio it
/// is the error that the connection is lost with, and not reported.
#[test]
fn the_emulator_is_told_that_the_program_is_gone() {
    run(async || {
        let (emulator, mut program) = raw_terminal();
        let reports = reports();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let _transport = connect_read_pipe(|| protocol, emulator).await.unwrap();
        program.write_all(b"hello").unwrap();
        log.until_received(5).await;
        program.write_all(b", and gone").unwrap();
        drop(program);
        log.until("lost").await;
        assert_eq!(log.received(), b"hello, and gone");
        let expected: &[&str] = match cfg!(target_os = "linux") {
            true => &["made", "data", IO_ERROR],
            false => &["made", "data", "eof", "lost"],
        };
        assert_eq!(log.calls(), expected);
        assert!(reports.borrow().is_empty(), "{reports:?}");
    });
}

#[test]
fn the_program_is_told_that_the_emulator_is_gone() {
    run(async || {
        let (mut emulator, program) = raw_terminal();
        let reports = reports();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let _transport = connect_read_pipe(|| protocol, program).await.unwrap();
        emulator.write_all(b"hello").unwrap();
        log.until_received(5).await;
        drop(emulator);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "data", "eof", "lost"]);
        assert!(reports.borrow().is_empty(), "{reports:?}");
    });
}

#[test]
fn what_a_terminal_does_not_take_is_written_when_it_does_n6() {
    run(async || {
        let (mut emulator, program) = raw_terminal();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let (transport, _) = connect_write_pipe(|| protocol, program).await.unwrap();
        let bytes = Pattern::new(1).take(300_000);
        assert_eq!(transport.write(&bytes), Flow::Paused);
        assert!(transport.get_write_buffer_size() > 0);
        let mut expected = Pattern::new(1);
        let mut buffer = [0; 10_000];
        while expected.position() < bytes.len() as u64 {
            let count = emulator.read(&mut buffer).unwrap();
            expected.check(&buffer[..count]);
            turns(1).await;
        }
        assert_eq!(transport.get_write_buffer_size(), 0);
        transport.close();
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "pause", "resume", "lost"]);
    });
}

#[test]
fn a_hang_up_ends_who_writes_to_a_terminal_n4() {
    run(async || {
        let (emulator, program) = raw_terminal();
        let reports = reports();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let (transport, _) = connect_write_pipe(|| protocol, program).await.unwrap();
        assert_eq!(transport.write(&vec![7; 300_000]), Flow::Paused);
        drop(emulator);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "pause", "lost: BrokenPipe"]);
        assert_eq!(transport.write(b"late"), Flow::Closed);
        assert!(reports.borrow().is_empty(), "{reports:?}");
    });
}

/// Linux takes what there is room for, and "not now" is all that it says then.
#[test]
fn what_nobody_takes_any_more_is_an_error_p3() {
    run(async || {
        let (emulator, program) = raw_terminal();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let (transport, _) = connect_write_pipe(|| protocol, emulator).await.unwrap();
        assert_eq!(transport.write(&vec![7; 300_000]), Flow::Paused);
        turns(3).await;
        assert_eq!(log.calls(), ["made", "pause"]);
        drop(program);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "pause", "lost: BrokenPipe"]);
    });
}

/// asyncio gets to know at the next write of a terminal.
#[test]
fn a_hang_up_with_nothing_unwritten_is_no_error() {
    run(async || {
        let (emulator, program) = raw_terminal();
        let log = Log::default();
        let protocol = Recorder::new(&log);
        let (transport, _) = connect_write_pipe(|| protocol, program).await.unwrap();
        drop(emulator);
        log.until("lost").await;
        assert_eq!(log.calls(), ["made", "lost"]);
        assert_eq!(transport.write(b"late"), Flow::Closed);
    });
}

/// One terminal for both directions, as the standard input and output of a shell are.
#[test]
fn one_terminal_is_read_from_and_written_to() {
    run(async || {
        let (mut emulator, program) = raw_terminal();
        let output = program.try_clone().unwrap();
        let (read, wrote) = (Log::default(), Log::default());
        let reader = Recorder::new(&read);
        let writer = Recorder::new(&wrote);
        let (input, _) = connect_read_pipe(|| reader, program).await.unwrap();
        let (output, _) = connect_write_pipe(|| writer, output).await.unwrap();
        emulator.write_all(b"typed").unwrap();
        read.until_received(5).await;
        assert_eq!(output.write(b"shown"), Flow::Open);
        let mut shown = [0; 5];
        emulator.read_exact(&mut shown).unwrap();
        assert_eq!(&shown, b"shown");
        input.close();
        read.until("lost").await;
        assert_eq!(output.write(b"still"), Flow::Open);
        output.close();
        wrote.until("lost").await;
        assert_eq!(read.calls(), ["made", "data", "lost"]);
        assert_eq!(wrote.calls(), ["made", "lost"]);
        emulator.read_exact(&mut shown).unwrap();
        assert_eq!(&shown, b"still");
        let error = emulator.read(&mut shown).map_err(|error| error.kind());
        assert_ne!(
            error,
            Err(ErrorKind::WouldBlock),
            "the emulator's side is as it was"
        );
    });
}
