//! The default selector on Linux: `polling`'s epoll instance, waited on directly.
//!
//! `polling` 3.11 makes five system calls a wait: it sets its timer, arms it, waits, reads its
//! eventfd and arms that again. The descriptor of the epoll instance is public, so the wait is ours:
//! one call, on the same instance. Our eventfd is registered edge-triggered and needs neither
//! reading nor arming; each write to it is an event.
//!
//! Registration is ours too, one `epoll_ctl` for a descriptor's whole life, because `polling`
//! cannot say what it takes. It includes `EPOLLPRI` in readability: a byte of urgent TCP data, which
//! nobody here reads out of band, would keep a level-triggered registration ready for ever. And it
//! leaves `EPOLLRDHUP` out: with edges, a read that comes back short may only be taken for the last
//! one (which saves a call that fails with `EAGAIN`) if the end of the stream was not already part
//! of the same event; nor if urgent data was, at which a read stops: so edges do have `EPOLLPRI`.

use super::register::HeldSource;
use super::timeout::{Sleep, timespec};
use crate::sys::wake::{self, Wake};
use crate::{Event, Events, Interest, Mode, Notifier, Selector};
use polling::Poller;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// The system's best way to watch many descriptors.
///
/// # Platform-specific behaviour
/// On Linux and Android this is epoll. A wait is one system call, `epoll_pwait`. Only when nothing is
/// ready and the timeout is at most 20 ms (and not zero), two more put the thread to sleep: a timer is
/// set first, because the timeouts of epoll itself end some 50 µs later than a timer does, and older
/// kernels know whole milliseconds only. A timer that was not waited for to its end may end one later
/// wait early.
///
/// On macOS and the BSDs this is kqueue, on illumos and Solaris event ports, on Windows IOCP, as
/// the `polling` crate has them. Modes that one of them lacks are made up for by the
/// [`Reactor`](crate::Reactor).
pub struct DefaultSelector {
    poller: Poller,
    /// `None` where a sandbox refuses it: short timeouts then go to epoll, rounded up.
    timer: Option<OwnedFd>,
    wake: Arc<Wake>,
    notifier: Notifier,
    /// What the kernel writes to. Empty between two waits.
    buffer: RefCell<Vec<epoll::Event>>,
}

impl DefaultSelector {
    /// Makes the epoll instance, the timer and the wake-up descriptor: five descriptors together
    /// with `polling`'s own.
    ///
    /// # Errors
    /// What the kernel reports, such as `EMFILE`; nothing is left open then.
    pub fn new() -> io::Result<Self> {
        let poller = Poller::new()?;
        let wake = Arc::new(Wake::new()?);
        add_edge(&poller, wake.as_fd(), wake::KEY)?;
        let timer = match timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        ) {
            Ok(timer) => {
                add_edge(&poller, timer.as_fd(), TIMER)?;
                Some(timer)
            }
            // Out of descriptors is an error here, not a less exact timer for ever.
            Err(error) if matches!(error, Errno::MFILE | Errno::NFILE) => return Err(error.into()),
            Err(_) => None,
        };
        let notifier = {
            let wake = Arc::clone(&wake);
            Notifier::new(move || wake.notify())
        };
        let buffer = RefCell::new(Vec::with_capacity(Events::CAPACITY));
        Ok(Self {
            poller,
            timer,
            wake,
            notifier,
            buffer,
        })
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
        let data = EventData::new_u64(key as u64);
        let flags = flags(interest, mode);
        Ok(epoll::add(&self.poller, source.as_source(), data, flags)?)
    }

    fn modify(
        &self,
        source: &HeldSource,
        key: usize,
        interest: Interest,
        mode: Mode,
    ) -> io::Result<()> {
        let data = EventData::new_u64(key as u64);
        Ok(epoll::modify(
            &self.poller,
            source.as_source(),
            data,
            flags(interest, mode),
        )?)
    }

    fn deregister(&self, source: &HeldSource) -> io::Result<()> {
        self.poller.delete(source.as_source())
    }

    fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        match (Sleep::plan(timeout), &self.timer) {
            (Sleep::Forever, _) => self.epoll_wait(events, None)?,
            (Sleep::Exact(duration), Some(timer)) => {
                // Looked first, since setting a timer can cost ten times what looking costs, and in
                // a busy program something is ready.
                if self.epoll_wait(events, Some(Duration::ZERO))? {
                    return Ok(());
                }
                let expiry = Itimerspec {
                    it_interval: timespec(Duration::ZERO),
                    it_value: timespec(duration),
                };
                timerfd_settime(timer, TimerfdTimerFlags::empty(), &expiry)?;
                self.epoll_wait(events, None)?
            }
            (Sleep::Coarse(duration) | Sleep::Exact(duration), _) => {
                self.epoll_wait(events, Some(duration))?
            }
        };
        Ok(())
    }

    fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    fn supports_edge(&self) -> bool {
        true
    }

    fn supports_level(&self) -> bool {
        true
    }

    fn name(&self) -> &'static str {
        "epoll"
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poller.as_fd()
    }

    fn fd_covers_sources(&self) -> bool {
        true
    }
}

