//! What the state machines are built on: std's, or loom's where a model is built (`--cfg loom`,
//! `tests/loom.rs`).

#[cfg(not(loom))]
pub(crate) use std::{
    sync::{Mutex, MutexGuard, atomic},
    thread, thread_local,
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::{Mutex, MutexGuard, atomic},
    thread_local,
};

/// Locks, and does not care about poison: no lock of this crate is held while foreign code runs,
/// so a panic cannot leave half a change behind it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Loom has no time: nothing that waits is ever too late.
#[cfg(loom)]
pub(crate) mod thread {
    pub(crate) use loom::thread::{Builder, JoinHandle, Thread, current, park};

    pub(crate) fn park_timeout(_timeout: std::time::Duration) {
        park();
    }
}
