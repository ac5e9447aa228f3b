//! Connections in memory, for tests: with a latency, a limited buffer, stalls and resets that the
//! test decides on, and always the same with a manual clock.
//!
//! They run on the engine that sockets run on, so what holds for one holds for the other: order of
//! calls, flow control, half-closing, closing. Only the system calls are missing.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use asyncio_loop::{LoopRef, get_running_loop};

use crate::connection::{Setup, start_with};
use crate::life::Life;
use crate::{Connected, Protocol};

mod line;
mod way;

use line::{Line, MemoryIo};

/// Both ends of a new connection in memory, on the running loop.
///
/// # Panics
/// When no loop is running: use [`memory_pair_on`].
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_timers::ManualClock;
/// use asyncio_transports::testing::memory_pair_on;
/// use asyncio_transports::{Protocol, WriteTransport};
/// use std::time::Duration;
///
/// #[derive(Default)]
/// struct Collect(Vec<u8>);
/// impl Protocol for Collect {
///     fn data_received(&mut self, data: &[u8]) {
///         self.0.extend_from_slice(data);
///     }
/// }
///
/// let clock = ManualClock::new();
/// let event_loop = EventLoop::builder().simulated(&clock)?.build()?;
/// let (left, right) = memory_pair_on(&event_loop);
/// left.wire().set_latency(Duration::from_secs(3));
///
/// let (transport, _) = left.start(Collect::default())?;
/// let (_, received) = right.start(Collect::default())?;
/// let _ = transport.write(b"hello");
/// event_loop.run_until_complete(asyncio_loop::sleep(Duration::from_secs(3)))?;
/// assert_eq!(received.borrow().0, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn memory_pair() -> (MemoryEnd, MemoryEnd) {
    memory_pair_on(&get_running_loop())
}

/// Both ends of a new connection in memory, on any loop of this thread.
#[must_use]
pub fn memory_pair_on(event_loop: &LoopRef) -> (MemoryEnd, MemoryEnd) {
    let line = Line::new(event_loop);
    (
        MemoryEnd(Wire {
            line: Rc::clone(&line),
            from: 0,
        }),
        MemoryEnd(Wire { line, from: 1 }),
    )
}

/// One end of a connection in memory, before it is a transport: see [`memory_pair`]. Dropping it
/// closes it.
pub struct MemoryEnd(Wire);

impl MemoryEnd {
    /// Makes a transport of it, as sockets become one: `connection_made` is called in the next
    /// turn.
    ///
    /// # Errors
    /// `NotConnected` on a closed loop.
    pub fn start<P: Protocol>(self, protocol: P) -> io::Result<Connected<P>> {
        let Wire { line, from } = &self.0;
        if line.event_loop.is_closed() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let protocol = Rc::new(RefCell::new(protocol));
        let erased: Rc<RefCell<dyn Protocol>> = Rc::<RefCell<P>>::clone(&protocol);
        let setup = Setup::new(&line.event_loop, erased);
        let (connection, _) = start_with(setup, None, Life::new(), |_, connection| {
            Ok(MemoryIo::new(line, *from, connection))
        })?;
        Ok((connection, protocol))
    }

    /// What this end sends on.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.0.clone()
    }
}

impl Drop for MemoryEnd {
    fn drop(&mut self) {
        self.0.line.leave_unstarted(self.0.from);
    }
}

impl fmt::Debug for MemoryEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("MemoryEnd")
            .field(&self.0.from)
            .finish()
    }
}

/// One direction of a connection in memory: what the test decides on, at any time. Clones are
/// handles to the same. The transport that sends on it knows it by `get_extra_info`.
#[derive(Clone)]
pub struct Wire {
    line: Rc<Line>,
    from: usize,
}

impl Wire {
    /// How long bytes, and the end of them, are under way that are sent from now on. They stay in
    /// order. Not at all, at first. (The news that there is room again takes no time.)
    pub fn set_latency(&self, latency: Duration) {
        self.line
            .with_way(self.from, |way| way.set_latency(latency));
    }

    /// How many bytes are kept that are sent and not read: at least one; 64 KiB at first. What is
    /// kept already stays.
    pub fn set_capacity(&self, capacity: usize) {
        self.line
            .with_way(self.from, |way| way.set_capacity(capacity));
    }

    /// How many bytes one read gives at most: at least one; as many as there are, at first.
    pub fn set_read_max(&self, count: usize) {
        self.line.with_way(self.from, |way| way.set_read_max(count));
    }

    /// Nothing arrives any more, until [`go_on`](Self::go_on).
    pub fn stall(&self) {
        self.line.with_way(self.from, |way| way.set_stalled(true));
    }

    /// Ends a stall: what was due meanwhile arrives.
    pub fn go_on(&self) {
        self.line.with_way(self.from, |way| way.set_stalled(false));
    }

    /// How many bytes were sent and are not read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.line.with_way(self.from, |way| way.size())
    }

    /// Resets the connection, in both directions: what was not read is lost, and both ends get a
    /// `ConnectionReset`.
    pub fn reset(&self) {
        self.line.reset();
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Wire")
            .field("from", &self.from)
            .field("unread", &self.unread())
            .finish()
    }
}
