//! How long to ask the kernel to sleep, so that it is never late by its own choice.
//!
//! Linux gives every timeout of `epoll_wait(2)` and `poll(2)` a slack of 0.1 % or 50 µs, whichever
//! is more (at most 100 ms), and uses it: a wait of 200 ms ends 330 µs late on average where the
//! timer of `timerfd_create(2)`, which has no slack, is 125 µs late; 50 µs end 81 µs late, or 36.
//! (Median of 5 and 3,000 waits, Linux 6.18 on a 2-core virtual machine, 2026.)
//!
//! So a long sleep is made shorter by 0.2 %, more than the slack, and whoever has the deadline
//! sleeps again for the rest. The rest is left to the most exact means there is.

use rustix::event::Timespec;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sleep {
    /// Until something happens.
    Forever,
    /// This long, by the timeout of the call: zero, or far from the deadline.
    Coarse(Duration),
    /// This long, as exactly as can be.
    Exact(Duration),
}

impl Sleep {
    pub(super) fn plan(timeout: Option<Duration>) -> Self {
        match timeout {
            None | Some(Duration::MAX) => Self::Forever,
            Some(Duration::ZERO) => Self::Coarse(Duration::ZERO),
            Some(timeout) if timeout <= EXACT_MAX => Self::Exact(timeout),
            Some(timeout) => {
                let timeout = timeout.min(COARSE_MAX);
                let coarse = timeout - timeout / 500;
                // Whole milliseconds, since older kernels take no others (and round up).
                Self::Coarse(Duration::from_millis(coarse.as_millis() as u64))
            }
        }
    }
}

/// As the kernel takes it. `duration` is one that `plan` gave, so that it fits.
pub(super) fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs() as _,
        tv_nsec: duration.subsec_nanos() as _,
    }
}

/// Up to here a sleep is exact. A smaller bound would save system calls at the price of second
/// wake-ups, which are dearer, and the more so the more often they come.
const EXACT_MAX: Duration = Duration::from_millis(20);

/// A week: nobody minds being woken once a week, and the milliseconds of `epoll_wait` and `poll`,
/// an `int`, end after 24.8 days.
const COARSE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
