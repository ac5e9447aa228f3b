//! What every transport must do, written once: scenarios over a [`Kind`] of transport.

#![allow(dead_code, unreachable_pub)] // not every kind goes through every scenario

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use asyncio_loop::EventLoop;
use asyncio_sync::Event;
use asyncio_testkit::{Watchdog, guarded};
use asyncio_transports::{AfterEof, Protocol, ReadInto, Transport};

pub mod ends;
pub mod flow;
pub mod order;
pub mod reading;
pub mod reentrant;

/// A kind of transport, which knows how to connect two.
pub trait Kind {
    /// The loop that its scenarios run on.
    fn event_loop() -> EventLoop;

    /// A connection, of which `connection_made` may not have been called yet.
    async fn pair(left: Recorder, right: Recorder) -> (Rc<dyn Transport>, Rc<dyn Transport>);

    /// Has `right` lose its connection to an error. `left` is the other end.
    fn reset(left: &Rc<dyn Transport>, right: &Rc<dyn Transport>);
}

/// Makes a test of each scenario, for one kind of transport.
#[macro_export]
macro_rules! suite {
    ($kind:ty: $($file:ident :: $name:ident,)*) => {
        $(#[test] fn $name() {
            $crate::suite::run::<$kind, _>(|| $crate::suite::$file::$name::<$kind>());
        })*
    };
}

/// Runs a scenario; it leaves nothing behind.
#[track_caller]
pub fn run<K: Kind, F: Future<Output = ()>>(scenario: impl Fn() -> F) {
    guarded(|| {
        let _watchdog = Watchdog::start("a scenario of the suite", Duration::from_secs(60));
        K::event_loop().run_until_complete(scenario()).unwrap();
    });
}

/// A call of a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    Made,
    Data(Vec<u8>),
    /// Something is there, and is left to `try_read`.
    Readable,
    Eof,
    Lost(Option<io::ErrorKind>),
    Pause,
    Resume,
}

/// What a protocol was told, for the scenario to look at and to wait for.
#[derive(Default)]
pub struct Log {
    calls: RefCell<Vec<Call>>,
    changed: Event,
}

impl Log {
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    fn add(&self, call: Call) {
        let mut calls = self.calls.borrow_mut();
        match (calls.last_mut(), call) {
            // How many reads it took is the kernel's choice.
            (Some(Call::Data(before)), Call::Data(more)) => before.extend(more),
            (_, call) => calls.push(call),
        }
        drop(calls);
        self.changed.set();
        self.changed.clear();
    }

    pub fn calls(&self) -> Vec<Call> {
        self.calls.borrow().clone()
    }

    pub fn has(&self, call: &Call) -> bool {
        self.calls.borrow().contains(call)
    }

    /// All bytes that have come.
    pub fn data(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for call in &*self.calls.borrow() {
            if let Call::Data(data) = call {
                all.extend(data);
            }
        }
        all
    }

    /// How many bytes have come.
    pub fn count(&self) -> usize {
        let size = |call: &Call| match call {
            Call::Data(data) => data.len(),
            _ => 0,
        };
        self.calls.borrow().iter().map(size).sum()
    }

    pub async fn until(&self, mut is_so: impl FnMut(&Self) -> bool) {
        while !is_so(self) {
            self.changed.wait().await;
        }
    }

    pub async fn until_call(&self, call: Call) {
        self.until(|log| log.has(&call)).await;
    }

    /// Waits for the end, and checks the order of all that was before it.
    pub async fn until_lost(&self) -> Option<io::ErrorKind> {
        let is_end = |call: &Call| matches!(call, Call::Lost(_));
        self.until(|log| log.calls.borrow().iter().any(is_end))
            .await;
        // What would come after it comes within a few turns.
        for _ in 0..5 {
            asyncio_executor::yield_now().await;
        }
        check_order(&self.calls.borrow());
        match self.calls.borrow().last() {
            Some(Call::Lost(error)) => *error,
            _ => unreachable!("check_order"),
        }
    }
}

