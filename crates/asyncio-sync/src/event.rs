//! `Event`: something has happened, for everybody who waits for it.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::waiters::{Stage, Ticket, Waiters};

/// A flag that tasks wait for. asyncio's `Event`.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_sync::Event;
/// use std::rc::Rc;
///
/// let executor = Executor::new();
/// let ready = Rc::new(Event::new());
/// let waiter = executor.create_task({
///     let ready = ready.clone();
///     async move { ready.wait().await }
/// });
/// executor.run_until_stalled();
/// ready.set();
/// ready.clear(); // who waited is woken all the same
/// executor.run_until_complete(waiter).unwrap().unwrap();
/// assert!(!ready.is_set());
/// ```
#[derive(Default)]
pub struct Event {
    set: Cell<bool>,
    waiters: Waiters,
}

impl Event {
    /// An event that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag and wakes everybody who waits, in order of arrival, also if
    /// [`clear`](Self::clear) follows at once. Does nothing when it is set already.
    pub fn set(&self) {
        if !self.set.replace(true) {
            self.waiters.wake_all();
        }
    }

    /// Takes the flag back: who waits from now on waits for the next [`set`](Self::set).
    pub fn clear(&self) {
        self.set.set(false);
    }

    /// Whether the flag is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.set.get()
    }

    /// Waits until the flag is set; not at all, not even for a turn, if it is.
    ///
    /// # Cancel safety
    /// Yes.
    #[inline]
    pub fn wait(&self) -> EventWait<'_> {
        EventWait {
            event: self,
            ticket: Ticket::default(),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Event")
            .field("set", &self.is_set())
            .field("waiters", &self.waiters.len())
            .finish()
    }
}

/// Future of [`Event::wait`].
#[must_use = "futures do nothing unless polled"]
pub struct EventWait<'a> {
    event: &'a Event,
    ticket: Ticket,
}

impl Future for EventWait<'_> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { event, ticket } = &mut *self;
        let waiters = &event.waiters;
        match waiters.stage(ticket) {
            Stage::Fresh if event.is_set() => Poll::Ready(()),
            Stage::Woken | Stage::Told => {
                waiters.leave(ticket);
                Poll::Ready(())
            }
            Stage::Fresh | Stage::Waiting | Stage::PassedOver => {
                waiters.wait(ticket, cx, 1);
                Poll::Pending
            }
        }
    }
}

impl Drop for EventWait<'_> {
    #[inline]
    fn drop(&mut self) {
        self.event.waiters.leave(&mut self.ticket);
    }
}

impl fmt::Debug for EventWait<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EventWait").finish_non_exhaustive()
    }
}
