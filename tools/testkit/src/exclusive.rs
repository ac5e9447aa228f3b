//! One test at a time: a process-wide lock for tests that look at the whole process.
//!
//! libtest runs the tests of a binary on several threads. A test that counts descriptors must not
//! see those of its neighbour, so all tests of such a binary take this lock. Their threads are also
//! remembered by number while they wait: a test thread that libtest started meanwhile is not a leak
//! of the test that runs.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

static LOCK: Mutex<()> = Mutex::new(());
/// Threads that belong to tests: those in `exclusive`, waiting or running, and watchdogs.
static TEST_THREADS: Mutex<Vec<u64>> = Mutex::new(Vec::new());

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Holds the process-wide lock until it is dropped. Made by [`exclusive()`].
#[derive(Debug)]
#[must_use = "the lock is released as soon as this is dropped"]
pub struct Exclusive {
    /// `None` when this thread held the lock already. Dropped before `_registered`, so that a
    /// thread is known as a test's for as long as it holds the lock.
    _guard: Option<MutexGuard<'static, ()>>,
    _registered: Registered,
}

/// Waits until no other thread holds the process-wide lock, and takes it.
///
/// A thread that holds it already gets a guard at once that does nothing; the lock is released with
/// the thread's first guard. A test that panics releases it.
///
/// ```
/// let _alone = asyncio_testkit::exclusive();
/// ```
pub fn exclusive() -> Exclusive {
    let registered = Registered::current_thread();
    let depth = DEPTH.get();
    DEPTH.set(depth + 1);
    Exclusive {
        _guard: (depth == 0).then(|| LOCK.lock().unwrap_or_else(PoisonError::into_inner)),
        _registered: registered,
    }
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Marks the current thread as a test's own until it is dropped.
#[derive(Debug)]
pub(crate) struct Registered(u64);

impl Registered {
    pub(crate) fn current_thread() -> Registered {
        let id = current_thread_id();
        test_threads().push(id);
        Registered(id)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut threads = test_threads();
        if let Some(index) = threads.iter().position(|&id| id == self.0) {
            threads.swap_remove(index);
        }
    }
}

/// Whether the thread with this number in `/proc/self/task` belongs to a test.
pub(crate) fn is_test_thread(id: u64) -> bool {
    test_threads().contains(&id)
}

fn test_threads() -> MutexGuard<'static, Vec<u64>> {
    TEST_THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(target_os = "linux")]
fn current_thread_id() -> u64 {
    rustix::thread::gettid()
        .as_raw_nonzero()
        .get()
        .unsigned_abs()
        .into()
}

/// Elsewhere threads are not looked at, so nobody asks for their numbers.
#[cfg(not(target_os = "linux"))]
fn current_thread_id() -> u64 {
    0
}
