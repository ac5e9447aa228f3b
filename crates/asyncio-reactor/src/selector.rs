//! The contract between a reactor and what tells it about readiness.

use crate::sys::{BorrowedSource, RawSource};
use crate::{Events, HeldSource, Interest, Mode, Notifier};
use std::fmt;
use std::io;
use std::time::Duration;

/// Watches descriptors (on Windows: sockets) and says which are ready.
///
/// A selector knows keys and descriptors, nothing of who waits for them. It is used through a
/// [`Reactor`](crate::Reactor); this trait is what one implements to give a reactor another source
/// of readiness: [`DefaultSelector`](crate::DefaultSelector), [`PollSelector`](crate::PollSelector)
/// and, for tests, [`SimulatedSelector`](crate::SimulatedSelector) are such.
///
/// All methods take `&self`: a selector keeps its own books and never calls anything of the
/// reactor's while it has them open.
pub trait Selector: fmt::Debug {
    /// Begins to watch a source, which the caller deregisters before it is closed (that is what a
    /// [`HeldSource`] promises).
    ///
    /// # Errors
    /// `AlreadyExists` when this descriptor is registered here; `PermissionDenied` where its kind
    /// cannot be watched (epoll: regular files); `Unsupported` for a mode this selector does not
    /// have. Nothing has changed then.
    fn register(
        &self,
        source: &HeldSource,
        key: usize,
        interest: Interest,
        mode: Mode,
    ) -> io::Result<()>;

    /// Replaces key, interest and mode, and arms a [`Mode::Oneshot`] registration again. What is
    /// ready at this moment is reported by the next wait, in every mode.
    ///
    /// # Errors
    /// `NotFound` when the descriptor is not registered, or was closed since.
    fn modify(
        &self,
        source: &HeldSource,
        key: usize,
        interest: Interest,
        mode: Mode,
    ) -> io::Result<()>;

    /// Stops watching.
    ///
    /// # Errors
    /// `NotFound` when the descriptor is not registered, or was closed since.
    fn deregister(&self, source: &HeldSource) -> io::Result<()>;

    /// Sleeps until something is ready, the notifier's wake function is called, or `timeout` is
    /// over (`None` and [`Duration::MAX`]: never), and appends what is ready to `events`.
    ///
    /// It never returns late on purpose, and may return early with no event at all: when a signal
    /// handler ran (`EINTR`), or when that makes a long timeout more exact. Whoever has a deadline
    /// looks at the clock and waits again. It does not return early with nothing done over and over:
    /// a wait for `t` is at least half of `t` long, unless something happened.
    ///
    /// # Errors
    /// What the kernel reports, `EINTR` excepted.
    fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()>;

    /// What wakes this selector: every call gives the same one.
    fn notifier(&self) -> Notifier;

    /// Whether there is [`Mode::Edge`].
    fn supports_edge(&self) -> bool;

    /// Whether there is [`Mode::Level`].
    fn supports_level(&self) -> bool;

    /// The name of the mechanism, for diagnostics: `"epoll"`.
    fn name(&self) -> &'static str;

    /// The descriptor that becomes readable when a wait would not sleep, so that another loop can do
    /// the waiting.
    #[cfg(unix)]
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_>;

    /// Whether readiness of the sources shows on [`as_fd`](Self::as_fd), and not wake-ups only.
    #[cfg(unix)]
    fn fd_covers_sources(&self) -> bool;
}

/// A source of readiness: anything with a descriptor, that is whatever implements
/// [`AsFd`](std::os::fd::AsFd).
///
/// # Platform-specific behaviour
/// On Windows: whatever implements `AsSocket`.
pub trait AsSource {
    /// The descriptor. It must be the same at each call, which it is for every type of the standard
    /// library that owns or borrows one.
    fn as_source(&self) -> BorrowedSource<'_>;

    /// The descriptor's number.
    fn as_raw_source(&self) -> RawSource {
        crate::sys::raw(&self.as_source())
    }
}
