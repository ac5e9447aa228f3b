//! One selector, its sources, and the two halves of a turn: the wait, and the dispatch.

use crate::interest::{Direction, Interest};
use crate::key::Key;
use crate::registry::{Kind, Registry};
use crate::sys::register::Registered;
use crate::sys::{BorrowedSource, RawSource};
use crate::{AsSource, Notifier, Selector, SelectorKind};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

/// Waits for descriptors, wakes the tasks that wait for them and hands out the handlers that were
/// set for them.
///
/// `H` is what [`set_reader`](Self::set_reader) and [`set_writer`](Self::set_writer) store and
/// [`dispatch`](Self::dispatch) hands out: a callback in an `Rc`, a number, whatever the owner of the
/// reactor makes of it. Where only [`Async`](crate::Async) sources are used, `Reactor<()>` will do.
///
/// A reactor belongs to one thread. All its methods take `&self`, and none holds anything borrowed
/// while it calls out (to a waker, to the sink of a dispatch, to the destructor of a source or
/// handler), so each may be called from each.
///
/// # Examples
/// One turn, for a reader that is called while there is something to read:
/// ```
/// use asyncio_reactor::Reactor;
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
/// use std::rc::Rc;
///
/// let reactor = Reactor::new()?;
/// let (mut far, near) = UnixStream::pair()?;
/// let near = Rc::new(near);
/// reactor.set_reader(near.clone(), "near is readable")?;
///
/// far.write_all(b"x")?;
/// let mut called = Vec::new();
/// reactor.wait(None)?;
/// reactor.dispatch(|handler| called.push(handler));
/// assert_eq!(called, ["near is readable"]);
/// # std::io::Result::Ok(())
/// ```
pub struct Reactor<H> {
    registry: Rc<Registry>,
    watches: RefCell<HashMap<Key, Watch<H>>>,
    notifier: Notifier,
}

/// The handlers of one descriptor, and the source that keeps it open.
struct Watch<H> {
    source: Registered<AnySource>,
    /// Reader and writer; not both `None`. Shared, so that they are cloned with nothing borrowed.
    handlers: [Option<Rc<H>>; 2],
}

/// What a [`Reactor::wait`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// How many events wait to be dispatched.
    pub events: usize,
    /// Whether there was a [`Notifier::notify`] since the last wait.
    pub notified: bool,
}

impl<H> Reactor<H> {
    /// A reactor with the selector that `ASYNCIO_SELECTOR` names: `default` or `poll`; the first
    /// where it is not set.
    ///
    /// # Errors
    /// What the kernel reports, such as `EMFILE`; `InvalidInput` for another name.
    pub fn new() -> io::Result<Self> {
        Ok(Self::with_selector(SelectorKind::from_env()?.build()?))
    }

    /// A reactor with this selector.
    #[must_use]
    pub fn with_selector(selector: Box<dyn Selector>) -> Self {
        let notifier = selector.notifier();
        let registry = Registry::new(selector);
        Self {
            registry,
            watches: RefCell::default(),
            notifier,
        }
    }

    /// Sleeps until a source is ready, a notification comes, or `timeout` is over (`None` and
    /// [`Duration::MAX`]: never), and keeps what it found for [`dispatch`](Self::dispatch).
    ///
    /// It touches no source and calls no handler and no waker. It does not sleep when something was
    /// notified since the last wait, nor while events of the last wait are not dispatched. It may
    /// return early with nothing, as [`Selector::wait`] says (a signal, a long timeout): whoever has
    /// a deadline looks at the clock and waits again.
    ///
    /// At most 1,024 events are taken at a time; the next wait takes the next ones and does not
    /// sleep.
    ///
    /// # Errors
    /// What the kernel reports. Events found before the error are kept.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<Waited> {
        let sleep = timeout != Some(Duration::ZERO)
            && self.registry.is_idle()
            && self.notifier.fall_asleep();
        let found = self
            .registry
            .wait(if sleep { timeout } else { Some(Duration::ZERO) });
        let notified = self.notifier.wake_up();
        Ok(Waited {
            events: found?,
            notified,
        })
    }

    /// Announces that somebody else will wait until [`as_fd`](Self::as_fd) is readable, and false if
    /// they must not, because something is to be done already. Until the next [`wait`](Self::wait)
    /// notifications make the descriptor readable.
    #[must_use]
    pub fn begin_foreign_wait(&self) -> bool {
        self.registry.is_idle() && self.notifier.fall_asleep()
    }

    /// What wakes this reactor from any thread.
    #[must_use]
    pub fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    /// How many descriptors are registered.
    #[must_use]
    pub fn sources(&self) -> usize {
        self.registry.sources()
    }

    /// The name of the selector: `"epoll"`, `"poll"`.
    #[must_use]
    pub fn selector_name(&self) -> &'static str {
        self.registry.selector().name()
    }

    /// The descriptor that becomes readable when [`wait`](Self::wait) would not sleep, for another
    /// loop to wait on: see [`begin_foreign_wait`](Self::begin_foreign_wait).
    ///
    /// Where [`fd_covers_sources`](Self::fd_covers_sources) is false it shows notifications only.
    #[cfg(unix)]
    #[must_use]
    pub fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.registry.selector().as_fd()
    }

    /// Whether readiness of the sources shows on [`as_fd`](Self::as_fd): not with `poll(2)`, nor
    /// with a simulation.
    #[cfg(unix)]
    #[must_use]
    pub fn fd_covers_sources(&self) -> bool {
        self.registry.selector().fd_covers_sources()
    }

    pub(crate) fn registry(&self) -> &Rc<Registry> {
        &self.registry
    }
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

    /// Removes and returns all handlers, and deregisters their descriptors: for a loop that closes.
    pub fn take_handlers(&self) -> Vec<H>
    where
        H: Clone,
    {
        let watches = self.watches.take();
        let handlers = watches.into_values().flat_map(|watch| watch.handlers);
        handlers.flatten().map(Rc::unwrap_or_clone).collect()
    }

    /// Does what the last wait found: wakes the tasks that wait for a source, and gives `sink` the
    /// handlers that are due, in the order in which the selector reported them, the reader of a
    /// descriptor before its writer.
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
            // Looked up one after the other: the first may remove the second.
            for (due, direction) in [
                (hit.readable, Direction::Read),
                (hit.writable, Direction::Write),
            ] {
                if due && let Some(handler) = self.handler(hit.key, direction) {
                    sink(H::clone(&handler));
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

#[cfg(unix)]
impl<H> std::os::fd::AsFd for Reactor<H> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        Self::as_fd(self)
    }
}

impl<H> fmt::Debug for Reactor<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor")
            .field("selector", &self.registry.selector())
            .field("sources", &self.sources())
            .field("notifier", &self.notifier)
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
