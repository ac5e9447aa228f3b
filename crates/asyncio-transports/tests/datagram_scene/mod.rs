//! What the tests of datagrams share: loops, a run that is bounded in time, addresses, a folder.

#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

use std::cell::RefCell;
use std::net::{SocketAddr, UdpSocket};
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_loop::{EventLoop, get_running_loop};
use asyncio_reactor::SelectorKind;
use asyncio_testkit::{Census, Exclusive, Watchdog, eventually, exclusive, guarded};
use asyncio_timers::ManualClock;
use asyncio_transports::{DatagramProtocol, DatagramTransport};
use socket2::SockAddr;

/// Runs async test functions on every selector of the system. Each leaves descriptors, threads and
/// memory as it found them.
#[macro_export]
macro_rules! on_every_selector {
    ($($name:ident,)*) => {
        mod default {
            $(#[test] fn $name() {
                $crate::datagram_scene::guarded_with_threads(|| {
                    $crate::datagram_scene::run(asyncio_reactor::SelectorKind::Default, super::$name());
                });
            })*
        }
        mod poll {
            $(#[test] fn $name() {
                $crate::datagram_scene::guarded_with_threads(|| {
                    $crate::datagram_scene::run(asyncio_reactor::SelectorKind::Poll, super::$name());
                });
            })*
        }
    };
}

thread_local! {
    static ALONE: RefCell<Option<Exclusive>> = const { RefCell::new(None) };
}

/// Keeps the tests of a binary out of each other's way, as long as the test's thread lasts.
fn alone() {
    ALONE.with(|alone| {
        alone.borrow_mut().get_or_insert_with(exclusive);
    });
}

/// [`guarded`], for scenarios that look names up: a thread that has handed its answer over holds the
/// waker for a moment longer, and with it the descriptor that wakes the loop.
pub fn guarded_with_threads(mut scenario: impl FnMut()) {
    alone();
    guarded(|| {
        let before = Census::take();
        scenario();
        eventually("the threads end", Duration::from_secs(20), || {
            Census::take().since(&before).is_within(usize::MAX, 0)
        });
    });
}

/// Runs `main` on a new loop, and no longer than a test may take.
#[track_caller]
pub fn run<T>(kind: SelectorKind, main: impl Future<Output = T>) -> T {
    alone();
    let event_loop = EventLoop::builder().selector_kind(kind).build().unwrap();
    drive(&event_loop, main)
}

/// Runs `main` in virtual time: it jumps where the loop would sleep.
#[track_caller]
pub fn run_simulated<T>(main: impl Future<Output = T>) -> (T, Duration) {
    alone();
    let clock = ManualClock::new();
    let event_loop = EventLoop::builder().simulated(&clock).unwrap();
    let event_loop = event_loop.debug(false).build().unwrap();
    let start = event_loop.time();
    let output = drive(&event_loop, main);
    (output, event_loop.time() - start)
}

#[track_caller]
fn drive<T>(event_loop: &EventLoop, main: impl Future<Output = T>) -> T {
    let _watchdog = Watchdog::start("a run of a loop", Duration::from_secs(30));
    event_loop.run_until_complete(main).unwrap()
}

/// A socket of this machine that blocks, for a peer that is not ours.
pub fn peer() -> (UdpSocket, SocketAddr) {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let address = peer.local_addr().unwrap();
    (peer, address)
}

/// An address at which nobody listens.
pub fn nobody() -> SocketAddr {
    peer().1
}

/// The address of the internet in this one.
#[track_caller]
pub fn internet(address: Option<SockAddr>) -> SocketAddr {
    address.and_then(|it| it.as_socket()).unwrap()
}

/// What has happened, in order.
#[derive(Clone, Debug, Default)]
pub struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    pub fn last(&self) -> String {
        self.0.borrow().last().cloned().unwrap_or_default()
    }

    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }

    #[track_caller]
    pub fn expect(&self, expected: &[&str]) {
        assert_eq!(self.take(), expected);
    }
}

/// What a test does in a method of its protocol.
type React = dyn FnMut(&str, &Rc<dyn DatagramTransport>);

/// A protocol that notes what it is told, and then does what the test says.
pub struct Recorder {
    log: Log,
    transport: Option<Rc<dyn DatagramTransport>>,
    react: Box<React>,
}

impl Recorder {
    /// Notes, and does nothing.
    pub fn new(log: &Log) -> Self {
        Self::reacting(log, |_, _| ())
    }

    /// Notes, and does this, with the method's name.
    pub fn reacting(
        log: &Log,
        react: impl FnMut(&str, &Rc<dyn DatagramTransport>) + 'static,
    ) -> Self {
        Self {
            log: log.clone(),
            transport: None,
            react: Box::new(react),
        }
    }

    fn told(&mut self, method: &str, detail: &str) {
        self.log.note(format!("{method}{detail}"));
        if let Some(transport) = self.transport.clone() {
            (self.react)(method, &transport);
        }
    }
}

impl DatagramProtocol for Recorder {
    fn connection_made(&mut self, transport: Rc<dyn DatagramTransport>) {
        self.transport = Some(transport);
        self.told("made", "");
    }

    fn datagram_received(&mut self, data: &[u8], _from: &SockAddr) {
        let text = match data.len() {
            0..40 => String::from_utf8_lossy(data).into_owned(),
            len => format!("{len} bytes"),
        };
        self.told("received", &format!(" {text}"));
    }

    fn error_received(&mut self, error: std::io::Error) {
        self.told("error", &format!(" {}", error.kind()));
    }

    fn connection_lost(&mut self, error: Option<std::io::Error>) {
        let detail = error.map_or(String::new(), |error| format!(" {error}"));
        self.told("lost", &detail);
        self.transport = None;
    }

    fn pause_writing(&mut self) {
        self.told("pause", "");
    }

    fn resume_writing(&mut self) {
        self.told("resume", "");
    }
}

/// Waits, turn by turn, until this is so. It does not sleep: what is waited for has happened on this
/// machine already, or is about to.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..100_000 {
        if holds() {
            return;
        }
        yield_now().await;
    }
    panic!("in vain: {what}");
}

/// Turns enough for the selector to be polled, which a busy loop does not do in each, and for what
/// comes of it.
pub async fn some_turns() {
    for _ in 0..200 {
        yield_now().await;
    }
}

/// Has every error that nobody is told of noted, in place of the handler.
pub fn note_errors() -> Log {
    let log = Log::default();
    let errors = log.clone();
    get_running_loop().set_exception_handler(Some(Rc::new(move |context| {
        errors.note(format!(
            "{}: {}",
            context.message,
            context.cause.as_deref().unwrap_or_default()
        ));
    })));
    log
}
