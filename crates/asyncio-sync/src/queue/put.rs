//! Waiting for room.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::queue::{BaseQueue, PutNowaitError, QueueFull, QueueShutDown, Store};
use crate::waiters::{Stage, Ticket};

/// Future of [`Queue::put`](BaseQueue::put).
#[must_use = "futures do nothing unless polled"]
pub struct Put<'a, T, S: Store<T>> {
    queue: &'a BaseQueue<T, S>,
    /// `None` once it was ready.
    item: Option<T>,
    ticket: Ticket,
}

impl<'a, T, S: Store<T>> Put<'a, T, S> {
    #[inline]
    pub(super) fn new(queue: &'a BaseQueue<T, S>, item: T) -> Self {
        Self {
            queue,
            item: Some(item),
            ticket: Ticket::default(),
        }
    }

    /// Whether it may look: not before it was woken, or the room would be another's.
    #[inline]
    fn may_look(&self) -> bool {
        if self.ticket.is_fresh() {
            return true;
        }
        let BaseQueue { putters, limit, .. } = self.queue;
        match putters.stage(&self.ticket) {
            Stage::Fresh | Stage::Woken | Stage::Told => true,
            // It was passed over, and then not dropped: nobody else will wake it.
            Stage::Waiting => {
                let room = limit.saturating_sub(self.queue.qsize());
                self.queue.is_shutdown() || room > putters.woken()
            }
            Stage::PassedOver => false,
        }
    }
}

/// Nothing in it is pinned.
impl<T, S: Store<T>> Unpin for Put<'_, T, S> {}

impl<T, S: Store<T>> Future for Put<'_, T, S> {
    type Output = Result<(), QueueShutDown<T>>;

    /// # Panics
    /// When polled again after it was ready.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let may_look = self.may_look();
        let Self {
            queue,
            item: place,
            ticket,
        } = &mut *self;
        if may_look {
            let item = place.take().expect("polled after completion");
            let put = match queue.put_nowait(item) {
                Ok(()) => Some(Ok(())),
                Err(PutNowaitError::ShutDown(error)) => Some(Err(error)),
                Err(PutNowaitError::Full(QueueFull(item))) => {
                    *place = Some(item);
                    None
                }
            };
            if let Some(put) = put {
                queue.putters.leave(ticket);
                return Poll::Ready(put);
            }
        }
        queue.putters.wait(ticket, cx, 1);
        Poll::Pending
    }
}

impl<T, S: Store<T>> Drop for Put<'_, T, S> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.is_fresh() {
            return;
        }
        let BaseQueue { putters, .. } = self.queue;
        if putters.leave(&mut self.ticket) == Stage::Woken && !self.queue.full() {
            putters.wake_next();
        }
    }
}

impl<T, S: Store<T>> fmt::Debug for Put<'_, T, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Put")
            .field("waits", &!self.ticket.is_fresh())
            .finish_non_exhaustive()
    }
}
