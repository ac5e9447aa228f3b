//! What the tests share: loops in virtual time and on every selector, and a log of what ran.

#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

use std::cell::RefCell;
use std::future::poll_fn;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use asyncio_loop::{EventLoop, LoopRef};
use asyncio_reactor::{Async, SelectorKind};
use asyncio_testkit::{Census, Exclusive, Watchdog, eventually, exclusive, guarded};
use asyncio_timers::ManualClock;

/// Runs test functions, which take an `&EventLoop`, on every selector of the system. Each runs
/// guarded: it leaves descriptors, threads and memory as it found them.
#[macro_export]
macro_rules! on_every_selector {
    ($($(#[$attribute:meta])* $name:ident,)*) => {
        mod default {
            $(#[test] $(#[$attribute])* fn $name() {
                $crate::scene::guarded_with_threads(|| {
                    super::$name(&$crate::scene::on(asyncio_reactor::SelectorKind::Default));
                });
            })*
        }
        mod poll {
            $(#[test] $(#[$attribute])* fn $name() {
                $crate::scene::guarded_with_threads(|| {
                    super::$name(&$crate::scene::on(asyncio_reactor::SelectorKind::Poll));
                });
            })*
        }
    };
}

thread_local! {
    static ALONE: RefCell<Option<Exclusive>> = const { RefCell::new(None) };
}

/// Keeps the tests of a binary out of each other's way: a guarded one must not see the descriptors
/// and threads of its neighbour. Lasts as long as the test's thread. Making a loop here does it;
/// a test that starts threads before calls it first.
pub fn alone() {
    ALONE.with(|alone| {
        alone.borrow_mut().get_or_insert_with(exclusive);
    });
}

/// [`guarded`], for scenarios that use the loop's threads: a thread that has handed its result over
/// holds the waker for a moment longer, and with it the descriptor that wakes the loop. Each run of
/// the scenario ends when those threads have.
pub fn guarded_with_threads(mut scenario: impl FnMut()) {
    guarded(|| {
        let before = Census::take();
        scenario();
        eventually("the threads end", Duration::from_secs(20), || {
            Census::take().since(&before).is_within(usize::MAX, 0)
        });
    });
}

/// A loop on this selector.
pub fn on(kind: SelectorKind) -> EventLoop {
    alone();
    EventLoop::builder().selector_kind(kind).build().unwrap()
}

/// The default loop, with the selector that the environment names.
pub fn real() -> EventLoop {
    alone();
    EventLoop::builder().debug(false).build().unwrap()
}

/// A loop in virtual time: it jumps where it would sleep.
pub fn simulated() -> (EventLoop, ManualClock) {
    alone();
    let clock = ManualClock::new();
    let event_loop = EventLoop::builder().simulated(&clock).unwrap();
    (event_loop.debug(false).build().unwrap(), clock)
}

/// A loop by a clock that only the test moves. It must not be made to sleep.
pub fn stopped_clock() -> (EventLoop, ManualClock) {
    alone();
    let clock = ManualClock::new();
    let event_loop = EventLoop::builder().clock(clock.clone()).debug(false);
    (event_loop.build().unwrap(), clock)
}

/// One turn that does not sleep and does poll: that of a loop that was stopped before its run.
#[track_caller]
pub fn one_turn(event_loop: &EventLoop) {
    event_loop.stop();
    event_loop.run_forever().unwrap();
}

/// Runs `f` on the loop, and no longer than a test may take.
#[track_caller]
pub fn run<T>(event_loop: &EventLoop, f: impl AsyncFnOnce(LoopRef) -> T) -> T {
    let _watchdog = Watchdog::start("a run of a loop", Duration::from_secs(30));
    event_loop
        .run_until_complete(f(event_loop.reference()))
        .unwrap()
}

/// Two ends of a connection, both registered.
pub fn unix_pair(event_loop: &LoopRef) -> (Async<UnixStream>, Async<UnixStream>) {
    let (a, b) = UnixStream::pair().unwrap();
    (
        event_loop.register(a).unwrap(),
        event_loop.register(b).unwrap(),
    )
}

/// What has happened, in order.
#[derive(Clone, Debug, Default)]
pub struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    /// A callback that notes this.
    pub fn entry(&self, what: &str) -> impl Fn() + use<> + 'static {
        let (log, what) = (self.clone(), what.to_owned());
        move || log.note(&*what)
    }

    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }

    #[track_caller]
    pub fn expect(&self, expected: &[&str]) {
        assert_eq!(self.take(), expected);
    }
}

/// Has every error that nobody is told of noted, in place of the handler.
pub fn note_errors(event_loop: &LoopRef) -> Log {
    let log = Log::new();
    let errors = log.clone();
    event_loop.set_exception_handler(Some(Rc::new(move |context| {
        errors.note(context.to_string());
    })));
    log
}

/// Pending for ever, and leaves the waker of its last poll.
pub async fn leave_waker(place: Rc<RefCell<Option<Waker>>>) {
    poll_fn(|cx| {
        *place.borrow_mut() = Some(cx.waker().clone());
        Poll::<()>::Pending
    })
    .await;
}

/// Notes when it is dropped.
pub struct NoteDrop(pub Log, pub &'static str);

impl Drop for NoteDrop {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}
