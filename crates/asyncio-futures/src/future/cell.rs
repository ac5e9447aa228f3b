//! A value that comes later, and those who wait for it.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::panic::Location;
use std::rc::{Rc, Weak};
use std::task::Waker;

use asyncio_executor::{
    Cancellation, Claimed, Context, Dispatch, End, Entry, ErrorContext, Observer, Spawner,
    TaskError, drop_flat,
};

use crate::future::Future;

/// What the handles to one future share.
pub(super) struct FutureCell<T: 'static> {
    /// Itself, for the ready queue.
    this: Weak<Self>,
    pub(super) spawner: Spawner,
    pub(super) location: &'static Location<'static>,
    /// How it has ended. Its only failure is a cancellation.
    pub(super) outcome: OnceCell<Result<T, TaskError>>,
    /// Who waits, by number; in order of arrival.
    waiting: RefCell<BTreeMap<u64, Waiting<T>>>,
    /// The last number given.
    last: Cell<u64>,
    /// Callbacks that have an entry in the ready queue.
    due: RefCell<VecDeque<Callback<T>>>,
    /// Shows an error that is worth a report if nobody takes it.
    report: Cell<Option<Show<T>>>,
}

enum Waiting<T: 'static> {
    Waker(Waker),
    Callback(Callback<T>),
    Observer(Rc<dyn Observer>, u32),
}

struct Callback<T: 'static> {
    context: Context,
    call: Call<T>,
}

pub(super) type Call<T> = Box<dyn FnOnce(&Future<T>)>;
type Show<T> = fn(&T) -> String;

impl<T> FutureCell<T> {
    pub(super) fn new(spawner: &Spawner, location: &'static Location<'static>) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            spawner: spawner.clone(),
            location,
            outcome: OnceCell::new(),
            waiting: RefCell::default(),
            last: Cell::new(0),
            due: RefCell::default(),
            report: Cell::new(None),
        })
    }

    pub(super) fn is_done(&self) -> bool {
        self.outcome.get().is_some()
    }

    /// Ends, and tells everybody, through the ready queue. Gives the outcome back when it is too
    /// late.
    pub(super) fn complete(
        &self,
        outcome: Result<T, TaskError>,
    ) -> Result<(), Result<T, TaskError>> {
        self.outcome.set(outcome)?;
        for (_, waiting) in self.waiting.take() {
            self.tell(waiting);
        }
        Ok(())
    }

    fn tell(&self, waiting: Waiting<T>) {
        match waiting {
            // A foreign one may panic, and must not keep the others from being told.
            Waiting::Waker(waker) => self
                .spawner
                .catch_panic("panic in a waker", || waker.wake()),
            Waiting::Callback(callback) => {
                self.due.borrow_mut().push_back(callback);
                // Whoever ends the future, or waits for it, has a handle to it.
                if let Some(this) = self.this.upgrade() {
                    self.spawner.push(Entry::dispatch(this));
                }
            }
            Waiting::Observer(observer, index) => {
                let end = self.end_for(&*observer);
                observer.ended(index, end);
            }
        }
    }

    fn end_for(&self, observer: &dyn Observer) -> End {
        match self.outcome.get() {
            Some(Ok(value)) if observer.is_failure(value as &dyn Any) => End::Failed,
            Some(Ok(_)) | None => End::Returned,
            Some(Err(_)) => End::Cancelled,
        }
    }

    fn wait(&self, waiting: Waiting<T>) -> u64 {
        let id = self.last.get() + 1;
        self.last.set(id);
        if self.is_done() {
            self.tell(waiting);
        } else {
            self.waiting.borrow_mut().insert(id, waiting);
        }
        id
    }

    pub(super) fn add_callback(&self, call: Call<T>) -> u64 {
        let context = Context::copy_current();
        self.wait(Waiting::Callback(Callback { context, call }))
    }

    pub(super) fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        self.wait(Waiting::Observer(observer, index));
    }

    pub(super) fn unobserve(&self, observer: &Rc<dyn Observer>) {
        let mut waiting = self.waiting.borrow_mut();
        let told: Vec<_> = waiting
            .iter()
            .filter(|(_, waiting)| waiting.tells(observer))
            .map(|(id, _)| *id)
            .collect();
        let removed: Vec<_> = told.iter().filter_map(|id| waiting.remove(id)).collect();
        drop(waiting);
        drop(removed);
    }

    /// Keeps a waker, in place of the one with number `id`; 0 for none. Returns its number.
    pub(super) fn keep_waker(&self, id: u64, waker: &Waker) -> u64 {
        let kept = matches!(
            self.waiting.borrow().get(&id),
            Some(Waiting::Waker(kept)) if kept.will_wake(waker)
        );
        if kept {
            return id;
        }
        // A foreign waker's clone and drop are foreign code: with no borrow held.
        let new = Waiting::Waker(waker.clone());
        if id == 0 || self.is_done() {
            return self.wait(new);
        }
        let old = self.waiting.borrow_mut().insert(id, new);
        drop(old);
        id
    }

    /// Takes a callback or a waker away; whether it was still there.
    pub(super) fn remove(&self, id: u64) -> bool {
        let removed = self.waiting.borrow_mut().remove(&id);
        let was_there = removed.is_some();
        if let Some(removed) = removed {
            drop_flat(removed);
        }
        was_there
    }

    /// Has the value reported as an error when nobody looks at it.
    pub(super) fn report_unless_retrieved(&self, show: Show<T>) {
        self.report.set(Some(show));
    }

    /// Somebody was shown the outcome.
    pub(super) fn retrieve(&self) {
        self.report.set(None);
    }

    /// Drops what may own a future that owns a future that owns …, and may have a destructor that
    /// panics, of which nobody is to hear who only let go of a handle.
    fn discard<V: 'static>(&self, value: V) {
        self.spawner
            .catch_panic("panic in the destructor of what a future held", || {
                drop_flat(value);
            });
    }

    pub(super) fn waiting_len(&self) -> usize {
        self.waiting.borrow().len()
    }
}

