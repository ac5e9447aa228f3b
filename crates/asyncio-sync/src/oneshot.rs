//! `oneshot`: one value from one task to another.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::waker_cell::WakerCell;

pub use crate::channel::{RecvError, TryRecvError};

/// A channel for one value. One allocation.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_sync::oneshot;
///
/// let executor = Executor::new();
/// let (sender, receiver) = oneshot::channel();
/// let reader = executor.create_task(receiver);
/// sender.send(42).unwrap();
/// assert_eq!(executor.run_until_complete(reader).unwrap().unwrap(), Ok(42));
/// ```
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared {
        value: Cell::new(None),
        sender_gone: Cell::new(false),
        receiver_gone: Cell::new(false),
        receiver: WakerCell::default(),
        sender: WakerCell::default(),
    });
    (Sender(Rc::clone(&shared)), Receiver(shared))
}

struct Shared<T> {
    value: Cell<Option<T>>,
    sender_gone: Cell<bool>,
    /// The receiver is gone or closed.
    receiver_gone: Cell<bool>,
    /// Wakes the receiver.
    receiver: WakerCell,
    /// Wakes the sender that waits for the receiver to go.
    sender: WakerCell,
}

/// The end that has the value.
pub struct Sender<T>(Rc<Shared<T>>);

/// The end that waits for the value: a future.
///
/// # Cancel safety
/// Awaited through `&mut`, yes. By value, the channel ends with it.
#[must_use = "futures do nothing unless polled"]
pub struct Receiver<T>(Rc<Shared<T>>);

impl<T> Sender<T> {
    /// Sends the value.
    ///
    /// # Errors
    /// When the receiver is gone or closed; the value comes back.
    pub fn send(self, value: T) -> Result<(), T> {
        if self.is_closed() {
            return Err(value);
        }
        self.0.value.set(Some(value));
        Ok(()) // the drop of `self` wakes the receiver
    }

    /// Whether nobody will receive.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.receiver_gone.get()
    }

    /// Waits until nobody will receive: then making the value is no use.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn closed(&mut self) {
        let shared = &self.0;
        poll_fn(|cx| {
            if shared.receiver_gone.get() {
                return Poll::Ready(());
            }
            shared.sender.keep(cx);
            Poll::Pending
        })
        .await;
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.sender_gone.set(true);
        self.0.sender.clear();
        self.0.receiver.wake();
    }
}

impl<T> Receiver<T> {
    /// The value, if it is there.
    ///
    /// # Errors
    /// When it is not there yet, or will never be: the sender was dropped, or it was taken.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.0.value.take() {
            Some(value) => Ok(value),
            None if self.0.sender_gone.get() || self.0.receiver_gone.get() => {
                Err(TryRecvError::Closed)
            }
            None => Err(TryRecvError::Empty),
        }
    }

    /// Lets the sender know that nobody will receive. What was sent before can still be taken.
    pub fn close(&mut self) {
        self.0.receiver_gone.set(true);
        self.0.sender.wake();
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.try_recv() {
            Ok(value) => Poll::Ready(Ok(value)),
            Err(TryRecvError::Closed) => Poll::Ready(Err(RecvError)),
            Err(TryRecvError::Empty) => {
                self.0.receiver.keep(cx);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.receiver.clear();
        self.close();
        // With the receiver, as a value that was received would be; not later, with the sender.
        drop(self.0.value.take());
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sender")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Receiver")
            .field("sender_gone", &self.0.sender_gone.get())
            .finish_non_exhaustive()
    }
}
