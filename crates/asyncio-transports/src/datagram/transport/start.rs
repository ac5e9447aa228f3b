//! From an open socket to `connection_made`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::{Rc, Weak};

use asyncio_executor::Context;
use asyncio_futures::Future;
use asyncio_loop::LoopRef;
use asyncio_reactor::Readiness;

use super::super::opening::{Opened, Peer};
use super::super::queue::{DatagramQueue, QueueLimits};
use super::super::sys;
use super::SocketTransport;
use crate::flow::WriteFlow;
use crate::life::Life;
use crate::{BaseTransport, DatagramProtocol, DatagramTransport};

/// Connects a socket and a protocol. It is over when `connection_made` has been called.
///
/// # Errors
/// What the kernel reports when the socket is registered; the loop was closed meanwhile.
///
/// # Cancel safety
/// Yes: the transport is closed, as in asyncio.
pub(in super::super) async fn start(
    event_loop: &LoopRef,
    opened: Opened,
    protocol: Rc<RefCell<dyn DatagramProtocol>>,
    limits: QueueLimits,
) -> io::Result<Rc<dyn DatagramTransport>> {
    let Opened {
        socket,
        peer,
        batching,
    } = opened;
    let connected = matches!(peer, Peer::Connected(_));
    let waiter = Future::new_on(event_loop.spawner());
    let transport = Rc::new_cyclic(|this| SocketTransport {
        retry: (!sys::tells_of_room(&socket, connected)).then(RefCell::default),
        this: Weak::clone(this),
        socket: RefCell::new(None),
        protocol: RefCell::new(Some(protocol)),
        peer,
        life: Cell::new(Life::new()),
        ready: Cell::new(Readiness::default()),
        calling: Cell::new(false),
        lost_later: Cell::new(false),
        flow: WriteFlow::default(),
        queue: RefCell::new(DatagramQueue::new(limits)),
        batching,
        gathering: Cell::new(false),
        kept: RefCell::new(DatagramQueue::new(QueueLimits::NONE)),
        errors: RefCell::new(VecDeque::new()),
        error: Cell::new(None),
        waiter: Cell::new(Some(waiter.clone())),
        context: Context::copy_current(),
        event_loop: event_loop.clone(),
    });
    let driven = event_loop.drive(socket, Rc::clone(&transport))?;
    driven.schedule();
    *transport.socket.borrow_mut() = Some(driven);

    /// Closes a transport that nobody waits for any more.
    struct Abandoned<'a>(Option<&'a SocketTransport>);
    impl Drop for Abandoned<'_> {
        fn drop(&mut self) {
            if let Some(transport) = self.0 {
                transport.close();
            }
        }
    }
    let mut abandoned = Abandoned(Some(&transport));
    waiter.await?;
    abandoned.0 = None;
    drop(abandoned);
    Ok(transport)
}

impl SocketTransport {
    /// The first run: `connection_made`, then reading begins, then whoever waits for it goes on.
    pub(super) fn begin(self: &Rc<Self>) {
        let transport = Rc::<Self>::clone(self);
        self.call(|protocol, method| {
            method.set("connection_made");
            protocol.connection_made(transport);
        });
        self.tell();
        if let Some(waiter) = self.waiter.take() {
            // It may be cancelled already.
            let _ = waiter.set_result(());
        }
        self.read_on();
    }
}
