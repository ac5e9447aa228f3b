//! Waiting for an item.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::queue::{BaseQueue, GetNowaitError, QueueShutDown, Store};
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
    #[inline]
    fn may_look(&self) -> bool {
        let BaseQueue { getters, .. } = self.queue;
        match getters.stage(&self.ticket) {
            Stage::Fresh | Stage::Woken | Stage::Told => true,
            // It was passed over, and then not dropped: nobody else will wake it.
            Stage::Waiting => self.queue.is_shutdown() || self.queue.qsize() > getters.woken(),
            Stage::PassedOver => false,
        }
    }

    /// Takes the next item, or waits for one.
    #[inline]
    fn look(&mut self, cx: &Context<'_>) -> Poll<Result<T, QueueShutDown>> {
        let getters = &self.queue.getters;
        let got = match self.queue.get_nowait() {
            Ok(item) => Ok(item),
            Err(GetNowaitError::ShutDown(error)) => Err(error),
            Err(GetNowaitError::Empty(_)) => {
                getters.wait(&mut self.ticket, cx, 1);
                return Poll::Pending;
            }
        };
        getters.leave(&mut self.ticket);
        Poll::Ready(got)
    }
}

impl<T, S: Store<T>> Future for QueueGet<'_, T, S> {
    type Output = Result<T, QueueShutDown>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.may_look() {
            return self.look(cx);
        }
        self.queue.getters.wait(&mut self.ticket, cx, 1);
        Poll::Pending
    }
}

impl<T, S: Store<T>> Drop for QueueGet<'_, T, S> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.is_fresh() {
            return;
        }
        let BaseQueue { getters, .. } = self.queue;
        if getters.leave(&mut self.ticket) == Stage::Woken && !self.queue.empty() {
            getters.wake_next();
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
