//! The loop that this thread is running.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use crate::inner::Inner;
use crate::loop_ref::LoopRef;

thread_local! {
    /// Without a destructor, so that nobody who asks has to ask first whether that has run: `enter`,
    /// which alone sets it, takes it back.
    static RUNNING: Cell<ManuallyDrop<Option<LoopRef>>> =
        const { Cell::new(ManuallyDrop::new(None)) };
}

/// Calls `f` with `inner` as the running loop of this thread.
pub(crate) fn enter<R>(inner: &Rc<Inner>, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<LoopRef>);
    impl Drop for Restore {
        fn drop(&mut self) {
            drop(replace(self.0.take()));
        }
    }
    let _restore = Restore(replace(Some(LoopRef::new(inner))));
    inner.executor.enter(f)
}

#[inline]
fn replace(running: Option<LoopRef>) -> Option<LoopRef> {
    ManuallyDrop::into_inner(RUNNING.replace(ManuallyDrop::new(running)))
}

/// The loop that this thread is running, if it runs one.
#[inline]
pub(crate) fn running() -> Option<LoopRef> {
    let running = replace(None);
    let copy = running.clone();
    replace(running);
    copy
}

/// The loop that this thread is running.
///
/// # Panics
/// Outside a running loop, where asyncio raises `RuntimeError`.
///
/// # Examples
/// ```
/// use asyncio_loop::{EventLoop, get_running_loop};
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     get_running_loop().call_soon(|| println!("soon"));
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
#[must_use]
#[track_caller]
pub fn get_running_loop() -> LoopRef {
    try_running_loop().expect(NO_LOOP)
}

/// The loop that this thread is running, if it runs one.
#[inline]
#[must_use]
pub fn try_running_loop() -> Option<LoopRef> {
    running()
}

/// The one message of everything that needs a running loop.
pub(crate) const NO_LOOP: &str = "no running event loop: call this from a task or callback of one \
     (`asyncio::run`, `EventLoop::run_until_complete`), or use the method of `EventLoop`, where there \
     is one";
