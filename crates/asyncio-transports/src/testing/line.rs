//! Both directions between the two ends of a connection in memory, and what each end is told.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, IoSlice};
use std::rc::{Rc, Weak};
use std::time::Duration;

use asyncio_executor::{Dispatch, Recurring};
use asyncio_loop::{LoopRef, TimerHandle};
use asyncio_reactor::{Interest, Readiness};

use super::Wire;
use super::way::Way;
use crate::Query;
use crate::io::{Io, Received};
use crate::source_of::SourceOf;

/// What lies between two ends.
pub(super) struct Line {
    pub(super) event_loop: LoopRef,
    /// Each with the number of the end that sends.
    ways: [RefCell<Way>; 2],
    ends: [End; 2],
    /// By `reset`, for good.
    reset: Cell<bool>,
}

/// One end, as the selector has it for a socket: see `asyncio_reactor::Driven`.
#[derive(Default)]
struct End {
    /// `None` before the end is a transport, and when that is over.
    handler: RefCell<Option<Recurring>>,
    reported: Cell<Readiness>,
    wanted: Cell<Interest>,
    /// An entry of the handler is in the ready queue.
    queued: Cell<bool>,
    /// Nobody reads here any more.
    left: Cell<bool>,
}

impl Line {
    pub(super) fn new(event_loop: &LoopRef) -> Rc<Self> {
        Rc::new(Self {
            event_loop: event_loop.clone(),
            ways: [Way::new(), Way::new()].map(RefCell::new),
            ends: Default::default(),
            reset: Cell::new(false),
        })
    }

    /// Does something to what `from` sends, and tells both ends what that has changed.
    pub(super) fn with_way<R>(self: &Rc<Self>, from: usize, f: impl FnOnce(&mut Way) -> R) -> R {
        let result = f(&mut self.ways[from].borrow_mut());
        self.arrive(from);
        if self.ways[from].borrow_mut().has_new_room() {
            self.report(from, WRITABLE);
        }
        result
    }

    /// What is due of what `from` has sent is there.
    fn arrive(&self, from: usize) {
        let mut way = self.ways[from].borrow_mut();
        if way.arrive(self.event_loop.time()) {
            let read_closed = way.has_ended();
            drop(way);
            self.report(
                other(from),
                Readiness {
                    readable: true,
                    read_closed,
                    ..Readiness::default()
                },
            );
        }
    }

    /// As [`with_way`](Self::with_way), for what puts something under way.
    fn put<R>(self: &Rc<Self>, from: usize, f: impl FnOnce(&mut Way) -> R) -> R {
        let result = self.with_way(from, f);
        let due = self.ways[from].borrow().last_due();
        if let Some(due) = due {
            let line = Rc::downgrade(self);
            self.event_loop.call_at(due, move || {
                if let Some(line) = line.upgrade() {
                    line.arrive(from);
                }
            });
        }
        result
    }

    /// Something has happened at an end.
    fn report(&self, end: usize, what: Readiness) {
        let end = &self.ends[end];
        let mut reported = end.reported.get();
        reported |= what;
        end.reported.set(reported);
        let wanted = end.wanted.get();
        if what.readable && wanted.readable || what.writable && wanted.writable || what.broken {
            self.queue(end);
        }
    }

    fn queue(&self, end: &End) -> bool {
        let Some(handler) = end.handler.borrow().clone() else {
            return false;
        };
        if end.queued.replace(true) {
            return false;
        }
        self.event_loop.spawner().push(handler.into_entry());
        true
    }

    /// Breaks the connection: nothing arrives any more, and both ends learn of it.
    pub(super) fn reset(&self) {
        self.reset.set(true);
        for end in [0, 1] {
            self.ways[end].borrow_mut().clear();
            self.report(end, BROKEN);
        }
    }

    /// An end is dropped: if no transport was made of it, nobody will read there.
    pub(super) fn leave_unstarted(self: &Rc<Self>, end: usize) {
        if self.ends[end].handler.borrow().is_none() {
            self.leave(end);
        }
    }

    /// Nobody reads or writes at `end` any more. As with TCP, the other one gets what was sent and
    /// the end of it, unless it has sent what nobody has read: that breaks the connection.
    pub(super) fn leave(self: &Rc<Self>, end: usize) {
        if self.ends[end].left.replace(true) {
            return;
        }
        let handler = self.ends[end].handler.take();
        if self.ways[other(end)].borrow().size() > 0 {
            self.reset();
        } else {
            let now = self.event_loop.time();
            self.put(end, |way| way.end(now));
        }
        drop(handler);
    }
}

fn other(end: usize) -> usize {
    1 - end
}

const WRITABLE: Readiness = Readiness {
    readable: false,
    writable: true,
    read_closed: false,
    broken: false,
};

const BROKEN: Readiness = Readiness {
    readable: true,
    writable: true,
    read_closed: true,
    broken: true,
};

/// One end of a [`Line`], under a transport.
pub(super) struct MemoryIo {
    line: Rc<Line>,
    end: usize,
    /// Never fires: it is dropped with the loop, as the registration of a socket is.
    until_close: TimerHandle,
}

impl MemoryIo {
    pub(super) fn new<D: Dispatch>(line: &Rc<Line>, end: usize, handler: Rc<D>) -> Self {
        *line.ends[end].handler.borrow_mut() = Some(Recurring::new(handler));
        let until_close = UntilClose {
            line: Rc::downgrade(line),
            end,
        };
        Self {
            line: Rc::clone(line),
            end,
            until_close: line
                .event_loop
                .call_later(Duration::MAX, move || drop(until_close)),
        }
    }

    fn end(&self) -> &End {
        &self.line.ends[self.end]
    }

    fn check(&self) -> io::Result<()> {
        if self.line.reset.get() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl Io for MemoryIo {
    fn begin(&self) -> Readiness {
        self.end().queued.set(false);
        self.take_readiness()
    }

    fn take_readiness(&self) -> Readiness {
        self.end().reported.take()
    }

    fn want(&self, interest: Interest) -> io::Result<()> {
        self.end().wanted.set(interest);
        Ok(())
    }

    fn schedule(&self) -> bool {
        self.line.queue(self.end())
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<Received> {
        self.check()?;
        let receive = |way: &mut Way| way.receive(buffer);
        let received = self.line.with_way(other(self.end), receive);
        received.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    fn write(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        self.check()?;
        if self.line.ends[other(self.end)].left.get() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let now = self.line.event_loop.time();
        match self.line.put(self.end, |way| way.send(now, data)) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    fn end_output(&self) -> io::Result<()> {
        self.check()?;
        let now = self.line.event_loop.time();
        self.line.put(self.end, |way| way.end(now));
        Ok(())
    }

    fn take_error(&self) -> Option<io::Error> {
        self.check().err()
    }

    fn answer(&self, query: &mut Query<'_>, _: &dyn Fn() -> SourceOf) {
        query.offer(|| {
            Some(Wire {
                line: Rc::clone(&self.line),
                from: self.end,
            })
        });
    }
}

impl Drop for MemoryIo {
    fn drop(&mut self) {
        self.line.leave(self.end);
        self.until_close.cancel();
    }
}

impl fmt::Debug for MemoryIo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "memory, end {}", self.end)
    }
}

/// Discards the transport of an end when it is dropped, if there is one.
struct UntilClose {
    line: Weak<Line>,
    end: usize,
}

impl Drop for UntilClose {
    fn drop(&mut self) {
        let Some(line) = self.line.upgrade() else {
            return;
        };
        let handler = line.ends[self.end].handler.borrow().clone();
        if let Some(handler) = handler {
            handler.discard();
        }
    }
}
