//! The cross-thread half of an executor: the one door through which other threads come in.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use concurrent_queue::ConcurrentQueue;

use crate::context::SendContext;
use crate::entry::{Entry, SendEntry};
use crate::flat::drop_flat;
use crate::home;
use crate::local::{self, Local};

/// Wakes a sleeping executor from any thread.
///
/// The executor calls it after each hand-over from another thread; coalescing is the
/// implementation's business (a reactor's notifier writes to its descriptor at most once per
/// sleep). It must not call back into the executor.
pub trait Notify: Send + Sync + 'static {
    /// Makes the current or the next wait of the executor return soon.
    fn notify(&self);
}

impl<N: Notify + ?Sized> Notify for Arc<N> {
    fn notify(&self) {
        (**self).notify();
    }
}

/// Shared by the executor, its doors, and every wake-up that is on its way.
pub(crate) struct Shared {
    /// What comes through the door: tasks and main futures that other threads have woken, and
    /// callbacks of `call_soon_threadsafe`.
    queue: ConcurrentQueue<SendEntry>,
    /// Set when the executor starts to close: callbacks are refused from then on, while
    /// wake-ups are taken until the last task is gone.
    closing: AtomicBool,
    notifier: Box<dyn Notify>,
}

impl Shared {
    pub(crate) fn new(notifier: Box<dyn Notify>) -> Arc<Self> {
        Arc::new(Self {
            queue: ConcurrentQueue::unbounded(),
            closing: AtomicBool::new(false),
            notifier,
        })
    }

    /// Hands a wake-up over and wakes the executor. That of a task always finds the queue open:
    /// the executor closes it after its last task.
    pub(crate) fn push(&self, entry: SendEntry) {
        // Only a main future's can meet a closed queue, and then nobody is left to care.
        let _ = self.queue.push(entry);
        self.notifier.notify();
    }

    /// Hands a callback over. On the executor's own thread it goes to the ready queue at once, as
    /// in asyncio, so that the order with `call_soon` is kept.
    fn call(&self, call: SendEntry) -> Result<(), Closed> {
        if self.closing.load(Ordering::Acquire) {
            return Err(Closed(()));
        }
        let is_ours = |local: &Local| std::ptr::eq(Arc::as_ptr(&local.shared), self);
        let rest = home::with(|local| match local {
            Some(local) if is_ours(local) => {
                local.push(call.into_entry());
                None
            }
            _ => Some(call),
        });
        let Some(call) = rest else { return Ok(()) };
        if let Some(local) = local::on_this_thread(is_ours) {
            local.push(call.into_entry());
            // Somebody else may be waiting in its place.
            self.notifier.notify();
            return Ok(());
        }
        self.queue.push(call).map_err(|_| Closed(()))?;
        self.notifier.notify();
        Ok(())
    }

    pub(crate) fn pop(&self) -> Option<Entry> {
        self.queue.pop().ok().map(SendEntry::into_entry)
    }

    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn refuse_calls(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub(crate) fn close(&self) {
        self.queue.close();
    }
}

/// The executor has been closed: nothing more can be handed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed(pub(crate) ());

impl fmt::Display for Closed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("event loop is closed")
    }
}

impl std::error::Error for Closed {}

impl From<Closed> for std::io::Error {
    fn from(closed: Closed) -> Self {
        Self::new(std::io::ErrorKind::NotConnected, closed)
    }
}

/// The way into an executor from any thread: `Send`, `Sync`, and cheap to clone.
///
/// It may outlive the executor; then every call is refused.
#[derive(Clone)]
pub struct Door(pub(crate) Arc<Shared>);

