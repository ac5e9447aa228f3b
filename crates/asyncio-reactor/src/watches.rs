//! Handlers for descriptors: set, handed out for as long as their descriptor is ready, removed.

use crate::interest::{Direction, Interest};
use crate::key::Key;
use crate::registry::{Hit, Kind};
use crate::sys::register::Registered;
use crate::sys::{BorrowedSource, RawSource};
use crate::{AsSource, Reactor};
use std::fmt;
use std::io;
use std::rc::Rc;

/// The handlers of one descriptor, and the source that keeps it open.
pub(crate) struct Watch<H> {
    source: Registered<AnySource>,
    /// Reader and writer; not both `None`. Shared, so that they are cloned with nothing borrowed.
    handlers: [Option<Rc<H>>; 2],
}

/// What [`Reactor::take_watches`] gives back of a descriptor, which is deregistered.
pub struct TakenWatch<H> {
    /// The handler for reading.
    pub reader: Option<H>,
    /// The handler for writing.
    pub writer: Option<H>,
    /// What keeps the descriptor open.
    pub source: Box<dyn AsSource>,
}

/// Handlers, one for each direction of a descriptor, called for as long as it is ready.
impl<H> Reactor<H> {
    /// Sets the handler for reading from a descriptor, and returns the one it replaces.
    ///
    /// As with asyncio's `add_reader`, a handler is handed out by every dispatch for as long as
    /// there is something to read (or the end, or an error). The source is kept, so the descriptor
    /// is open, until both its handlers are removed. For a second handler of the same number the
    /// first source is kept.
    ///
    /// # Errors
    /// What the kernel reports; nothing has changed then. epoll and kqueue refuse some kinds, epoll
    /// regular files for instance (`EPERM`, `PermissionDenied`). `AlreadyExists`: the descriptor is
    /// in use by an [`Async`](crate::Async) of this reactor.
    ///
    /// # Platform-specific behaviour
    /// Sources that own their descriptor cannot be closed while they are registered. Where somebody
    /// manages to (`dup2`), the next call for that number begins anew, and no handler gets what was
    /// meant for another; but as long as a duplicate of the old descriptor is open, epoll and kqueue
    /// go on to report it, and waits do not sleep while it is ready. `poll(2)` takes the new
    /// descriptor for the old.
    pub fn set_reader(&self, source: impl AsSource + 'static, handler: H) -> io::Result<Option<H>>
    where
        H: Clone,
    {
        self.set(AnySource(Box::new(source)), Direction::Read, handler)
    }

    /// Sets the handler for writing to a descriptor: as [`set_reader`](Self::set_reader).
    ///
    /// # Errors
    /// As [`set_reader`](Self::set_reader).
    pub fn set_writer(&self, source: impl AsSource + 'static, handler: H) -> io::Result<Option<H>>
    where
        H: Clone,
    {
        self.set(AnySource(Box::new(source)), Direction::Write, handler)
    }

    /// Removes and returns the handler for reading, if there is one. An event that is found already
    /// will not be handed out.
    pub fn remove_reader(&self, descriptor: RawSource) -> Option<H>
    where
        H: Clone,
    {
        self.remove(descriptor, Direction::Read)
    }

    /// Removes and returns the handler for writing: as [`remove_reader`](Self::remove_reader).
    pub fn remove_writer(&self, descriptor: RawSource) -> Option<H>
    where
        H: Clone,
    {
        self.remove(descriptor, Direction::Write)
    }

    /// Removes all handlers and deregisters their descriptors, and returns them together with the
    /// sources, which are closed by nobody but whoever drops them: for a loop that closes, and that
    /// does not want one destructor that panics to come in the way of the others.
    pub fn take_watches(&self) -> Vec<TakenWatch<H>>
    where
        H: Clone,
    {
        let watches = self.watches.take();
        let taken = watches.into_values().map(|watch| {
            let [reader, writer] = watch.handlers;
            TakenWatch {
                reader: reader.map(Rc::unwrap_or_clone),
                writer: writer.map(Rc::unwrap_or_clone),
                source: watch.source.into_inner().0,
            }
        });
        taken.collect()
    }

    /// Does what the last wait found: wakes the tasks that wait for a source, and gives `sink` the
    /// handlers that are due, in the order in which the selector reported them, the reader of a
    /// descriptor before its writer; that of a [`drive`](Self::drive)n source not again before it
    /// has begun to run.
    ///
    /// A handler that was removed, or whose descriptor was deregistered, since the wait (also by an
    /// earlier handler of this dispatch) is not given out.
    ///
    /// # Panics
    /// When the sink or a waker does. What is left is done by the next dispatch.
    pub fn dispatch(&self, mut sink: impl FnMut(H))
    where
        H: Clone,
    {
        while let Some(hit) = self.registry.next_hit() {
            match hit {
                Hit::Driven(key) => {
                    if let Some(handler) = self.drivers.get(key.index()) {
                        sink(handler);
                    }
                }
                Hit::Watched {
                    key,
                    readable,
                    writable,
                } => {
                    // Looked up one after the other: the first may remove the second.
                    for (due, direction) in
                        [(readable, Direction::Read), (writable, Direction::Write)]
                    {
                        if due && let Some(handler) = self.handler(key, direction) {
                            sink(H::clone(&handler));
                        }
                    }
                }
            }
        }
    }

    fn set(&self, source: AnySource, direction: Direction, handler: H) -> io::Result<Option<H>>
    where
        H: Clone,
    {
        let number = source.as_raw_source();
        let handler = Rc::new(handler);
        let mut replaced = None;
        if let Some(key) = self.watch_of(number) {
            let interest = self.interest(key) | direction.into();
            // Also when the interest stays the same: the kernel tells whether it still knows the
            // descriptor by this number.
            match self.registry.watch(key, interest) {
                Ok(()) => {
                    let handler = Some(handler);
                    return Ok(self
                        .replace(key, direction, handler)
                        .map(Rc::unwrap_or_clone));
                }
                // It was closed behind our back and the number is another's: what was set for the
                // old one is no use to anybody.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    replaced = self.forget(key, direction);
                }
                Err(error) => return Err(error),
            }
        }
        let kind = Kind::Watched(direction.into());
        let source = Registered::new(&self.registry, source, kind).map_err(|(error, _)| error)?;
        let key = source.registration().key();
        let mut handlers = [None, None];
        handlers[direction as usize] = Some(handler);
        let old = self
            .watches
            .borrow_mut()
            .insert(key, Watch { source, handlers });
        debug_assert!(old.is_none(), "keys are not used twice");
        Ok(replaced.map(Rc::unwrap_or_clone))
    }

    fn remove(&self, number: RawSource, direction: Direction) -> Option<H>
    where
        H: Clone,
    {
        let key = self.watch_of(number)?;
        let handler = self.replace(key, direction, None)?;
        let interest = self.interest(key);
        if interest.is_empty() {
            self.forget(key, direction);
        } else {
            // If the kernel does not know the descriptor any more there is nothing to narrow.
            let _ = self.registry.watch(key, interest);
        }
        Some(Rc::unwrap_or_clone(handler))
    }

    /// The watch of the descriptor with this number.
    fn watch_of(&self, number: RawSource) -> Option<Key> {
        let key = self.registry.owner(number)?;
        self.watches.borrow().contains_key(&key).then_some(key)
    }

    fn interest(&self, key: Key) -> Interest {
        self.watches
            .borrow()
            .get(&key)
            .map_or(Interest::NONE, |watch| Interest {
                readable: watch.handlers[0].is_some(),
                writable: watch.handlers[1].is_some(),
            })
    }

    fn handler(&self, key: Key, direction: Direction) -> Option<Rc<H>> {
        self.watches.borrow().get(&key)?.handlers[direction as usize].clone()
    }

    fn replace(&self, key: Key, direction: Direction, new: Option<Rc<H>>) -> Option<Rc<H>> {
        let mut watches = self.watches.borrow_mut();
        let watch = watches.get_mut(&key)?;
        std::mem::replace(&mut watch.handlers[direction as usize], new)
    }

    /// Deregisters a watch and drops its source, with nothing borrowed. Gives one of its handlers
    /// back.
    fn forget(&self, key: Key, direction: Direction) -> Option<Rc<H>> {
        let watch = self.watches.borrow_mut().remove(&key)?;
        let Watch {
            source,
            mut handlers,
        } = watch;
        drop(source);
        handlers[direction as usize].take()
    }
}

impl<H> fmt::Debug for TakenWatch<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TakenWatch")
            .field("source", &self.source.as_raw_source())
            .finish_non_exhaustive()
    }
}

/// A source of any type.
struct AnySource(Box<dyn AsSource>);

impl AsSource for AnySource {
    fn as_source(&self) -> BorrowedSource<'_> {
        self.0.as_source()
    }
}
