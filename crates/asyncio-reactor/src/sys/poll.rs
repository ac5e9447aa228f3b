//! A selector on `poll(2)`: portable, no descriptor of the kernel's, and every wait looks at all
//! sources.

use super::register::HeldSource;
use super::timeout::{Sleep, timespec};
use crate::sys::RawSource;
use crate::sys::wake::Wake;
use crate::{Event, Events, Interest, Mode, Notifier, Selector};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, fcntl_getfd};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

/// Watches descriptors with `poll(2)`.
///
/// Its cost grows with the number of sources, not of those that are ready. In exchange it watches
/// what epoll refuses (regular files, which are always ready, and `/dev/null`), and it shows on any
/// Unix what a program does without edges: it has [`Mode::Level`] and [`Mode::Oneshot`] only, and a
/// [`Reactor`](crate::Reactor) makes up for the rest.
///
/// A descriptor that somebody closes while it is registered is forgotten at the next wait, as epoll
/// does it. One whose number is in use again by then is taken for the old one: `poll(2)` knows
/// numbers only.
#[derive(Debug)]
pub struct PollSelector {
    table: RefCell<Table>,
    /// Where the next scan begins, so that a full batch does not starve those behind it.
    next: Cell<usize>,
    wake: Arc<Wake>,
    notifier: Notifier,
}

#[derive(Debug, Default)]
struct Table {
    entries: Vec<Entry>,
    by_number: HashMap<RawSource, usize>,
}

#[derive(Debug)]
struct Entry {
    source: HeldSource,
    key: usize,
    interest: Interest,
    mode: Mode,
    /// A oneshot entry has not had its event. Armed without an interest it waits for errors and
    /// hang-ups, which come unasked.
    armed: bool,
}

impl PollSelector {
    /// Makes the wake-up descriptor.
    ///
    /// # Errors
    /// What the kernel reports, such as `EMFILE`.
    pub fn new() -> io::Result<Self> {
        let wake = Arc::new(Wake::new()?);
        let notifier = {
            let wake = Arc::clone(&wake);
            Notifier::new(move || wake.notify())
        };
        Ok(Self {
            table: RefCell::default(),
            next: Cell::new(0),
            wake,
            notifier,
        })
    }
}

impl Selector for PollSelector {
    fn register(
        &self,
        source: &HeldSource,
        key: usize,
        interest: Interest,
        mode: Mode,
    ) -> io::Result<()> {
        supported(mode)?;
        // `poll(2)` would accept a closed descriptor and report it at every wait.
        fcntl_getfd(source.as_source())?;
        let mut table = self.table.borrow_mut();
        let number = source.as_raw_source();
        if table.by_number.contains_key(&number) {
            return Err(Errno::EXIST.into());
        }
        let index = table.entries.len();
        table.by_number.insert(number, index);
        table.entries.push(Entry {
            source: source.again(),
            key,
            interest,
            mode,
            armed: false,
        });
        Ok(())
    }

    fn modify(
        &self,
        source: &HeldSource,
        key: usize,
        interest: Interest,
        mode: Mode,
    ) -> io::Result<()> {
        supported(mode)?;
        let mut table = self.table.borrow_mut();
        let Some(&index) = table.by_number.get(&source.as_raw_source()) else {
            return Err(Errno::NOENT.into());
        };
        table.entries[index] = Entry {
            source: source.again(),
            key,
            interest,
            mode,
            armed: mode == Mode::Oneshot,
        };
        Ok(())
    }

    fn deregister(&self, source: &HeldSource) -> io::Result<()> {
        match self.table.borrow_mut().remove(source.as_raw_source()) {
            true => Ok(()),
            false => Err(Errno::NOENT.into()),
        }
    }

    fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = match Sleep::plan(timeout) {
            Sleep::Forever => None,
            Sleep::Coarse(duration) | Sleep::Exact(duration) => Some(timespec(duration)),
        };
        let mut closed = Vec::new();
        {
            let table = &mut *self.table.borrow_mut();
            // A source without interest is left out, or its hang-up would be reported at every wait,
            // unless that is what it is armed for, once.
            let watched: Vec<usize> = (0..table.entries.len())
                .filter(|&index| {
                    let Entry {
                        interest, armed, ..
                    } = table.entries[index];
                    armed || !interest.is_empty()
                })
                .collect();
            let mut fds = Vec::with_capacity(watched.len() + 1);
            fds.push(PollFd::new(&self.wake, PollFlags::IN));
            fds.extend(watched.iter().map(|&index| {
                let entry = &table.entries[index];
                PollFd::from_borrowed_fd(entry.source.as_source(), flags(entry.interest))
            }));
            match poll(&mut fds, timeout.as_ref()) {
                Ok(0) | Err(Errno::INTR) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
            let found: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
            if !found[0].is_empty() {
                self.wake.drain();
            }
            let start = self.next.replace(0).min(watched.len());
            for place in (start..watched.len()).chain(0..start) {
                let found = found[place + 1];
                if found.is_empty() {
                    continue;
                }
                if events.room() == 0 {
                    self.next.set(place);
                    break;
                }
                let entry = &mut table.entries[watched[place]];
                if found.contains(PollFlags::NVAL) {
                    closed.push(entry.source.as_raw_source());
                    continue;
                }
                let ended = found.intersects(PollFlags::HUP | PollFlags::ERR);
                // There is room.
                let _ = events.push(Event {
                    key: entry.key,
                    readable: ended || found.contains(PollFlags::IN),
                    writable: ended || found.contains(PollFlags::OUT),
                    read_closed: ended || found.intersects(READ_CLOSED),
                    broken: found.contains(PollFlags::ERR),
                });
                if entry.mode == Mode::Oneshot {
                    entry.interest = Interest::NONE;
                    entry.armed = false;
                }
            }
        }
        let mut table = self.table.borrow_mut();
        for number in closed {
            table.remove(number);
        }
        Ok(())
    }

    fn notifier(&self) -> Notifier {
        self.notifier.clone()
    }

    fn supports_edge(&self) -> bool {
        false
    }

    fn supports_level(&self) -> bool {
        true
    }

    fn name(&self) -> &'static str {
        "poll"
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    fn fd_covers_sources(&self) -> bool {
        false
    }
}

impl Table {
    fn remove(&mut self, number: RawSource) -> bool {
        let Some(index) = self.by_number.remove(&number) else {
            return false;
        };
        self.entries.swap_remove(index);
        if let Some(moved) = self.entries.get(index) {
            self.by_number.insert(moved.source.as_raw_source(), index);
        }
        true
    }
}

/// The peer has ended its side: something only Linux tells apart from something to read.
#[cfg(any(target_os = "linux", target_os = "android"))]
const READ_CLOSED: PollFlags = PollFlags::RDHUP;
/// Elsewhere the end is found by reading: a condition that lasts is reported again once asked for.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const READ_CLOSED: PollFlags = PollFlags::empty();

fn supported(mode: Mode) -> io::Result<()> {
    match mode {
        Mode::Level | Mode::Oneshot => Ok(()),
        Mode::Edge => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "poll(2) has no edges",
        )),
    }
}

fn flags(interest: Interest) -> PollFlags {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN | READ_CLOSED, interest.readable);
    flags.set(PollFlags::OUT, interest.writable);
    flags
}