impl Door {
    /// Has `callback` called on the executor's thread, in the order of the calls of this
    /// thread, and wakes the executor if it sleeps.
    ///
    /// It runs in a context that holds the caller's variables that may cross threads
    /// ([`ContextVar::shared`](crate::ContextVar::shared)).
    ///
    /// The queue has no bound of its own: like a waker, it must never refuse or wait. Who
    /// floods it from another thread bounds the flood there.
    ///
    /// # Errors
    /// [`Closed`] when the executor has been closed; the callback is dropped uncalled, on this
    /// thread. A callback that was accepted is dropped uncalled, on the executor's thread, when
    /// the executor closes before it ran.
    ///
    /// # Examples
    /// ```
    /// use asyncio_executor::Executor;
    ///
    /// let executor = Executor::new();
    /// let door = executor.door();
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// std::thread::spawn(move || door.call_soon_threadsafe(move || sender.send(7).unwrap()))
    ///     .join()
    ///     .unwrap()
    ///     .unwrap();
    /// executor.run_until_stalled();
    /// assert_eq!(receiver.recv(), Ok(7));
    /// ```
    pub fn call_soon_threadsafe(
        &self,
        callback: impl FnOnce() + Send + 'static,
    ) -> Result<ThreadsafeHandle, Closed> {
        match SendContext::current() {
            None => self.hand_over(callback, ()),
            Some(context) => self.hand_over(callback, context),
        }
    }

    fn hand_over(
        &self,
        callback: impl FnOnce() + Send + 'static,
        context: impl Around,
    ) -> Result<ThreadsafeHandle, Closed> {
        let call = Arc::new(Call {
            callback: Mutex::new(Some(callback)),
            context,
        });
        self.0.call(SendEntry::call(Arc::clone(&call)))?;
        Ok(ThreadsafeHandle(call))
    }

    /// Whether the executor has been closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.closing.load(Ordering::Acquire)
    }

    /// Makes the driver's current or next wait return, without handing anything over: what it does
    /// then is its own affair.
    pub fn notify(&self) {
        self.0.notifier.notify();
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Door")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// A callback on its way to the executor's thread. Cancelled from any thread.
///
/// Dropping the handle does not cancel.
#[derive(Clone)]
pub struct ThreadsafeHandle(Arc<dyn RemoteCall>);

impl ThreadsafeHandle {
    /// Keeps the callback from being called, and drops it at once, on this thread
    /// ([`drop_flat`] tells the one exception, inside destructors). Returns
    /// whether that was in time: `false` when it has started, or was cancelled before.
    ///
    /// Unlike CPython 3.14, this does not wait for a callback that is running on another thread.
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }
}

impl fmt::Debug for ThreadsafeHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ThreadsafeHandle")
            .finish_non_exhaustive()
    }
}

/// A callback of another thread, with its type erased.
pub(crate) trait RemoteCall: Send + Sync {
    /// Calls it, unless it was cancelled.
    fn run(self: Arc<Self>, local: &Local);
    /// Drops it; whether it was still there.
    fn cancel(&self) -> bool;
}

/// What a callback runs in: the variables of who handed it over, or nothing, and then it takes no
/// room. A flood of callbacks takes the time that its memory takes.
trait Around: Send + Sync + 'static {
    fn call(&self, callback: impl FnOnce());
}

impl Around for () {
    fn call(&self, callback: impl FnOnce()) {
        callback();
    }
}

impl Around for SendContext {
    fn call(&self, callback: impl FnOnce()) {
        self.run(callback);
    }
}

struct Call<F, C> {
    callback: Mutex<Option<F>>,
    context: C,
}

impl<F, C> Call<F, C> {
    fn take(&self) -> Option<F> {
        // The lock is held for a move only, which cannot panic.
        self.callback
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Calls it on the executor's thread. The context outlives the call: what is in it must not be
/// dropped while the callback's panic unwinds.
fn run(local: &Local, callback: Option<impl FnOnce()>, context: &impl Around) {
    if let Some(callback) = callback {
        let call = || context.call(callback);
        local.guard(call, || "callback of another thread".to_owned());
    }
}

impl<F: FnOnce() + Send + 'static, C: Around> RemoteCall for Call<F, C> {
    fn run(self: Arc<Self>, local: &Local) {
        // Nearly always nobody has kept the handle: then there is nothing to lock.
        match Arc::try_unwrap(self) {
            Ok(Self { callback, context }) => {
                let callback = callback.into_inner();
                let callback = callback.unwrap_or_else(PoisonError::into_inner);
                run(local, callback, &context);
                local.discard_callback(context);
            }
            Err(shared) => {
                run(local, shared.take(), &shared.context);
                local.discard_callback(shared);
            }
        }
    }

    fn cancel(&self) -> bool {
        let callback = self.take();
        let was_there = callback.is_some();
        drop_flat(callback);
        was_there
    }
}
