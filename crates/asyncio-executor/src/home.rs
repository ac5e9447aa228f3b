//! Where a task belongs, and which executor this thread is running: the way from a waker to the
//! ready queue.
//!
//! Facts: a wake is the hottest path of a runtime. On the executor's own thread it must be a
//! push on a `VecDeque`; from any other thread a lock-free push and, if the executor sleeps, a
//! notification. The waker of async-task knows only the task's metadata, which may be read and
//! dropped on any thread.
//!
//! Decision: the metadata is one pointer to the executor's cross-thread half, compared with the
//! one of the executor that runs on this thread (a thread-local pointer). It does not count
//! references: two atomic operations a task are a tenth of what a task costs. It may be
//! dereferenced only on the way of a wake-up that has yet to hand over its runnable, and that is
//! enough to keep it alive: closing an executor does not end before each of its tasks is gone,
//! and a task whose runnable is in a waker's hands is not gone (`Local::close`).
//!
//! This is one of the two files of the crate that may contain `unsafe`.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::Arc;

use async_task::Runnable;

use crate::entry::{Entry, SendEntry};
use crate::local::{self, Local};
use crate::shared::Shared;

/// The metadata of a task: the executor that it belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Home(NonNull<Shared>);

// SAFETY: `Shared` is `Send + Sync`, and the pointer is dereferenced only as the module's
// documentation says, while the executor's own `Arc` keeps its target alive.
unsafe impl Send for Home {}
// SAFETY: as for `Send`; `Home` has no interior mutability.
unsafe impl Sync for Home {}

const _: () = {
    const fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Shared>();
};

impl Home {
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        Self(NonNull::from(&**shared))
    }

    pub(crate) fn is(self, shared: &Arc<Shared>) -> bool {
        ptr::eq(self.0.as_ptr(), Arc::as_ptr(shared))
    }

    /// The cross-thread half, counted.
    ///
    /// # Safety
    /// A task of this executor must be kept from ending, by holding its runnable, until this
    /// returns.
    unsafe fn shared(self) -> Arc<Shared> {
        let shared = self.0.as_ptr().cast_const();
        // SAFETY: the pointer comes from an `Arc` that the executor holds until its last task is
        // gone, and the caller keeps a task from ending.
        unsafe { Arc::increment_strong_count(shared) };
        // SAFETY: the count was just taken for this `Arc`.
        unsafe { Arc::from_raw(shared) }
    }
}

thread_local! {
    /// The executor whose code this thread runs now; null outside one.
    ///
    /// Invariant: set by `enter` only, which takes it back before the `Rc` that it borrows can go.
    static CURRENT: Cell<*const Rc<Local>> = const { Cell::new(ptr::null()) };
}

/// Calls `f` with `local` as the executor that this thread runs.
pub(crate) fn enter<R>(local: &Rc<Local>, f: impl FnOnce() -> R) -> R {
    struct Restore(*const Rc<Local>);
    impl Drop for Restore {
        #[inline]
        fn drop(&mut self) {
            let _ = CURRENT.try_with(|current| current.set(self.0));
        }
    }
    let _restore = Restore(
        CURRENT
            .try_with(|current| current.replace(local))
            .unwrap_or(ptr::null()),
    );
    f()
}

/// Calls `f` with the executor that this thread runs, if it runs one. Also works while the
/// thread's locals are being destroyed.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(Option<&Rc<Local>>) -> R) -> R {
    let current = CURRENT.try_with(Cell::get).unwrap_or(ptr::null());
    // SAFETY: a pointer that is not null was set by an `enter` further up this stack, which
    // borrows the `Rc` until after it has taken the pointer back; `f` cannot outlive this call.
    f(unsafe { current.as_ref() })
}

/// Puts a woken task into its executor's queue: the schedule function of every task. A fn item,
/// so that a wake costs one atomic operation and not three.
pub(crate) fn schedule(runnable: Runnable<Home>) {
    let home = *runnable.metadata();
    let rest = with(|local| match local {
        Some(local) if home.is(&local.shared) => {
            local.push(Entry::task(runnable));
            None
        }
        _ => Some(runnable),
    });
    if let Some(runnable) = rest {
        schedule_elsewhere(home, runnable);
    }
}

/// The same for an executor that this thread does not run now: one of its own that is not
/// running, or another thread's.
#[cold]
fn schedule_elsewhere(home: Home, runnable: Runnable<Home>) {
    if let Some(local) = local::on_this_thread(|local| home.is(&local.shared)) {
        return local.push(Entry::task(runnable));
    }
    // SAFETY: `runnable` is in our hands, so its task has not ended. The count that we get
    // keeps the target alive past the push, after which the executor may be gone.
    let shared = unsafe { home.shared() };
    shared.push(SendEntry::wake(runnable));
}
