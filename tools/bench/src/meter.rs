//! Clocks and what one measurement yields.

use std::fmt;

use rustix::time::{ClockId, clock_gettime};

/// What a case's figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds of CPU time per operation.
    NsCpu,
    /// Nanoseconds on the clock on the wall per operation.
    NsWall,
    /// Bytes of memory per operation.
    Bytes,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NsCpu => "ns-cpu",
            Self::NsWall => "ns-wall",
            Self::Bytes => "bytes",
        })
    }
}

/// A running measurement of time.
#[derive(Debug)]
pub struct Meter {
    clock: ClockId,
    start: i128,
}

impl Meter {
    /// CPU time of the calling thread: what a case costs whose work is all on one thread.
    pub fn thread_cpu() -> Self {
        Self::start(ClockId::ThreadCPUTime)
    }

    /// CPU time of all threads: what a case costs that has helpers, hidden ones included.
    pub fn process_cpu() -> Self {
        Self::start(ClockId::ProcessCPUTime)
    }

    /// The monotonic clock: what somebody who waits for it sees.
    pub fn wall() -> Self {
        Self::start(ClockId::Monotonic)
    }

    fn start(clock: ClockId) -> Self {
        Self {
            clock,
            start: read(clock),
        }
    }

    /// Nanoseconds since the start for each of `ops` operations.
    pub fn per_op(&self, ops: u64) -> f64 {
        (read(self.clock) - self.start) as f64 / ops as f64
    }
}

fn read(clock: ClockId) -> i128 {
    let now = clock_gettime(clock);
    i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
}

/// One measurement of one case by one contender.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The figure, in the case's unit.
    pub value: f64,
    /// What an operation took in all, where the figure is a part of that: a difference.
    pub whole: Option<f64>,
    /// What was counted on the side, by name: allocations per task, sleeps that ended early,
    /// connections.
    pub counts: Vec<(&'static str, f64)>,
}

impl Sample {
    /// A figure with nothing counted on the side.
    pub fn new(value: f64) -> Self {
        Self {
            value,
            whole: None,
            counts: Vec::new(),
        }
    }

    /// What `with` takes more than `without`, where an operation is both.
    pub fn difference(with: f64, without: f64) -> Self {
        Self {
            whole: Some(with + without),
            ..Self::new(with - without)
        }
    }

    /// Adds something counted on the side.
    #[must_use]
    pub fn with(mut self, name: &'static str, count: f64) -> Self {
        self.counts.push((name, count));
        self
    }
}
