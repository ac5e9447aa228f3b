//! The order in which timers are set.
//!
//! Facts: among timers of one moment the first one that was set comes first, and a timeout has its place
//! before it is known whether it needs a timer at all. To ask the loop's queue for a place takes longer
//! than the rest of a timeout around what is ready at once.
//! Consequence: places are counted here, once for the thread, and not in the queues of its loops.

use std::cell::Cell;

use asyncio_timers::Place;

thread_local! {
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// The next place, for a timer of whichever loop of this thread.
#[inline]
pub(crate) fn next() -> Place {
    // A value without a destructor can be reached while the thread's locals are destroyed.
    let number = NEXT.get();
    NEXT.set(number + 1);
    Place::numbered(number)
}
