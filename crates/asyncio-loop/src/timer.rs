//! Callbacks with a deadline.

use std::fmt;
use std::rc::Weak;
use std::time::Instant;

use asyncio_executor::Handle;
use asyncio_timers::TimerKey;

use crate::inner::Inner;

/// A callback of `call_later` or `call_at`: asyncio's `TimerHandle`. Dropping it does not cancel.
#[derive(Clone)]
pub struct TimerHandle {
    pub(crate) inner: Weak<Inner>,
    /// `None` on a closed loop.
    pub(crate) key: Option<TimerKey>,
    pub(crate) handle: Handle,
    pub(crate) when: Option<Instant>,
}

impl TimerHandle {
    /// Keeps the callback from being called, takes the timer out of the queue, and drops the
    /// callback, at once, as [`Handle::cancel`] does. When it has been called, or cancelled, before,
    /// that changes nothing but what [`cancelled`](Self::cancelled) says.
    pub fn cancel(&self) {
        // The timer first: the callback's destructor may panic.
        if let (Some(inner), Some(key)) = (self.inner.upgrade(), self.key) {
            inner.remove_timer(key);
        }
        self.handle.cancel();
    }

    /// Whether [`cancel`](Self::cancel) was called; as in CPython, also if that was too late.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.handle.cancelled()
    }

    /// The deadline, by the loop's clock; `None` is never, for a delay that reaches past the end
    /// of time (`Duration::MAX`).
    #[must_use]
    pub fn when(&self) -> Option<Instant> {
        self.when
    }
}

impl fmt::Debug for TimerHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TimerHandle")
            .field("when", &self.when)
            .field("cancelled", &self.cancelled())
            .finish_non_exhaustive()
    }
}
