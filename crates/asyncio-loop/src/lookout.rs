//! Looking out for the result of a job before the loop goes to sleep.
//!
//! Facts: a short job is done before its loop has fallen asleep, and a sleep with its wake-up costs
//! 5 to 20 µs, in system calls on both sides. The idle worker of a pool looks out for the next job
//! for as long, for the same reason.
//! Decision: a loop that has handed a job over since its last sleep looks at its door for a moment
//! before the next one. When nothing has come it leaves that out for a while, each time for twice
//! as many sleeps, so that jobs that take long cost a third of a microsecond for each sleep.
//! On a machine with one processor nobody can come while we look: it is not done there.

use std::cell::Cell;
use std::hint::spin_loop;
use std::thread::available_parallelism;
use std::time::Duration;

use asyncio_timers::Clock;

/// As long as a sleep costs.
const TIME: Duration = Duration::from_micros(20);

/// Looks at the door: a bound for clocks that stand still.
const LOOKS_MAX: u32 = 2_000;

/// Sleeps before which we do not look out, at most, after looking out in vain.
const PAUSE_MAX: u32 = 64;

/// Turns in a row that may leave the selector alone because a job was done: I/O comes too.
const UNPOLLED_MAX: u32 = 16;

pub(crate) struct Lookout {
    /// Whether there is another processor for a job to run on.
    worthwhile: bool,
    /// A job was handed over since the last sleep.
    armed: Cell<bool>,
    /// Sleeps to come that are not looked out before.
    pause: Cell<u32>,
    /// The length of the next pause.
    next_pause: Cell<u32>,
    unpolled: Cell<u32>,
}

impl Lookout {
    pub(crate) fn new() -> Self {
        Self {
            worthwhile: available_parallelism().is_ok_and(|processors| processors.get() > 1),
            armed: Cell::new(false),
            pause: Cell::new(0),
            next_pause: Cell::new(1),
            unpolled: Cell::new(0),
        }
    }

    /// A job was handed over.
    pub(crate) fn arm(&self) {
        self.armed.set(self.worthwhile);
    }

    /// Looks out for something to come, where it is worth it, at most for `limit`. Returns whether
    /// something came.
    #[inline]
    pub(crate) fn look(
        &self,
        limit: Option<Duration>,
        clock: &dyn Clock,
        has_come: impl Fn() -> bool,
    ) -> bool {
        self.armed.take() && self.look_out(limit, clock, has_come)
    }

    fn look_out(
        &self,
        limit: Option<Duration>,
        clock: &dyn Clock,
        has_come: impl Fn() -> bool,
    ) -> bool {
        if self.pause.get() > 0 {
            self.pause.set(self.pause.get() - 1);
            return false;
        }
        let limit = limit.map_or(TIME, |limit| limit.min(TIME));
        let start = clock.now();
        for _ in 0..LOOKS_MAX {
            if has_come() {
                self.next_pause.set(1);
                return true;
            }
            spin_loop();
            if clock.now().saturating_duration_since(start) >= limit {
                break;
            }
        }
        self.pause.set(self.next_pause.get());
        self.next_pause
            .set((self.next_pause.get() * 2).min(PAUSE_MAX));
        false
    }

    /// Whether the selector may be left alone in this turn, too.
    pub(crate) fn may_skip_poll(&self) -> bool {
        let unpolled = self.unpolled.get() + 1;
        self.unpolled.set(unpolled % UNPOLLED_MAX);
        unpolled < UNPOLLED_MAX
    }
}
