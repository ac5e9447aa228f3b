//! What the handles to a server share, and what accepts its connections.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{Context, ErrorContext};
use asyncio_loop::LoopRef;
use asyncio_sync::Event;

use super::clients::Clients;
use super::listener::{Accepted, Listener, why_it_rests};
use crate::Protocol;
use crate::connect::open::{self, Stream};
use crate::connection::{Membership, Owner};
use crate::layer::Secured;
use crate::misuse::misuse;

/// Python: `ACCEPT_RETRY_DELAY`.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_secs(1);

/// So many connections of one listener are accepted in one turn, whatever its backlog is: what
/// else is ready has to wait for them.
const ACCEPTS_MAX: u32 = 256;

/// Python says it so.
const FAILED: &str = "error on transport creation for incoming connection";

/// Makes the protocol of each connection.
pub(super) type Factory = dyn FnMut() -> Rc<RefCell<dyn Protocol>>;

/// How much a server takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections that wait in the kernel, for each socket.
    pub(super) backlog: u32,
    /// Connections at once.
    pub(super) connections_max: usize,
}

pub(super) struct State {
    pub(super) event_loop: LoopRef,
    /// `None` when the server is closed.
    pub(super) listeners: RefCell<Option<Vec<Rc<Listener>>>>,
    backlog: u32,
    /// So many connections at once.
    connections_max: usize,
    /// There are as many: nothing is accepted before one of them is over.
    is_full: Cell<bool>,
    /// Let go of when the server is closed: it may own handles to it.
    factory: RefCell<Option<Rc<RefCell<Factory>>>>,
    secured: Option<Secured>,
    /// That of whoever has made the server. Each connection gets a copy.
    context: Context,
    pub(super) is_serving: Cell<bool>,
    pub(super) serves_forever: Cell<bool>,
    pub(super) clients: Clients,
    /// It does not listen any more.
    pub(super) closed: Event,
    /// And there is no connection any more.
    pub(super) ended: Event,
}

/// A server, as the loop keeps it. With the loop it is closed: somebody may have a handle to it, its
/// own factory for instance, and it would never end.
struct Kept(Rc<State>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.close_with_loop();
    }
}

impl State {
    pub(super) fn new(
        event_loop: &LoopRef,
        listeners: Vec<Listener>,
        limits: Limits,
        factory: Rc<RefCell<Factory>>,
        secured: Option<Secured>,
    ) -> Rc<Self> {
        Rc::new(Self {
            event_loop: event_loop.clone(),
            listeners: RefCell::new(Some(listeners.into_iter().map(Rc::new).collect())),
            backlog: limits.backlog,
            connections_max: limits.connections_max,
            is_full: Cell::new(false),
            factory: RefCell::new(Some(factory)),
            secured,
            context: Context::copy_current(),
            is_serving: Cell::new(false),
            serves_forever: Cell::new(false),
            clients: Clients::default(),
            closed: Event::new(),
            ended: Event::new(),
        })
    }

    /// Begins to listen and to accept, if that has not begun. An error closes the server.
    pub(super) fn start(self: &Rc<Self>) -> io::Result<()> {
        let Some(listeners) = self.listeners.borrow().clone() else {
            return Err(misuse(format!("server {self:?} is closed")));
        };
        if self.is_serving.replace(true) {
            return Ok(());
        }
        let backlog = self.backlog.try_into().unwrap_or(i32::MAX);
        for listener in &listeners {
            let started = listener.socket.listen(backlog);
            if let Err(error) = started.and_then(|()| self.watch(listener)) {
                // Those before it listen, and nothing but closing them ends that: the kernel would
                // let clients connect whom nobody ever answers.
                self.close();
                return Err(error);
            }
        }
        Ok(())
    }

    pub(super) fn close(&self) {
        let Some(listeners) = self.listeners.take() else {
            return;
        };
        self.is_serving.set(false);
        for listener in listeners {
            self.event_loop.remove_reader(&listener.socket);
            listener.close();
        }
        self.closed.set();
        self.end_if_over();
        // The user's: last, since its destructor may do anything.
        drop(self.factory.take());
    }

    /// The loop lets go of something that kept the server.
    fn close_with_loop(&self) {
        if self.event_loop.is_closed() {
            self.close();
        }
    }

    /// Has connections of `listener` accepted as long as some wait.
    fn watch(self: &Rc<Self>, listener: &Rc<Listener>) -> io::Result<()> {
        let (kept, source) = (Kept(Rc::clone(self)), Rc::clone(&listener.socket));
        let listener = Rc::clone(listener);
        self.event_loop
            .add_reader(source, move || kept.0.accept_from(&listener))
    }

