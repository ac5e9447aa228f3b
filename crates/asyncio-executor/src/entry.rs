//! The erased entry of the ready queue: 16 bytes, a pointer and a table of three functions.
//!
//! Facts: tasks, callbacks and I/O dispatches share one FIFO, so that asyncio's order holds
//! across them; a queue of `Box<dyn Trait>` would cost a second allocation for a task, which
//! already is one. Consequence: an entry is what a trait object would be, written by hand, so
//! that each kind chooses what its pointer is: a task's `Runnable`, an `Rc` that stays in place
//! from turn to turn, or a box.
//!
//! This is one of the two files of the crate that may contain `unsafe`.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

use async_task::Runnable;

use crate::home::Home;
use crate::local::Local;
use crate::reports::described;
use crate::shared::RemoteCall;

/// One thing that is ready to run: a task's step, a callback, an I/O dispatch.
///
/// Dropping an entry that did not run releases what it holds: a task's future is dropped, a
/// callback is dropped uncalled.
pub struct Entry {
    data: NonNull<()>,
    table: &'static Table,
}

/// What a kind of entry does. The first argument of each function is the entry's `data`.
///
/// Invariant: `run` and `release` consume `data`, and exactly one of them is called, once;
/// `describe` borrows it.
struct Table {
    run: unsafe fn(NonNull<()>, &Local),
    release: unsafe fn(NonNull<()>),
    describe: unsafe fn(NonNull<()>, &mut fmt::Formatter<'_>) -> fmt::Result,
}

/// Something that the ready queue can run again and again without allocating: a transport's
/// read handler, a timer's action.
///
/// It is held by an `Rc`, so that the same object can be pushed in turn after turn, and in
/// several entries at once.
pub trait Dispatch: 'static {
    /// Does the work. Called once for each entry, on the executor's thread, with no borrow of
    /// the executor held. A panic is caught and goes to the exception handler.
    fn run(self: Rc<Self>);

    /// An entry was dropped without having run: a timer that was removed, an executor that closes.
    /// What only [`run`](Self::run) uses goes here, because whoever else holds the work, a handle
    /// for one, would keep it alive.
    fn discard(&self) {}

    /// The work is about to be queued by [`Recurring::ready`](crate::Recurring::ready): if all that
    /// there is to do is to wake a task, that may be done here, instead of in a run. Returns whether no
    /// entry is to be made.
    ///
    /// It wakes, and does nothing else of a user's: the loop asks while it takes events in, and runs
    /// nothing then.
    fn wake_instead(&self) -> bool {
        false
    }

    /// Names the work, for the exception handler and for debugging.
    ///
    /// # Errors
    /// Those of the formatter.
    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::any::type_name::<Self>())
    }
}

const _: () = assert!(size_of::<Entry>() == 16 || size_of::<usize>() != 8);

impl Entry {
    /// An entry that calls [`Dispatch::run`] on `work`. It does not allocate.
    pub fn dispatch<D: Dispatch>(work: Rc<D>) -> Self {
        let data = Rc::into_raw(work).cast_mut().cast::<()>();
        Self {
            // SAFETY: `Rc::into_raw` never returns null.
            data: unsafe { NonNull::new_unchecked(data) },
            table: &DispatchTable::<D>::TABLE,
        }
    }

    /// An entry that calls `work`; the closure is boxed.
    pub fn call<F: FnOnce() + 'static>(work: F) -> Self {
        Self::dispatch(Rc::new(Once(std::cell::Cell::new(Some(work)))))
    }

    /// A step of a task.
    pub(crate) fn task(runnable: Runnable<Home>) -> Self {
        Self {
            data: runnable.into_raw(),
            table: &TASK_TABLE,
        }
    }

    /// The entry that says that the main future wants a poll. Running it does nothing: the
    /// queue's owner recognises it and polls the main future, which lives on its stack.
    pub(crate) fn main() -> Self {
        Self {
            data: NonNull::dangling(),
            table: &MAIN_TABLE,
        }
    }

    pub(crate) fn is_main(&self) -> bool {
        std::ptr::eq(self.table, &MAIN_TABLE)
    }

    /// Runs the entry. Panics of a callback are caught where the callback is called.
    #[inline]
    pub(crate) fn run(self, local: &Local) {
        let (data, table) = (self.data, self.table);
        std::mem::forget(self);
        // SAFETY: `data` belongs to `table`, and forgetting `self` makes this the one call that
        // consumes it.
        unsafe { (table.run)(data, local) }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // SAFETY: `run` forgets the entry, so `data` was not consumed.
        unsafe { (self.table.release)(self.data) }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: `data` belongs to `table` and is alive as long as the entry.
        unsafe { (self.table.describe)(self.data, formatter) }
    }
}

