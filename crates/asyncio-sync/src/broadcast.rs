//! `broadcast`: every value to everybody who receives, up to a number of values behind.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

pub use crate::channel::SendError;
use crate::waiters::{Ticket, Waiters};

/// A channel whose receivers each get every value that is sent while they live. It keeps the last
/// `capacity` values; who is further behind loses the oldest, and is told how many.
///
/// # Panics
/// When `capacity` is 0.
///
/// # Examples
/// ```
/// use asyncio_sync::broadcast::{self, TryRecvError};
///
/// let (sender, mut one) = broadcast::channel(2);
/// let mut two = sender.subscribe();
/// for n in 1..=3 {
///     sender.send(n).unwrap();
/// }
/// assert_eq!(one.try_recv(), Err(TryRecvError::Lagged(1)));
/// assert_eq!(one.try_recv(), Ok(2));
/// assert_eq!(one.try_recv(), Ok(3));
/// assert_eq!(one.try_recv(), Err(TryRecvError::Empty));
/// assert_eq!(two.len(), 3);
/// ```
#[must_use]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a channel needs room for a value");
    let shared = Rc::new(Shared {
        values: RefCell::default(),
        capacity,
        end: Cell::new(0),
        senders: Cell::new(1),
        receivers: Cell::new(0),
        waiters: Waiters::default(),
    });
    let receiver = Receiver::new(&shared, 0);
    (Sender(shared), receiver)
}

struct Shared<T> {
    /// The last values; each is shared, since cloning it is foreign code.
    values: RefCell<VecDeque<Rc<T>>>,
    capacity: usize,
    /// How many values were sent.
    end: Cell<u64>,
    senders: Cell<usize>,
    receivers: Cell<usize>,
    waiters: Waiters,
}

impl<T> Shared<T> {
    /// The number of the oldest value that is kept.
    fn first(&self) -> u64 {
        self.end.get() - self.values.borrow().len() as u64
    }
}

/// The end that sends. Clones send into the same channel.
pub struct Sender<T>(Rc<Shared<T>>);

/// An end that receives everything from when it was made.
pub struct Receiver<T> {
    shared: Rc<Shared<T>>,
    /// The number of the value that comes next.
    next: u64,
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecvError {
    /// All senders are gone, and everything was received.
    Closed,
    /// So many values are lost, because the receiver was too far behind. What comes next is the
    /// oldest that is kept.
    Lagged(u64),
}

/// Why nothing was received at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TryRecvError {
    /// Nothing has come yet.
    Empty,
    /// All senders are gone, and everything was received.
    Closed,
    /// So many values are lost, because the receiver was too far behind. What comes next is the
    /// oldest that is kept.
    Lagged(u64),
}

impl<T: Clone> Sender<T> {
    /// Sends a value to everybody who receives. Returns how many do.
    ///
    /// # Errors
    /// When nobody does; the value comes back.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let shared = &self.0;
        if shared.receivers.get() == 0 {
            return Err(SendError(value));
        }
        let value = Rc::new(value);
        let mut values = shared.values.borrow_mut();
        let oldest = match values.len() < shared.capacity {
            true => None,
            false => values.pop_front(),
        };
        values.push_back(value);
        drop(values);
        shared.end.set(shared.end.get() + 1);
        shared.waiters.wake_all();
        drop(oldest); // foreign code: with nothing borrowed
        Ok(shared.receivers.get())
    }

    /// An end that receives what is sent from now on.
    #[must_use]
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(&self.0, self.0.end.get())
    }

    /// How many receive.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.0.receivers.get()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.senders.set(self.0.senders.get() + 1);
        Self(Rc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.senders.set(self.0.senders.get() - 1);
        if self.0.senders.get() == 0 {
            self.0.waiters.wake_all();
        }
    }
}

impl<T> Receiver<T> {
    fn new(shared: &Rc<Shared<T>>, next: u64) -> Self {
        shared.receivers.set(shared.receivers.get() + 1);
        Self {
            shared: Rc::clone(shared),
            next,
        }
    }

    /// How many values it has not received, lost ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.shared.end.get() - self.next).unwrap_or(usize::MAX)
    }

    /// Whether it has received everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An end that receives what is sent from now on.
    #[must_use]
    pub fn resubscribe(&self) -> Self {
        Self::new(&self.shared, self.shared.end.get())
    }
}

impl<T: Clone> Receiver<T> {
    /// Waits for the next value.
    ///
    /// # Errors
    /// When all senders are gone and everything was received, or values were lost.
    ///
    /// # Cancel safety
    /// Yes: dropped, it has received nothing.
    pub fn recv(&mut self) -> Recv<'_, T> {
        Recv {
            receiver: self,
            ticket: Ticket::default(),
        }
    }

    /// The next value, if it is there.
    ///
    /// # Errors
    /// When there is none, when all senders are gone and everything was received, or values were
    /// lost.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let first = self.shared.first();
        if self.next < first {
            let lost = first - self.next;
            self.next = first;
            return Err(TryRecvError::Lagged(lost));
        }
        let place = usize::try_from(self.next - first).unwrap_or(usize::MAX);
        let value = self.shared.values.borrow().get(place).cloned();
        match value {
            Some(value) => {
                self.next += 1;
                Ok(Rc::unwrap_or_clone(value))
            }
            None if self.shared.senders.get() == 0 => Err(TryRecvError::Closed),
            None => Err(TryRecvError::Empty),
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.receivers.set(self.shared.receivers.get() - 1);
        if self.shared.receivers.get() == 0 {
            let values = self.shared.values.take();
            drop(values); // foreign code: with nothing borrowed
        }
    }
}

/// Future of [`Receiver::recv`].
#[must_use = "futures do nothing unless polled"]
pub struct Recv<'a, T> {
    receiver: &'a mut Receiver<T>,
    ticket: Ticket,
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { receiver, ticket } = &mut *self;
        let received = match receiver.try_recv() {
            Ok(value) => Ok(value),
            Err(TryRecvError::Closed) => Err(RecvError::Closed),
            Err(TryRecvError::Lagged(lost)) => Err(RecvError::Lagged(lost)),
            Err(TryRecvError::Empty) => {
                receiver.shared.waiters.wait(ticket, cx, 1);
                return Poll::Pending;
            }
        };
        receiver.shared.waiters.leave(ticket);
        Poll::Ready(received)
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        self.receiver.shared.waiters.leave(&mut self.ticket);
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sender")
            .field("receivers", &self.0.receivers.get())
            .finish_non_exhaustive()
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

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Recv").finish_non_exhaustive()
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => formatter.write_str("channel is closed"),
            Self::Lagged(lost) => write!(formatter, "{lost} values are lost: too far behind"),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => formatter.write_str("channel is empty"),
            Self::Closed => RecvError::Closed.fmt(formatter),
            Self::Lagged(lost) => RecvError::Lagged(*lost).fmt(formatter),
        }
    }
}

impl std::error::Error for RecvError {}
impl std::error::Error for TryRecvError {}
