//! What the tests share: every selector, one turn, and wakers that count.

#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

use asyncio_reactor::{
    DefaultSelector, Events, HeldSource, Interest, Mode, Notifier, PollSelector, Reactor, Selector,
};
use std::io;
use std::os::fd::BorrowedFd;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

pub type MakeSelector = fn() -> Box<dyn Selector>;

/// Runs test functions, which take a `MakeSelector`, over every selector of the system. Each runs
/// guarded: it leaves descriptors, threads and memory as it found them.
#[macro_export]
macro_rules! on_every_selector {
    ($($(#[$attribute:meta])* $name:ident,)*) => {
        mod default {
            $(#[test] $(#[$attribute])* fn $name() {
                asyncio_testkit::guarded(|| super::$name(|| Box::new(asyncio_reactor::DefaultSelector::new().unwrap())));
            })*
        }
        mod poll {
            $(#[test] $(#[$attribute])* fn $name() {
                asyncio_testkit::guarded(|| super::$name(|| Box::new(asyncio_reactor::PollSelector::new().unwrap())));
            })*
        }
        mod oneshot {
            $(#[test] $(#[$attribute])* fn $name() {
                asyncio_testkit::guarded(|| super::$name(|| Box::new($crate::scene::OneshotOnly::new())));
            })*
        }
    };
}

/// The default selector without edges and levels: what illumos has, on the developer's machine.
#[derive(Debug)]
pub struct OneshotOnly(DefaultSelector);

impl OneshotOnly {
    pub fn new() -> Self {
        Self(DefaultSelector::new().unwrap())
    }
}

impl Selector for OneshotOnly {
    fn register(
        &self,
        source: &HeldSource,
        key: usize,
        interest: Interest,
        mode: Mode,
    ) -> io::Result<()> {
        assert_eq!(mode, Mode::Oneshot);
        self.0.register(source, key, interest, mode)
    }

    fn modify(
        &self,
        source: &HeldSource,
        key: usize,
        interest: Interest,
        mode: Mode,
    ) -> io::Result<()> {
        assert_eq!(mode, Mode::Oneshot);
        self.0.modify(source, key, interest, mode)
    }

    fn deregister(&self, source: &HeldSource) -> io::Result<()> {
        self.0.deregister(source)
    }

    fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        self.0.wait(events, timeout)
    }

    fn notifier(&self) -> Notifier {
        self.0.notifier()
    }

    fn supports_edge(&self) -> bool {
        false
    }

    fn supports_level(&self) -> bool {
        false
    }

    fn name(&self) -> &'static str {
        "oneshot"
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn fd_covers_sources(&self) -> bool {
        true
    }
}

/// Whether this is `poll(2)`, whose rules for kinds of descriptors differ.
pub fn is_poll<H>(reactor: &Reactor<H>) -> bool {
    reactor.selector_name() == PollSelector::new().unwrap().name()
}

/// One turn that does not sleep: the handlers it hands out.
#[track_caller]
pub fn turn<H: Clone>(reactor: &Reactor<H>) -> Vec<H> {
    turn_for(reactor, Duration::ZERO)
}

/// One turn that sleeps at most this long.
#[track_caller]
pub fn turn_for<H: Clone>(reactor: &Reactor<H>, timeout: Duration) -> Vec<H> {
    reactor.wait(Some(timeout)).unwrap();
    let mut handlers = Vec::new();
    reactor.dispatch(|handler| handlers.push(handler));
    handlers
}

/// Turns until `done`, at most ten seconds of sleep: the network, also the one inside the machine,
/// may take its time.
#[track_caller]
pub fn turn_until<H: Clone>(reactor: &Reactor<H>, mut done: impl FnMut(&mut Vec<H>) -> bool) {
    let mut handlers = Vec::new();
    for _ in 0..1000 {
        if done(&mut handlers) {
            return;
        }
        handlers.extend(turn_for(reactor, Duration::from_millis(10)));
    }
    panic!("it did not come");
}

/// A waker that counts how often it was woken.
#[derive(Debug, Default)]
pub struct Counter(AtomicUsize);

impl Counter {
    pub fn new() -> (Arc<Self>, Waker) {
        let counter = Arc::new(Self::default());
        let waker = Waker::from(Arc::clone(&counter));
        (counter, waker)
    }

    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls once, with a waker that does nothing.
pub fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs a future on a reactor until it is ready, at most ten seconds of sleep.
#[track_caller]
pub fn block_on<H: Clone, F: Future>(reactor: &Reactor<H>, future: F) -> F::Output {
    let mut future = pin!(future);
    let (woken, waker) = Counter::new();
    let mut seen = usize::MAX;
    for _ in 0..1000 {
        // Polled only when woken: a wake-up that is lost shows.
        if woken.count() != seen {
            seen = woken.count();
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
        }
        turn_for(reactor, Duration::from_millis(10));
    }
    panic!("the future did not become ready");
}