/// `made → (data | readable)* → eof? → lost`, and pauses and resumes in turn between them.
#[track_caller]
fn check_order(calls: &[Call]) {
    assert_eq!(calls.first(), Some(&Call::Made), "{calls:?}");
    let (mut ended, mut paused) = (false, false);
    for (index, call) in calls.iter().enumerate() {
        let is_right = match call {
            Call::Made => index == 0,
            Call::Data(data) => !ended && !data.is_empty(),
            Call::Readable => !ended,
            Call::Eof => !std::mem::replace(&mut ended, true),
            Call::Pause => !std::mem::replace(&mut paused, true),
            Call::Resume => std::mem::replace(&mut paused, false),
            Call::Lost(_) => index + 1 == calls.len(),
        };
        assert!(is_right, "call {index} of {calls:?}");
    }
}

/// What a [`Recorder`] does when it is called, besides writing it down.
type Reaction = Box<dyn FnMut(&Call, &Rc<dyn Transport>)>;

/// A protocol that writes down how it is called.
pub struct Recorder {
    log: Rc<Log>,
    after_eof: AfterEof,
    pulls: bool,
    reaction: Option<Reaction>,
    transport: Option<Rc<dyn Transport>>,
}

impl Recorder {
    pub fn new(log: &Rc<Log>) -> Self {
        Self {
            log: Rc::clone(log),
            after_eof: AfterEof::Close,
            pulls: false,
            reaction: None,
            transport: None,
        }
    }

    /// Goes on writing after the peer's end.
    pub fn keep_open(mut self) -> Self {
        self.after_eof = AfterEof::KeepOpen;
        self
    }

    /// Leaves what comes to `try_read`.
    pub fn pulls(mut self) -> Self {
        self.pulls = true;
        self
    }

    pub fn on_call(mut self, reaction: impl FnMut(&Call, &Rc<dyn Transport>) + 'static) -> Self {
        self.reaction = Some(Box::new(reaction));
        self
    }

    /// What it was made with.
    pub fn transport(&self) -> Option<Rc<dyn Transport>> {
        self.transport.clone()
    }

    fn called(&mut self, call: Call) {
        self.log.add(call.clone());
        if let (Some(reaction), Some(transport)) = (&mut self.reaction, &self.transport) {
            reaction(&call, transport);
        }
    }
}

impl Protocol for Recorder {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        self.transport = Some(transport);
        self.called(Call::Made);
    }

    fn data_received(&mut self, data: &[u8]) {
        self.called(Call::Data(data.to_vec()));
    }

    fn get_buffer(&mut self, _: Option<usize>) -> ReadInto<'_> {
        if self.pulls {
            self.called(Call::Readable);
            return ReadInto::Later;
        }
        ReadInto::Shared
    }

    fn eof_received(&mut self) -> AfterEof {
        self.called(Call::Eof);
        self.after_eof
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.called(Call::Lost(error.map(|error| error.kind())));
    }

    fn pause_writing(&mut self) {
        self.called(Call::Pause);
    }

    fn resume_writing(&mut self) {
        self.called(Call::Resume);
    }
}

/// `count` bytes that are not all the same.
pub fn bytes(count: usize) -> Vec<u8> {
    let mut all = Vec::with_capacity(count + 251);
    let primes: Vec<u8> = (0..251).collect();
    while all.len() < count {
        all.extend_from_slice(&primes);
        all.push(all.len() as u8);
    }
    all.truncate(count);
    all
}

/// A connection of which both ends were made.
pub async fn made<K: Kind>(
    left: Recorder,
    right: Recorder,
) -> (Rc<dyn Transport>, Rc<dyn Transport>) {
    let logs = [Rc::clone(&left.log), Rc::clone(&right.log)];
    let pair = K::pair(left, right).await;
    for log in logs {
        log.until_call(Call::Made).await;
    }
    pair
}