    fn watch_or_rest(self: &Rc<Self>, listener: &Rc<Listener>) {
        if let Err(error) = self.watch(listener) {
            self.rest(listener, &error);
        }
    }

    /// Accepts what waits: as many as the backlog holds, and one that has come meanwhile.
    fn accept_from(self: &Rc<Self>, listener: &Rc<Listener>) {
        for _ in 0..self.backlog.saturating_add(1).min(ACCEPTS_MAX) {
            if !self.is_serving.get() {
                return;
            }
            if self.clients.len() >= self.connections_max {
                return self.wait_for_an_end();
            }
            match listener.accept() {
                Accepted::Connection(socket, peer) => {
                    listener.has_reported.set(false);
                    self.open(Stream::new(socket, peer));
                }
                Accepted::Next => {}
                Accepted::Drained => return,
                Accepted::Rest(error) => return self.rest(listener, &error),
            }
        }
    }

    /// Accepts nothing from `listener` for a second. Its connections wait in the kernel.
    fn rest(self: &Rc<Self>, listener: &Rc<Listener>, error: &io::Error) {
        self.event_loop.remove_reader(&listener.socket);
        let (kept, resting) = (Kept(Rc::clone(self)), Rc::clone(listener));
        let timer = self.event_loop.call_later(ACCEPT_RETRY_DELAY, move || {
            let state = &kept.0;
            resting.rest.take();
            if state.is_serving.get() && !state.is_full.get() {
                state.watch_or_rest(&resting);
            }
        });
        listener.rest.replace(Some(timer));
        if !listener.has_reported.replace(true) {
            let context = ErrorContext::new(why_it_rests(error)).caused_by(error);
            self.event_loop
                .call_exception_handler(&context.with_source(listener));
        }
    }

    /// Accepts nothing before a connection is over. Others wait in the kernel.
    fn wait_for_an_end(&self) {
        self.is_full.set(true);
        for listener in self.listeners.borrow().iter().flatten() {
            self.event_loop.remove_reader(&listener.socket);
        }
    }

    /// A connection is over.
    fn has_room(self: &Rc<Self>) {
        if !self.is_full.get() || self.clients.len() >= self.connections_max {
            return;
        }
        self.is_full.set(false);
        if !self.is_serving.get() {
            return;
        }
        let listeners = self.listeners.borrow().clone();
        for listener in listeners.iter().flatten() {
            if listener.rest.borrow().is_none() {
                self.watch_or_rest(listener);
            }
        }
    }

    /// Makes a transport of a connection, in a context of its own.
    fn open(self: &Rc<Self>, stream: Stream) {
        let context = self.context.copy();
        self.event_loop.spawner().catch_panic(FAILED, || {
            if let Err(error) = context.run(|| self.try_open(stream)) {
                self.failed_to_open(&error);
            }
        });
    }

    fn try_open(self: &Rc<Self>, stream: Stream) -> io::Result<()> {
        let Some(factory) = self.factory.borrow().clone() else {
            return Ok(());
        };
        // Counted first: the factory may close the server, which ends with this connection then.
        let number = self.clients.enter();
        let owner: Rc<dyn Owner> = self.clone();
        let membership = Some(Membership::new(owner, number));
        let protocol = (factory.borrow_mut())();
        let secured = self.secured.as_ref();
        let opening = open::start(&self.event_loop, stream, protocol, secured, membership)?;
        self.clients.set(number, &opening.transport);
        if !opening.has_layer() {
            opening.detach();
            return Ok(());
        }
        let state = Rc::clone(self);
        let opens = async move {
            if let Err(error) = opening.finish().await {
                state.failed_to_open(&error);
            }
        };
        self.event_loop.create_task(opens).detach();
        Ok(())
    }

    /// As in asyncio, that is the peer's own affair, but in debug mode.
    fn failed_to_open(self: &Rc<Self>, error: &io::Error) {
        if self.event_loop.get_debug() {
            let report = ErrorContext::new(FAILED).caused_by(error);
            self.event_loop
                .call_exception_handler(&report.with_source(self));
        }
    }

    /// Whether it listens to nobody and nobody is connected.
    fn end_if_over(&self) {
        if self.closed.is_set() && self.clients.len() == 0 {
            self.ended.set();
        }
    }
}

impl Owner for State {
    fn lost(self: Rc<Self>, number: usize) {
        self.clients.leave(number);
        self.close_with_loop();
        self.has_room();
        self.end_if_over();
    }
}

impl fmt::Debug for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Server")
            .field("sockets", &*self.listeners.borrow())
            .field("serving", &self.is_serving.get())
            .field("clients", &self.clients.len())
            .finish_non_exhaustive()
    }
}
