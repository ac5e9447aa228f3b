//! Ends of children, on their way through the ready queue.
//!
//! asyncio's combinators add a done-callback to each child, and a callback is called one turn
//! after the end, in its place in the queue. Here the end of a child is one entry of the queue
//! too, but all of them are the same object: what distinguishes them is kept here, in order.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use asyncio_executor::{Dispatch, End, Entry, Observer, Spawner, TaskRef};

/// What a combinator makes of the ends of its children.
pub(crate) trait Sink: 'static {
    /// Whether it matters which child has returned; if not, those that return are only counted,
    /// and told as number 0.
    const ORDER_MATTERS: bool = true;

    /// The turn of this end has come.
    fn child_ended(&self, index: u32, end: End);

    /// What a child that has ended is told as; `None` where nobody need be told. Called at the
    /// end itself, under the rule of [`Observer::ended`].
    fn told_as(&self, index: u32, _: End) -> Option<u32> {
        Some(index)
    }

    /// Whether a child's value counts as a failure.
    fn is_failure(&self, _: &dyn Any) -> bool {
        false
    }

    /// Whether this waits for the end of a clean-up that was orphaned in a child.
    fn adopt(_: &Rc<Inbox<Self>>, _: &TaskRef) -> bool
    where
        Self: Sized,
    {
        false
    }
}

/// The observer of a combinator's children, with the combinator's state.
pub(crate) struct Inbox<S> {
    spawner: Spawner,
    /// What has ended, and has an entry in the ready queue.
    arrived: RefCell<VecDeque<Arrival>>,
    /// While the children are being observed: those that have ended already are kept until all
    /// are, and are then looked at without a turn in between.
    starting: Cell<bool>,
    /// Nobody wants to know any more.
    closed: Cell<bool>,
    pub(crate) sink: S,
}

enum Arrival {
    One(u32, End),
    /// So many have returned, one after the other.
    Returned(u32),
}

impl<S: Sink> Inbox<S> {
    pub(crate) fn new(spawner: &Spawner, sink: S) -> Rc<Self> {
        Rc::new(Self {
            spawner: spawner.clone(),
            arrived: RefCell::default(),
            starting: Cell::new(false),
            closed: Cell::new(false),
            sink,
        })
    }

    /// Until the guard is dropped, children are being observed; those that have ended before are
    /// handled then.
    pub(crate) fn start(&self) -> Starting<'_, S> {
        self.starting.set(true);
        Starting(self)
    }

    pub(crate) fn as_observer(self: &Rc<Self>) -> Rc<dyn Observer> {
        Rc::clone(self) as Rc<dyn Observer>
    }

    pub(crate) fn spawner(&self) -> &Spawner {
        &self.spawner
    }

    /// Has further ends ignored.
    pub(crate) fn close(&self) {
        self.closed.set(true);
    }

    fn push(&self, index: u32, end: End) {
        let mut arrived = self.arrived.borrow_mut();
        if S::ORDER_MATTERS || end != End::Returned {
            arrived.push_back(Arrival::One(index, end));
        } else if let Some(Arrival::Returned(count)) = arrived.back_mut() {
            *count += 1;
        } else {
            arrived.push_back(Arrival::Returned(1));
        }
    }

    fn pop(&self) -> Option<(u32, End)> {
        let mut arrived = self.arrived.borrow_mut();
        if let Some(Arrival::Returned(count @ 2..)) = arrived.front_mut() {
            *count -= 1;
            return Some((0, End::Returned));
        }
        Some(match arrived.pop_front()? {
            Arrival::One(index, end) => (index, end),
            Arrival::Returned(_) => (0, End::Returned),
        })
    }

    fn take_one(&self) -> bool {
        let Some((index, end)) = self.pop() else {
            return false;
        };
        if !self.closed.get() {
            self.sink.child_ended(index, end);
        }
        true
    }
}

/// See [`Inbox::start`].
pub(crate) struct Starting<'a, S: Sink>(&'a Inbox<S>);

impl<S: Sink> Drop for Starting<'_, S> {
    fn drop(&mut self) {
        self.0.starting.set(false);
        while self.0.take_one() {}
    }
}

impl<S: Sink> Observer for Inbox<S> {
    fn ended(self: Rc<Self>, index: u32, end: End) {
        if self.closed.get() {
            return;
        }
        let Some(index) = self.sink.told_as(index, end) else {
            return;
        };
        self.push(index, end);
        if !self.starting.get() {
            self.spawner.clone().push(Entry::dispatch(self));
        }
    }

    fn is_failure(&self, value: &dyn Any) -> bool {
        self.sink.is_failure(value)
    }

    fn adopt(self: Rc<Self>, clean_up: &TaskRef) -> bool {
        S::adopt(&self, clean_up)
    }
}

impl<S: Sink> Dispatch for Inbox<S> {
    fn run(self: Rc<Self>) {
        self.take_one();
    }
}
