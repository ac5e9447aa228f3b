//! Awaiting readiness: the owner of a source that tasks read from and write to.

use crate::interest::Direction;
use crate::readiness::{Readiness, Waiter};
use crate::registry::{Kind, Registration};
use crate::sys::register::Registered;
use crate::{AsSource, Reactor};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A source whose readiness can be awaited.
///
/// It owns the source: a socket, a pipe, an `Rc` of one. It is registered once, edge-triggered where
/// the selector has edges, and deregistered before the source is dropped. In between it remembers
/// what was reported, and an operation costs its own system call and no other:
/// [`read_io`](Self::read_io) tries, and waits only when trying has shown that nothing is there.
///
/// The source is only lent as `&T`: if it could be exchanged, the reactor would watch a descriptor
/// that is not ours. Types that read and write by `&mut` do it by `&&mut` too, as `&TcpStream` does.
///
/// An `Async` keeps its reactor's selector alive, but once the [`Reactor`] is gone nobody waits any
/// more and nothing becomes ready.
///
/// # Examples
/// ```
/// use asyncio_reactor::{Async, Reactor};
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
/// use std::task::{Context, Poll, Waker};
///
/// let reactor: Reactor<()> = Reactor::new()?;
/// let (mut far, near) = UnixStream::pair()?;
/// let near = Async::new(&reactor, near)?;
///
/// let mut buffer = [0; 16];
/// let mut reading = Box::pin(near.read_io(|mut near| near.read(&mut buffer)));
/// let mut cx = Context::from_waker(Waker::noop()); // a task has a waker of its own
/// assert!(reading.as_mut().poll(&mut cx).is_pending());
///
/// far.write_all(b"five!")?;
/// let read = loop {
///     reactor.wait(None)?;
///     reactor.dispatch(drop);
///     if let Poll::Ready(read) = reading.as_mut().poll(&mut cx) {
///         break read?;
///     }
/// };
/// assert_eq!(read, 5);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Async<T> {
    registered: Registered<T>,
}

impl<T: AsSource + 'static> Async<T> {
    /// Puts the source into non-blocking mode and registers it.
    ///
    /// # Errors
    /// What the kernel reports: `PermissionDenied` for what it cannot watch (epoll: regular files);
    /// `AlreadyExists` when the descriptor is registered with this reactor already. The source is
    /// dropped.
    pub fn new<H>(reactor: &Reactor<H>, source: T) -> io::Result<Self> {
        crate::sys::set_nonblocking(source.as_source())?;
        Self::new_nonblocking(reactor, source)
    }

    /// Registers a source that is in non-blocking mode already, which saves a system call.
    ///
    /// With one that is not, an operation blocks the reactor's thread.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn new_nonblocking<H>(reactor: &Reactor<H>, source: T) -> io::Result<Self> {
        let kind = Kind::Awaited(Box::default());
        match Registered::new(reactor.registry(), source, kind) {
            Ok(registered) => Ok(Self { registered }),
            Err((error, _source)) => Err(error),
        }
    }
}

impl<T> Async<T> {
    /// The source.
    #[must_use]
    pub fn get_ref(&self) -> &T {
        self.registered.get_ref()
    }

