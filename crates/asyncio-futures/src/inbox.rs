//! Ends of children, on their way through the ready queue.
//!
//! asyncio's combinators add a done-callback to each child, and a callback is called one turn
//! after the end, in its place in the queue. Here the end of a child is one entry of the queue
//! too, but all of them are the same object: what distinguishes them is kept here, in order.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use asyncio_executor::{Dispatch, End, Entry, Observer, Spawner};

/// What a combinator makes of the ends of its children.
pub(crate) trait Sink: 'static {
    /// The turn of this end has come.
    fn child_ended(&self, index: u32, end: End);

    /// Whether a child's value counts as a failure.
    fn is_failure(&self, _: &dyn Any) -> bool {
        false
    }
}

/// The observer of a combinator's children, with the combinator's state.
pub(crate) struct Inbox<S> {
    spawner: Spawner,
    /// What has ended, and has an entry in the ready queue.
    arrived: RefCell<VecDeque<(u32, End)>>,
    /// While the children are being observed: those that have ended already are kept until all
    /// are, and are then looked at without a turn in between.
    starting: Cell<bool>,
    /// Nobody wants to know any more.
    closed: Cell<bool>,
    pub(crate) sink: S,
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

    /// Calls `observe`; children that have ended before are handled before this returns.
    pub(crate) fn start(self: &Rc<Self>, observe: impl FnOnce(&Rc<dyn Observer>)) {
        self.starting.set(true);
        observe(&self.as_observer());
        self.starting.set(false);
        while self.take_one() {}
    }

    pub(crate) fn as_observer(self: &Rc<Self>) -> Rc<dyn Observer> {
        Rc::clone(self) as Rc<dyn Observer>
    }

    /// Has further ends ignored.
    pub(crate) fn close(&self) {
        self.closed.set(true);
    }

    fn take_one(&self) -> bool {
        let Some((index, end)) = self.arrived.borrow_mut().pop_front() else {
            return false;
        };
        if !self.closed.get() {
            self.sink.child_ended(index, end);
        }
        true
    }
}

impl<S: Sink> Observer for Inbox<S> {
    fn ended(self: Rc<Self>, index: u32, end: End) {
        if self.closed.get() {
            return;
        }
        self.arrived.borrow_mut().push_back((index, end));
        if !self.starting.get() {
            self.spawner.clone().push(Entry::dispatch(self));
        }
    }

    fn is_failure(&self, value: &dyn Any) -> bool {
        self.sink.is_failure(value)
    }
}

impl<S: Sink> Dispatch for Inbox<S> {
    fn run(self: Rc<Self>) {
        self.take_one();
    }
}
