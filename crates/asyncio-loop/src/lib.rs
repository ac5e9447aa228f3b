//! The event loop: one turn at a time over descriptors, deadlines, and what is ready to run.
//!
//! * [`EventLoop`] owns a loop and runs it; [`LoopRef`] is the handle that its tasks use
//!   ([`get_running_loop`]); [`LoopHandle`] is the way in from other threads.
//! * `call_soon`, `call_later`, `call_at`, `create_task`, `add_reader`, `add_writer`.
//! * [`sleep()`], [`sleep_until`], [`interval()`].
//! * [`LoopRef::drive`]: what transports are built on.
//! * `sock_*` on sockets that are registered with the loop; [`getaddrinfo`], [`getnameinfo`].
//! * [`to_thread`], [`LoopRef::run_in_executor`]: what blocks, on other threads.
//! * [`EventLoop::begin`], [`EventLoop::wait`], [`EventLoop::finish`]: a turn in its parts, for a
//!   foreign loop that owns the waiting.
//!
//! # What really happens
//! A turn: the timeout is 0 if anything is ready, else it reaches to the next deadline; the
//! selector is polled (while work is ready not every turn, but every few dozen handles or
//! 50 µs); what came from other threads is taken in, then I/O in the order of the poll, then
//! expired timers in order of deadline and then of insertion; and then exactly the handles run
//! that were ready when that began. Everything goes through one FIFO, so nothing that makes
//! itself ready again starves the rest.
//!
//! Nothing fires early: deadlines are compared with the clock, never with the kernel's rounding.
//! No thread is started, but for what you hand to a thread pool and for names to resolve.
//!
//! # Example
//! ```
//! use asyncio_loop::{EventLoop, sleep};
//! use std::time::Duration;
//!
//! let event_loop = EventLoop::new()?;
//! let answer = event_loop.run_until_complete(async {
//!     sleep(Duration::from_millis(1)).await;
//!     42
//! })?;
//! assert_eq!(answer, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod alarm;
mod builder;
mod closing;
mod current;
mod drive;
mod event_loop;
mod handler;
mod inner;
mod interval;
mod lookout;
mod loop_ref;
mod pace;
mod place;
mod pool;
mod relay;
mod resolve;
mod sleep;
mod sock;
pub mod socket;
mod tasks;
mod threads;
mod threadsafe;
mod timer;
mod turn;
mod wakes;
mod watch;

pub use alarm::{Alarm, AlarmPlace};
pub use builder::LoopBuilder;
pub use current::{get_running_loop, try_running_loop};
pub use drive::Driven;
pub use event_loop::EventLoop;
pub use interval::{Interval, MissedTicks, interval, interval_at};
pub use loop_ref::LoopRef;
pub use resolve::{
    AddrInfo, AddrInfoHints, GaiError, NameInfoFlags, Service, getaddrinfo, getnameinfo,
};
pub use sleep::{Sleep, sleep, sleep_until};
pub use sock::{
    Address, ConnectError, PartialWrite, sock_accept, sock_connect, sock_recv, sock_recv_into,
    sock_recvfrom, sock_recvfrom_into, sock_sendall, sock_sendto,
};
pub use tasks::{all_tasks, create_task};
pub use threads::{
    DefaultExecutorShutDown, ShutdownOutcome, THREAD_JOIN_TIMEOUT, to_thread, wrap_future,
};
pub use threadsafe::LoopHandle;
pub use timer::TimerHandle;
pub use turn::{Metrics, Plan, Turn};

/// Compiles and runs the example of the README.
#[cfg(all(doctest, unix))]
#[doc = include_str!("../README.md")]
mod readme {}
