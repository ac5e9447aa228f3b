//! asyncio for Rust: Python's event loop, tasks, futures and thread pools, under Python's names.
//!
//! * [`run()`] runs a program, [`Runner`] several on one loop;
//! * [`create_task`], [`sleep()`], [`to_thread`], [`get_running_loop`], and the other flat names
//!   that people type;
//! * the modules are asyncio's: [`events`], [`tasks`], [`threads`], [`runners`], [`exceptions`],
//!   `futures`, `taskgroups` and `timeouts` by the feature `futures`, `locks` and `queues` by the
//!   feature `sync`, `transports` and `protocols` by the feature `transports`, `streams` by the
//!   feature `streams`; and of Python's library [`contextvars`], [`selectors`], [`socket`] and, by the feature
//!   `concurrent`, `concurrent`.
//!
//! # What really happens
//!
//! One event loop a thread, and no other thread, but for what you hand to a thread pool and for
//! names to resolve. Tasks are not `Send`: `Rc` and `RefCell` just work, and nothing is locked.
//! Everything that is ready, tasks, callbacks, I/O and timers, goes through one FIFO, in asyncio's
//! order. Waking a task costs one atomic operation and a push on a queue; a loop that has nothing
//! to do sleeps in one system call, until the next deadline exactly.
//!
//! This crate is a table of contents. What it names stands in smaller crates that can be used
//! alone: `asyncio-reactor`, `asyncio-timers`, `asyncio-executor`, `asyncio-blocking`,
//! `asyncio-sync`, `asyncio-loop`, `asyncio-futures`, `asyncio-transports`, `asyncio-streams`. So the
//! examples of most items name those crates, and some run on a bare `Executor`: in a program write `asyncio::` instead, inside what [`run()`] runs. The
//! pages of the modules have examples that do.
//!
//! Import names, not `asyncio::*`: the struct `Future` would hide the prelude's trait.
//!
//! # Examples
//!
//! ```
//! use std::time::Duration;
//!
//! async fn brew(what: &'static str) -> &'static str {
//!     asyncio::sleep(Duration::from_millis(2)).await;
//!     what
//! }
//!
//! async fn breakfast() -> Result<(), asyncio::TaskError> {
//!     let tea = asyncio::create_task(brew("tea")); // starts in the next turn
//!     println!("{} and {}", brew("coffee").await, tea.await?);
//!     Ok(())
//! }
//!
//! asyncio::run(breakfast())??;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it does not do
//!
//! There are no TLS, subprocesses and signals yet: they come as crates of their own, and here as
//! modules with Python's names. It runs no task on two threads:
//! another thread has a loop of its own, or comes in through a [`LoopHandle`].

#![forbid(unsafe_code)]

#[cfg(feature = "concurrent")]
pub mod concurrent;
pub mod contextvars;
pub mod events;
pub mod exceptions;
mod flat;
#[cfg(feature = "futures")]
pub mod futures;
#[cfg(feature = "sync")]
pub mod locks;
#[cfg(feature = "transports")]
pub mod protocols;
#[cfg(feature = "sync")]
pub mod queues;
pub mod runners;
pub mod selectors;
#[cfg(feature = "streams")]
pub mod streams;
#[cfg(feature = "futures")]
pub mod taskgroups;
pub mod tasks;
pub mod threads;
#[cfg(feature = "futures")]
pub mod timeouts;
#[cfg(feature = "transports")]
pub mod transports;

pub use asyncio_loop::socket;
pub use flat::*;

/// The README's example is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
