//! The default selector where it is not epoll: whatever `polling` has.
//!
//! What `polling` does not hide: kqueue has all modes, event ports have oneshot only, IOCP has no
//! edges. And on kqueue `Poller::notify` of 3.11 re-adds its event without `EV_CLEAR`, so that after
//! the first notification every wait returns at once (polling#265): on Unix the wake-up is therefore
//! a descriptor of our own.

use super::register::{self, HeldSource};
use crate::{Event, Events, Interest, Mode, Notifier, Selector};
use polling::{PollMode, Poller};
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

#[cfg(unix)]
use {
    crate::sys::wake::{self, Wake},
    std::os::fd::AsFd,
};

/// The system's best way to watch many descriptors.
///
/// # Platform-specific behaviour
/// On macOS and the BSDs this is kqueue, on illumos and Solaris event ports, on Windows IOCP, as
/// the `polling` crate has them. Modes that one of them lacks are made up for by the
/// [`Reactor`](crate::Reactor). On Windows timeouts are rounded up to milliseconds of a clock that
/// ticks every 15.6 ms by default. On Linux and Android this is epoll, waited on directly.
pub struct DefaultSelector {
    poller: Arc<Poller>,
    #[cfg(unix)]
    wake: Arc<Wake>,
    notifier: Notifier,
    /// What the poller writes to. Empty between two waits.
    buffer: RefCell<polling::Events>,
}

impl DefaultSelector {
    /// Makes the poller and, on Unix, the wake-up descriptor.
    ///
    /// # Errors
    /// What the kernel reports, such as `EMFILE`.
    pub fn new() -> io::Result<Self> {
        let poller = Arc::new(Poller::new()?);
        #[cfg(unix)]
        let (wake, notifier) = {
            let wake = Arc::new(Wake::new()?);
            let mode = if poller.supports_edge() {
                PollMode::Edge
            } else {
                PollMode::Oneshot
            };
            register::add_own(&poller, &wake, polling::Event::readable(wake::KEY), mode)?;
            let notified = Arc::clone(&wake);
            (wake, Notifier::new(move || notified.notify()))
        };
        #[cfg(not(unix))]
        let notifier = {
            let poller = Arc::clone(&poller);
            // Posting fails only when the system is out of memory; the next sleep tries again.
            Notifier::new(move || drop(poller.notify()))
        };
        let capacity = const { NonZeroUsize::new(Events::CAPACITY).unwrap() };
        Ok(Self {
            poller,
            #[cfg(unix)]
            wake,
            notifier,
            buffer: RefCell::new(polling::Events::with_capacity(capacity)),
        })
    }

    /// A wake-up has come: makes the next one come, too.
    #[cfg(unix)]
    fn woken(&self) -> io::Result<()> {
        self.wake.drain();
        if self.poller.supports_edge() {
            return Ok(());
        }
        self.poller
            .modify(self.wake.as_fd(), polling::Event::readable(wake::KEY))
    }
}

impl Selector for DefaultSelector {
    fn register(
        &self,
        source: &HeldSource,
        key: usize,
        interest: Interest,
        mode: Mode,
    ) -> io::Result<()> {
        register::add(&self.poller, source, event(key, interest), poll_mode(mode))
    }

    fn modify(
        &self,
        source: &HeldSource,
        key: usize,
        interest: Interest,
        mode: Mode,
    ) -> io::Result<()> {
        let event = event(key, interest);
        self.poller
            .modify_with_mode(source.as_source(), event, poll_mode(mode))
    }

    fn deregister(&self, source: &HeldSource) -> io::Result<()> {
        self.poller.delete(source.as_source())
    }

    fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = timeout.filter(|&timeout| timeout != Duration::MAX);
        let mut buffer = self.buffer.borrow_mut();
        buffer.clear();
        self.poller.wait(&mut buffer, timeout)?;
        for event in buffer.iter() {
            #[cfg(unix)]
            if event.key == wake::KEY {
                self.woken()?;
                continue;
            }
            // There is room: a reactor's list is as long as the buffer.
            let _ = events.push(Event {
                key: event.key,
                readable: event.readable,
                writable: event.writable,
                // `polling` does not say, so that a short read must not be trusted where a second
                // event would be needed.
                read_closed: event.readable && self.poller.supports_edge(),
                broken: event.is_err() == Some(true),
            });
        }
        Ok(())
    }

    fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    fn supports_edge(&self) -> bool {
        self.poller.supports_edge()
    }

    fn supports_level(&self) -> bool {
        self.poller.supports_level()
    }

    fn name(&self) -> &'static str {
        NAME
    }

    #[cfg(unix)]
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.poller.as_fd()
    }

    #[cfg(unix)]
    fn fd_covers_sources(&self) -> bool {
        true
    }
}

impl fmt::Debug for DefaultSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultSelector")
            .field("poller", &self.poller)
            .finish_non_exhaustive()
    }
}

fn event(key: usize, interest: Interest) -> polling::Event {
    polling::Event::new(key, interest.readable, interest.writable)
}

fn poll_mode(mode: Mode) -> PollMode {
    match mode {
        Mode::Level => PollMode::Level,
        Mode::Edge => PollMode::Edge,
        Mode::Oneshot => PollMode::Oneshot,
    }
}

const NAME: &str = if cfg!(windows) {
    "iocp"
} else if cfg!(any(target_os = "illumos", target_os = "solaris")) {
    "event ports"
} else {
    "kqueue"
};
