//! Readiness of descriptors, and waking a wait from any thread: the I/O core of asyncio for Rust.
//!
//! * [`Reactor`] waits for descriptors and dispatches what it finds, in two calls, so that the
//!   caller decides what happens in between and when user code runs;
//! * [`Async`] owns a source whose readiness tasks await; [`Reactor::set_reader`] and
//!   [`Reactor::set_writer`] are asyncio's `add_reader` and `add_writer`; [`Reactor::drive`] is for
//!   transports: one handler a source, told of edges;
//! * [`Notifier`] wakes a sleeping reactor from any thread;
//! * [`Selector`] is what a reactor asks: [`DefaultSelector`], [`PollSelector`], or in tests
//!   [`SimulatedSelector`].
//!
//! # What really happens
//!
//! No thread is started and no clock is read. On Linux the selector is epoll, and a wait is one
//! system call (two more when it has to sleep, but not for more than 20 ms: a timer is more exact than
//! epoll's timeout). A source of an [`Async`] is registered edge-triggered, once for its life; a handler set with
//! [`Reactor::set_reader`] is level-triggered: called as long as the condition lasts. A notification
//! costs one atomic operation, and a write to an eventfd only when it is the first since the reactor
//! went to sleep. The other systems have what the `polling` crate has for them. Where a selector
//! lacks edges or levels the reactor arms its registrations anew when somebody waits.
//!
//! Registrations are known by a number with a generation, so that an event that was found before a
//! descriptor was closed never reaches whoever got its number since. A reactor belongs to one
//! thread; it holds nothing borrowed while it calls out, so any method may be called from any
//! waker, handler or destructor.
//!
//! # Examples
//!
//! Sleeping until another thread says so:
//!
//! ```
//! use asyncio_reactor::Reactor;
//! use std::time::Duration;
//!
//! let reactor: Reactor<()> = Reactor::new()?;
//! let notifier = reactor.notifier();
//! let thread = std::thread::spawn(move || notifier.notify());
//!
//! // A wait may end early with nothing; whoever waits for something asks whether it came.
//! while !reactor.wait(Some(Duration::from_secs(10)))?.notified {}
//! thread.join().unwrap();
//! # std::io::Result::Ok(())
//! ```
//!
//! # What it does not do
//!
//! No tasks, no timers, no buffers, no files and no signals. It reads and writes nothing. The
//! readiness of a source is a hint: an operation may still block, so sources are non-blocking.

#![deny(unsafe_code)] // allowed in `sys/register.rs` only

mod async_source;
mod driven;
mod event;
mod interest;
mod key;
mod kind;
mod notifier;
mod reactor;
mod readiness;
mod registry;
mod selector;
mod simulated;
mod sleep;
mod sys;
mod watches;

pub use async_source::{Async, Ready};
pub use driven::{Driven, Readiness};
pub use event::{Event, Events};
pub use interest::{Interest, Mode};
pub use kind::{SELECTOR_VARIABLE, SelectorKind};
pub use notifier::Notifier;
pub use reactor::{Reactor, Waited};
pub use selector::{AsSource, Selector};
pub use simulated::SimulatedSelector;
#[cfg(unix)]
pub use sys::PollSelector;
pub use sys::register::HeldSource;
pub use sys::{BorrowedSource, DefaultSelector, RawSource};
pub use watches::TakenWatch;

/// The README's example is compiled and run.
#[cfg(all(doctest, unix))]
#[doc = include_str!("../README.md")]
mod readme {}
