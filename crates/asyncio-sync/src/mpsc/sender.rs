//! The ends that send: with a bound, and without.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::channel::{SendError, TrySendError};
use crate::error::{SemaphoreClosed, TryAcquireError};
use crate::mpsc::shared::Shared;
use crate::waiters::Ticket;

/// An end that sends, and waits for room. Clones send into the same channel; when the last is
/// dropped, the receiver is told.
pub struct Sender<T>(Rc<Shared<T>>);

/// An end that sends into a channel without a bound. Clones send into the same channel; when the
/// last is dropped, the receiver is told.
pub struct UnboundedSender<T>(Rc<Shared<T>>);

macro_rules! ends {
    ($($end:ident,)+) => {
        $(
            impl<T> $end<T> {
                pub(super) fn new(shared: &Rc<Shared<T>>) -> Self {
                    shared.senders.set(shared.senders.get() + 1);
                    Self(Rc::clone(shared))
                }

                /// Whether nobody will receive.
                #[must_use]
                pub fn is_closed(&self) -> bool {
                    self.0.closed.is_set()
                }

                /// Waits until nobody will receive.
                ///
                /// # Cancel safety
                /// Yes.
                pub async fn closed(&self) {
                    self.0.closed.wait().await;
                }

                /// Whether both send into the same channel.
                #[must_use]
                pub fn same_channel(&self, other: &Self) -> bool {
                    Rc::ptr_eq(&self.0, &other.0)
                }
            }

            impl<T> Clone for $end<T> {
                fn clone(&self) -> Self {
                    Self::new(&self.0)
                }
            }

            impl<T> Drop for $end<T> {
                fn drop(&mut self) {
                    self.0.senders.set(self.0.senders.get() - 1);
                    if self.0.senders.get() == 0 {
                        self.0.wake_receiver();
                    }
                }
            }

            impl<T> fmt::Debug for $end<T> {
                fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter
                        .debug_struct(stringify!($end))
                        .field("closed", &self.is_closed())
                        .field("len", &self.0.len())
                        .finish_non_exhaustive()
                }
            }
        )+
    };
}

ends! {
    Sender,
    UnboundedSender,
}

impl<T> Sender<T> {
    /// Sends a value, and waits for room if there is none, in order of arrival.
    ///
    /// # Errors
    /// When nobody will receive; the value comes back.
    ///
    /// # Cancel safety
    /// Yes for the channel: dropped, nothing was sent. The value is dropped with it; to keep it,
    /// [`reserve`](Self::reserve) room first.
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        match self.reserve().await {
            Ok(permit) => {
                permit.send(value);
                Ok(())
            }
            Err(SendError(())) => Err(SendError(value)),
        }
    }

    /// Sends a value if there is room and nobody waits for it.
    ///
    /// # Errors
    /// When there is none, or nobody will receive; the value comes back.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        match self.0.room.try_take(1) {
            Ok(()) => {
                self.0.push(value);
                Ok(())
            }
            Err(TryAcquireError::NoPermits) => Err(TrySendError::Full(value)),
            Err(TryAcquireError::Closed) => Err(TrySendError::Closed(value)),
        }
    }

    /// Waits for room for a value, and keeps it.
    ///
    /// # Errors
    /// When nobody will receive.
    ///
    /// # Cancel safety
    /// Yes: dropped, it gives up its place, and passes on room that it was woken for.
    pub async fn reserve(&self) -> Result<Permit<'_, T>, SendError<()>> {
        let waiting = Reserving {
            shared: &self.0,
            ticket: Ticket::default(),
        };
        waiting.await.map_err(|SemaphoreClosed| SendError(()))?;
        if self.is_closed() {
            self.0.room.give_back(1);
            return Err(SendError(()));
        }
        self.0.reserved.set(self.0.reserved.get() + 1);
        Ok(Permit {
            shared: &self.0,
            used: false,
        })
    }

    /// For how many values there is room now.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.room.permits()
    }

    /// For how many values there is room at most.
    #[must_use]
    pub fn max_capacity(&self) -> usize {
        self.0.capacity.unwrap_or(usize::MAX)
    }
}

impl<T> UnboundedSender<T> {
    /// Sends a value.
    ///
    /// # Errors
    /// When nobody will receive; the value comes back.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        self.0.push(value);
        Ok(())
    }
}

/// Room for one value. Dropping it gives the room back.
#[must_use = "dropping a permit gives its room back"]
pub struct Permit<'a, T> {
    shared: &'a Shared<T>,
    used: bool,
}

impl<T> Permit<'_, T> {
    /// Sends a value. It is received also if the receiver was closed meanwhile; if it is gone, the
    /// value is dropped.
    pub fn send(mut self, value: T) {
        self.used = true;
        self.shared.push(value);
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        self.shared.reserved.set(self.shared.reserved.get() - 1);
        if !self.used {
            self.shared.room.give_back(1);
        }
        // A receiver that ran inside of the wake-up by the value has still seen the room reserved.
        if self.shared.is_over() {
            self.shared.wake_receiver();
        }
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// A wait for room.
struct Reserving<'a, T> {
    shared: &'a Shared<T>,
    ticket: Ticket,
}

impl<T> Future for Reserving<'_, T> {
    type Output = Result<(), SemaphoreClosed>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { shared, ticket } = &mut *self;
        shared.room.poll_take(ticket, cx, 1)
    }
}

impl<T> Drop for Reserving<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.shared.room.give_up(&mut self.ticket, 1);
    }
}
