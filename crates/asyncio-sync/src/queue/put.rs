//! Waiting for room.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::queue::{BaseQueue, QueueShutDown, Store};
use crate::waiters::{Stage, Ticket};

/// Future of [`Queue::put`](BaseQueue::put).
#[must_use = "futures do nothing unless polled"]
pub struct QueuePut<'a, T, S: Store<T>> {
    queue: &'a BaseQueue<T, S>,
    /// `None` once it was ready.
    item: Option<T>,
    ticket: Ticket,
}

impl<'a, T, S: Store<T>> QueuePut<'a, T, S> {
    #[inline]
    pub(super) fn new(queue: &'a BaseQueue<T, S>, item: T) -> Self {
        Self {
            queue,
            item: Some(item),
            ticket: Ticket::default(),
        }
    }

    /// Puts the item if there is room, without a detour.
    #[inline]
    fn put_at_once(&mut self) -> bool {
        let item = self.item.take().expect(POLLED_AFTER);
        match self.queue.put_in(item) {
            Ok(()) => true,
            Err(item) => {
                self.item = Some(item);
                false
            }
        }
    }

    /// Whether it may look: not before it was woken, or the room would be another's.
    fn may_look(&self) -> bool {
        let BaseQueue { putters, limit, .. } = self.queue;
        match putters.stage(&self.ticket) {
            Stage::Fresh | Stage::Woken | Stage::Told => true,
            // It was passed over, and then not dropped: nobody else will wake it.
            Stage::Waiting => {
                let room = limit.get().saturating_sub(self.queue.qsize());
                self.queue.is_shutdown() || room > putters.woken()
            }
            Stage::PassedOver => false,
        }
    }

    /// Stands apart, like all that waits, so that room that is there is used in line.
    #[inline(never)]
    fn poll_queued(&mut self, cx: &Context<'_>) -> Poll<Result<(), QueueShutDown<T>>> {
        let queue = self.queue;
        if self.may_look() {
            if self.put_at_once() {
                queue.putters.leave(&mut self.ticket);
                return Poll::Ready(Ok(()));
            }
            if queue.is_shutdown() {
                queue.putters.leave(&mut self.ticket);
                let item = self.item.take().expect(POLLED_AFTER);
                return Poll::Ready(Err(QueueShutDown(item)));
            }
        }
        queue.putters.wait(&mut self.ticket, cx, 1);
        Poll::Pending
    }

    /// Dropped while it waits: a wake-up that it has had goes to the next.
    #[inline(never)]
    fn give_up(&mut self) {
        let BaseQueue { putters, .. } = self.queue;
        if putters.leave(&mut self.ticket) == Stage::Woken && !self.queue.full() {
            putters.wake_next();
        }
    }
}

/// What a future is that was ready and is polled again.
const POLLED_AFTER: &str = "polled after completion";

/// Nothing in it is pinned.
impl<T, S: Store<T>> Unpin for QueuePut<'_, T, S> {}

impl<T, S: Store<T>> Future for QueuePut<'_, T, S> {
    type Output = Result<(), QueueShutDown<T>>;

    /// # Panics
    /// When polled again after it was ready.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.ticket.is_fresh() && self.put_at_once() {
            return Poll::Ready(Ok(()));
        }
        self.poll_queued(cx)
    }
}

impl<T, S: Store<T>> Drop for QueuePut<'_, T, S> {
    #[inline]
    fn drop(&mut self) {
        if !self.ticket.is_fresh() {
            self.give_up();
        }
    }
}

impl<T, S: Store<T>> fmt::Debug for QueuePut<'_, T, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("QueuePut")
            .field("waits", &!self.ticket.is_fresh())
            .finish_non_exhaustive()
    }
}
