//! What a loop waits with, and the time that it goes by: Python's
//! [`selectors`](https://docs.python.org/3/library/selectors.html), and clocks.
//!
//! A loop is given them by [`EventLoop::builder`](crate::EventLoop::builder). [`Async`] is a source
//! whose readiness tasks await; [`LoopRef::register`](crate::LoopRef::register) makes one.

#[cfg(unix)]
pub use asyncio_reactor::PollSelector;
pub use asyncio_reactor::{
    AsSource, Async, BorrowedSource, DefaultSelector, Event, Events, HeldSource, Interest, Mode,
    Notifier, RawSource, Ready, Selector, SelectorKind, SimulatedSelector,
};
pub use asyncio_timers::{Clock, ManualClock, MonotonicClock};
