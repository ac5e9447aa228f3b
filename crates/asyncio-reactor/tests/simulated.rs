//! The simulated selector, and with it what a reactor asks of a selector.

mod scene;

use asyncio_reactor::{Async, Interest, Mode, Reactor, SimulatedSelector};
use scene::{poll_once, turn};
use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn simulation() -> (SimulatedSelector, Reactor<char>) {
    let simulated = SimulatedSelector::new().unwrap();
    let reactor = Reactor::with_selector(Box::new(simulated.clone()));
    (simulated, reactor)
}

fn source() -> (UnixStream, Rc<UnixStream>, RawFd) {
    let (far, near) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let number = near.as_raw_fd();
    (far, Rc::new(near), number)
}

#[test]
fn what_is_made_ready_is_reported_once_in_order() {
    let (simulated, reactor) = simulation();
    let (_far_a, a, number_a) = source();
    let (_far_b, b, number_b) = source();
    reactor.set_reader(a, 'a').unwrap();
    reactor.set_reader(b, 'b').unwrap();
    simulated.make_ready(number_b, Interest::BOTH);
    simulated.make_ready(number_a, Interest::READABLE);
    simulated.make_ready(number_a, Interest::WRITABLE);
    simulated.make_ready(-1, Interest::BOTH);
    assert_eq!(turn(&reactor), ['b', 'a']);
    assert!(turn(&reactor).is_empty());
}

#[test]
fn waits_are_recorded_and_take_no_time() {
    let (simulated, reactor) = simulation();
    let day = SECOND * 86_400;
    for timeout in [SECOND, day, Duration::ZERO] {
        reactor.wait(Some(timeout)).unwrap();
    }
    assert_eq!(
        simulated.take_waits(),
        [Some(SECOND), Some(day), Some(Duration::ZERO)]
    );
    assert!(simulated.take_waits().is_empty());
}

#[test]
fn a_wait_that_would_sleep_calls_the_hook() {
    let (simulated, reactor) = simulation();
    let reactor = Rc::new(reactor);
    let (_far, near, number) = source();
    reactor.set_reader(near, 'r').unwrap();
    let clock = Rc::new(Cell::new(Duration::ZERO));
    simulated.on_block({
        let (clock, simulated, reactor) = (clock.clone(), simulated.clone(), reactor.clone());
        move |timeout| {
            // Everything may be used in here.
            assert_eq!(reactor.sources(), 1);
            reactor.wait(Some(Duration::ZERO)).unwrap();
            clock.set(clock.get() + timeout.unwrap_or(SECOND));
            if timeout.is_none() {
                simulated.make_ready(number, Interest::READABLE);
            }
        }
    });
    assert!(scene::turn_for(&reactor, SECOND * 3).is_empty());
    assert_eq!(clock.get(), SECOND * 3);
    assert_eq!(reactor.wait(None).unwrap().events, 1);
    assert_eq!(clock.get(), SECOND * 4);
    // What would not sleep does not call it.
    reactor.dispatch(|_| {});
    reactor.notifier().notify();
    reactor.wait(Some(SECOND)).unwrap();
    assert!(turn(&reactor).is_empty());
    assert_eq!(clock.get(), SECOND * 4);
    simulated.on_block(|_| ());
}

#[test]
fn a_wait_without_end_waits_for_threads() {
    let (_simulated, reactor) = simulation();
    let notifier = reactor.notifier();
    let thread = thread::spawn(move || notifier.notify());
    assert!(reactor.wait(None).unwrap().notified);
    thread.join().unwrap();
}

#[test]
fn a_wait_without_end_gives_up_in_the_end() {
    let simulated = SimulatedSelector::new()
        .unwrap()
        .patience(Duration::from_millis(1));
    let reactor: Reactor<()> = Reactor::with_selector(Box::new(simulated));
    assert_eq!(reactor.wait(None).unwrap_err().kind(), ErrorKind::TimedOut);
    // An error does not leave the reactor asleep: notifications are taken as before.
    reactor.notifier().notify();
    assert!(reactor.wait(None).unwrap().notified);
}

#[test]
fn sources_are_registered_once_where_there_are_edges() {
    let (simulated, reactor) = simulation();
    let (_far, near, number) = source();
    let near = Async::new(&reactor, near).unwrap();
    assert!(poll_once(near.readable()).is_pending());
    assert!(poll_once(near.writable()).is_pending());
    assert_eq!(
        simulated.registered(),
        [(number, Interest::BOTH, Mode::Edge)]
    );
    drop(near);
    assert!(simulated.registered().is_empty());
}

