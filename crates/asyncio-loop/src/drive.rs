//! What transports are built on: a source that one handler drives, and a buffer that all share.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::rc::Rc;

use asyncio_executor::{Dispatch, Recurring};
use asyncio_reactor::{AsSource, Interest, Readiness};

use crate::inner::Inner;
use crate::loop_ref::LoopRef;
use crate::watch::{self, Watch};

/// How much one read takes at most, in bytes: asyncio's `max_size`.
const READ_BUFFER: usize = 256 * 1024;

/// The buffer that the transports of a loop read to, one after the other. Taken out while one
/// does; made at the first read, and its pages are not touched before there are bytes for them.
#[derive(Default)]
pub(crate) struct ReadBuffer(Cell<Option<Box<[u8]>>>);

/// What the reactor hands out.
#[derive(Clone)]
pub(crate) enum Handler {
    /// A callback of `add_reader` or `add_writer`.
    Watch(Rc<Watch>),
    /// A transport.
    Driver(Recurring),
}

impl Handler {
    /// It is not going to run any more: drops what it would have called.
    pub(crate) fn discard(&self) {
        match self {
            Self::Watch(watch) => watch.cancel(),
            Self::Driver(driver) => driver.discard(),
        }
    }
}

impl LoopRef {
    /// Registers `source`, and `handler` to drive it: for transports. The source is made
    /// non-blocking, and is registered once, edge-triggered where the selector has edges.
    ///
    /// The handler runs as an entry of the ready queue, without an allocation, when something it
    /// [wants](Driven::want) has happened, unless it [wakes a task instead](Dispatch::wake_instead); it
    /// is kept by the loop until the returned value is dropped or the loop is closed. Then
    /// [`Dispatch::discard`] is called on it, once or more, and it has to let go of what it holds, that
    /// value included.
    ///
    /// # Errors
    /// As [`register`](Self::register). Source and handler are dropped.
    pub fn drive<T, D>(&self, source: T, handler: Rc<D>) -> io::Result<Driven<T>>
    where
        T: AsSource + 'static,
        D: Dispatch,
    {
        watch::refuse_closed(self.inner())?;
        let handler = Handler::Driver(Recurring::new(handler));
        Ok(Driven {
            driven: self.inner().reactor.drive(source, handler)?,
            inner: Rc::clone(self.inner()),
        })
    }

    /// [`drive`](Self::drive) for a source that is in non-blocking mode already, which saves a
    /// system call.
    ///
    /// # Errors
    /// As [`drive`](Self::drive).
    pub fn drive_nonblocking<T, D>(&self, source: T, handler: Rc<D>) -> io::Result<Driven<T>>
    where
        T: AsSource + 'static,
        D: Dispatch,
    {
        watch::refuse_closed(self.inner())?;
        let handler = Handler::Driver(Recurring::new(handler));
        Ok(Driven {
            driven: self.inner().reactor.drive_nonblocking(source, handler)?,
            inner: Rc::clone(self.inner()),
        })
    }

    /// Lends the buffer of 256 KiB that all transports of the loop read to. What is in it is left
    /// over from others.
    pub fn with_read_buffer<R>(&self, read: impl FnOnce(&mut [u8]) -> R) -> R {
        let place = &self.inner().read_buffer.0;
        let mut buffer = place
            .take()
            .unwrap_or_else(|| vec![0; READ_BUFFER].into_boxed_slice());
        let result = read(&mut buffer);
        place.set(Some(buffer));
        result
    }
}

/// A source that one handler drives: what [`LoopRef::drive`] returns. Dropping it deregisters the
/// source, and drops it and the handler.
pub struct Driven<T> {
    driven: asyncio_reactor::Driven<T, Handler>,
    inner: Rc<Inner>,
}

impl<T> Driven<T> {
    /// The source.
    #[must_use]
    pub fn get_ref(&self) -> &T {
        self.driven.get_ref()
    }

    /// What has happened since the last time; for the handler, when it begins to run: it does not
    /// run again before this has been called.
    #[must_use]
    pub fn begin(&self) -> Readiness {
        self.driven.begin()
    }

    /// As [`begin`](Self::begin), if there is something to read, or the end, and no error: for
    /// [`Dispatch::wake_instead`]. `None`: nothing has changed.
    #[must_use]
    pub fn begin_to_read(&self) -> Option<Readiness> {
        self.driven.begin_to_read()
    }

    /// What has happened since the last time; for others than the handler.
    #[must_use]
    pub fn take_readiness(&self) -> Readiness {
        self.driven.take_readiness()
    }

    /// Has the handler run when one of these directions becomes ready, and for errors: as
    /// [`asyncio_reactor::Driven::want`], which says when to call it again.
    ///
    /// # Errors
    /// As there.
    pub fn want(&self, interest: Interest) -> io::Result<()> {
        self.driven.want(interest)
    }

    /// Whether readiness is reported at its edge: as [`asyncio_reactor::Driven::is_edge`].
    #[must_use]
    pub fn is_edge(&self) -> bool {
        self.driven.is_edge()
    }

    /// Has the handler run in the next turn, after what is ready now. Returns whether it was not
    /// going to run before.
    pub fn schedule(&self) -> bool {
        match self.driven.queue() {
            Some(Handler::Driver(driver)) => {
                self.inner.spawner.push(driver.into_entry());
                true
            }
            _ => false,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Driven<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Driven")
            .field("source", self.get_ref())
            .finish_non_exhaustive()
    }
}
