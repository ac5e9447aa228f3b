//! [`Map`]: the results of [`ExecutorExt::map`](crate::ExecutorExt::map), in order.

use std::collections::VecDeque;
use std::iter::FusedIterator;
use std::time::{Duration, Instant};

use crate::{ConcurrentFuture, ResultError};

/// The results of [`ExecutorExt::map`](crate::ExecutorExt::map), in the order of the items.
///
/// `next` blocks this thread until the next result is there. An item that is an error (a panic, a
/// cancellation, the time is up) is the last one: as in Python, the jobs behind it that have not
/// started are cancelled, and the iterator ends. Dropping it cancels them too.
#[derive(Debug)]
#[must_use = "dropping the results cancels the jobs that have not started"]
pub struct Map<T: Send + 'static> {
    futures: VecDeque<ConcurrentFuture<T>>,
    /// `None` is never.
    deadline: Option<Instant>,
}

impl<T: Send + 'static> Map<T> {
    pub(crate) fn new(timeout: Option<Duration>) -> Self {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Self {
            futures: VecDeque::new(),
            deadline,
        }
    }

    pub(crate) fn push(&mut self, future: ConcurrentFuture<T>) {
        self.futures.push_back(future);
    }

    /// Cancels what has not started, and forgets the rest.
    fn cancel(&mut self) {
        // From the back, so that no worker takes one up that is about to be cancelled.
        while let Some(future) = self.futures.pop_back() {
            future.cancel();
        }
    }
}

impl<T: Send + 'static> Iterator for Map<T> {
    type Item = Result<T, ResultError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut future = self.futures.pop_front()?;
        let timeout = self
            .deadline
            .map(|at| at.saturating_duration_since(Instant::now()));
        let result = future.result(timeout);
        if result.is_err() {
            future.cancel();
            self.cancel();
        }
        Some(result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // The first error ends it.
        (
            usize::from(!self.futures.is_empty()),
            Some(self.futures.len()),
        )
    }
}

impl<T: Send + 'static> FusedIterator for Map<T> {}

impl<T: Send + 'static> Drop for Map<T> {
    fn drop(&mut self) {
        self.cancel();
    }
}
