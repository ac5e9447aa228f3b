//! `watch`: one value that changes, and those who want to know its latest state.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

pub use crate::channel::{RecvError, SendError};
use crate::event::Event;
use crate::waiters::{Ticket, Waiters};

/// A value that changes, and that many look at: who looks sees the latest, not each.
///
/// A look is a reference of its own to the value as it was: nothing is locked by it.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_sync::watch;
///
/// let executor = Executor::new();
/// let (sender, mut receiver) = watch::channel("starting");
/// let task = executor.create_task(async move {
///     receiver.changed().await.unwrap();
///     *receiver.get_and_update()
/// });
/// executor.run_until_stalled();
/// sender.send("loading").unwrap();
/// sender.send("ready").unwrap();
/// assert_eq!(executor.run_until_complete(task).unwrap().unwrap(), "ready");
/// ```
#[must_use]
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared {
        value: RefCell::new(Rc::new(value)),
        version: Cell::new(0),
        senders: Cell::new(1),
        receivers: Cell::new(0),
        watchers: Waiters::default(),
        unwatched: Event::new(),
    });
    let receiver = Receiver::new(&shared, 0);
    (Sender(shared), receiver)
}

struct Shared<T> {
    value: RefCell<Rc<T>>,
    /// How often it was changed.
    version: Cell<u64>,
    senders: Cell<usize>,
    receivers: Cell<usize>,
    watchers: Waiters,
    /// Set while nobody receives.
    unwatched: Event,
}

impl<T> Shared<T> {
    fn get(&self) -> Rc<T> {
        let value = self.value.try_borrow();
        Rc::clone(&value.expect("a value is being changed, which cannot be looked at"))
    }

    fn tell_change(&self) {
        self.version.set(self.version.get() + 1);
        self.watchers.wake_all();
    }
}

/// The end that changes the value. Clones change the same.
pub struct Sender<T>(Rc<Shared<T>>);

/// An end that looks at the value, and knows which state it has seen.
pub struct Receiver<T> {
    shared: Rc<Shared<T>>,
    seen: u64,
}

impl<T> Sender<T> {
    /// Changes the value.
    ///
    /// # Errors
    /// When nobody looks; the value comes back.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.0.receivers.get() == 0 {
            return Err(SendError(value));
        }
        self.send_replace(value);
        Ok(())
    }

    /// Changes the value, also if nobody looks, and returns the old one.
    pub fn send_replace(&self, value: T) -> Rc<T> {
        let old = self.0.value.replace(Rc::new(value));
        self.0.tell_change();
        old
    }

    /// Changes the value where it is, also if nobody looks. While somebody keeps a look at it, that
    /// is of a value as it was, and this changes a clone; else nothing is cloned.
    ///
    /// # Panics
    /// When `change` does: what it has done stays, and nobody is told. When `change`, or the
    /// clone, uses the channel.
    pub fn send_modify(&self, change: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        self.send_if_modified(|value| {
            change(value);
            true
        });
    }

    /// [`send_modify`](Self::send_modify) for what may find nothing to change: those who wait are
    /// told only if `change` returns `true`, as this does then.
    ///
    /// # Panics
    /// As [`send_modify`](Self::send_modify).
    pub fn send_if_modified(&self, change: impl FnOnce(&mut T) -> bool) -> bool
    where
        T: Clone,
    {
        let changed = change(Rc::make_mut(&mut self.0.value.borrow_mut()));
        if changed {
            self.0.tell_change();
        }
        changed
    }

    /// The value as it is.
    #[must_use]
    pub fn get(&self) -> Rc<T> {
        self.0.get()
    }

    /// An end that looks, and has seen the value as it is.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(&self.0, self.0.version.get())
    }

    /// Waits until nobody looks.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn closed(&self) {
        while !self.is_closed() {
            self.0.unwatched.wait().await;
        }
    }

    /// Whether nobody looks.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// How many look.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.0.receivers.get()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.senders.set(self.0.senders.get() + 1);
        Self(Rc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.senders.set(self.0.senders.get() - 1);
        if self.0.senders.get() == 0 {
            self.0.watchers.wake_all();
        }
    }
}

impl<T> Receiver<T> {
    fn new(shared: &Rc<Shared<T>>, seen: u64) -> Self {
        shared.receivers.set(shared.receivers.get() + 1);
        shared.unwatched.clear();
        Self {
            shared: Rc::clone(shared),
            seen,
        }
    }

    /// The value as it is.
    #[must_use]
    pub fn get(&self) -> Rc<T> {
        self.shared.get()
    }

    /// The value as it is, which counts as seen from now on.
    pub fn get_and_update(&mut self) -> Rc<T> {
        self.seen = self.shared.version.get();
        self.shared.get()
    }

    /// Whether the value has changed since it was seen.
    ///
    /// # Errors
    /// When it has not, and cannot any more: all senders are gone.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        let changed = self.seen != self.shared.version.get();
        if !changed && self.shared.senders.get() == 0 {
            return Err(RecvError);
        }
        Ok(changed)
    }

    /// Waits until the value has changed since it was seen, and counts it as seen.
    ///
    /// # Errors
    /// When it has not, and cannot any more: all senders are gone.
    ///
    /// # Cancel safety
    /// Yes: dropped, nothing was seen.
    pub async fn changed(&mut self) -> Result<(), RecvError> {
        let mut watching = Watching {
            watchers: &self.shared.watchers,
            ticket: Ticket::default(),
        };
        let (shared, seen) = (&self.shared, self.seen);
        let look = |cx: &mut Context<'_>| {
            if seen != shared.version.get() {
                return Poll::Ready(Ok(()));
            }
            if shared.senders.get() == 0 {
                return Poll::Ready(Err(RecvError));
            }
            watching.watchers.wait(&mut watching.ticket, cx, 1);
            Poll::Pending
        };
        poll_fn(look).await?;
        self.seen = self.shared.version.get();
        Ok(())
    }

    /// Waits until the value satisfies `predicate`: looks at once, and again whenever it changes.
    /// Counts what `predicate` has looked at as seen.
    ///
    /// # Errors
    /// When it does not, and cannot change any more: all senders are gone.
    ///
    /// # Cancel safety
    /// Yes: dropped, it has seen what `predicate` has looked at, which was refused.
    pub async fn wait_for(
        &mut self,
        mut predicate: impl FnMut(&T) -> bool,
    ) -> Result<Rc<T>, RecvError> {
        loop {
            let value = self.get_and_update();
            if predicate(&value) {
                return Ok(value);
            }
            drop(value);
            self.changed().await?;
        }
    }
}

/// An entry among the watchers, which goes with it.
struct Watching<'a> {
    watchers: &'a Waiters,
    ticket: Ticket,
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        self.watchers.leave(&mut self.ticket);
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self::new(&self.shared, self.seen)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.receivers.set(self.shared.receivers.get() - 1);
        if self.shared.receivers.get() == 0 {
            self.shared.unwatched.set();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sender")
            .field("value", &self.get())
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Receiver")
            .field("value", &self.get())
            .finish_non_exhaustive()
    }
}
