//! The end that receives.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_lite::Stream;

use crate::channel::TryRecvError;
use crate::mpsc::shared::Shared;

/// The end that receives: one for each channel. It is a stream, too.
pub struct Receiver<T>(Rc<Shared<T>>);

impl<T> Receiver<T> {
    pub(super) fn new(shared: Rc<Shared<T>>) -> Self {
        Self(shared)
    }

    /// Waits for the next value; `None` when nothing is left and nothing can come any more.
    ///
    /// # Cancel safety
    /// Yes: dropped, it has received nothing.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Waits until there is a value, and takes what there is, up to `limit`, into `values`.
    /// Returns how many; 0 when nothing can come any more, or `limit` is 0.
    ///
    /// # Cancel safety
    /// Yes: dropped, it has received nothing.
    pub async fn recv_many(&mut self, values: &mut Vec<T>, limit: usize) -> usize {
        if limit == 0 {
            return 0;
        }
        let Some(first) = self.recv().await else {
            return 0;
        };
        values.push(first);
        let rest = std::iter::from_fn(|| self.0.pop()).take(limit - 1);
        let before = values.len();
        values.extend(rest);
        values.len() - before + 1
    }

    /// The next value, if there is one.
    ///
    /// # Errors
    /// When there is none, or none can come any more.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.0.pop() {
            Some(value) => Ok(value),
            None if self.0.is_over() => Err(TryRecvError::Closed),
            None => Err(TryRecvError::Empty),
        }
    }

    /// [`recv`](Self::recv), for futures written by hand.
    #[inline]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.0.poll_pop(cx)
    }

    /// Refuses what is sent from now on. What was sent before can still be received, also by a
    /// [`Permit`](crate::mpsc::Permit) that somebody has.
    pub fn close(&mut self) {
        self.0.close();
        self.0.wake_receiver();
    }

    /// How many values wait to be received.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_recv(cx)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.close();
        self.0.clear();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Receiver")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
