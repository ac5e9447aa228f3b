//! The engine: one end of a byte stream, between a protocol and an [`Io`].
//!
//! The user's code is only ever called with nothing borrowed but the protocol itself. What a call
//! of the protocol gives rise to (a pause, the loss of the connection) is found in the state and
//! done when the call is over; so every public method may be called from every callback.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::{Rc, Weak};
use std::task::Waker;

use asyncio_executor::{Context, Dispatch, drop_flat};
use asyncio_loop::{Address, LoopRef};
use asyncio_reactor::{Interest, Readiness};
use asyncio_sync::oneshot;

use crate::extra::Peer;
use crate::flow::WriteFlow;
use crate::io::Io;
use crate::life::{Life, Next};
use crate::outbox::Outbox;
use crate::{PeerName, Protocol, Transport};
use file::Claim;

mod calls;
mod end;
mod file;
mod read;
mod start;
mod transport;
mod write;

pub(crate) use read::copy_of;
#[cfg(any(unix, feature = "testing"))]
pub(crate) use start::start_with;
pub(crate) use start::{Membership, Owner, Setup, start_socket};

/// One end of a byte stream.
pub(crate) struct Connection<I: Io> {
    /// `None` before it is set up, and when the connection is over.
    io: RefCell<Option<I>>,
    /// `None` when `connection_lost` has been called.
    protocol: Cell<Option<Rc<RefCell<dyn Protocol>>>>,
    life: Cell<Life>,
    /// What is known of the stream, and not used up.
    ready: Cell<Readiness>,
    flags: Cell<Flags>,
    flow: WriteFlow,
    /// `None` when all is written: most connections, most of the time.
    outbox: RefCell<Option<Box<Outbox>>>,
    /// What `connection_lost` is to be told.
    error: Cell<Option<io::Error>>,
    /// Completed after `connection_made`.
    waiter: Cell<Option<oneshot::Sender<io::Result<()>>>>,
    /// What the protocol's methods run in; `None` is an empty context, in which none of them has set
    /// anything yet.
    context: Cell<Option<Context>>,
    /// Whoever sends a file, while waiting.
    sender: Cell<Option<Box<Waker>>>,
    /// Dropped when the connection is over.
    membership: Cell<Option<Membership>>,
    peer: Peer,
    event_loop: LoopRef,
    this: Weak<Self>,
}

/// Small facts that are no part of the connection's life.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    /// A method of the protocol is running.
    calling: bool,
    /// `connection_lost` became due while an entry of this connection was queued, which is too
    /// early for it.
    lost_later: bool,
    pull: Pull,
    /// How many writes were refused: asyncio warns at the fifth.
    refused: u8,
    /// A file is being sent, and nothing else is written.
    claim: Claim,
}

/// What a protocol that reads by itself has been asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pull {
    /// Nothing yet, or it does not read by itself.
    #[default]
    No,
    /// To read, and it does so by itself.
    Asked,
    /// The connection is broken, and it was asked to take what came before that.
    LastAsked,
}

impl<I: Io> Dispatch for Connection<I> {
    fn run(self: Rc<Self>) {
        let Some(ready) = self.with_io(I::begin) else {
            return;
        };
        self.know(ready);
        if self.change(Life::make) {
            self.begin();
            return;
        }
        if self.life.get().is_ending() {
            self.lose_in_turn();
            return;
        }
        if self.life.get().is_end_due() {
            self.eof();
        }
        if self.ready.get().broken && !self.life.get().has_input() {
            self.broken();
        }
        if self.ready.get().readable && self.life.get().reads() {
            self.read();
        }
        if self.ready.get().writable && self.has_unwritten() {
            self.flush();
        }
        self.tell_flow(true);
        self.wake_sender();
        self.want();
    }

    fn discard(&self) {
        self.change(Life::discard);
        let protocol = self.protocol.take();
        let io = self.io.try_borrow_mut().ok().and_then(|mut io| io.take());
        let outbox = self.outbox.try_borrow_mut().ok().and_then(|mut o| o.take());
        let rest = (
            self.error.take(),
            self.waiter.take(),
            self.membership.take(),
            self.sender.take(),
        );
        drop_flat((protocol, io, outbox, rest));
    }

    fn wake_instead(&self) -> bool {
        self.wake_reader()
    }

    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

impl<I: Io> Connection<I> {
    fn with_io<R>(&self, f: impl FnOnce(&I) -> R) -> Option<R> {
        self.io.borrow().as_ref().map(f)
    }

    fn protocol(&self) -> Option<Rc<RefCell<dyn Protocol>>> {
        let protocol = self.protocol.take();
        self.protocol.set(protocol.clone());
        protocol
    }

    fn change<R>(&self, f: impl FnOnce(&mut Life) -> R) -> R {
        let mut life = self.life.get();
        let result = f(&mut life);
        self.life.set(life);
        result
    }

    fn flag(&self, f: impl FnOnce(&mut Flags)) {
        let mut flags = self.flags.get();
        f(&mut flags);
        self.flags.set(flags);
    }

    /// Remembers what was reported.
    fn know(&self, ready: Readiness) {
        let mut known = self.ready.get();
        known |= ready;
        self.ready.set(known);
    }

    /// Nothing is left to read, until there is an event.
    fn drained(&self) {
        let mut known = self.ready.get();
        known.readable = false;
        known.read_closed = false;
        self.ready.set(known);
    }

    /// There is no room to write, until there is an event.
    fn filled(&self) {
        let mut known = self.ready.get();
        known.writable = false;
        self.ready.set(known);
    }

    fn schedule(&self) -> bool {
        self.with_io(I::schedule).unwrap_or(false)
    }

    /// Asks for the events that the connection waits for now.
    fn want(&self) {
        let (life, ready) = (self.life.get(), self.ready.get());
        let waits_to_write = self.has_unwritten() || self.is_file_blocked();
        let wanted = self.with_io(|io| {
            io.want(Interest {
                // Told once, reading stays wanted: the interest would change with each message.
                readable: life.reads() && (!ready.readable || io.tells_once()),
                writable: waits_to_write && !ready.writable,
            })
        });
        if let Some(Err(error)) = wanted {
            self.break_off(Some(error));
        }
    }

    /// As [`want`](Self::want), when nothing has changed but what is there to be read: there is
    /// nothing to say where that is told once.
    fn want_after_input(&self) {
        if self.with_io(I::tells_once) == Some(false) {
            self.want();
        }
    }

    fn after(&self, next: Next) {
        match next {
            Next::Nothing => {}
            Next::EndOutput => self.end_output(),
            Next::Lost => self.lose_soon(),
        }
    }
}

impl<I: Io> fmt::Debug for Connection<I> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let life = self.life.get();
        let mut fields = formatter.debug_struct("Transport");
        if let Some(PeerName(peer)) = self.peer.name() {
            fields.field("peer", &Address::Socket(peer));
        }
        fields
            .field("closing", &life.is_closing())
            .field("reading", &life.is_reading())
            .field("unwritten", &self.unwritten())
            .finish_non_exhaustive()
    }
}

/// The same object, as users hold it.
fn as_transport<I: Io>(connection: &Rc<Connection<I>>) -> Rc<dyn Transport> {
    Rc::<Connection<I>>::clone(connection)
}
