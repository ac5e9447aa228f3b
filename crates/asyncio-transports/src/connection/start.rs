//! The beginning of a connection: `connection_made`, then reading, then whoever waits for it.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::{Rc, Weak};

use asyncio_executor::Context;
use asyncio_loop::LoopRef;
use asyncio_sync::oneshot;
use socket2::{Domain, SockAddr, Socket};

use super::{Connection, Flags, as_transport};
use crate::extra::Peer;
use crate::flow::WriteFlow;
use crate::io::Io;
use crate::io::socket::StreamSocket;
use crate::life::Life;
use crate::{Protocol, Transport};

/// What a connection is made of besides its stream.
pub(crate) struct Setup {
    pub(crate) event_loop: LoopRef,
    pub(crate) protocol: Rc<RefCell<dyn Protocol>>,
    /// What the protocol's methods run in.
    pub(crate) context: Option<Context>,
    /// Whose it is, if anybody's.
    pub(crate) membership: Option<Membership>,
}

/// A server, seen by its connections.
pub(crate) trait Owner {
    /// The connection of this number is over, and its descriptor is closed.
    fn lost(self: Rc<Self>, number: usize);
}

/// A connection's place in the list of its owner, who is told when it is dropped.
pub(crate) struct Membership {
    /// `None` when it was told.
    owner: Option<Rc<dyn Owner>>,
    number: usize,
}

impl Membership {
    pub(crate) fn new(owner: Rc<dyn Owner>, number: usize) -> Self {
        Self {
            owner: Some(owner),
            number,
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(owner) = self.owner.take() {
            owner.lost(self.number);
        }
    }
}

/// Tells that `connection_made` was called.
pub(crate) type Opened = oneshot::Receiver<io::Result<()>>;

impl Setup {
    /// For `protocol` on `event_loop`, in a copy of the current context.
    pub(crate) fn new(event_loop: &LoopRef, protocol: Rc<RefCell<dyn Protocol>>) -> Self {
        let context = Context::copy_current();
        Self {
            event_loop: event_loop.clone(),
            protocol,
            context: (!context.is_empty()).then_some(context),
            membership: None,
        }
    }
}

/// Makes a connection of a connected stream socket, TCP or Unix, and has `connection_made` called
/// in the next turn. What is received tells that it was.
///
/// The socket is in non-blocking mode. `peer` is its address, where known; else it is asked for.
///
/// # Errors
/// What the kernel reports, and `NotConnected` on a closed loop. The socket is closed.
pub(crate) fn start_socket(
    setup: Setup,
    socket: Socket,
    peer: Option<SockAddr>,
) -> io::Result<(Rc<dyn Transport>, Opened)> {
    let peer = peer.or_else(|| socket.peer_addr().ok());
    let domain = match &peer {
        Some(peer) => peer.domain(),
        None => socket.local_addr()?.domain(),
    };
    if domain != Domain::UNIX {
        // asyncio does it for every TCP connection. Other streams refuse, and so may one that is
        // broken already.
        let _ = socket.set_tcp_nodelay(true);
    }
    let (connection, opened) = start_with(setup, peer, Life::new(), |event_loop, connection| {
        let driven = event_loop.drive_nonblocking(socket, connection)?;
        Ok(StreamSocket::new(driven, domain))
    })?;
    Ok((as_transport(&connection), opened))
}

/// Makes a connection over any stream. `make` registers the stream, with the connection as its
/// handler.
pub(crate) fn start_with<I: Io>(
    setup: Setup,
    peer: Option<SockAddr>,
    life: Life,
    make: impl FnOnce(&LoopRef, Rc<Connection<I>>) -> io::Result<I>,
) -> io::Result<(Rc<Connection<I>>, Opened)> {
    let Setup {
        event_loop,
        protocol,
        context,
        membership,
    } = setup;
    let (waiter, opened) = oneshot::channel();
    let connection = Rc::new_cyclic(|this| Connection {
        io: RefCell::new(None),
        protocol: Cell::new(Some(protocol)),
        life: Cell::new(life),
        ready: Cell::default(),
        flags: Cell::new(Flags::default()),
        flow: WriteFlow::default(),
        outbox: RefCell::default(),
        error: Cell::default(),
        waiter: Cell::new(Some(waiter)),
        sender: Cell::default(),
        context: Cell::new(context),
        membership: Cell::new(membership),
        peer: peer.map(Peer::from).unwrap_or_default(),
        event_loop: event_loop.clone(),
        this: Weak::clone(this),
    });
    let io = make(&event_loop, Rc::clone(&connection))?;
    io.schedule();
    *connection.io.borrow_mut() = Some(io);
    Ok((connection, opened))
}

impl<I: Io> Connection<I> {
    /// The first run. asyncio has three callbacks for this, which nothing can come between.
    pub(super) fn begin(self: &Rc<Self>) {
        let transport = as_transport(self);
        self.call(|protocol, method| {
            method.set("connection_made");
            protocol.connection_made(transport);
        });
        self.tell_flow(true);
        self.read_on();
        if let Some(waiter) = self.waiter.take() {
            // Nobody may wait.
            let _ = waiter.send(Ok(()));
        }
        if self.life.get().is_ending() {
            // It was closed before it was made: this entry was too early for the loss.
            self.flag(|flags| flags.lost_later = false);
            self.schedule();
        }
    }
}
