//! The values of a channel, and what both ends know.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::event::Event;
use crate::semaphore::raw::RawSemaphore;
use crate::waker_cell::WakerCell;

pub(super) struct Shared<T> {
    values: RefCell<VecDeque<T>>,
    /// A permit for each value that there is room for. It is closed with the channel.
    pub(super) room: RawSemaphore,
    pub(super) capacity: Option<usize>,
    pub(super) senders: Cell<usize>,
    /// Room that somebody has reserved and not used.
    pub(super) reserved: Cell<usize>,
    /// Wakes the receiver.
    receiver: WakerCell,
    /// Set when the receiver is gone or closed.
    pub(super) closed: Event,
    receiver_gone: Cell<bool>,
}

impl<T> Shared<T> {
    pub(super) fn new(capacity: Option<usize>) -> Rc<Self> {
        let room = capacity.unwrap_or(usize::MAX);
        Rc::new(Self {
            values: RefCell::default(),
            room: RawSemaphore::new(room, room),
            capacity,
            senders: Cell::new(0),
            reserved: Cell::new(0),
            receiver: WakerCell::default(),
            closed: Event::new(),
            receiver_gone: Cell::new(false),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.values.borrow().len()
    }

    /// Adds a value, for which there is room.
    #[inline]
    pub(super) fn push(&self, value: T) {
        if self.receiver_gone.get() {
            return drop(value);
        }
        self.values.borrow_mut().push_back(value);
        self.receiver.wake();
    }

    /// Takes the next value, and lets the next sender go.
    #[inline]
    pub(super) fn pop(&self) -> Option<T> {
        let value = self.values.borrow_mut().pop_front()?;
        if self.capacity.is_some() {
            self.room.give_back(1);
        }
        Some(value)
    }

    /// Whether nothing can come any more.
    pub(super) fn is_over(&self) -> bool {
        let nobody = self.senders.get() == 0 || self.closed.is_set();
        nobody && self.reserved.get() == 0
    }

    pub(super) fn poll_pop(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        if let Some(value) = self.pop() {
            return Poll::Ready(Some(value));
        }
        if self.is_over() {
            return Poll::Ready(None);
        }
        self.receiver.keep(cx);
        Poll::Pending
    }

    /// Nobody will receive what is sent from now on.
    pub(super) fn close(&self) {
        self.room.close();
        self.closed.set();
    }

    /// Has the receiver look whether it is over.
    pub(super) fn wake_receiver(&self) {
        self.receiver.wake();
    }

    /// The receiver is gone: drops what it has not received.
    pub(super) fn clear(&self) {
        self.receiver_gone.set(true);
        self.receiver.clear();
        let values = self.values.take();
        drop(values); // foreign code: with nothing borrowed
    }
}
