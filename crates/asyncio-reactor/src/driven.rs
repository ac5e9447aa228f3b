//! Sources that one handler drives: the third kind of registration, for transports.
//!
//! Facts: a transport reads and writes at the edge of readiness, and wants neither a waker nor a
//! call per direction and turn. Decision: an event is stored with the registration, and the handler
//! is handed out once, until it has begun to run; it asks then what has happened.

use crate::interest::{Interest, Mode};
use crate::key::Key;
use crate::registry::{Entry, Kind, Registry};
use crate::sys::register::Registered;
use crate::{AsSource, Event, Reactor};
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::ops::BitOrAssign;
use std::rc::Rc;

/// What has been reported of a [`Driven`] source since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// A read would not block; it may give data, the end, or an error.
    pub readable: bool,
    /// A write would not block; it may take data or give an error.
    pub writable: bool,
    /// A read that comes back short does not show that nothing is left: see
    /// [`Event::read_closed`].
    pub read_closed: bool,
    /// An error is pending: see [`Event::broken`].
    pub broken: bool,
}

impl BitOrAssign for Readiness {
    /// Branches: four times `|=` the compiler does at once, in ninety instructions.
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        if other.readable {
            self.readable = true;
        }
        if other.writable {
            self.writable = true;
        }
        if other.read_closed {
            self.read_closed = true;
        }
        if other.broken {
            self.broken = true;
        }
    }
}

/// The books of one driven source.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Driving {
    reported: Readiness,
    /// What the handler is handed out for.
    wanted: Interest,
    /// What a oneshot registration is armed for, beside errors; `None`: for nothing. Unused with
    /// edges.
    armed: Option<Interest>,
    /// What comes unasked was reported, an error or a hang-up. It lasts, for ever or (that of a
    /// datagram) until it is read, so it alone is not waited for a second time: it would come at
    /// once. Whoever wants to read again hears of it then, and of the next one.
    has_ended: bool,
    /// The handler was handed out and has not begun to run.
    queued: bool,
}

impl Driving {
    /// Takes an event in; whether the handler is to be handed out.
    pub(crate) fn report(&mut self, event: &Event) -> bool {
        let unasked = self.armed.take() == Some(Interest::NONE);
        self.has_ended |= event.broken || unasked;
        self.reported |= Readiness {
            readable: event.readable,
            writable: event.writable,
            read_closed: event.read_closed,
            broken: event.broken,
        };
        let due = event.readable && self.wanted.readable
            || event.writable && self.wanted.writable
            || event.broken;
        due && self.queue()
    }

    /// Whether the handler was not handed out before.
    pub(crate) fn queue(&mut self) -> bool {
        !std::mem::replace(&mut self.queued, true)
    }

    fn take(&mut self) -> Readiness {
        std::mem::take(&mut self.reported)
    }

    /// The handler begins to run.
    fn begin(&mut self) -> Readiness {
        self.queued = false;
        self.take()
    }

    /// What a oneshot registration has to be armed for, if it is not: for errors, too, when nothing
    /// else is wanted.
    fn unarmed(self) -> Option<Interest> {
        if self.wanted.is_empty() && self.has_ended {
            return None;
        }
        let is_armed = self.armed.is_some_and(|armed| armed.contains(self.wanted));
        (!is_armed).then_some(self.wanted)
    }

    fn armed(&mut self, interest: Interest) {
        self.armed = Some(interest);
    }

    pub(crate) fn wanted(self) -> Interest {
        self.wanted
    }

    fn want(&mut self, interest: Interest) {
        self.wanted = interest;
    }
}

/// The handlers of driven sources, by the index of their registration.
pub(crate) struct Drivers<H>(RefCell<Vec<Option<H>>>);

impl<H> Default for Drivers<H> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<H> Drivers<H> {
    pub(crate) fn get(&self, index: usize) -> Option<H>
    where
        H: Clone,
    {
        self.0.borrow().get(index)?.clone()
    }

    fn insert(&self, index: usize, handler: H) {
        let mut drivers = self.0.borrow_mut();
        if drivers.len() <= index {
            drivers.resize_with(index + 1, || None);
        }
        drivers[index] = Some(handler);
    }

    /// The caller drops it, with nothing borrowed.
    fn remove(&self, index: usize) -> Option<H> {
        self.0.borrow_mut().get_mut(index)?.take()
    }

    fn take(&self) -> Vec<Option<H>> {
        self.0.take()
    }
}

