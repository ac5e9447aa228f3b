//! The books of a reactor: which sources are registered, and under which keys.
//!
//! Nothing here is borrowed while a waker, a destructor or a selector runs.

use crate::driven::Driving;
use crate::interest::{Direction, Interest, Mode};
use crate::key::Key;
use crate::readiness::{Readiness, Waiter};
use crate::sys::RawSource;
use crate::{Events, HeldSource, Selector};
use slab::Slab;
use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

mod dispatch;

pub(crate) use dispatch::Hit;

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
    /// Events that were reported, of which the first `dispatched` are done. Refilled only when all
    /// are, so bounded by the size of a batch (and of `disarmed`).
    found: RefCell<Events>,
    dispatched: Cell<usize>,
    /// Wakers that are due. Kept here, so that none is lost when one of them panics.
    wakers: RefCell<VecDeque<Waker>>,
    /// Level registrations that a selector without levels has disarmed, to be armed by the next
    /// wait: at most one for each event found.
    disarmed: RefCell<Vec<Key>>,
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
            found: RefCell::default(),
            dispatched: Cell::default(),
            wakers: RefCell::default(),
            disarmed: RefCell::default(),
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
