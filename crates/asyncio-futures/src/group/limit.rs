//! How many children run at once; the others wait for their turn, first in, first out.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A group's limit, and who waits.
pub(crate) struct Limit {
    /// `usize::MAX` for no limit: then nothing is counted.
    max: Cell<usize>,
    running: Cell<usize>,
    queue: RefCell<VecDeque<Rc<Ticket>>>,
    /// How many in the queue wait no more.
    gone: Cell<usize>,
}

#[derive(Default)]
pub(super) struct Ticket {
    /// Its turn has come: it counts as running.
    called: Cell<bool>,
    /// The child has ended before that.
    gone: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// Where a child stands. Without a ticket it has not been polled yet, or the group has no limit.
#[derive(Default)]
pub(super) struct Turn(Option<Rc<Ticket>>);

impl Default for Limit {
    fn default() -> Self {
        Self {
            max: Cell::new(usize::MAX),
            running: Cell::new(0),
            queue: RefCell::default(),
            gone: Cell::new(0),
        }
    }
}

impl Limit {
    pub(super) fn set(&self, max: usize) {
        self.max.set(max);
    }

    /// A ticket for a child that wants to begin: called already, while there is room.
    fn ticket(&self) -> Rc<Ticket> {
        let ticket = Rc::<Ticket>::default();
        if self.running.get() < self.max.get() {
            self.running.set(self.running.get() + 1);
            ticket.called.set(true);
        } else {
            self.queue.borrow_mut().push_back(Rc::clone(&ticket));
        }
        ticket
    }

    /// One child less runs: the first that waits may begin.
    fn call_next(&self) {
        let Some(next) = self.pop() else {
            self.running.set(self.running.get() - 1);
            return;
        };
        next.called.set(true);
        let waker = next.waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn pop(&self) -> Option<Rc<Ticket>> {
        let mut queue = self.queue.borrow_mut();
        loop {
            let next = queue.pop_front()?;
            if !next.gone.get() {
                return Some(next);
            }
            self.gone.set(self.gone.get() - 1);
        }
    }

    /// A child waits no more. Its ticket stays where it is, until it comes up or most of the queue
    /// is of this kind: children may be cancelled in any order, and a search for each would be
    /// quadratic.
    fn abandon(&self, ticket: &Ticket) {
        drop(ticket.waker.take());
        ticket.gone.set(true);
        self.gone.set(self.gone.get() + 1);
        let mut queue = self.queue.borrow_mut();
        if self.gone.get() > queue.len() / 2 {
            queue.retain(|ticket| !ticket.gone.get());
            self.gone.set(0);
        }
    }
}

impl Turn {
    /// Ready once the child may run.
    #[inline]
    pub(super) fn poll(&mut self, limit: &Limit, cx: &mut Context<'_>) -> Poll<()> {
        if limit.max.get() == usize::MAX {
            return Poll::Ready(());
        }
        let ticket = self.0.get_or_insert_with(|| limit.ticket());
        if ticket.called.get() {
            return Poll::Ready(());
        }
        // The executor's own waker: a child is polled by nobody else.
        drop(ticket.waker.replace(Some(cx.waker().clone())));
        Poll::Pending
    }

    /// The child has ended, or was dropped where it stood.
    #[inline]
    pub(super) fn give_back(&mut self, limit: &Limit) {
        match self.0.take() {
            None => {}
            Some(ticket) if ticket.called.get() => limit.call_next(),
            Some(ticket) => limit.abandon(&ticket),
        }
    }
}