#[test]
fn sources_are_armed_when_somebody_waits_where_there_are_no_edges() {
    let simulated = SimulatedSelector::new().unwrap().modes(false, true);
    let reactor: Reactor<()> = Reactor::with_selector(Box::new(simulated.clone()));
    let armed = || simulated.registered()[0].1;
    let (_far, near, number) = source();
    let near = Async::new(&reactor, near).unwrap();
    assert_eq!(
        simulated.registered(),
        [(number, Interest::NONE, Mode::Oneshot)]
    );
    let mut reading = Box::pin(near.readable());
    let mut writing = Box::pin(near.writable());
    assert!(poll_once(reading.as_mut()).is_pending());
    assert_eq!(armed(), Interest::READABLE);
    assert!(poll_once(writing.as_mut()).is_pending());
    assert_eq!(armed(), Interest::BOTH);
    simulated.make_ready(number, Interest::READABLE);
    turn(&reactor);
    assert_eq!(armed(), Interest::WRITABLE, "somebody still waits for this");
    assert!(poll_once(reading.as_mut()).is_ready());
    simulated.make_ready(number, Interest::WRITABLE);
    turn(&reactor);
    assert_eq!(armed(), Interest::NONE);
}

#[test]
fn handlers_are_armed_for_each_wait_where_there_are_no_levels() {
    let simulated = SimulatedSelector::new().unwrap().modes(false, false);
    let reactor = Reactor::with_selector(Box::new(simulated.clone()));
    let registered = || simulated.registered()[0];
    let (_far, near, number) = source();
    reactor.set_reader(near.clone(), 'r').unwrap();
    reactor.set_writer(near, 'w').unwrap();
    assert_eq!(registered(), (number, Interest::BOTH, Mode::Oneshot));
    simulated.make_ready(number, Interest::READABLE);
    assert_eq!(turn(&reactor), ['r']);
    assert_eq!(
        registered().1,
        Interest::NONE,
        "the handler reads before it is armed again"
    );
    simulated.make_ready(number, Interest::WRITABLE);
    assert_eq!(turn(&reactor), ['w']);
}

/// A selector that is asked for nothing but what changed.
#[test]
fn interest_follows_the_handlers() {
    let (simulated, reactor) = simulation();
    let (mut far, near, number) = source();
    far.write_all(b"x").unwrap();
    let interests = RefCell::new(Vec::new());
    let note = || {
        interests
            .borrow_mut()
            .push(simulated.registered().first().map(|it| it.1));
    };
    reactor.set_reader(near.clone(), 'r').unwrap();
    note();
    reactor.set_writer(near, 'w').unwrap();
    note();
    reactor.remove_reader(number);
    note();
    reactor.remove_writer(number);
    note();
    let expected = [
        Some(Interest::READABLE),
        Some(Interest::BOTH),
        Some(Interest::WRITABLE),
        None,
    ];
    assert_eq!(*interests.borrow(), expected);
}

#[test]
fn what_a_hooks_own_wait_has_found_is_not_lost() {
    let (simulated, reactor) = simulation();
    let reactor = Rc::new(reactor);
    let (_far, near, number) = source();
    reactor.set_reader(near, 'r').unwrap();
    let (hook_simulated, hook_reactor) = (simulated.clone(), reactor.clone());
    simulated.on_block(move |_| {
        hook_simulated.make_ready(number, Interest::READABLE);
        hook_reactor.wait(Some(Duration::ZERO)).unwrap();
    });
    reactor.wait(Some(SECOND)).unwrap();
    let mut called = Vec::new();
    reactor.dispatch(|handler| called.push(handler));
    assert_eq!(called, ['r']);
    simulated.on_block(|_| ());
}

#[test]
fn what_a_hook_dispatches_leaves_the_books_in_order() {
    let (simulated, reactor) = simulation();
    let reactor = Rc::new(reactor);
    let (_far, near, number) = source();
    reactor.set_reader(near, 'r').unwrap();
    let (hook_simulated, hook_reactor) = (simulated.clone(), reactor.clone());
    simulated.on_block(move |_| {
        hook_simulated.make_ready(number, Interest::READABLE);
        hook_reactor.wait(Some(Duration::ZERO)).unwrap();
        hook_reactor.dispatch(|_| ());
    });
    assert_eq!(reactor.wait(Some(SECOND)).unwrap().events, 0);
    assert_eq!(reactor.wait(Some(Duration::ZERO)).unwrap().events, 0);
    simulated.on_block(|_| ());
}
