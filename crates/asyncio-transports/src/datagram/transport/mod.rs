//! The transport of datagrams: one socket, between a protocol and the kernel.
//!
//! As in the engine of byte streams, the user's code is only ever called with nothing borrowed but
//! the protocol itself, and what one of its calls gives rise to is found in the state and done when
//! it is over.
//!
//! | file | idea |
//! |---|---|
//! | [`mod@start`] | from a socket to `connection_made` |
//! | [`receive`] | many datagrams a wake-up, and a bound |
//! | [`send`] | at once, or from the queue |
//! | [`retry`] | trying again where nobody tells of room |
//! | [`calls`] | calling the protocol |
//! | [`end`] | closing, aborting, `connection_lost` |

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::rc::{Rc, Weak};

use asyncio_executor::{Context, Dispatch, drop_flat};
use asyncio_futures::Future;
use asyncio_loop::socket::{SockAddr, Socket};
use asyncio_loop::{Driven, LoopRef};
use asyncio_reactor::{AsSource, BorrowedSource, Interest, Readiness};

use super::batch::Batching;
use super::opening::Peer;
use super::queue::DatagramQueue;
use crate::TransportSocket;
use crate::flow::{InvalidLimits, WriteFlow, WriteLimits};
use crate::life::Life;
use crate::source_of::{HasSource, SourceOf};
use crate::{
    BaseTransport, DatagramProtocol, DatagramTransport, Flow, PeerName, Query, ReadTransport,
    SockName,
};

mod calls;
mod end;
mod receive;
mod retry;
mod send;
mod start;

pub use receive::TruncatedDatagram;
pub(super) use start::start;

use retry::Retry;

/// A datagram socket and its protocol.
pub(super) struct SocketTransport {
    /// `None` before it is set up, and when `connection_lost` has been called.
    socket: RefCell<Option<Driven<Socket>>>,
    /// `None` when `connection_lost` has been called.
    protocol: RefCell<Option<Rc<RefCell<dyn DatagramProtocol>>>>,
    peer: Peer,
    life: Cell<Life>,
    /// What is known of the socket, and not used up.
    ready: Cell<Readiness>,
    /// A method of the protocol is running.
    calling: Cell<bool>,
    /// `connection_lost` became due while an entry of this transport was queued, which is too early
    /// for it.
    lost_later: Cell<bool>,
    flow: WriteFlow,
    queue: RefCell<DatagramQueue>,
    /// For many datagrams at a time.
    batching: Option<Batching>,
    /// What is sent is queued, to be sent together when the protocol has got what has come.
    gathering: Cell<bool>,
    /// What was received when the protocol stopped reading: at most one batch, less one.
    kept: RefCell<DatagramQueue>,
    /// What `error_received` is to be told.
    errors: RefCell<VecDeque<io::Error>>,
    /// What `connection_lost` is to be told.
    error: Cell<Option<io::Error>>,
    /// Completed after `connection_made`.
    waiter: Cell<Option<Future<()>>>,
    /// What the protocol's methods run in.
    context: Context,
    /// `None` where the system tells that there is room again.
    retry: Option<RefCell<Retry>>,
    event_loop: LoopRef,
    this: Weak<Self>,
}

impl Dispatch for SocketTransport {
    fn run(self: Rc<Self>) {
        let Some(ready) = self.with_socket(Driven::begin) else {
            return;
        };
        self.know(ready);
        self.context.run(|| self.go_on());
    }

    fn discard(&self) {
        self.change(Life::discard);
        self.release();
    }

    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

impl SocketTransport {
    /// One run: what is due of what was reported.
    fn go_on(self: &Rc<Self>) {
        if self.change(Life::make) {
            self.begin();
            return;
        }
        if self.life.get().is_ending() {
            self.lose_in_turn();
            return;
        }
        self.tell();
        if self.has_more() {
            self.receive();
        }
        if self.ready.get().writable && self.has_unsent() {
            self.flush();
        }
        self.want();
    }

    fn with_socket<R>(&self, f: impl FnOnce(&Driven<Socket>) -> R) -> Option<R> {
        self.socket.borrow().as_ref().map(f)
    }

