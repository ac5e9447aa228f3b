//! J2: what may cross threads, and what must not.

use asyncio_loop::{
    AddrInfo, AddrInfoHints, Address, Alarm, AlarmPlace, ConnectError, EventLoop, GaiError,
    Interval, LoopBuilder, LoopHandle, LoopRef, Metrics, PartialWrite, Plan, Service,
    ShutdownOutcome, Sleep, TimerHandle, Turn,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

assert_not_impl_any!(Alarm: Send, Sync);
assert_not_impl_any!(AlarmPlace: Send, Sync);
assert_not_impl_any!(EventLoop: Send, Sync);
assert_not_impl_any!(LoopBuilder: Send, Sync);
assert_not_impl_any!(LoopRef: Send, Sync);
assert_not_impl_any!(Sleep: Send, Sync);
assert_not_impl_any!(TimerHandle: Send, Sync);
assert_impl_all!(LoopHandle: Send, Sync, Clone, Unpin);
assert_impl_all!(Sleep: Unpin);
assert_impl_all!(Interval: Send, Sync);
assert_impl_all!(AddrInfo: Send, Sync);
assert_impl_all!(AddrInfoHints: Send, Sync, Copy);
assert_impl_all!(Address: Send, Sync);
assert_impl_all!(ConnectError: std::error::Error, Send, Sync);
assert_impl_all!(GaiError: std::error::Error, Send, Sync);
assert_impl_all!(PartialWrite: std::error::Error, Send, Sync);
assert_impl_all!(Metrics: Send, Sync, Copy);
assert_impl_all!(Plan: Copy);
assert_impl_all!(Service<'static>: Send, Sync, Copy);
assert_impl_all!(ShutdownOutcome: Send, Sync, Copy);
assert_impl_all!(Turn: Send, Sync, Copy);

/// J2: the assertions above hold, or this file does not compile.
#[test]
fn the_types_of_the_loop_cross_threads_as_promised_j2() {
    // A handle is the one thing of a loop that another thread can have.
    let event_loop = EventLoop::new().unwrap();
    let handle = event_loop.handle();
    std::thread::spawn(move || assert!(!handle.is_closed()))
        .join()
        .unwrap();
}
