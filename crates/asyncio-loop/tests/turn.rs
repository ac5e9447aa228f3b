//! The order of things inside one turn, which is normative.

mod scene;

use std::cell::{Cell, RefCell};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_loop::{EventLoop, sleep};
use scene::{Log, one_turn, simulated, stopped_clock};

on_every_selector! {
    a_turn_runs_ready_then_remote_then_io_then_timers,
    sources_come_in_the_order_of_the_poll_reader_before_writer,
    io_found_in_a_turn_runs_in_that_turn,
}

fn a_turn_runs_ready_then_remote_then_io_then_timers(event_loop: &EventLoop) {
    let log = Log::new();
    let (mut far, near) = UnixStream::pair().unwrap();
    let near = Rc::new(near);
    far.write_all(b"x").unwrap();
    // What comes through the door cannot hold a log of this thread: it counts, and whoever comes
    // after it notes the count.
    let remote = Arc::new(AtomicUsize::new(0));
    let note = |what: &'static str| {
        let (log, remote) = (log.clone(), remote.clone());
        move || log.note(format!("{what} {}", remote.load(Relaxed)))
    };
    event_loop.call_at(event_loop.time(), note("timer"));
    event_loop.add_writer(near.clone(), note("writer")).unwrap();
    event_loop.add_reader(near, note("reader")).unwrap();
    let count = remote.clone();
    let call = move || _ = count.fetch_add(1, Relaxed);
    let handle = event_loop.handle();
    let thread = std::thread::spawn(move || handle.call_soon_threadsafe(call).map(drop));
    thread.join().unwrap().unwrap();
    event_loop.call_soon(note("ready"));
    one_turn(event_loop);
    log.expect(&["ready 0", "reader 1", "writer 1", "timer 1"]);
}

fn sources_come_in_the_order_of_the_poll_reader_before_writer(event_loop: &EventLoop) {
    let log = Log::new();
    let (mut far, near) = UnixStream::pair().unwrap();
    let near = Rc::new(near);
    far.write_all(b"x").unwrap();
    event_loop
        .add_writer(near.clone(), log.entry("writer"))
        .unwrap();
    event_loop.add_reader(near, log.entry("reader")).unwrap();
    one_turn(event_loop);
    one_turn(event_loop);
    log.expect(&["reader", "writer", "reader", "writer"]);
}

fn io_found_in_a_turn_runs_in_that_turn(event_loop: &EventLoop) {
    let (mut far, near) = UnixStream::pair().unwrap();
    far.write_all(b"x").unwrap();
    let (calls, near) = (Rc::new(Cell::new(0)), Rc::new(near));
    let count = calls.clone();
    event_loop
        .add_reader(near, move || count.set(count.get() + 1))
        .unwrap();
    let turns = event_loop.metrics().turns;
    one_turn(event_loop);
    assert_eq!((calls.get(), event_loop.metrics().turns - turns), (1, 1));
}

#[test]
fn what_a_handle_makes_ready_runs_in_the_next_turn() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let (inner, here) = (log.clone(), event_loop.clone());
    event_loop.call_soon(move || {
        inner.note("first");
        here.call_soon(inner.entry("third"));
    });
    event_loop.call_soon(log.entry("second"));
    assert_eq!(event_loop.run_once(None).unwrap().ran, 2);
    log.expect(&["first", "second"]);
    assert_eq!(event_loop.run_once(None).unwrap().ran, 1);
    log.expect(&["third"]);
}

#[test]
fn a_cancelled_handle_is_passed_over_and_counts_as_run() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let second = Rc::new(RefCell::new(None::<asyncio_executor::Handle>));
    let victim = second.clone();
    event_loop.call_soon(move || {
        if let Some(handle) = victim.take() {
            handle.cancel();
            handle.cancel();
            assert!(handle.cancelled());
        }
    });
    *second.borrow_mut() = Some(event_loop.call_soon(log.entry("cancelled")));
    event_loop.call_soon(log.entry("last"));
    assert_eq!(event_loop.run_once(None).unwrap().ran, 3);
    log.expect(&["last"]);
}

#[test]
fn expired_timers_run_in_order_of_deadline_and_ties_in_order_of_insertion() {
    let (event_loop, clock) = stopped_clock();
    let log = Log::new();
    let base = event_loop.time() + Duration::from_secs(1);
    event_loop.call_at(base + Duration::from_nanos(1), log.entry("late"));
    for name in ["a", "b", "c", "d", "e"] {
        event_loop.call_at(base, log.entry(name));
    }
    event_loop.call_at(base - Duration::from_nanos(1), log.entry("early"));
    clock.advance(Duration::from_secs(2));
    let turn = event_loop.run_once(Some(Duration::ZERO)).unwrap();
    assert_eq!((turn.timers, turn.ran), (7, 7));
    log.expect(&["early", "a", "b", "c", "d", "e", "late"]);
}

/// A wake of a sleep is an entry of its own: tasks run in the turn after it, and callbacks of the
/// same deadline keep their place among the wakes.
#[test]
fn sleeps_and_callbacks_of_one_deadline_keep_their_order() {
    let (event_loop, clock) = stopped_clock();
    let log = Log::new();
    let second = Duration::from_secs(1);
    for n in 0..2 {
        let log = log.clone();
        event_loop
            .create_task(async move {
                sleep(second).await;
                log.note(format!("task {n}"));
            })
            .detach();
    }
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    event_loop.call_later(second, log.entry("callback"));
    clock.advance(second);
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    log.expect(&["callback"]);
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    log.expect(&["task 0", "task 1"]);
}

#[test]
fn a_due_timer_comes_after_what_was_ready() {
    let (event_loop, _clock) = stopped_clock();
    let log = Log::new();
    event_loop.call_later(Duration::ZERO, log.entry("timer"));
    event_loop.call_soon(log.entry("soon"));
    event_loop.run_once(None).unwrap();
    log.expect(&["soon", "timer"]);
}

#[test]
fn a_busy_loop_polls_once_in_dozens_of_turns() {
    let event_loop = scene::real();
    let before = event_loop.metrics();
    event_loop
        .run_until_complete(async {
            for _ in 0..64_000 {
                yield_now().await;
            }
        })
        .unwrap();
    let after = event_loop.metrics();
    let (turns, polls) = (after.turns - before.turns, after.polls - before.polls);
    assert!(turns >= 64_000, "{turns}");
    // One in 128, or one in 50 µs, which on a slow machine is more of them.
    assert!(polls <= turns / 4, "{polls} polls in {turns} turns");
}
