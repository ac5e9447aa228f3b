//! Ending once, and telling the one who waits.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::task::Waker;

use asyncio_executor::{End, Observer};

/// The end of a combinator that has a handle of its own, and who is told of it: the task that
/// awaits the handle, and the combinator whose child it is.
#[derive(Default)]
pub(crate) struct Completion {
    end: Cell<Option<End>>,
    waker: RefCell<Option<Waker>>,
    observer: RefCell<Option<(Rc<dyn Observer>, u32)>>,
}

impl Completion {
    pub(crate) fn is_done(&self) -> bool {
        self.end.get().is_some()
    }

    /// Ends, once; whoever waits is told.
    pub(crate) fn complete(&self, end: End) {
        if self.end.replace(Some(end)).is_some() {
            return;
        }
        let waker = self.waker.take();
        let observer = self.observer.take();
        if let Some((observer, index)) = observer {
            observer.ended(index, end);
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes an end back that nobody was told of.
    pub(crate) fn reopen(&self) {
        self.end.set(None);
    }

    pub(crate) fn keep_waker(&self, waker: &Waker) {
        let same = matches!(&*self.waker.borrow(), Some(kept) if kept.will_wake(waker));
        if !same {
            // A foreign waker's clone and drop are foreign code: with no borrow held.
            let new = waker.clone();
            if self.is_done() {
                return new.wake(); // for what the clone has done
            }
            let old = self.waker.replace(Some(new));
            drop(old);
        }
    }

    pub(crate) fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        match self.end.get() {
            Some(end) => observer.ended(index, end),
            None => drop(self.observer.replace(Some((observer, index)))),
        }
    }

    /// Whether the observer, if there is one, takes this value for a failure.
    pub(crate) fn is_failure(&self, value: &dyn Any) -> bool {
        let observer = self.observer.borrow();
        matches!(&*observer, Some((observer, _)) if observer.is_failure(value))
    }

    pub(crate) fn unobserve(&self) {
        drop(self.observer.take());
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Completion")
            .field("end", &self.end.get())
            .finish_non_exhaustive()
    }
}
