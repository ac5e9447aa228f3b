//! A storm of signals: scenario P12.
//!
//! A program of its own (`harness = false`): the kernel gives a process's signals to its first
//! thread, so that is where the reactor has to wait.

use asyncio_reactor::{Reactor, SelectorKind};
use asyncio_testkit::Watchdog;
use rustix::process::{Signal, getpid, kill_process};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn main() {
    let _watchdog = Watchdog::start("interrupts", Duration::from_secs(60));
    let delivered = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGUSR1, Arc::clone(&delivered)).unwrap();
    for kind in [SelectorKind::Default, SelectorKind::Poll] {
        waits_survive_a_storm_of_signals_p12(kind, &delivered);
        println!("waits_survive_a_storm_of_signals_p12 ({kind:?}) ... ok");
    }
}

fn waits_survive_a_storm_of_signals_p12(kind: SelectorKind, delivered: &AtomicBool) {
    let reactor: Reactor<()> = Reactor::with_selector(kind.build().unwrap());
    let (mut far, near) = UnixStream::pair().unwrap();
    reactor.set_reader(near, ()).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let storm = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            let mut sent = 0_u64;
            while !over.load(Ordering::Relaxed) {
                kill_process(getpid(), Signal::USR1).unwrap();
                sent += 1;
                // About 10 kHz.
                thread::park_timeout(Duration::from_micros(100));
            }
            sent
        }
    });

    // A signal ends a wait early, with nothing, and without an error.
    let mut interrupted = 0;
    while interrupted < 100 {
        delivered.store(false, Ordering::SeqCst);
        let waited = reactor.wait(None).unwrap();
        assert_eq!((waited.events, waited.notified), (0, false));
        interrupted += 1;
        assert!(
            delivered.load(Ordering::SeqCst),
            "nothing else ends this wait"
        );
    }
    // Deadlines are met all the same.
    let begin = Instant::now();
    let timeout = Duration::from_millis(25);
    while begin.elapsed() < timeout {
        reactor
            .wait(Some(timeout.saturating_sub(begin.elapsed())))
            .unwrap();
    }
    // Nothing is lost: neither an event nor a notification.
    let notifier = reactor.notifier();
    let other = thread::spawn(move || {
        notifier.notify();
        far.write_all(b"x").unwrap();
        far
    });
    let (mut notified, mut called) = (false, 0);
    while !notified || called == 0 {
        notified |= reactor.wait(None).unwrap().notified;
        reactor.dispatch(|()| called += 1);
    }
    drop(other.join().unwrap());
    over.store(true, Ordering::Relaxed);
    assert!(storm.join().unwrap() >= interrupted);
}
