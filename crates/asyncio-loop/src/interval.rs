//! Waiting again and again.

use std::time::{Duration, Instant};

use crate::current::get_running_loop;
use crate::sleep::sleep_until;

/// Ticks every `period`, the first time at once.
///
/// # Panics
/// When `period` is zero, and outside a running loop.
///
/// # Examples
/// ```
/// use asyncio_loop::{EventLoop, interval};
/// use std::time::Duration;
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let mut ticks = interval(Duration::from_millis(1));
///     let first = ticks.tick().await;
///     let second = ticks.tick().await;
///     assert!(second - first >= Duration::from_millis(1));
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(get_running_loop().time(), period)
}

/// Ticks every `period` from `start` on, by the loop's clock.
///
/// # Panics
/// When `period` is zero.
#[must_use]
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval needs a period");
    Interval {
        next: Some(start),
        period,
        missed: MissedTicks::Burst,
    }
}

/// What an [`Interval`] does when its ticks were not taken in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTicks {
    /// Makes up for them: the missed ticks come at once, one after another. On average the period
    /// is kept.
    #[default]
    Burst,
    /// Goes on from now: the next tick comes a period after the late one was taken.
    Delay,
    /// Leaves them out: the next tick is the next one of the original rhythm.
    Skip,
}

/// A stream of moments, `period` apart; made by [`interval()`].
#[derive(Debug)]
pub struct Interval {
    /// `None` when time is over: the next tick never comes.
    next: Option<Instant>,
    period: Duration,
    missed: MissedTicks,
}

impl Interval {
    /// Sets what happens when ticks were missed.
    #[must_use]
    pub fn missed(mut self, missed: MissedTicks) -> Self {
        self.missed = missed;
        self
    }

    /// The time between two ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Waits for the next tick and returns its moment, which may have passed. A tick that is due
    /// already waits for one turn.
    ///
    /// # Panics
    /// When polled outside a running loop.
    ///
    /// # Cancel safety
    /// Yes: a tick that was not returned is returned by the next call.
    pub async fn tick(&mut self) -> Instant {
        let Some(tick) = self.next else {
            return std::future::pending().await;
        };
        sleep_until(tick).await;
        self.next = self.after(tick, get_running_loop().time());
        tick
    }

    /// The tick that follows `tick`, which was taken at `now`.
    fn after(&self, tick: Instant, now: Instant) -> Option<Instant> {
        match self.missed {
            MissedTicks::Burst => tick.checked_add(self.period),
            MissedTicks::Delay => now.max(tick).checked_add(self.period),
            MissedTicks::Skip => {
                let period = self.period.as_nanos();
                let late = now.saturating_duration_since(tick).as_nanos();
                tick.checked_add(nanoseconds((late / period + 1) * period)?)
            }
        }
    }
}

/// What `Duration::from_nanos` cannot hold in its 64 bits: 584 years. `None` past the end of time.
fn nanoseconds(count: u128) -> Option<Duration> {
    const SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(count / SECOND).ok()?;
    let rest = u32::try_from(count % SECOND).ok()?;
    Some(Duration::new(seconds, rest))
}