impl fmt::Debug for DefaultSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultSelector")
            .field("poller", &self.poller)
            .field("timer", &self.timer)
            .field("wake", &self.wake)
            .finish_non_exhaustive()
    }
}

impl DefaultSelector {
    /// Waits, and says whether it was ended by anything but time: a source, a wake-up (whose edge
    /// is used up then), a signal.
    fn epoll_wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<bool> {
        let mut buffer = self.buffer.borrow_mut();
        let room = events.room().min(Events::CAPACITY);
        let spare = &mut buffer.spare_capacity_mut()[..room];
        let timeout = timeout.map(timespec);
        let ready = match epoll::wait(&self.poller, spare, timeout.as_ref()) {
            Ok((ready, _)) => ready,
            Err(Errno::INTR) => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        let mut ended = false;
        for event in ready {
            // By value: on some systems the kernel's event is packed.
            let (key, flags) = ({ event.data }.u64() as usize, { event.flags });
            ended |= key != TIMER;
            if matches!(key, wake::KEY | TIMER | POLLING) {
                continue;
            }
            // There is room: the kernel was told how many fit.
            let _ = events.push(Event {
                key,
                readable: flags.intersects(EventFlags::IN | HANGUP | EventFlags::ERR),
                writable: flags.intersects(EventFlags::OUT | EventFlags::HUP | EventFlags::ERR),
                read_closed: flags.intersects(HANGUP | EventFlags::PRI),
                broken: flags.intersects(EventFlags::ERR),
            });
        }
        Ok(ended)
    }
}

/// Adds a descriptor of our own; it lives as long as the instance, so nothing has to remove it.
fn add_edge(poller: &Poller, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
    let data = EventData::new_u64(key as u64);
    Ok(epoll::add(
        poller,
        fd,
        data,
        EventFlags::IN | EventFlags::ET,
    )?)
}

fn flags(interest: Interest, mode: Mode) -> EventFlags {
    let mut flags = match mode {
        Mode::Level => EventFlags::empty(),
        Mode::Edge => EventFlags::ET,
        Mode::Oneshot => EventFlags::ONESHOT,
    };
    flags.set(EventFlags::IN | EventFlags::RDHUP, interest.readable);
    flags.set(EventFlags::PRI, interest.readable && mode == Mode::Edge);
    flags.set(EventFlags::OUT, interest.writable);
    flags
}

/// Nothing more will come: the peer has shut its side down, or both sides are.
const HANGUP: EventFlags = EventFlags::RDHUP.union(EventFlags::HUP);

/// The key of what `polling` registers for itself.
const POLLING: usize = usize::MAX;

/// The key of our timer.
const TIMER: usize = usize::MAX - 2;
