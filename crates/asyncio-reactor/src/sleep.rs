//! When a notification must cost a system call: the agreement between one sleeper and many wakers.
//!
//! The sleeper looks for work, finds none and goes to sleep in the kernel; a waker publishes work
//! and calls `notify`. Two things must hold: work published before `notify` is never slept over, and
//! the system call that ends a sleep is made at most once a sleep, and never when nobody sleeps.
//!
//! ```text
//!            fall_asleep (ok)              notify -> true: end the sleep
//!   AWAKE ────────────────────▶ SLEEPING ────────────────────▶ NOTIFIED
//!   ▲ ▲ │                          │                              │ │ ▲
//!   │ │ └──────────────────────────┼── notify -> false ───────────┼─┼─┘
//!   │ └────────── wake_up -> false ┘                              │ └ fall_asleep: refused, stays
//!   └──────────────────────────────────────── wake_up -> true ────┘
//! ```
//!
//! The sleeper takes the published work *after* `wake_up`. Every step is a read-modify-write of one
//! atomic, so they are totally ordered: a `notify` that comes before `wake_up` hands its work over
//! with it (release, acquire), one that comes after it leaves NOTIFIED behind, which refuses the
//! next sleep. `tests/loom_notify.rs` checks this under every interleaving.
//!
//! This file depends on nothing, so that the model contains nothing but it.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU8, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU8, Ordering};

/// The sleeper is running; it will look for work before it sleeps again. Set by `wake_up` only.
const AWAKE: u8 = 0;
/// The sleeper is in the kernel, or about to enter it. Set by `fall_asleep` only, from AWAKE.
const SLEEPING: u8 = 1;
/// There is work that the sleeper has not looked for yet. Set by `notify`, cleared by `wake_up`.
const NOTIFIED: u8 = 2;

/// The state of one sleeper. Only one thread may call `fall_asleep` and `wake_up`.
#[derive(Debug)]
pub(crate) struct Sleep(AtomicU8);

impl Sleep {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(AWAKE))
    }

    /// A waker has published work. True: the sleeper may be in the kernel, and the caller is the one
    /// who must end that sleep.
    pub(crate) fn notify(&self) -> bool {
        // Not a load first: a load may be satisfied before the published work is visible, and would
        // then trust a NOTIFIED that the sleeper has already answered.
        self.0.swap(NOTIFIED, Ordering::AcqRel) == SLEEPING
    }

    /// The sleeper is about to sleep. False: there is work, do not.
    pub(crate) fn fall_asleep(&self) -> bool {
        self.0
            .compare_exchange(AWAKE, SLEEPING, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// The sleeper is back. True: somebody has notified it; look for work now.
    pub(crate) fn wake_up(&self) -> bool {
        self.0.swap(AWAKE, Ordering::AcqRel) == NOTIFIED
    }
}
