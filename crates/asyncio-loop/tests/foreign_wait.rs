//! The turn in its parts: a loop whose waiting somebody else owns.

mod scene;

use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::Duration;

use asyncio_executor::RunError;
use asyncio_loop::{EventLoop, sleep, sock_recv, to_thread};
use asyncio_testkit::Watchdog;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use scene::{Log, guarded_with_threads, simulated};

/// Runs the loop until `done`, and waits with `poll(2)` in its place.
fn drive(event_loop: &EventLoop, mut done: impl FnMut() -> bool) {
    while !done() {
        let plan = event_loop.begin();
        if plan.timeout() != Some(Duration::ZERO) && event_loop.begin_foreign_wait() {
            let mut fds = [PollFd::from_borrowed_fd(event_loop.as_fd(), PollFlags::IN)];
            let timeout = plan.timeout().map(|it| Timespec::try_from(it).unwrap());
            // A signal ends the wait early, which is as good as a wake-up for nothing.
            let _ = poll(&mut fds, timeout.as_ref());
        }
        event_loop.wait(plan.at_most(Some(Duration::ZERO))).unwrap();
        event_loop.finish(plan).unwrap();
    }
}

#[test]
fn a_foreign_poll_waits_for_timers_descriptors_and_threads() {
    guarded_with_threads(|| {
        let _watchdog = Watchdog::start("a foreign wait", Duration::from_secs(30));
        let event_loop = scene::on(asyncio_reactor::SelectorKind::Default);
        let (mut far, near) = UnixStream::pair().unwrap();
        let near = event_loop.register(near).unwrap();
        let timed = event_loop.create_task(sleep(Duration::from_millis(5)));
        let read = event_loop.create_task(async move { sock_recv(&near, 10).await.unwrap() });
        let threaded = event_loop.create_task(async { to_thread(|| 7).await.unwrap() });
        let writer = std::thread::spawn(move || far.write_all(b"hello").unwrap());
        drive(&event_loop, || {
            timed.done() && read.done() && threaded.done()
        });
        assert_eq!(*read.result().unwrap().unwrap(), b"hello");
        assert_eq!(*threaded.result().unwrap().unwrap(), 7);
        writer.join().unwrap();
    });
}

#[test]
fn a_thread_wakes_a_foreign_wait() {
    let _watchdog = Watchdog::start("a foreign wait", Duration::from_secs(30));
    let event_loop = scene::on(asyncio_reactor::SelectorKind::Default);
    let handle = event_loop.handle();
    let (sender, receiver) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        wait.recv().unwrap();
        handle
            .call_soon_threadsafe(move || sender.send(()).unwrap())
            .unwrap();
    });
    let mut turns = 0;
    drive(&event_loop, || {
        turns += 1;
        if turns == 2 {
            go.send(()).unwrap();
        }
        if turns == 1 {
            // Something to do in the first turn, so that there is a second.
            event_loop.call_soon(|| ());
        }
        receiver.try_recv().is_ok()
    });
    thread.join().unwrap();
}

#[test]
fn a_foreign_wait_is_refused_while_something_is_to_be_done() {
    let event_loop = scene::on(asyncio_reactor::SelectorKind::Default);
    event_loop.call_soon(|| ());
    assert!(!event_loop.begin_foreign_wait());
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    let handle = event_loop.handle();
    let thread = std::thread::spawn(move || handle.call_soon_threadsafe(|| ()).map(drop));
    thread.join().unwrap().unwrap();
    assert!(!event_loop.begin_foreign_wait());
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    assert!(event_loop.begin_foreign_wait());
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_plan_says_how_long_to_wait() {
    let (event_loop, _clock) = simulated();
    assert_eq!(event_loop.begin().timeout(), None);
    event_loop.call_later(Duration::from_secs(3), || ());
    let plan = event_loop.begin();
    assert_eq!(plan.timeout(), Some(Duration::from_secs(3)));
    assert_eq!(
        plan.at_most(Some(Duration::from_secs(1))).timeout(),
        Some(Duration::from_secs(1))
    );
    assert_eq!(plan.at_most(None).timeout(), Some(Duration::from_secs(3)));
    event_loop.call_soon(|| ());
    assert_eq!(event_loop.begin().timeout(), Some(Duration::ZERO));
}

#[test]
fn a_turn_tells_what_it_did_and_whether_anything_is_left() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    event_loop.call_later(Duration::from_secs(1), log.entry("timer"));
    event_loop.call_soon(log.entry("soon"));
    let turn = event_loop.run_once(Some(Duration::ZERO)).unwrap();
    assert_eq!((turn.ran, turn.timers, turn.idle), (1, 0, false));
    let turn = event_loop.run_once(None).unwrap();
    assert_eq!((turn.ran, turn.timers, turn.idle), (1, 1, true));
    // Waits for what never comes: a task alone keeps no loop awake.
    event_loop
        .create_task(std::future::pending::<()>())
        .detach();
    assert!(event_loop.run_once(Some(Duration::ZERO)).unwrap().idle);
    log.expect(&["soon", "timer"]);
}

#[test]
fn a_turn_inside_a_turn_is_an_error() {
    let (event_loop, _clock) = simulated();
    event_loop
        .run_until_complete(async {
            let plan = event_loop.begin();
            event_loop.wait(plan.at_most(Some(Duration::ZERO))).unwrap();
            assert_eq!(
                event_loop.finish(plan).unwrap_err(),
                RunError::AlreadyRunning
            );
        })
        .unwrap();
}