static TASK_TABLE: Table = Table {
    run: run_task,
    release: release_task,
    describe: describe_task,
};

unsafe fn run_task(data: NonNull<()>, local: &Local) {
    // SAFETY: `data` came from `Runnable::into_raw` in `Entry::task`; `run` consumes it.
    let runnable = unsafe { Runnable::<Home>::from_raw(data) };
    local.step(runnable);
}

unsafe fn release_task(data: NonNull<()>) {
    // SAFETY: as in `run_task`; dropping a runnable drops the task's future.
    drop(unsafe { Runnable::<Home>::from_raw(data) });
}

unsafe fn describe_task(_: NonNull<()>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    formatter.write_str("step of a task")
}

static MAIN_TABLE: Table = Table {
    run: run_main,
    release: release_main,
    describe: describe_main,
};

unsafe fn run_main(_: NonNull<()>, _: &Local) {}

unsafe fn release_main(_: NonNull<()>) {}

unsafe fn describe_main(_: NonNull<()>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    formatter.write_str("step of the main future")
}

/// An entry that another thread has made.
pub(crate) struct SendEntry(Entry);

const _: () = {
    const fn send<T: Send>() {}
    send::<Runnable<Home>>();
};

// SAFETY: made by the three functions below only: from an `Arc` of something that is `Send` and
// `Sync`, from a runnable, which is `Send`, and from nothing. The functions of the tables may run
// wherever those may be.
unsafe impl Send for SendEntry {}

impl SendEntry {
    /// A step of a task that was woken on another thread.
    pub(crate) fn wake(runnable: Runnable<Home>) -> Self {
        Self(Entry::task(runnable))
    }

    /// The main future was woken on another thread.
    pub(crate) fn main() -> Self {
        Self(Entry::main())
    }

    /// An entry that makes `call`. It does not allocate.
    pub(crate) fn call<C: RemoteCall + 'static>(call: Arc<C>) -> Self {
        let data = Arc::into_raw(call).cast_mut().cast::<()>();
        Self(Entry {
            // SAFETY: `Arc::into_raw` never returns null.
            data: unsafe { NonNull::new_unchecked(data) },
            table: &RemoteTable::<C>::TABLE,
        })
    }

    pub(crate) fn into_entry(self) -> Entry {
        self.0
    }
}

/// The table of each type of [`RemoteCall`].
struct RemoteTable<C>(PhantomData<C>);

impl<C: RemoteCall + 'static> RemoteTable<C> {
    const TABLE: Table = Table {
        run: Self::run,
        release: Self::release,
        describe: Self::describe,
    };

    unsafe fn run(data: NonNull<()>, local: &Local) {
        // SAFETY: `data` came from `Arc::<C>::into_raw` in `SendEntry::call`; this takes over its
        // count.
        let call = unsafe { Arc::from_raw(data.cast::<C>().as_ptr().cast_const()) };
        call.run(local);
    }

    unsafe fn release(data: NonNull<()>) {
        // SAFETY: as in `run`.
        let call = unsafe { Arc::from_raw(data.cast::<C>().as_ptr().cast_const()) };
        // Its handle may be there still, on another thread: what it would have called goes here.
        call.cancel();
    }

    unsafe fn describe(_: NonNull<()>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("callback of another thread")
    }
}

/// The table of each type of [`Dispatch`].
struct DispatchTable<D>(PhantomData<D>);

impl<D: Dispatch> DispatchTable<D> {
    const TABLE: Table = Table {
        run: Self::run,
        release: Self::release,
        describe: Self::describe,
    };

    unsafe fn run(data: NonNull<()>, local: &Local) {
        // SAFETY: `data` came from `Rc::<D>::into_raw` in `Entry::dispatch`; this takes over
        // its count.
        let work = unsafe { Rc::from_raw(data.cast::<D>().as_ptr().cast_const()) };
        let again = Rc::clone(&work);
        local.guard(|| work.run(), || described(&*again));
        local.discard_callback(again);
    }

    unsafe fn release(data: NonNull<()>) {
        // SAFETY: as in `run`.
        let work = unsafe { Rc::from_raw(data.cast::<D>().as_ptr().cast_const()) };
        work.discard();
        crate::flat::drop_flat(work);
    }

    unsafe fn describe(data: NonNull<()>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: `data` points into an `Rc<D>` that the entry keeps alive.
        unsafe { data.cast::<D>().as_ref() }.describe(formatter)
    }
}

/// A closure that is called once.
struct Once<F>(std::cell::Cell<Option<F>>);

impl<F: FnOnce() + 'static> Dispatch for Once<F> {
    fn run(self: Rc<Self>) {
        if let Some(work) = self.0.take() {
            work();
        }
    }
}
