//! Deadlines in order: a timer queue with true removal, clocks, and a manual clock for tests.
//!
//! * [`TimerQueue`] holds values until their deadline, and gives them back in order: by deadline,
//!   and among equal deadlines first in, first out.
//! * [`Clock`] is where the time comes from: [`MonotonicClock`] asks the system, [`ManualClock`]
//!   moves when a test tells it to.
//! * [`deadline_after`] turns a delay into a deadline, and a delay too long to end into "never".
//!
//! The queue is pure: it reads no clock, makes no system call, spawns nothing and calls nobody
//! back. Whoever owns it passes `now` in and takes out what is due, so that the same code runs in
//! an event loop, in a simulation and in a test.
//!
//! # What happens on the machine
//!
//! A timer is an entry of 16 bytes in a 4-ary heap, whose four siblings share a cache line, and a
//! slot that holds its value. Each knows where the other is, so that cancelling *removes*: nothing
//! of a cancelled timer stays behind until its deadline, and there is no clean-up pass.
//!
//! | operation | steps | today, 10,000 and 1,000,000 outstanding |
//! |---|---|---|
//! | insert at a random deadline and remove it again | O(log n) | 20 ns, 20 ns |
//! | insert a timeout later than all others and remove it again | O(1) | 12 ns, 12 ns |
//! | [`reschedule`](TimerQueue::reschedule) to later | O(1) | 8 ns, 8 ns |
//! | [`pop_expired`](TimerQueue::pop_expired), each | O(log n) | 44 ns, 370 ns |
//!
//! The steps are a promise, the times are not: they are of one core of a 2.6 GHz server, where a
//! million timers wait for memory most of the time (`cargo run --release --example timer_costs`
//! prints yours). Nothing is allocated while there is [room](TimerQueue::capacity).
//!
//! # What this crate does not do
//!
//! It does not sleep, wake tasks, or know what a future is: that is the event loop's work. It has
//! no resolution and no ticks: a deadline is kept to the nanosecond. It does not look at the wall
//! clock. A queue is not shared between threads; it may be moved to another one.
//!
//! # Examples
//!
//! One turn of a loop: take what is due, ask until when to sleep.
//!
//! ```
//! use asyncio_timers::{ManualClock, TimerQueue, deadline_after};
//! use std::time::Duration;
//!
//! let clock = ManualClock::new();
//! let start = clock.now();
//! let mut timers = TimerQueue::new(start);
//! let in_ms = |ms| deadline_after(start, Duration::from_millis(ms));
//!
//! timers.insert(in_ms(20), "second");
//! timers.insert(in_ms(10), "first");
//! let cancelled = timers.insert(in_ms(5), "cancelled");
//! assert_eq!(timers.remove(cancelled), Some("cancelled"));
//!
//! assert_eq!(timers.next_deadline(), in_ms(10));
//! clock.advance(Duration::from_millis(10));
//! assert_eq!(timers.pop_expired(clock.now()).map(|(_, name)| name), Some("first"));
//! assert_eq!(timers.pop_expired(clock.now()), None);
//! ```

#![forbid(unsafe_code)]

mod clock;
mod heap;
mod places;
mod queue;
mod slots;

pub use clock::{Clock, ManualClock, MonotonicClock, deadline_after};
pub use places::Place;
pub use queue::TimerQueue;
pub use slots::TimerKey;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