impl<T> Waiting<T> {
    fn tells(&self, observer: &Rc<dyn Observer>) -> bool {
        let address = |observer: &Rc<dyn Observer>| Rc::as_ptr(observer).cast::<()>();
        matches!(self, Self::Observer(told, _) if address(told) == address(observer))
    }
}

/// Calls the next callback, or drops it: each entry is for one of them.
impl<T> Dispatch for FutureCell<T> {
    fn run(self: Rc<Self>) {
        let Some(Callback { context, call }) = self.due.borrow_mut().pop_front() else {
            return;
        };
        let future = Future(self);
        context.run(|| call(&future));
    }

    /// It may own a handle to the future, which would own it for ever.
    fn discard(&self) {
        let due = self.due.borrow_mut().pop_front();
        FutureCell::discard(self, due);
    }
}

/// A request to cancel one who awaits the future cancels the future.
impl<T> Claimed for FutureCell<T> {
    fn pass_on(&self, cancellation: &mut Cancellation) -> bool {
        let message = cancellation.message().cloned();
        let taken = self.complete(Err(TaskError::Cancelled(message))).is_ok();
        if taken && let Some(claim) = cancellation.take_claim() {
            claim.came_back();
        }
        taken
    }
}

impl<T> Drop for FutureCell<T> {
    fn drop(&mut self) {
        let outcome = self.outcome.take();
        if let (Some(show), Some(Ok(value))) = (self.report.get(), &outcome) {
            let report = || {
                let mut context = ErrorContext::new("error of a future was never retrieved");
                context.cause = Some(show(value));
                context.location = Some(self.location);
                self.spawner.call_exception_handler(&context);
            };
            self.spawner
                .catch_panic("panic in the `Display` of a future's error", report);
        }
        self.discard(outcome);
        let waiting = self.waiting.take().into_values();
        waiting.for_each(|waiting| self.discard(waiting));
        let due = self.due.take().into_iter();
        due.for_each(|due| self.discard(due));
    }
}
