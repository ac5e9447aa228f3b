//! How many requests there are around: how a request of one's own is told from another's.

use crate::home;
use crate::local::Local;

/// The sum of the requests on the scope that is being polled and on those around it.
///
/// Whoever makes a request of its own (a timeout, a group) compares it at entry and exit, to
/// convert its own request and never somebody else's. 0 outside an executor.
#[inline]
#[must_use]
pub fn requests_around() -> u32 {
    home::with(|local| match local {
        Some(local) if local.tree.is_counted() => sum_around(local),
        _ => 0,
    })
}

/// The same where there may be some.
#[cold]
pub(super) fn sum_around(local: &Local) -> u32 {
    let current = local.tree.current.get();
    let here = if current.is_none() {
        local.tasks.root(local.current.get())
    } else {
        current
    };
    local.tree.requests_from(here)
}
