//! One selector, its sources, and the two halves of a turn: the wait, and the dispatch.

use crate::driven::Drivers;
use crate::key::Key;
use crate::registry::Registry;
use crate::watches::Watch;
use crate::{Notifier, Selector, SelectorKind};
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
    pub(crate) registry: Rc<Registry>,
    pub(crate) watches: RefCell<HashMap<Key, Watch<H>>>,
    pub(crate) drivers: Rc<Drivers<H>>,
    notifier: Notifier,
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
            drivers: Rc::default(),
            notifier,
        }
    }

    /// Has `on_wait` called whenever a task is about to wait for an [`Async`](crate::Async) of this
    /// reactor. It may panic: for an owner that knows that nobody waits on this reactor meanwhile, since
    /// the thread runs another one. Only the first call of this counts.
    ///
    /// It is called with nothing borrowed, before a waker is stored, and must not keep the reactor
    /// alive.
    pub fn on_wait(&self, on_wait: impl Fn() + 'static) {
        self.registry.set_on_wait(Box::new(on_wait));
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
