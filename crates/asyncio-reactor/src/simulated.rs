//! A selector for tests: what is ready, and how long a wait takes, is the test's to say.

use crate::sys::RawSource;
use crate::{Event, Events, HeldSource, Interest, Mode, Notifier, Selector};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Watches nothing: a test says which registered descriptor is ready.
///
/// A clone is the same simulation: the test keeps one and gives the other to the reactor. Waits are
/// recorded. Where a wait would sleep it calls the [`on_block`](Self::on_block) hook instead, in
/// which a test advances its clock by the timeout or makes something ready, and returns at once.
/// Only a wait without a timeout for which nothing became ready sleeps, until another thread
/// notifies.
///
/// # Examples
/// ```
/// use asyncio_reactor::{Interest, Reactor, SimulatedSelector};
/// use std::os::fd::AsRawFd;
/// use std::os::unix::net::UnixStream;
/// use std::rc::Rc;
/// use std::time::Duration;
///
/// let simulated = SimulatedSelector::new()?;
/// let reactor = Reactor::with_selector(Box::new(simulated.clone()));
/// let (_far, near) = UnixStream::pair()?;
/// let number = near.as_raw_fd();
/// reactor.set_reader(near, "reader")?;
///
/// simulated.make_ready(number, Interest::READABLE);
/// reactor.wait(None)?;
/// let mut called = Vec::new();
/// reactor.dispatch(|handler| called.push(handler));
/// assert_eq!(called, ["reader"]);
///
/// // Nothing is ready, and yet this does not take a minute.
/// reactor.wait(Some(Duration::from_secs(60)))?;
/// assert_eq!(simulated.take_waits(), [None, Some(Duration::from_secs(60))]);
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone)]
pub struct SimulatedSelector {
    state: Rc<State>,
    notifier: Notifier,
}

struct State {
    edge: Cell<bool>,
    level: Cell<bool>,
    patience: Cell<Duration>,
    sources: RefCell<BTreeMap<RawSource, Registered>>,
    ready: RefCell<VecDeque<(RawSource, Interest)>>,
    waits: RefCell<Vec<Option<Duration>>>,
    on_block: RefCell<Option<Hook>>,
    alarm: Arc<Alarm>,
}

type Hook = Box<dyn FnMut(Option<Duration>)>;

#[derive(Clone, Copy, Debug)]
struct Registered {
    key: usize,
    interest: Interest,
    mode: Mode,
}

impl SimulatedSelector {
    /// A simulation with nothing registered, which has all modes.
    ///
    /// # Errors
    /// What the kernel reports: on Unix it has a wake-up descriptor, for
    /// [`Reactor::as_fd`](crate::Reactor::as_fd).
    pub fn new() -> io::Result<Self> {
        let alarm = Arc::new(Alarm::new()?);
        let notifier = {
            let alarm = Arc::clone(&alarm);
            Notifier::new(move || alarm.ring())
        };
        let state = Rc::new(State {
            edge: Cell::new(true),
            level: Cell::new(true),
            patience: Cell::new(Duration::from_secs(10)),
            sources: RefCell::default(),
            ready: RefCell::default(),
            waits: RefCell::default(),
            on_block: RefCell::default(),
            alarm,
        });
        Ok(Self { state, notifier })
    }

    /// Which modes there are besides [`Mode::Oneshot`]; both at first. To be set before a reactor
    /// uses the simulation.
    #[must_use]
    pub fn modes(self, edge: bool, level: bool) -> Self {
        self.state.edge.set(edge);
        self.state.level.set(level);
        self
    }

    /// How long, in real time, a wait without a timeout waits for another thread before it gives up
    /// with `TimedOut`; ten seconds at first.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        self.state.patience.set(patience);
        self
    }

    /// Sets what is called where a wait would sleep, with its timeout. The hook may use the
    /// simulation and the reactor.
    pub fn on_block(&self, hook: impl FnMut(Option<Duration>) + 'static) {
        let old = self.state.on_block.replace(Some(Box::new(hook)));
        drop(old);
    }

    /// Reports a descriptor once, if it is registered when the next wait looks, in the directions
    /// in which it is asked about.
    pub fn make_ready(&self, descriptor: RawSource, directions: Interest) {
        self.state
            .ready
            .borrow_mut()
            .push_back((descriptor, directions));
    }

    /// What is registered, by number.
    #[must_use]
    pub fn registered(&self) -> Vec<(RawSource, Interest, Mode)> {
        let sources = self.state.sources.borrow();
        sources
            .iter()
            .map(|(&number, source)| (number, source.interest, source.mode))
            .collect()
    }

    /// The timeouts of all waits since the last call.
    #[must_use]
    pub fn take_waits(&self) -> Vec<Option<Duration>> {
        self.state.waits.take()
    }
}

