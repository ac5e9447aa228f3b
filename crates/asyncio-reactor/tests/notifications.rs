//! Waking a wait from other threads, over every selector.

mod scene;

use asyncio_reactor::{Events, HeldSource, Interest, Mode, Notifier, Reactor, Selector};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use scene::{MakeSelector, turn};
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

on_every_selector! {
    a_notification_before_the_wait_keeps_it_from_sleeping,
    a_notification_ends_a_sleep,
    notifications_while_awake_cost_no_wake_up,
    a_wake_up_before_the_kernel_sleeps_ends_short_sleeps_too_w8,
    a_flood_from_eight_threads_is_coalesced_p9,
    ping_pong_loses_no_wake_up_w8,
    a_notifier_outlives_its_reactor,
    notifying_while_the_reactor_is_dropped_is_harmless,
    another_loop_can_do_the_waiting,
    a_reactor_can_be_a_source_of_another,
}

fn a_notification_before_the_wait_keeps_it_from_sleeping(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let notifier = reactor.notifier();
    notifier.notify();
    notifier.notify();
    assert!(reactor.wait(None).unwrap().notified);
    assert!(!reactor.wait(Some(Duration::ZERO)).unwrap().notified);
    assert_eq!(notifier.wakeups_sent(), 0);
}

fn a_notification_ends_a_sleep(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    for timeout in [None, Some(Duration::MAX), Some(Duration::from_secs(3600))] {
        let notifier = reactor.notifier();
        let thread = thread::spawn(move || notifier.notify());
        while !reactor.wait(timeout).unwrap().notified {}
        thread.join().unwrap();
    }
}

fn notifications_while_awake_cost_no_wake_up(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let notifier = reactor.notifier();
    for _ in 0..100 {
        notifier.notify();
        // A wait that does not sleep takes the notification, too.
        assert!(reactor.wait(Some(Duration::ZERO)).unwrap().notified);
    }
    assert_eq!(notifier.wakeups_sent(), 0);
}

/// A selector that is notified at the worst moment: the reactor has announced its sleep, the kernel
/// has not begun it.
#[derive(Debug)]
struct NotifiedInBetween(Box<dyn Selector>);

impl Selector for NotifiedInBetween {
    fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        self.0.notifier().notify();
        self.0.wait(events, timeout)
    }

    fn register(&self, it: &HeldSource, key: usize, on: Interest, mode: Mode) -> io::Result<()> {
        self.0.register(it, key, on, mode)
    }

    fn modify(&self, it: &HeldSource, key: usize, on: Interest, mode: Mode) -> io::Result<()> {
        self.0.modify(it, key, on, mode)
    }

    fn deregister(&self, source: &HeldSource) -> io::Result<()> {
        self.0.deregister(source)
    }

    fn notifier(&self) -> Notifier {
        self.0.notifier()
    }

    fn supports_edge(&self) -> bool {
        self.0.supports_edge()
    }

    fn supports_level(&self) -> bool {
        self.0.supports_level()
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn fd_covers_sources(&self) -> bool {
        self.0.fd_covers_sources()
    }
}

fn a_wake_up_before_the_kernel_sleeps_ends_short_sleeps_too_w8(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(Box::new(NotifiedInBetween(make())));
    let begin = Instant::now();
    for timeout in [
        Some(Duration::from_millis(20)),
        Some(Duration::from_secs(100)),
        None,
    ] {
        for _ in 0..50 {
            assert!(reactor.wait(timeout).unwrap().notified);
        }
    }
    // Slept to their ends, the short ones alone would take a second.
    assert!(begin.elapsed() < Duration::from_millis(900));
    assert_eq!(reactor.notifier().wakeups_sent(), 150);
}

fn a_flood_from_eight_threads_is_coalesced_p9(make: MakeSelector) {
    const THREADS: u64 = 8;
    const EACH: u64 = 20_000;
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let work = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (notifier, work) = (reactor.notifier(), Arc::clone(&work));
            thread::spawn(move || {
                for _ in 0..EACH {
                    work.fetch_add(1, Ordering::Relaxed);
                    notifier.notify();
                }
            })
        })
        .collect();
    let (mut done, mut waits) = (0, 0);
    while done < THREADS * EACH {
        // Would sleep for ever if a notification were lost.
        reactor.wait(None).unwrap();
        waits += 1;
        done += work.swap(0, Ordering::Relaxed);
    }
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert!(reactor.notifier().wakeups_sent() <= waits);
}

