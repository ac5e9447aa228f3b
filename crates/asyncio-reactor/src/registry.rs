//! The books of a reactor: which sources are registered, under which keys, and what was found.
//!
//! Nothing here is borrowed while a waker, a destructor or a selector runs.

use crate::driven::Driving;
use crate::interest::{Direction, Interest, Mode};
use crate::key::Key;
use crate::readiness::{Readiness, Waiter};
use crate::sys::RawSource;
use crate::{Event, Events, HeldSource, Selector};
use slab::Slab;
use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Registry {
    selector: Box<dyn Selector>,
    /// What may refuse a wait.
    on_wait: OnWait,
    entries: RefCell<Slab<Entry>>,
    /// Who has a descriptor's number now. An entry whose number has gone to another was closed
    /// behind our back, and must not deregister what is not its own.
    /// By the index of the entry, which has the key.
    owners: RefCell<HashMap<RawSource, u32>>,
    generation: Cell<usize>,
    /// Events that were reported and not dispatched. Refilled only when empty, so bounded by the
    /// size of a batch (and of `disarmed`).
    pending: RefCell<VecDeque<Event>>,
    /// Wakers that are due. Kept here, so that none is lost when one of them panics.
    wakers: RefCell<VecDeque<Waker>>,
    /// Level registrations that a selector without levels has disarmed, to be armed by the next
    /// wait: at most one a pending event.
    disarmed: RefCell<Vec<Key>>,
    /// What the selector writes to. Empty between two waits.
    events: RefCell<Events>,
}

#[derive(Debug)]
pub(crate) struct Entry {
    key: Key,
    source: HeldSource,
    pub(crate) kind: Kind,
}

/// What a source was registered for.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Tasks that wait for readiness, by edges where there are some.
    /// Boxed: it is large, and a driven source has none.
    Awaited(Box<Readiness>),
    /// Handlers, called for as long as the condition lasts.
    Watched(Interest),
    /// One handler, which is told of edges.
    Driven(Driving),
}

/// An event that concerns a live registration with handlers.
#[derive(Debug)]
pub(crate) enum Hit {
    Watched {
        key: Key,
        readable: bool,
        writable: bool,
    },
    Driven(Key),
}

/// See [`Reactor::on_wait`](crate::Reactor::on_wait).
#[derive(Default)]
struct OnWait(OnceCell<Box<dyn Fn()>>);

impl fmt::Debug for OnWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnWait")
            .field(&self.0.get().is_some())
            .finish()
    }
}

impl Registry {
    pub(crate) fn new(selector: Box<dyn Selector>) -> Rc<Self> {
        Rc::new(Self {
            selector,
            on_wait: OnWait::default(),
            entries: RefCell::default(),
            owners: RefCell::default(),
            generation: Cell::new(0),
            pending: RefCell::default(),
            wakers: RefCell::default(),
            disarmed: RefCell::default(),
            events: RefCell::default(),
        })
    }

    pub(crate) fn selector(&self) -> &dyn Selector {
        &*self.selector
    }

    pub(crate) fn sources(&self) -> usize {
        self.entries.borrow().len()
    }

    /// Who has this number.
    pub(crate) fn owner(&self, number: RawSource) -> Option<Key> {
        let index = *self.owners.borrow().get(&number)?;
        let entries = self.entries.borrow();
        entries.get(index as usize).map(|entry| entry.key)
    }

