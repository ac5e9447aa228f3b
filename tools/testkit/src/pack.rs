//! The pack: a scenario, and everything that must be as before when it has ended.

use std::fmt;
use std::time::Duration;

use crate::census::{Census, cpu_time, settle};
use crate::exclusive::exclusive;
use crate::heap;
use crate::watchdog::{Watchdog, holds_within};

/// How long threads and descriptors may take to go away after the scenario has returned.
///
/// Real time: idle pool threads retire after half a second, and a loaded machine needs more. A
/// clean scenario waits for nothing.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(5);

/// How long everything may take together, unless declared otherwise.
const TIME_MAX: Duration = Duration::from_secs(30);

/// How often a scenario is run again before growth of the heap is believed.
///
/// What leaks grows every time. What libtest's main thread allocates for its own book-keeping, or
/// what a lazily grown buffer takes, does not.
const HEAP_ROUNDS_MAX: u32 = 5;

/// Runs `scenario` under a [`Pack`] with nothing declared.
///
/// # Panics
///
/// As [`Pack::run`].
#[track_caller]
pub fn guarded(scenario: impl FnMut()) {
    Pack::new().run(scenario);
}

/// What a scenario declares, and the check that it kept to it.
///
/// Without declarations: afterwards the process has the same descriptors and threads as before and
/// no child; no more live heap bytes (where [`heap::CountingAllocator`] is installed); and the
/// whole took at most 30 seconds of real time.
#[must_use = "nothing happens before `run`"]
pub struct Pack<'a> {
    name: Option<String>,
    time_max: Duration,
    settle_time_max: Duration,
    cpu_time_max: Option<Duration>,
    threads_left_max: usize,
    descriptors_left_max: usize,
    heap_growth_bytes_max: usize,
    peak_bytes_max: Option<usize>,
    counters: Vec<Counter<'a>>,
}

struct Counter<'a> {
    name: String,
    growth_max: u64,
    read: Box<dyn Fn() -> u64 + 'a>,
}

impl fmt::Debug for Pack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counters: Vec<&str> = self.counters.iter().map(|it| it.name.as_str()).collect();
        f.debug_struct("Pack")
            .field("name", &self.name)
            .field("time_max", &self.time_max)
            .field("settle_time_max", &self.settle_time_max)
            .field("cpu_time_max", &self.cpu_time_max)
            .field("threads_left_max", &self.threads_left_max)
            .field("descriptors_left_max", &self.descriptors_left_max)
            .field("heap_growth_bytes_max", &self.heap_growth_bytes_max)
            .field("peak_bytes_max", &self.peak_bytes_max)
            .field("counters", &counters)
            .finish()
    }
}

impl Default for Pack<'_> {
    fn default() -> Self {
        Pack::new()
    }
}

