//! Putting in and taking out, counted whatever happens.
//!
//! The order of the items is foreign code. A comparison that panics leaves the new item in the
//! heap, or loses the one that was to come out; asyncio's queues count wrong from then on, so that
//! whoever waits for all work to be done, or for room, waits for ever. Here the queue looks at what
//! has become of the items.

use std::cell::RefMut;

use crate::queue::{BaseQueue, Store};

impl<T, S: Store<T>> BaseQueue<T, S> {
    /// Puts an item in; gives it back if there is no room, or the queue was shut down.
    #[inline]
    pub(super) fn put_in(&self, item: T) -> Result<(), T> {
        let mut change = Change::of(self);
        if change.before >= self.limit.get() {
            change.ends();
            return Err(item);
        }
        change.store().put(item);
        change.ends();
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
        let mut change = Change::of(self);
        let item = change.store().get();
        change.ends();
        if item.is_some() {
            self.putters.wake_next();
        }
        item
    }

    /// Takes all items out, which count as done.
    pub(super) fn take_all(&self, items: &mut Vec<T>) {
        let mut change = Change::of(self);
        // A store of one's own may never say that it is empty.
        for _ in 0..change.before {
            let Some(item) = change.store().get() else {
                return;
            };
            items.push(item);
        }
    }

    /// A change has ended early, or was one of many items.
    #[cold]
    fn has_changed(&self, before: usize, now: usize) {
        if now > before {
            self.has_put();
        } else if now < before {
            self.has_done(before - now);
            if !self.is_shutdown() {
                self.putters.wake_next();
            }
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

/// A change of a queue's items. Dropped before its end, it counts what has become of them.
struct Change<'a, T, S: Store<T>> {
    queue: &'a BaseQueue<T, S>,
    /// `None` at the end.
    store: Option<RefMut<'a, S>>,
    before: usize,
}

impl<'a, T, S: Store<T>> Change<'a, T, S> {
    #[inline]
    fn of(queue: &'a BaseQueue<T, S>) -> Self {
        let store = queue.store.borrow_mut();
        let before = store.len();
        Self {
            queue,
            store: Some(store),
            before,
        }
    }

    #[inline]
    fn store(&mut self) -> &mut S {
        self.store.as_mut().expect("a change that goes on")
    }

    /// Nothing has panicked, and who asked for the change counts it.
    #[inline]
    fn ends(mut self) {
        self.store = None;
    }
}

impl<T, S: Store<T>> Drop for Change<'_, T, S> {
    #[inline]
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            let now = store.len();
            drop(store);
            self.queue.has_changed(self.before, now);
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
