//! `Notify`: waking one task or all, without a value.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::waiters::{Stage, Ticket, Waiters};

/// Wakes those who wait, one or all; one wake-up is kept for who comes later. tokio's `Notify`;
/// asyncio has none.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_sync::Notify;
/// use std::rc::Rc;
///
/// let executor = Executor::new();
/// let work = Rc::new(Notify::new());
/// work.notify_one();
/// work.notify_one(); // only one is kept
/// let task = executor.create_task({
///     let work = work.clone();
///     async move {
///         work.notified().await; // at once
///         work.notified().await;
///     }
/// });
/// executor.run_until_stalled();
/// assert!(!task.done());
/// work.notify_waiters();
/// executor.run_until_complete(task).unwrap().unwrap();
/// ```
#[derive(Default)]
pub struct Notify {
    /// A wake-up for who comes next.
    kept: Cell<bool>,
    waiters: Waiters,
}

impl Notify {
    /// Nobody waits, and no wake-up is kept.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the one who has waited longest; if nobody waits, the next who comes does not wait.
    pub fn notify_one(&self) {
        if !self.waiters.wake_next() {
            self.kept.set(true);
        }
    }

    /// Wakes everybody who waits now. Nothing is kept for others.
    pub fn notify_waiters(&self) {
        self.waiters.wake_all();
    }

    /// Waits for a wake-up. It waits from its first poll on: what is notified before, by
    /// [`notify_waiters`](Self::notify_waiters), is not for it.
    ///
    /// # Cancel safety
    /// Yes: dropped, it passes on what [`notify_one`](Self::notify_one) has woken it for.
    #[inline]
    pub fn notified(&self) -> Notified<'_> {
        Notified {
            notify: self,
            ticket: Ticket::default(),
        }
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Notify")
            .field("kept", &self.kept.get())
            .field("waiters", &self.waiters.len())
            .finish()
    }
}

/// Future of [`Notify::notified`].
#[must_use = "futures do nothing unless polled"]
pub struct Notified<'a> {
    notify: &'a Notify,
    ticket: Ticket,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { notify, ticket } = &mut *self;
        let ready = match notify.waiters.stage(ticket) {
            Stage::Woken | Stage::Told => true,
            // Kept though somebody waits: that one was passed over, and then not dropped.
            Stage::Fresh | Stage::Waiting | Stage::PassedOver => notify.kept.take(),
        };
        if ready {
            notify.waiters.leave(ticket);
            return Poll::Ready(());
        }
        notify.waiters.wait(ticket, cx, 1);
        Poll::Pending
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        if self.notify.waiters.leave(&mut self.ticket) == Stage::Woken {
            self.notify.notify_one();
        }
    }
}

impl fmt::Debug for Notified<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Notified").finish_non_exhaustive()
    }
}
