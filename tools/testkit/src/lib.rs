//! The assertion pack of the integration tests: what every scenario must leave as it found it.
//!
//! * [`guarded`] and [`Pack`] run a scenario and compare the process before and after: open
//!   descriptors, threads, children, live heap bytes, CPU time, counters of your own;
//! * [`Watchdog`] ends a test that hangs, with a message, instead of letting it hang;
//! * [`exclusive()`] keeps tests of one binary that look at the whole process out of each other's way;
//! * [`heap::CountingAllocator`] counts bytes and allocations, of the process and of this thread;
//! * [`Child`] and [`in_child`] run one test in a process of its own, with limits of its own;
//! * [`Rng`] and [`for_each_seed`] make model tests that can be replayed, [`Pattern`] bytes whose
//!   transfer can be checked;
//! * [`Folder`] is a place for a test's files;
//! * [`needs_program`], [`needs_root`] and [`needs()`] skip a test where the machine lacks something, in
//!   one line, and fail it where `ASYNCIO_TEST_NO_SKIP` is set;
//! * `Link` (on Linux) is two network namespaces with a bad line between them;
//! * [`eventually`] is the one place that waits for something in real time;
//!   [`run_with_stack`] runs code on a small stack, [`at_thread_end`] at the end of a thread.
//!
//! # What really happens
//!
//! A pack takes a process-wide lock, starts a watchdog thread, runs the scenario once to warm up,
//! notes the entries of `/proc/self/fd` and `/proc/self/task`, runs the scenario again and compares.
//! What goes away a little later (a thread that retires) is waited for, at most five seconds. The
//! comparison is the same for every test, so "no leak" is not each test's own idea of it.
//!
//! ```
//! use asyncio_testkit::Pack;
//! use std::time::Duration;
//!
//! Pack::new()
//!     .cpu_time_max(Duration::from_secs(1))
//!     .run(|| std::thread::spawn(|| ()).join().unwrap());
//! ```
//!
//! # What it does not do
//!
//! It knows no event loop and depends on no library crate of the workspace, so that each of them
//! can use it as a dev-dependency. Descriptors, threads and children are only looked at on Linux;
//! elsewhere the pack says on stderr, once, that it did not look.

#![deny(unsafe_code)] // `heap` alone allows it: a global allocator cannot be written without.

mod census;
mod child;
mod exclusive;
mod folder;
pub mod heap;
#[cfg(target_os = "linux")]
mod link;
mod needs;
mod pack;
mod pattern;
mod rng;
mod stack;
mod thread_end;
mod watchdog;

pub use census::{Census, Difference, cpu_time, threads};
pub use child::{Child, Outcome, in_child};
pub use exclusive::{Exclusive, exclusive};
pub use folder::Folder;
#[cfg(target_os = "linux")]
pub use link::{End, Link, Traffic, Weather};
pub use needs::{needs, needs_program, needs_root};
pub use pack::{Pack, guarded};
pub use pattern::Pattern;
pub use rng::{Rng, for_each_seed};
pub use stack::run_with_stack;
pub use thread_end::at_thread_end;
pub use watchdog::{Watchdog, eventually};
