//! `mpsc`: values from many tasks to one, with ends that know whether there is another.
//!
//! A [`Queue`](crate::Queue) is asyncio's; this is for those who want ends: whoever receives is
//! told when all senders are gone, and whoever sends when nobody will receive.

// | file | idea |
// |---|---|
// | `shared` | the values, and what both ends know |
// | `sender` | the ends that send, with a bound or without |
// | `receiver` | the end that receives |

mod receiver;
mod sender;
mod shared;

pub use crate::channel::{SendError, TryRecvError, TrySendError};
pub use receiver::Receiver;
pub use sender::{Permit, Sender, UnboundedSender};

use shared::Shared;

/// A channel for at most `capacity` values at once: who sends more waits for room, in order of
/// arrival.
///
/// # Panics
/// When `capacity` is 0.
///
/// # Examples
/// ```
/// use asyncio_executor::Executor;
/// use asyncio_sync::mpsc;
///
/// let executor = Executor::new();
/// let (sender, mut receiver) = mpsc::channel(2);
/// for worker in 0..3 {
///     let sender = sender.clone();
///     executor
///         .create_task(async move { sender.send(worker).await.unwrap() })
///         .detach();
/// }
/// drop(sender);
/// let sum = executor.run_until_complete(async {
///     let mut sum = 0;
///     while let Some(value) = receiver.recv().await {
///         sum += value;
///     }
///     sum // all senders are gone
/// });
/// assert_eq!(sum.unwrap(), 3);
/// ```
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a channel needs room for a value");
    let shared = Shared::new(Some(capacity));
    (Sender::new(&shared), Receiver::new(shared))
}

/// A channel without a bound: sending never waits, so that it is the sender's duty not to flood.
///
/// # Examples
/// ```
/// use asyncio_sync::mpsc;
///
/// let (sender, mut receiver) = mpsc::unbounded_channel();
/// sender.send("hello")?;
/// assert_eq!(receiver.try_recv(), Ok("hello"));
/// assert_eq!(receiver.try_recv(), Err(mpsc::TryRecvError::Empty));
/// # Ok::<(), mpsc::SendError<&str>>(())
/// ```
#[must_use]
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, Receiver<T>) {
    let shared = Shared::new(None);
    (UnboundedSender::new(&shared), Receiver::new(shared))
}