    pub(crate) fn register(
        self: &Rc<Self>,
        source: HeldSource,
        kind: Kind,
    ) -> io::Result<Registration> {
        let number = source.as_raw_source();
        let (interest, mode) = match &kind {
            Kind::Watched(interest) => (*interest, self.watch_mode()),
            _ if self.selector.supports_edge() => (Interest::BOTH, Mode::Edge),
            _ => (Interest::NONE, Mode::Oneshot),
        };
        let generation = self.generation.get();
        let index = self.entries.borrow().vacant_key();
        let key = Key::new(generation, index)
            .ok_or_else(|| io::Error::other("a reactor cannot hold more sources than this"))?;
        match self
            .selector
            .register(&source, key.as_usize(), interest, mode)
        {
            // The kernel knows the number, and so do we: it is in use.
            Err(error) if exists(&error) && self.owner(number).is_some() => {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    format!("the descriptor {number} is registered already"),
                ));
            }
            // The kernel knows the number and we do not: left over from a descriptor that was closed
            // behind our back while a duplicate of it was open, and has now come back.
            Err(error) if exists(&error) => {
                self.selector
                    .modify(&source, key.as_usize(), interest, mode)?;
            }
            other => other?,
        }
        self.generation.set(generation.wrapping_add(1));
        // It fits: a key has no more room for an index.
        self.owners.borrow_mut().insert(number, index as u32);
        let inserted = self
            .entries
            .borrow_mut()
            .insert(Entry { key, source, kind });
        debug_assert_eq!(inserted, index, "no selector registers while it registers");
        Ok(Registration {
            registry: Rc::clone(self),
            key,
        })
    }

    /// Changes what a watched source is asked about.
    pub(crate) fn watch(&self, key: Key, interest: Interest) -> io::Result<()> {
        let source = self.current(key).ok_or(io::ErrorKind::NotFound)?;
        self.selector
            .modify(&source, key.as_usize(), interest, self.watch_mode())?;
        if let Some(Entry {
            kind: Kind::Watched(watched),
            ..
        }) = self.entry(key).as_deref_mut()
        {
            *watched = interest;
        }
        Ok(())
    }

    fn deregister(&self, key: Key) {
        // An error says that the kernel had forgotten it before (`ENOENT`, or `EBADF` when it was
        // closed), which is what we want.
        if let Some(source) = self.current(key) {
            let _ = self.selector.deregister(&source);
            self.owners.borrow_mut().remove(&source.as_raw_source());
        }
        let entry = self.entries.borrow_mut().try_remove(key.index());
        // Drops wakers, with nothing borrowed.
        drop(entry);
    }

    /// Sleeps until something is ready, and keeps what is for [`Self::next_hit`]. While something is
    /// left from the last time it returns at once.
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<usize> {
        if !self.is_idle() {
            return Ok(self.pending.borrow().len());
        }
        let timeout = if self.arm_watched() {
            timeout
        } else {
            Some(Duration::ZERO)
        };
        let mut events = self.events.take();
        let waited = self.selector.wait(&mut events, timeout);
        let mut pending = self.pending.borrow_mut();
        pending.extend(events.drain());
        *self.events.borrow_mut() = events;
        waited.map(|()| pending.len())
    }

    /// Gives level registrations their level meaning where the selector has none. False: for some it
    /// failed, and their handlers will be called, to meet the error themselves.
    fn arm_watched(&self) -> bool {
        for key in self.disarmed.take() {
            let Some((source, interest)) = self.watched(key) else {
                continue;
            };
            let armed = self
                .selector
                .modify(&source, key.as_usize(), interest, Mode::Oneshot);
            if armed.is_err() {
                let Interest { readable, writable } = interest;
                let key = key.as_usize();
                let event = Event {
                    key,
                    readable,
                    writable,
                    read_closed: false,
                    broken: false,
                };
                self.pending.borrow_mut().push_back(event);
            }
        }
        self.pending.borrow().is_empty()
    }

    /// Whether everything that was reported has been dispatched.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.borrow().is_empty() && self.wakers.borrow().is_empty()
    }

    /// Works through what the last wait found: wakes who waits for a source, and returns at the
    /// first event for one with handlers. `None`: nothing is left.
    ///
    /// This is the one place where stale events are dropped.
    pub(crate) fn next_hit(&self) -> Option<Hit> {
        loop {
            self.wake_all();
            let event = self.pending.borrow_mut().pop_front()?;
            let key = Key::from_usize(event.key);
            let (rearm, driven) = match self.entry(key).as_deref_mut().map(|entry| &mut entry.kind)
            {
                // The source was deregistered after the event was reported.
                None => continue,
                Some(Kind::Watched(interest)) => {
                    if !self.selector.supports_level() {
                        self.disarmed.borrow_mut().push(key);
                    }
                    return Some(Hit::Watched {
                        key,
                        readable: event.readable && interest.readable,
                        writable: event.writable && interest.writable,
                    });
                }
                Some(Kind::Driven(driving)) => {
                    if driving.report(&event) {
                        return Some(Hit::Driven(key));
                    }
                    (driving.wanted(), true)
                }
                Some(Kind::Awaited(readiness)) => {
                    readiness.report(&event, &mut *self.wakers.borrow_mut());
                    readiness.armed = Interest::NONE;
                    (readiness.awaited(), false)
                }
            };
            // A oneshot registration is silent after its event, in both directions.
            if driven {
                if self.want(key, rearm).is_err() && self.driving(key, Driving::queue) == Some(true)
                {
                    return Some(Hit::Driven(key));
                }
            } else if !rearm.is_empty() {
                self.arm(key, rearm)
                    .unwrap_or_else(|_| self.wake_awaiting(key));
            }
        }
    }

    /// Wakes one by one, with nothing borrowed: a waker is foreign code.
    fn wake_all(&self) {
        loop {
            let waker = self.wakers.borrow_mut().pop_front();
            match waker {
                Some(waker) => waker.wake(),
                None => return,
            }
        }
    }

    /// Lets whoever waits for a source find out why it cannot be armed.
    fn wake_awaiting(&self, key: Key) {
        if let Some(Entry {
            kind: Kind::Awaited(readiness),
            ..
        }) = self.entry(key).as_deref_mut()
        {
            readiness.release(&mut *self.wakers.borrow_mut());
        }
    }

    pub(crate) fn set_on_wait(&self, on_wait: Box<dyn Fn()>) {
        // The first one stays.
        let _ = self.on_wait.0.set(on_wait);
    }

    /// Waits for a direction, on behalf of a task.
    pub(crate) fn poll_ready(
        &self,
        key: Key,
        direction: Direction,
        mut waiter: Waiter<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.readiness(key, |readiness| readiness.is_ready(direction)) == Some(true) {
            return Poll::Ready(Ok(()));
        }
        if let Some(on_wait) = self.on_wait.0.get() {
            on_wait();
        }
        let known = self.readiness(key, |readiness| {
            readiness.will_wake(direction, &waiter, cx.waker())
        });
        if known != Some(true) {
            // Cloned and dropped with nothing borrowed: a waker is foreign code.
            let waker = cx.waker().clone();
            let old = self.readiness(key, |readiness| {
                readiness.store(direction, &mut waiter, waker)
            });
            drop(old);
            // Foreign code may have dispatched the event before the waker was stored.
            if self.readiness(key, |readiness| readiness.is_ready(direction)) == Some(true) {
                return Poll::Ready(Ok(()));
            }
        }
        match self.arm(key, direction.into()) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Makes sure that a oneshot registration reports the directions in `interest`.
    fn arm(&self, key: Key, interest: Interest) -> io::Result<()> {
        if self.selector.supports_edge() {
            return Ok(());
        }
        let Some(armed) = self.readiness(key, |readiness| readiness.armed) else {
            return Ok(());
        };
        if armed.contains(interest) {
            return Ok(());
        }
        let interest = armed | interest;
        let source = self.current(key).ok_or(io::ErrorKind::NotFound)?;
        self.selector
            .modify(&source, key.as_usize(), interest, Mode::Oneshot)?;
        self.readiness(key, |readiness| readiness.armed = interest);
        Ok(())
    }

    /// Looks at the readiness of an awaited source. `look` runs no foreign code.
    pub(crate) fn readiness<R>(
        &self,
        key: Key,
        look: impl FnOnce(&mut Readiness) -> R,
    ) -> Option<R> {
        match self.entry(key).as_deref_mut() {
            Some(Entry {
                kind: Kind::Awaited(readiness),
                ..
            }) => Some(look(readiness)),
            _ => None,
        }
    }

    fn watched(&self, key: Key) -> Option<(HeldSource, Interest)> {
        match self.entry(key).as_deref() {
            Some(Entry {
                source,
                kind: Kind::Watched(interest),
                ..
            }) => Some((source.again(), *interest)),
            _ => None,
        }
    }

    /// The source under `key`, if it still has its descriptor's number.
    pub(crate) fn current(&self, key: Key) -> Option<HeldSource> {
        let source = self.entry(key)?.source.again();
        (self.owner(source.as_raw_source()) == Some(key)).then_some(source)
    }

    pub(crate) fn entry(&self, key: Key) -> Option<RefMut<'_, Entry>> {
        RefMut::filter_map(self.entries.borrow_mut(), |entries| {
            entries
                .get_mut(key.index())
                .filter(|entry| entry.key == key)
        })
        .ok()
    }

    fn watch_mode(&self) -> Mode {
        if self.selector.supports_level() {
            Mode::Level
        } else {
            Mode::Oneshot
        }
    }
}

/// A place in the books; given up when dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: Rc<Registry>,
    key: Key,
}

impl Registration {
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.deregister(self.key);
    }
}

fn exists(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AlreadyExists
}
