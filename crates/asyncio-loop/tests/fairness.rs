//! Nothing that keeps itself busy starves the rest; and a busy process does not confuse the loop.

mod scene;

use std::cell::Cell;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use asyncio_executor::yield_now;
use asyncio_loop::{EventLoop, LoopRef, get_running_loop, sleep, to_thread};
use asyncio_testkit::Watchdog;

/// As many polls of a busy loop as lie between two looks at the selector, and some.
const TURNS_MAX: u64 = 200;

on_every_selector! {
    a_task_that_always_wakes_itself_starves_nobody_w14,
    a_chain_of_short_jobs_starves_no_descriptor_w14,
}

/// A task and a callback that are ready in every turn.
fn keep_busy(event_loop: &LoopRef) {
    fn again(event_loop: LoopRef) {
        let next = event_loop.clone();
        event_loop.call_soon(move || again(next));
    }
    again(event_loop.clone());
    let busy = async {
        loop {
            yield_now().await;
        }
    };
    event_loop.create_task(busy).detach();
}

fn a_task_that_always_wakes_itself_starves_nobody_w14(event_loop: &EventLoop) {
    let _watchdog = Watchdog::start("a busy loop", Duration::from_secs(30));
    keep_busy(event_loop);
    let (mut far, near) = UnixStream::pair().unwrap();
    let [read, timed, called] = [const { Cell::new(0u64) }; 3].map(Rc::new);
    let mark = |cell: &Rc<Cell<u64>>| {
        let (cell, here) = (cell.clone(), event_loop.reference());
        move || cell.set(here.metrics().turns)
    };
    event_loop.run_until_complete(yield_now()).unwrap();

    let start = event_loop.metrics().turns;
    far.write_all(b"x").unwrap();
    event_loop.add_reader(near, mark(&read)).unwrap();
    event_loop.call_later(Duration::ZERO, mark(&timed));
    let (sender, receiver) = std::sync::mpsc::channel();
    let handle = event_loop.handle();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            handle
                .call_soon_threadsafe(move || sender.send(()).unwrap())
                .unwrap()
        });
    });
    event_loop
        .run_until_complete(async {
            for _ in 0..TURNS_MAX {
                if receiver.try_recv().is_ok() {
                    called.set(get_running_loop().metrics().turns);
                }
                yield_now().await;
            }
        })
        .unwrap();
    for (what, turn) in [("timer", timed.get()), ("thread", called.get())] {
        assert!(
            (start..start + 4).contains(&turn),
            "{what}: turn {turn}, from {start}"
        );
    }
    assert!(
        read.get() >= start,
        "the reader was not called in {TURNS_MAX} turns"
    );
}

/// W14: a loop that gets the result of one job after the other before it has slept looks at its
/// descriptors all the same.
fn a_chain_of_short_jobs_starves_no_descriptor_w14(event_loop: &EventLoop) {
    scene::run(event_loop, async |event_loop| {
        let (mut far, near) = UnixStream::pair().unwrap();
        let near = Rc::new(near);
        let calls = Rc::new(Cell::new(0));
        let (count, here, source) = (calls.clone(), event_loop.clone(), near.clone());
        let reader = move || {
            count.set(count.get() + 1);
            here.remove_reader(&source);
        };
        event_loop.add_reader(near, reader).unwrap();
        far.write_all(b"x").unwrap();
        for _ in 0..100 {
            to_thread(|| ()).await.unwrap();
        }
        assert_eq!(calls.get(), 1);
    });
}

/// P12, in real time: signal handlers that run all the time neither end a sleep early nor a run.
#[test]
fn a_storm_of_signals_ends_no_sleep_early_p12() {
    use rustix::process::{Signal, getpid, kill_process};
    let _watchdog = Watchdog::start("a storm of signals", Duration::from_secs(30));
    let caught = Arc::new(AtomicBool::new(false));
    let usr1 = Signal::USR1.as_raw();
    let registered = signal_hook::flag::register(usr1, caught.clone()).unwrap();
    for kind in [
        asyncio_reactor::SelectorKind::Default,
        asyncio_reactor::SelectorKind::Poll,
    ] {
        let event_loop = scene::on(kind);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let storm = std::thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                kill_process(getpid(), Signal::USR1).unwrap();
                std::thread::yield_now();
            }
        });
        let start = Instant::now();
        event_loop
            .run_until_complete(sleep(Duration::from_millis(60)))
            .unwrap();
        assert!(start.elapsed() >= Duration::from_millis(60));
        stop.store(true, Ordering::SeqCst);
        storm.join().unwrap();
    }
    assert!(caught.load(Ordering::SeqCst));
    signal_hook::low_level::unregister(registered);
}
