//! Which types may go to, or be seen by, another thread: scenario J2.

use asyncio_reactor::{
    Async, DefaultSelector, Event, Events, HeldSource, Interest, Mode, Notifier, PollSelector,
    Reactor, Ready, Selector, SelectorKind, SimulatedSelector, Waited,
};
use static_assertions::{assert_impl_all, assert_not_impl_any, assert_obj_safe};
use std::net::TcpStream;

assert_obj_safe!(Selector);

// The one door for other threads.
assert_impl_all!(Notifier: Send, Sync, Clone, Unpin);

// Plain values.
assert_impl_all!(Event: Send, Sync);
assert_impl_all!(Events: Send, Sync);
assert_impl_all!(Interest: Send, Sync);
assert_impl_all!(Mode: Send, Sync);
assert_impl_all!(SelectorKind: Send, Sync);
assert_impl_all!(Waited: Send, Sync);
assert_impl_all!(HeldSource: Send, Sync);

// What belongs to one thread, whatever it holds.
assert_not_impl_any!(Reactor<()>: Send, Sync);
assert_not_impl_any!(Async<TcpStream>: Send, Sync);
assert_not_impl_any!(Ready<'static>: Send, Sync);
assert_not_impl_any!(Box<dyn Selector>: Send, Sync);
assert_not_impl_any!(SimulatedSelector: Send, Sync);

assert_not_impl_any!(DefaultSelector: Sync);
assert_not_impl_any!(PollSelector: Sync);

/// The assertions are made by the compiler.
#[test]
fn types_are_send_and_sync_as_documented_j2() {
    let notifier = Reactor::<()>::new().unwrap().notifier();
    std::thread::spawn(move || notifier.notify())
        .join()
        .unwrap();
}