    /// Deregisters the source and gives it back. It stays in non-blocking mode.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.registered.into_inner()
    }

    /// Ready when a read, or an accept, may succeed; else the task of `cx` is woken when it may.
    ///
    /// It stays ready until an operation was tried and blocked (see
    /// [`try_read_io`](Self::try_read_io)). Of several tasks that call this, the last is woken; any
    /// number can wait with [`readable`](Self::readable).
    ///
    /// # Errors
    /// What the kernel reports when it is asked to watch; never where there are edges.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(Direction::Read, cx)
    }

    /// Ready when a write, or the end of a connect, may succeed: as
    /// [`poll_readable`](Self::poll_readable).
    ///
    /// # Errors
    /// As [`poll_readable`](Self::poll_readable).
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_ready(Direction::Write, cx)
    }

    /// Waits until a read, or an accept, may succeed. It may be spurious: try, and wait again.
    ///
    /// # Errors
    /// As [`poll_readable`](Self::poll_readable).
    ///
    /// # Cancel safety
    /// Safe: nothing happens but waiting.
    pub fn readable(&self) -> Ready<'_> {
        Ready::new(self.registered.registration(), Direction::Read)
    }

    /// Waits until a write, or the end of a connect, may succeed. It may be spurious: try, and wait
    /// again.
    ///
    /// # Errors
    /// As [`poll_writable`](Self::poll_writable).
    ///
    /// # Cancel safety
    /// Safe: nothing happens but waiting.
    pub fn writable(&self) -> Ready<'_> {
        Ready::new(self.registered.registration(), Direction::Write)
    }

    /// Does an operation that reads, now, and remembers it when that would block.
    ///
    /// Reads of the source that go past this method are not seen: if one of them blocks, tasks that
    /// wait with [`readable`](Self::readable) are told it is ready.
    ///
    /// # Errors
    /// What `operation` returns, `WouldBlock` for instance.
    pub fn try_read_io<R>(&self, operation: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
        self.try_io(Direction::Read, operation)
    }

    /// Does an operation that writes, now, and remembers it when that would block: as
    /// [`try_read_io`](Self::try_read_io).
    ///
    /// # Errors
    /// What `operation` returns, `WouldBlock` for instance.
    pub fn try_write_io<R>(&self, operation: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
        self.try_io(Direction::Write, operation)
    }

    /// Does an operation that reads as soon as it does not block.
    ///
    /// It is tried at once, unless it is known that it would block, and again each time the source
    /// is reported. One that was interrupted by a signal is done again.
    ///
    /// # Errors
    /// What `operation` returns, except `WouldBlock` and `Interrupted`.
    ///
    /// # Cancel safety
    /// Safe if the operation is one system call: it has either happened and the future is ready, or
    /// it has not happened.
    pub async fn read_io<R>(&self, operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.wait_io(Direction::Read, operation).await
    }

    /// Does an operation that writes as soon as it does not block: as [`read_io`](Self::read_io).
    ///
    /// # Errors
    /// What `operation` returns, except `WouldBlock` and `Interrupted`.
    ///
    /// # Cancel safety
    /// As [`read_io`](Self::read_io).
    pub async fn write_io<R>(&self, operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.wait_io(Direction::Write, operation).await
    }

    /// Says that the last read gave less than there was room for, so that nothing is left to be
    /// read: the next [`read_io`](Self::read_io) waits for more, and does not first call the kernel
    /// to be told `WouldBlock`.
    ///
    /// Only true of byte streams, and not of an accept. It is ignored where the end of the stream
    /// would then be missed.
    pub fn clear_readable(&self) {
        self.readiness(|readiness| readiness.came_short(Direction::Read));
    }

    /// Says that the last write took less than it was given, so that there is no room: the next
    /// [`write_io`](Self::write_io) waits for it.
    pub fn clear_writable(&self) {
        self.readiness(|readiness| readiness.came_short(Direction::Write));
    }

    fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let registration = self.registered.registration();
        registration
            .registry()
            .poll_ready(registration.key(), direction, Waiter::Poller, cx)
    }

    fn try_io<R>(
        &self,
        direction: Direction,
        operation: impl FnOnce(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        let result = operation(self.get_ref());
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::WouldBlock
        {
            // What became ready since the operation is reported by the next wait.
            self.readiness(|readiness| readiness.would_block(direction));
        }
        result
    }

    async fn wait_io<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        loop {
            if self.readiness(|readiness| readiness.is_exhausted(direction)) == Some(true) {
                Ready::new(self.registered.registration(), direction).await?;
            }
            match self.try_io(direction, &mut operation) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                    ) => {}
                result => return result,
            }
        }
    }

    fn readiness<R>(&self, look: impl FnOnce(&mut Readiness) -> R) -> Option<R> {
        let registration = self.registered.registration();
        registration.registry().readiness(registration.key(), look)
    }
}

/// Waits for one direction of an [`Async`]: what [`Async::readable`] and [`Async::writable`] return.
#[must_use = "futures do nothing unless polled"]
pub struct Ready<'a> {
    registration: &'a Registration,
    direction: Direction,
    /// Where the last waker is kept, once there is one.
    place: Option<usize>,
}

impl<'a> Ready<'a> {
    fn new(registration: &'a Registration, direction: Direction) -> Self {
        Self {
            registration,
            direction,
            place: None,
        }
    }
}

impl Future for Ready<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            registration,
            direction,
            place,
        } = &mut *self;
        let waiter = Waiter::Future(place);
        let result = ready!(registration.registry().poll_ready(
            registration.key(),
            *direction,
            waiter,
            cx
        ));
        Poll::Ready(result)
    }
}

impl Drop for Ready<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let registry = self.registration.registry();
            let key = self.registration.key();
            let waker = registry.readiness(key, |readiness| readiness.leave(self.direction, place));
            // Dropped with nothing borrowed.
            drop(waker);
        }
    }
}

impl fmt::Debug for Ready<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}
