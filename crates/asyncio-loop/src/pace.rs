//! How often a busy loop polls the selector.
//!
//! Facts: asyncio polls on every turn, which is a system call (300 ns and more) for a turn that
//! may be one handle of 30 ns. tokio polls every 61 tasks, however long they take. Decision: poll
//! when 128 handles have run since the last poll, or when 50 µs have passed. Reading the clock
//! costs as much as a handle, so it is read every sixteenth handle only, and after each one as long
//! as handles turn out slow.

use std::cell::Cell;
use std::time::{Duration, Instant};

use asyncio_timers::Clock;

/// Handles between two polls of a busy loop.
const HANDLES: usize = 128;

/// Time between two polls of a busy loop.
const TIME: Duration = Duration::from_micros(50);

/// Handles between two looks at the clock, at most.
const STRIDE: usize = 16;

pub(crate) struct Pace {
    /// Handles since the last poll.
    handles: Cell<usize>,
    /// The count at which the clock is read next.
    look_at: Cell<usize>,
    stride: Cell<usize>,
    /// When the last poll was, once that is known.
    polled: Cell<Option<Instant>>,
}

impl Pace {
    pub(crate) fn new() -> Self {
        Self {
            handles: Cell::new(0),
            look_at: Cell::new(STRIDE),
            stride: Cell::new(STRIDE),
            polled: Cell::new(None),
        }
    }

    /// Whether a loop that has `ready` handles to run is to poll first.
    #[inline]
    pub(crate) fn is_due(&self, clock: &dyn Clock, ready: usize) -> bool {
        let handles = self.handles.get();
        if handles < self.look_at.get() {
            self.handles.set(handles + ready);
            return false;
        }
        self.is_due_now(clock, ready)
    }

    fn is_due_now(&self, clock: &dyn Clock, ready: usize) -> bool {
        let handles = self.handles.get();
        if handles >= HANDLES {
            return true;
        }
        let now = clock.now();
        let polled = self.polled.get().unwrap_or(now);
        if now.saturating_duration_since(polled) >= TIME {
            // Slow handles: look again after each turn.
            self.polled.set(Some(now));
            self.stride.set(1);
            return true;
        }
        self.polled.set(Some(polled));
        self.stride.set((self.stride.get() * 2).min(STRIDE));
        self.look_at.set((handles + self.stride.get()).min(HANDLES));
        self.handles.set(handles + ready);
        false
    }

    /// A poll has been made; `ready` handles follow.
    pub(crate) fn polled(&self, ready: usize) {
        self.handles.set(ready);
        self.look_at.set(self.stride.get());
    }

    /// The loop is going to sleep: how long its handles take is to be learnt anew.
    pub(crate) fn idle(&self) {
        self.polled.set(None);
        self.stride.set(STRIDE);
    }
}