/// Two threads that each sleep until the other has had its turn.
fn ping_pong_loses_no_wake_up_w8(make: MakeSelector) {
    const ROUNDS: u64 = 5_000;
    let turns = Arc::new(AtomicU64::new(0));
    let play = |reactor: &Reactor<()>, other: &Notifier, turns: &AtomicU64, me: u64| {
        for round in 0..ROUNDS {
            while turns.load(Ordering::Relaxed) != 2 * round + me {
                reactor.wait(None).unwrap();
            }
            turns.fetch_add(1, Ordering::Relaxed);
            other.notify();
        }
    };
    let here: Reactor<()> = Reactor::with_selector(make());
    let (send, receive) = std::sync::mpsc::channel();
    let other = here.notifier();
    let opponent = thread::spawn({
        let turns = Arc::clone(&turns);
        move || {
            let there: Reactor<()> = Reactor::with_selector(make());
            send.send(there.notifier()).unwrap();
            play(&there, &other, &turns, 1);
        }
    });
    let there = receive.recv().unwrap();
    play(&here, &there, &turns, 0);
    opponent.join().unwrap();
    assert_eq!(turns.load(Ordering::Relaxed), 2 * ROUNDS);
    assert!(there.wakeups_sent() <= ROUNDS);
}

fn a_notifier_outlives_its_reactor(make: MakeSelector) {
    let reactor: Reactor<()> = Reactor::with_selector(make());
    let notifier = reactor.notifier();
    drop(reactor);
    notifier.notify();
    thread::spawn(move || notifier.notify()).join().unwrap();
}

fn notifying_while_the_reactor_is_dropped_is_harmless(make: MakeSelector) {
    for _ in 0..50 {
        let reactor: Reactor<()> = Reactor::with_selector(make());
        let (begin, end) = (Arc::new(Barrier::new(3)), Arc::new(AtomicBool::new(false)));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (notifier, begin, end) =
                    (reactor.notifier(), Arc::clone(&begin), Arc::clone(&end));
                thread::spawn(move || {
                    begin.wait();
                    while !end.load(Ordering::Relaxed) {
                        notifier.notify();
                    }
                })
            })
            .collect();
        begin.wait();
        reactor.wait(None).unwrap();
        drop(reactor);
        end.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    }
}

/// Waits as a foreign loop would.
fn is_readable(reactor: &Reactor<char>, timeout: &Timespec) -> bool {
    let mut fds = [PollFd::new(reactor, PollFlags::IN)];
    poll(&mut fds, Some(timeout)).unwrap() == 1
}

fn another_loop_can_do_the_waiting(make: MakeSelector) {
    let reactor: Reactor<char> = Reactor::with_selector(make());
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let minute = Timespec {
        tv_sec: 60,
        tv_nsec: 0,
    };
    let (mut far, near) = UnixStream::pair().unwrap();
    reactor.set_reader(near, 'r').unwrap();

    assert!(reactor.begin_foreign_wait());
    assert!(!is_readable(&reactor, &now));
    let notifier = reactor.notifier();
    let thread = thread::spawn(move || notifier.notify());
    assert!(is_readable(&reactor, &minute));
    thread.join().unwrap();
    assert!(reactor.wait(Some(Duration::ZERO)).unwrap().notified);
    assert!(!is_readable(&reactor, &now), "it was answered");

    reactor.notifier().notify();
    assert!(!reactor.begin_foreign_wait(), "there was a notification");
    assert!(reactor.wait(Some(Duration::ZERO)).unwrap().notified);

    assert!(reactor.begin_foreign_wait());
    far.write_all(b"x").unwrap();
    assert_eq!(is_readable(&reactor, &now), reactor.fd_covers_sources());
    assert_eq!(turn(&reactor), ['r']);
}

fn a_reactor_can_be_a_source_of_another(make: MakeSelector) {
    let outer: Reactor<char> = Reactor::with_selector(make());
    let inner: Rc<Reactor<char>> = Rc::new(Reactor::with_selector(make()));
    outer.set_reader(Rc::clone(&inner), 'i').unwrap();
    assert!(inner.begin_foreign_wait());
    assert!(turn(&outer).is_empty());
    inner.notifier().notify();
    assert_eq!(turn(&outer), ['i']);
    assert!(turn(&inner).is_empty());
    assert!(turn(&outer).is_empty());
}
