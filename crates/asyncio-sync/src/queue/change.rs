//! Putting in and taking out, counted whatever happens.
//!
//! The order of the items is foreign code. A comparison that panics leaves the new item in the
//! heap, or loses the one that was to come out; asyncio's queues count wrong from then on, so that
//! whoever waits for all work to be done, or for room, waits for ever. Here the queue looks at what
//! has become of the items.

use crate::queue::{BaseQueue, Store};

impl<T, S: Store<T>> BaseQueue<T, S> {
    /// Puts an item in; gives it back if there is no room, or the queue was shut down.
    #[inline]
    pub(super) fn put_in(&self, item: T) -> Result<(), T> {
        if self.is_shutdown.get() || self.full() {
            return Err(item);
        }
        let change = Change::of(self);
        self.store.borrow_mut().put(item);
        change.succeeds();
        self.has_put();
        Ok(())
    }

    #[inline]
    fn has_put(&self) {
        self.unfinished.set(self.unfinished.get() + 1);
        self.finished.clear();
        self.getters.wake_next();
    }

    /// Takes the next item out.
    #[inline]
    pub(super) fn take_out(&self) -> Option<T> {
        if self.empty() {
            return None;
        }
        let change = Change::of(self);
        let item = self.store.borrow_mut().get();
        change.succeeds();
        if item.is_some() {
            self.putters.wake_next();
        }
        item
    }

    /// Takes all items out, which count as done.
    pub(super) fn take_all(&self, items: &mut Vec<T>) {
        let _change = Change::of(self);
        // A store of one's own may never say that it is empty.
        for _ in 0..self.qsize() {
            let Some(item) = self.store.borrow_mut().get() else {
                return;
            };
            items.push(item);
        }
    }

    /// There is no more work on so many items.
    pub(super) fn has_done(&self, items: usize) {
        let unfinished = self.unfinished.get().saturating_sub(items);
        self.unfinished.set(unfinished);
        if unfinished == 0 {
            self.finished.set();
        }
    }
}

/// A change of a queue's items. Dropped, it counts what has become of them.
struct Change<'a, T, S: Store<T>> {
    queue: &'a BaseQueue<T, S>,
    before: usize,
}

impl<'a, T, S: Store<T>> Change<'a, T, S> {
    #[inline]
    fn of(queue: &'a BaseQueue<T, S>) -> Self {
        let before = queue.qsize();
        Self { queue, before }
    }

    /// Nothing has panicked, and who asked for the change counts it.
    #[inline]
    fn succeeds(self) {
        std::mem::forget(self);
    }
}

impl<T, S: Store<T>> Drop for Change<'_, T, S> {
    fn drop(&mut self) {
        let Self { queue, before } = *self;
        let now = queue.qsize();
        if now > before {
            queue.has_put();
        } else if now < before {
            queue.has_done(before - now);
            if !queue.is_shutdown() {
                queue.putters.wake_next();
            }
        }
    }
}

/// Tells everybody who waits that the queue was shut down, when it is dropped.
pub(super) struct TellAll<'a, T, S: Store<T>>(pub(super) &'a BaseQueue<T, S>);

impl<T, S: Store<T>> Drop for TellAll<'_, T, S> {
    fn drop(&mut self) {
        self.0.getters.wake_all();
        self.0.putters.wake_all();
    }
}