    fn change<R>(&self, f: impl FnOnce(&mut Life) -> R) -> R {
        let mut life = self.life.get();
        let result = f(&mut life);
        self.life.set(life);
        result
    }

    /// Remembers what was reported. An error of a datagram socket is met by reading.
    fn know(&self, ready: Readiness) {
        let mut known = self.ready.get();
        known |= ready;
        known.readable |= ready.broken;
        self.ready.set(known);
    }

    fn has_unsent(&self) -> bool {
        !self.queue.borrow().is_empty()
    }

    /// Whether the transport was not going to run in the next turn already.
    fn schedule(&self) -> bool {
        self.with_socket(Driven::schedule).unwrap_or(false)
    }

    /// Asks for the events that the transport waits for now.
    fn want(&self) {
        let (life, ready) = (self.life.get(), self.ready.get());
        let interest = Interest {
            readable: life.reads() && !ready.readable,
            writable: self.has_unsent() && !ready.writable,
        };
        if let Some(Err(error)) = self.with_socket(|socket| socket.want(interest)) {
            self.break_off(Some(error));
        }
    }

    /// Lets go of everything that users made, and of the socket.
    fn release(&self) {
        let protocol = self.protocol.borrow_mut().take();
        let socket = self.socket.borrow_mut().take();
        let waiter = self.waiter.take();
        self.queue.borrow_mut().clear();
        self.kept.borrow_mut().clear();
        self.errors.borrow_mut().clear();
        self.stop_retrying();
        // A loop that closes catches panics itself.
        drop_flat((protocol, socket, waiter, self.error.take()));
    }
}

impl HasSource for SocketTransport {
    fn look(&self, look: &mut dyn FnMut(BorrowedSource<'_>)) {
        self.with_socket(|socket| look(socket.get_ref().as_source()));
    }
}

impl BaseTransport for SocketTransport {
    fn answer(&self, query: &mut Query<'_>) {
        let socket = self.socket.borrow();
        let Some(socket) = socket.as_ref().map(Driven::get_ref) else {
            return;
        };
        query
            .offer(|| socket.local_addr().ok().map(SockName))
            .offer(|| socket.peer_addr().ok().map(PeerName))
            .offer(|| Some(TransportSocket(SourceOf::new(self.this.clone()))));
    }

    fn is_closing(&self) -> bool {
        self.life.get().is_closing()
    }

    fn close(&self) {
        self.close_in_order();
    }

    fn abort(&self) {
        self.break_off(None);
    }
}

impl ReadTransport for SocketTransport {
    fn is_reading(&self) -> bool {
        self.life.get().is_reading()
    }

    fn pause_reading(&self) {
        if self.change(Life::pause_reading) {
            self.want();
        }
    }

    fn resume_reading(&self) {
        if self.change(Life::resume_reading) {
            self.read_on();
        }
    }
}

impl DatagramTransport for SocketTransport {
    fn sendto(&self, data: &[u8], address: Option<&SockAddr>) -> io::Result<Flow> {
        self.send(data, address)
    }

    fn set_protocol(&self, protocol: Rc<RefCell<dyn DatagramProtocol>>) {
        if !self.life.get().is_over() {
            let old = self.protocol.replace(Some(protocol));
            drop(old);
        }
    }

    fn get_protocol(&self) -> Option<Rc<RefCell<dyn DatagramProtocol>>> {
        self.protocol.borrow().clone()
    }

    fn set_write_buffer_limits(
        &self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), InvalidLimits> {
        let limits = WriteLimits::new(high, low)?;
        self.flow.set_limits(limits, self.get_write_buffer_size());
        self.tell_soon();
        Ok(())
    }

    fn get_write_buffer_limits(&self) -> WriteLimits {
        self.flow.limits()
    }

    fn get_write_buffer_size(&self) -> usize {
        self.queue.borrow().size()
    }
}

impl fmt::Debug for SocketTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let life = self.life.get();
        formatter
            .debug_struct("DatagramTransport")
            .field("closing", &life.is_closing())
            .field("reading", &life.is_reading())
            .field("unsent", &self.get_write_buffer_size())
            .finish_non_exhaustive()
    }
}