impl<'a> Pack<'a> {
    /// A pack with nothing declared.
    pub fn new() -> Pack<'a> {
        Pack {
            name: None,
            time_max: TIME_MAX,
            settle_time_max: SETTLE_TIME_MAX,
            cpu_time_max: None,
            threads_left_max: 0,
            descriptors_left_max: 0,
            heap_growth_bytes_max: 0,
            peak_bytes_max: None,
            counters: Vec::new(),
        }
    }

    /// What messages call the scenario; the thread's name, which is the test's, if not given.
    pub fn name(mut self, name: &str) -> Pack<'a> {
        self.name = Some(name.to_owned());
        self
    }

    /// Aborts the process when everything together takes longer than this; 30 s if not given.
    pub fn time_max(mut self, limit: Duration) -> Pack<'a> {
        self.time_max = limit;
        self
    }

    /// How long threads and descriptors may take to go away after the scenario has returned; 5 s
    /// of real time if not given.
    pub fn settle_time_max(mut self, limit: Duration) -> Pack<'a> {
        self.settle_time_max = limit;
        self
    }

    /// The CPU time that all threads together may use in one run of the scenario: the way to see
    /// that a wait does not spin. Not checked where the system has no such clock.
    pub fn cpu_time_max(mut self, limit: Duration) -> Pack<'a> {
        self.cpu_time_max = Some(limit);
        self
    }

    /// Threads that may be left running.
    pub fn threads_left_max(mut self, count: usize) -> Pack<'a> {
        self.threads_left_max = count;
        self
    }

    /// Descriptors that may be left open.
    pub fn descriptors_left_max(mut self, count: usize) -> Pack<'a> {
        self.descriptors_left_max = count;
        self
    }

    /// Heap bytes that may be left allocated by one run of the scenario after the first.
    ///
    /// # Panics
    ///
    /// [`Pack::run`] panics when [`heap::CountingAllocator`] is not installed and this is not zero.
    pub fn heap_growth_bytes_max(mut self, bytes: usize) -> Pack<'a> {
        self.heap_growth_bytes_max = bytes;
        self
    }

    /// Heap bytes that one run of the scenario may have allocated at once.
    ///
    /// # Panics
    ///
    /// [`Pack::run`] panics when [`heap::CountingAllocator`] is not installed.
    pub fn peak_bytes_max(mut self, bytes: usize) -> Pack<'a> {
        self.peak_bytes_max = Some(bytes);
        self
    }

    /// A number that may grow by at most `growth_max` in one run of the scenario: turns of a loop,
    /// live tasks, calls of an exception handler.
    pub fn counter(mut self, name: &str, growth_max: u64, read: impl Fn() -> u64 + 'a) -> Pack<'a> {
        let read = Box::new(read);
        self.counters.push(Counter {
            name: name.to_owned(),
            growth_max,
            read,
        });
        self
    }

    /// Runs the scenario once to warm up, then again with everything compared.
    ///
    /// It holds [`exclusive`] throughout; the other tests of the binary must take that lock too
    /// (or use a pack). Where the heap is counted the scenario may run up to five times: growth
    /// counts as a leak when every run grew. Lines that the scenario prints are kept by libtest,
    /// on the heap: print little.
    ///
    /// # Panics
    ///
    /// When something is not as it was, with all that is not, in one message.
    #[track_caller]
    pub fn run(self, mut scenario: impl FnMut()) {
        let name = self.name.clone().unwrap_or_else(current_thread_name);
        assert!(
            heap::is_installed()
                || (self.heap_growth_bytes_max == 0 && self.peak_bytes_max.is_none()),
            "{name}: install `asyncio_testkit::heap::CountingAllocator` with #[global_allocator]"
        );
        let _alone = exclusive();
        let _watchdog = Watchdog::start(&name, self.time_max);
        // A thread of an earlier test that ends in the middle of this one would take descriptors
        // with it.
        settle(self.settle_time_max);
        scenario();
        let findings = self.compare_rounds(&mut scenario);
        assert!(findings.is_empty(), "{name}: {}", findings.join("; "));
    }

    /// Runs the scenario until its heap is back where it was, or too often.
    fn compare_rounds(&self, scenario: &mut impl FnMut()) -> Vec<String> {
        let mut smallest_growth_bytes = usize::MAX;
        for _ in 0..HEAP_ROUNDS_MAX {
            let Round {
                findings,
                heap_growth_bytes,
            } = self.compare_once(scenario);
            smallest_growth_bytes = smallest_growth_bytes.min(heap_growth_bytes);
            if !findings.is_empty() || smallest_growth_bytes <= self.heap_growth_bytes_max {
                return findings;
            }
        }
        vec![format!(
            "{smallest_growth_bytes} heap bytes left allocated by every run"
        )]
    }

    /// Runs the scenario once and compares the process before and after.
    fn compare_once(&self, scenario: &mut impl FnMut()) -> Round {
        let before = Census::take();
        let counters: Vec<u64> = self.counters.iter().map(|it| (it.read)()).collect();
        heap::reset_peak();
        let live_bytes = heap::live_bytes();
        let cpu_before = cpu_time();

        scenario();

        let cpu_after = cpu_time();
        let peak_bytes = heap::peak_bytes().saturating_sub(live_bytes);
        // From here on what is still going away may take its time. The last look is the one that
        // counts: a later one could meet a thread that libtest has only just started.
        let mut left = None;
        holds_within(self.settle_time_max, || {
            let difference = Census::take().since(&before);
            let is_as_before =
                difference.is_within(self.descriptors_left_max, self.threads_left_max);
            left = (!is_as_before).then_some(difference);
            is_as_before
        });
        let heap_growth_bytes = heap::live_bytes().saturating_sub(live_bytes);

        let mut findings = Vec::new();
        if let Some(difference) = left {
            findings.push(difference.to_string());
        }
        if let (Some(limit), Some(start), Some(end)) = (self.cpu_time_max, cpu_before, cpu_after) {
            let used = end.saturating_sub(start);
            if used > limit {
                findings.push(format!("{used:?} of CPU time used, {limit:?} declared"));
            }
        }
        if let Some(limit) = self.peak_bytes_max
            && peak_bytes > limit
        {
            findings.push(format!("{peak_bytes} heap bytes at once, {limit} declared"));
        }
        for (counter, before) in self.counters.iter().zip(counters) {
            let growth = (counter.read)().saturating_sub(before);
            if growth > counter.growth_max {
                let Counter {
                    name, growth_max, ..
                } = counter;
                findings.push(format!("{name} grew by {growth}, {growth_max} declared"));
            }
        }
        Round {
            findings,
            heap_growth_bytes,
        }
    }
}

struct Round {
    findings: Vec<String>,
    heap_growth_bytes: usize,
}

fn current_thread_name() -> String {
    std::thread::current()
        .name()
        .unwrap_or("scenario")
        .to_owned()
}
