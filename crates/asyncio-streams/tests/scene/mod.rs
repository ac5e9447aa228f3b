//! What the tests of streams share: virtual time, and two streams over memory.

#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_loop::EventLoop;
use asyncio_streams::{DEFAULT_LIMIT, Stream, StreamReaderProtocol};
use asyncio_testkit::{Watchdog, guarded};
use asyncio_timers::ManualClock;
use asyncio_transports::testing::{MemoryEnd, Wire, memory_pair};

/// Runs `main` in virtual time. It leaves nothing behind, and does not hang.
#[track_caller]
pub fn run<F: Future<Output = ()>>(main: impl Fn() -> F) {
    guarded(|| {
        let _watchdog = Watchdog::start("a run of a loop", Duration::from_secs(30));
        let clock = ManualClock::new();
        let event_loop = EventLoop::builder().simulated(&clock).unwrap();
        event_loop
            .build()
            .unwrap()
            .run_until_complete(main())
            .unwrap();
    });
}

/// A stream, the one at the other end, and what the other end sends on.
pub struct Pair {
    pub ours: Stream,
    pub theirs: Stream,
    pub wire: Wire,
}

/// Two streams, of which ours has this limit.
pub async fn pair(limit: usize) -> Pair {
    let (ours, theirs) = memory_pair();
    let wire = theirs.wire();
    let (ours, theirs) = (start(ours, limit), start(theirs, DEFAULT_LIMIT));
    turns(2).await;
    Pair {
        ours: ours.borrow_mut().take_stream().unwrap(),
        theirs: theirs.borrow_mut().take_stream().unwrap(),
        wire,
    }
}

fn start(end: MemoryEnd, limit: usize) -> std::rc::Rc<std::cell::RefCell<StreamReaderProtocol>> {
    end.start(StreamReaderProtocol::new(limit)).unwrap().1
}

/// Lets everybody else run.
pub async fn turns(count: usize) {
    for _ in 0..count {
        yield_now().await;
    }
}

/// Polls `future` until it is ready, at most this many times with some turns between, and drops it
/// then.
pub async fn give_up_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let once = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx)));
        if let Poll::Ready(output) = once.await {
            return Some(output);
        }
        turns(2).await;
    }
    None
}

/// `count` bytes that are not all the same, without a line end.
pub fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|n| b'a' + (n % 23) as u8).collect()
}