impl Selector for SimulatedSelector {
    fn register(
        &self,
        source: &HeldSource,
        key: usize,
        interest: Interest,
        mode: Mode,
    ) -> io::Result<()> {
        self.state.supports(mode)?;
        let mut sources = self.state.sources.borrow_mut();
        if sources.contains_key(&source.as_raw_source()) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        sources.insert(
            source.as_raw_source(),
            Registered {
                key,
                interest,
                mode,
            },
        );
        Ok(())
    }

    fn modify(
        &self,
        source: &HeldSource,
        key: usize,
        interest: Interest,
        mode: Mode,
    ) -> io::Result<()> {
        self.state.supports(mode)?;
        let mut sources = self.state.sources.borrow_mut();
        let registered = sources
            .get_mut(&source.as_raw_source())
            .ok_or(io::ErrorKind::NotFound)?;
        *registered = Registered {
            key,
            interest,
            mode,
        };
        Ok(())
    }

    fn deregister(&self, source: &HeldSource) -> io::Result<()> {
        let removed = self
            .state
            .sources
            .borrow_mut()
            .remove(&source.as_raw_source());
        removed.map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let state = &self.state;
        state.waits.borrow_mut().push(timeout);
        state.collect(events);
        if !events.is_empty() || timeout == Some(Duration::ZERO) || state.alarm.take() {
            return Ok(());
        }
        // Out of its place while it runs, so that it may set another.
        let hook = state.on_block.take();
        if let Some(mut hook) = hook {
            hook(timeout);
            state.on_block.borrow_mut().get_or_insert(hook);
            state.collect(events);
        }
        let for_ever = matches!(timeout, None | Some(Duration::MAX));
        if for_ever && events.is_empty() && !state.alarm.wait(state.patience.get()) {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "nothing is ready, there is no timeout, and no thread has notified",
            ));
        }
        Ok(())
    }

    fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    fn supports_edge(&self) -> bool {
        self.state.edge.get()
    }

    fn supports_level(&self) -> bool {
        self.state.level.get()
    }

    fn name(&self) -> &'static str {
        "simulated"
    }

    #[cfg(unix)]
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.state.alarm.wake)
    }

    #[cfg(unix)]
    fn fd_covers_sources(&self) -> bool {
        false
    }
}

impl State {
    fn supports(&self, mode: Mode) -> io::Result<()> {
        let supported = match mode {
            Mode::Edge => self.edge.get(),
            Mode::Level => self.level.get(),
            Mode::Oneshot => true,
        };
        if supported {
            Ok(())
        } else {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// Moves what was made ready to `events`, as far as there is room.
    fn collect(&self, events: &mut Events) {
        let mut sources = self.sources.borrow_mut();
        while events.room() > 0 {
            let Some((number, directions)) = self.ready.borrow_mut().pop_front() else {
                return;
            };
            let Some(source) = sources.get_mut(&number) else {
                continue;
            };
            let readable = directions.readable && source.interest.readable;
            let writable = directions.writable && source.interest.writable;
            if !readable && !writable {
                continue;
            }
            if source.mode == Mode::Oneshot {
                source.interest = Interest::NONE;
            }
            // There is room.
            let _ = events.push(Event {
                key: source.key,
                readable,
                writable,
                read_closed: false,
                broken: false,
            });
        }
    }
}

impl fmt::Debug for SimulatedSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedSelector")
            .field("registered", &self.registered())
            .finish_non_exhaustive()
    }
}

/// Wakes a wait that really sleeps.
struct Alarm {
    rung: Mutex<bool>,
    bell: Condvar,
    #[cfg(unix)]
    wake: crate::sys::wake::Wake,
}

impl Alarm {
    fn new() -> io::Result<Self> {
        Ok(Self {
            rung: Mutex::new(false),
            bell: Condvar::new(),
            #[cfg(unix)]
            wake: crate::sys::wake::Wake::new()?,
        })
    }

    fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_all();
        #[cfg(unix)]
        self.wake.notify();
    }

    /// Whether it has rung since it was last asked.
    fn take(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    /// Sleeps until it rings. False: it did not.
    fn wait(&self, patience: Duration) -> bool {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut rung, _) = self
            .bell
            .wait_timeout_while(rung, patience, |rung| !*rung)
            .unwrap_or_else(PoisonError::into_inner);
        let was = std::mem::take(&mut *rung);
        #[cfg(unix)]
        if was {
            self.wake.drain();
        }
        was
    }
}
