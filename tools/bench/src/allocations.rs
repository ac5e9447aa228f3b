//! The allocator of this binary: the system's, and a count of live bytes and of allocations.
//!
//! It counts only between [`start`] and [`stop`], so that the other cases pay one relaxed load and
//! a branch that is always predicted. Whatever it costs, it costs every contender alike. Bytes are
//! what was asked for, without the rounding of the system's allocator.

#![expect(
    unsafe_code,
    reason = "a global allocator can only be written with unsafe"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

static COUNTING: AtomicBool = AtomicBool::new(false);
static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What was allocated between [`start`] and [`stop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Bytes asked for, less bytes given back; negative if more was given back.
    pub live_bytes: i64,
    /// Calls that asked for memory, growing included.
    pub allocations: u64,
}

/// Begins to count, from zero.
pub fn start() {
    LIVE_BYTES.store(0, Relaxed);
    ALLOCATIONS.store(0, Relaxed);
    COUNTING.store(true, Relaxed);
}

/// Ends counting and tells what was counted.
pub fn stop() -> Count {
    COUNTING.store(false, Relaxed);
    Count {
        live_bytes: LIVE_BYTES.load(Relaxed),
        allocations: ALLOCATIONS.load(Relaxed),
    }
}

#[derive(Debug)]
struct Counting;

impl Counting {
    #[inline]
    fn count(&self, bytes: i64, allocations: u64) {
        if COUNTING.load(Relaxed) {
            LIVE_BYTES.fetch_add(bytes, Relaxed);
            ALLOCATIONS.fetch_add(allocations, Relaxed);
        }
    }
}

fn signed(bytes: usize) -> i64 {
    bytes as i64 // no layout is larger than `isize::MAX`
}

// SAFETY: every call goes to the system's allocator with the arguments it came with; counting
// touches atomics only, so it neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(signed(layout.size()), 1);
        // SAFETY: the caller's promise about `layout` is the one that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count(signed(layout.size()), 1);
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.count(-signed(layout.size()), 0);
        // SAFETY: `block` came from this allocator with `layout`, hence from `System`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.count(signed(size) - signed(layout.size()), 1);
        // SAFETY: as in `dealloc`, and the caller's promise about `size` is passed on.
        unsafe { System.realloc(block, layout, size) }
    }
}
