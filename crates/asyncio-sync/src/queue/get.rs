//! Waiting for an item.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::queue::{BaseQueue, QueueShutDown, Store};
use crate::waiters::{Stage, Ticket};

/// Future of [`Queue::get`](BaseQueue::get).
#[must_use = "futures do nothing unless polled"]
pub struct QueueGet<'a, T, S: Store<T>> {
    queue: &'a BaseQueue<T, S>,
    ticket: Ticket,
}

impl<'a, T, S: Store<T>> QueueGet<'a, T, S> {
    #[inline]
    pub(super) fn new(queue: &'a BaseQueue<T, S>) -> Self {
        Self {
            queue,
            ticket: Ticket::default(),
        }
    }

    /// Whether it may look: not before it was woken, or the item would be another's.
    fn may_look(&self) -> bool {
        let BaseQueue { getters, .. } = self.queue;
        match getters.stage(&self.ticket) {
            Stage::Fresh | Stage::Woken | Stage::Told => true,
            // It was passed over, and then not dropped: nobody else will wake it.
            Stage::Waiting => self.queue.is_shutdown() || self.queue.qsize() > getters.woken(),
            Stage::PassedOver => false,
        }
    }

    /// Stands apart, like all that waits, so that an item that is there is taken in line.
    #[inline(never)]
    fn poll_queued(&mut self, cx: &Context<'_>) -> Poll<Result<T, QueueShutDown>> {
        if self.may_look() {
            if let Some(item) = self.queue.take_out() {
                self.queue.getters.leave(&mut self.ticket);
                return Poll::Ready(Ok(item));
            }
            return self.found_nothing(cx);
        }
        self.queue.getters.wait(&mut self.ticket, cx, 1);
        Poll::Pending
    }

    /// It has looked, and the queue is empty: that is the end, or it waits.
    #[inline(never)]
    fn found_nothing(&mut self, cx: &Context<'_>) -> Poll<Result<T, QueueShutDown>> {
        let getters = &self.queue.getters;
        if self.queue.is_shutdown() {
            getters.leave(&mut self.ticket);
            return Poll::Ready(Err(QueueShutDown(())));
        }
        getters.wait(&mut self.ticket, cx, 1);
        Poll::Pending
    }

    /// Dropped while it waits: a wake-up that it has had goes to the next.
    #[inline(never)]
    fn give_up(&mut self) {
        let BaseQueue { getters, .. } = self.queue;
        if getters.leave(&mut self.ticket) == Stage::Woken && !self.queue.empty() {
            getters.wake_next();
        }
    }
}

impl<T, S: Store<T>> Future for QueueGet<'_, T, S> {
    type Output = Result<T, QueueShutDown>;

    /// Takes an item that is there without a detour.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.ticket.is_fresh() {
            return self.poll_queued(cx);
        }
        match self.queue.take_out() {
            Some(item) => Poll::Ready(Ok(item)),
            None => self.found_nothing(cx),
        }
    }
}

impl<T, S: Store<T>> Drop for QueueGet<'_, T, S> {
    #[inline]
    fn drop(&mut self) {
        if !self.ticket.is_fresh() {
            self.give_up();
        }
    }
}

impl<T, S: Store<T>> fmt::Debug for QueueGet<'_, T, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("QueueGet")
            .field("waits", &!self.ticket.is_fresh())
            .finish_non_exhaustive()
    }
}
