//! Counting the heap: a global allocator that a test binary installs, and what it counted.
//!
//! The counters of the process are sums over all threads, so a comparison of them is exact only
//! while nothing else runs ([`exclusive`](crate::exclusive()), or a process of one's own). The
//! counters of a thread ([`on_this_thread`]) are exact always.
//!
//! ```
//! use asyncio_testkit::heap::{self, CountingAllocator};
//!
//! #[global_allocator]
//! static ALLOCATOR: CountingAllocator = CountingAllocator;
//!
//! let (boxed, used) = heap::on_this_thread(|| Box::new(7_u64));
//! assert_eq!((used.allocations, used.live_bytes), (1, 8));
//! drop(boxed);
//! ```
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bytes that are allocated now.
static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);
/// The largest value that `LIVE_BYTES` had since the last [`reset_peak`].
static PEAK_BYTES: AtomicUsize = AtomicUsize::new(0);
/// Successful calls of `alloc`, `alloc_zeroed` and `realloc` since the process began.
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    // Neither is lazy nor has a destructor, so that the allocator can use them at any time.
    static ALLOCATIONS_HERE: Cell<u64> = const { Cell::new(0) };
    static LIVE_BYTES_HERE: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, counted.
///
/// Install it in a test binary with `#[global_allocator]`; without it all counters stay zero, and
/// [`is_installed`] says so.
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

// SAFETY: Every method passes its arguments unchanged to `System` and returns what `System`
// returned; the counting in between neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: The caller keeps `GlobalAlloc::alloc`'s contract, which is `System`'s.
        let pointer = unsafe { System.alloc(layout) };
        if !pointer.is_null() {
            allocated(layout.size());
        }
        pointer
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: The caller keeps `GlobalAlloc::alloc_zeroed`'s contract, which is `System`'s.
        let pointer = unsafe { System.alloc_zeroed(layout) };
        if !pointer.is_null() {
            allocated(layout.size());
        }
        pointer
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        freed(layout.size());
        // SAFETY: `pointer` came from one of the methods above, so from `System`, with `layout`.
        unsafe { System.dealloc(pointer, layout) };
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: `pointer` came from one of the methods above, so from `System`, with `layout`;
        // the caller keeps the rest of `GlobalAlloc::realloc`'s contract.
        let moved = unsafe { System.realloc(pointer, layout, new_size) };
        if !moved.is_null() {
            freed(layout.size());
            allocated(new_size);
        }
        moved
    }
}

fn allocated(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    let live = LIVE_BYTES
        .fetch_add(bytes, Ordering::Relaxed)
        .wrapping_add(bytes);
    PEAK_BYTES.fetch_max(live, Ordering::Relaxed);
    ALLOCATIONS_HERE.with(|count| count.set(count.get() + 1));
    LIVE_BYTES_HERE.with(|live| live.set(live.get() + bytes as i64));
}

fn freed(bytes: usize) {
    LIVE_BYTES.fetch_sub(bytes, Ordering::Relaxed);
    LIVE_BYTES_HERE.with(|live| live.set(live.get() - bytes as i64));
}

/// Whether [`CountingAllocator`] is this process's global allocator.
///
/// It looks at whether anything was ever counted: a process that runs tests has allocated.
pub fn is_installed() -> bool {
    ALLOCATIONS.load(Ordering::Relaxed) > 0
}

/// Bytes of the heap that are allocated now, by all threads.
pub fn live_bytes() -> usize {
    LIVE_BYTES.load(Ordering::Relaxed)
}

/// The most bytes that were allocated at once since the process began or [`reset_peak`].
pub fn peak_bytes() -> usize {
    PEAK_BYTES.load(Ordering::Relaxed)
}

/// Lets the peak start again at what is live now.
pub fn reset_peak() {
    PEAK_BYTES.store(live_bytes(), Ordering::Relaxed);
}

/// Allocations since the process began, by all threads; a `realloc` counts as one.
pub fn allocations() -> u64 {
    ALLOCATIONS.load(Ordering::Relaxed)
}

/// What a piece of code did to the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Calls of the allocator that gave memory; a `realloc` counts as one.
    pub allocations: u64,
    /// Bytes allocated less bytes freed: negative when more was freed.
    pub live_bytes: i64,
}

/// Runs `code` and tells what *this thread* did to the heap meanwhile, whatever other threads do.
///
/// # Panics
///
/// When [`CountingAllocator`] is not installed: a count of zero would then prove nothing.
pub fn on_this_thread<R>(code: impl FnOnce() -> R) -> (R, Use) {
    assert!(
        is_installed(),
        "install `asyncio_testkit::heap::CountingAllocator` with #[global_allocator] to count"
    );
    let allocations = ALLOCATIONS_HERE.get();
    let live_bytes = LIVE_BYTES_HERE.get();
    let result = code();
    let used = Use {
        allocations: ALLOCATIONS_HERE.get() - allocations,
        live_bytes: LIVE_BYTES_HERE.get() - live_bytes,
    };
    (result, used)
}