impl<H> Reactor<H> {
    /// Registers a source and the handler that drives it: once, edge-triggered where the selector
    /// has edges, until the returned value is dropped. The source is put into non-blocking mode.
    ///
    /// The handler is wanted for nothing yet: see [`Driven::want`].
    ///
    /// # Errors
    /// As [`Async::new`](crate::Async::new). Source and handler are dropped.
    pub fn drive<T: AsSource + 'static>(&self, source: T, handler: H) -> io::Result<Driven<T, H>> {
        crate::sys::set_nonblocking(source.as_source())?;
        self.drive_nonblocking(source, handler)
    }

    /// [`drive`](Self::drive) for a source that is in non-blocking mode already, which saves a
    /// system call.
    ///
    /// # Errors
    /// As [`drive`](Self::drive).
    pub fn drive_nonblocking<T: AsSource + 'static>(
        &self,
        source: T,
        handler: H,
    ) -> io::Result<Driven<T, H>> {
        let kind = Kind::Driven(Driving::default());
        let registered =
            Registered::new(self.registry(), source, kind).map_err(|(error, _source)| error)?;
        self.drivers
            .insert(registered.registration().key().index(), handler);
        Ok(Driven {
            registered,
            drivers: Rc::clone(&self.drivers),
        })
    }

    /// Removes and returns the handlers of all driven sources, which stay registered and are
    /// reported to nobody any more: for a loop that closes.
    pub fn take_driven(&self) -> Vec<H> {
        self.drivers.take().into_iter().flatten().collect()
    }
}

impl Registry {
    /// Looks at the books of a driven source. `look` runs no foreign code.
    pub(crate) fn driving<R>(&self, key: Key, look: impl FnOnce(&mut Driving) -> R) -> Option<R> {
        match self.entry(key).as_deref_mut() {
            Some(Entry {
                kind: Kind::Driven(driving),
                ..
            }) => Some(look(driving)),
            _ => None,
        }
    }

    /// Changes what the handler of a driven source is handed out for.
    pub(crate) fn want(&self, key: Key, interest: Interest) -> io::Result<()> {
        let unarmed = self.driving(key, |driving| {
            driving.want(interest);
            driving.unarmed()
        });
        let Some(Some(interest)) = unarmed else {
            return Ok(());
        };
        if self.selector().supports_edge() {
            return Ok(());
        }
        let source = self.current(key).ok_or(io::ErrorKind::NotFound)?;
        self.selector()
            .modify(&source, key.as_usize(), interest, Mode::Oneshot)?;
        self.driving(key, |driving| driving.armed(interest));
        Ok(())
    }
}

/// A source and its registration, for which a handler is handed out: made by [`Reactor::drive`].
///
/// Dropping it deregisters the source, and drops it and the handler.
pub struct Driven<T, H> {
    registered: Registered<T>,
    drivers: Rc<Drivers<H>>,
}

impl<T, H> Driven<T, H> {
    /// The source.
    #[must_use]
    pub fn get_ref(&self) -> &T {
        self.registered.get_ref()
    }

    /// What was reported since this was last asked; for the handler when it begins to run: the next
    /// event hands it out again.
    #[must_use]
    pub fn begin(&self) -> Readiness {
        self.driving(Driving::begin).unwrap_or_default()
    }

    /// As [`begin`](Self::begin), if there is something to read, or the end, and no error: for
    /// who need not have the handler run for that. `None`: nothing has changed.
    #[must_use]
    pub fn begin_to_read(&self) -> Option<Readiness> {
        self.driving(|driving| {
            let plain = driving.reported.readable && !driving.reported.broken;
            plain.then(|| driving.begin())
        })?
    }

    /// What was reported since this was last asked.
    #[must_use]
    pub fn take_readiness(&self) -> Readiness {
        self.driving(Driving::take).unwrap_or_default()
    }

    /// The handler, if it is not handed out already: for whoever wants it to run without an event.
    #[must_use]
    pub fn queue(&self) -> Option<H>
    where
        H: Clone,
    {
        if !self.driving(Driving::queue)? {
            return None;
        }
        self.drivers
            .get(self.registered.registration().key().index())
    }

    /// Has the handler handed out for these directions, and for errors, from now on. To be called
    /// again, with the same interest, whenever an operation has shown that a direction is not
    /// ready any more: a selector without edges is armed by that. What was reported before the call
    /// and not asked for does not come again.
    ///
    /// # Errors
    /// What the kernel reports when it is asked to watch; never where there are edges.
    pub fn want(&self, interest: Interest) -> io::Result<()> {
        let registration = self.registered.registration();
        registration.registry().want(registration.key(), interest)
    }

    /// Whether readiness is reported at its edge. Then [`want`](Self::want) need not be called again
    /// with an interest that it was called with last.
    #[must_use]
    pub fn is_edge(&self) -> bool {
        let registry = self.registered.registration().registry();
        registry.selector().supports_edge()
    }

    fn driving<R>(&self, look: impl FnOnce(&mut Driving) -> R) -> Option<R> {
        let registration = self.registered.registration();
        registration.registry().driving(registration.key(), look)
    }
}

impl<T, H> Drop for Driven<T, H> {
    fn drop(&mut self) {
        let index = self.registered.registration().key().index();
        // A reactor that closes has taken it, and the table is empty.
        let handler = self.drivers.remove(index);
        drop(handler);
    }
}

impl<T: fmt::Debug, H> fmt::Debug for Driven<T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driven")
            .field("source", self.get_ref())
            .finish_non_exhaustive()
    }
}
