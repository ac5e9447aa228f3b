//! `create_server`: listening on the network.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::rc::Rc;

use asyncio_executor::yield_now;
use asyncio_loop::socket::{Domain, Protocol as IpProtocol};
use asyncio_loop::{AddrInfoHints, LoopRef, get_running_loop};

use super::bind::{SocketOptions, bind_all};
use super::handle::Server;
use super::listen_on::{ListenOn, resolve};
use super::listener::Listener;
use super::state::{Limits, State};
use super::sys;
use crate::Protocol;
use crate::connect::destination::{Candidate, Hints};
use crate::connect::socket;
use crate::layer::{LayerSettings, Secured, layer_methods};

/// Python's default.
const BACKLOG: u32 = 100;

/// Listens on the network. asyncio's `loop.create_server`, on the running loop.
///
/// `factory` is called for each connection, and makes its protocol; a panic of it closes that
/// connection, and reaches the exception handler. All calls of a connection's protocol run in one
/// context: a copy of the one in which the server was made.
///
/// What is returned is done when it is awaited, and then it accepts. A host that is empty is every
/// address of this machine. For each address there is a socket, in the order in which they were
/// given; IPv6 sockets serve IPv6 only. With port 0 the kernel chooses a port, the same for all
/// (asyncio: one for each).
///
/// # Errors
/// * What [`getaddrinfo`](asyncio_loop::getaddrinfo) reports.
/// * [`BindError`](crate::BindError) inside an error of the same kind, `AddrInUse` for instance:
///   what was bound before is closed. An address that this machine does not have is passed over;
///   `AddrNotAvailable` when there is no other.
/// * What the kernel reports when there is nothing left to make a socket with, `EMFILE` for instance.
/// * [`RefusedSocket`](crate::RefusedSocket) inside an error, for a socket that is no stream, or
///   that is connected.
/// * `InvalidInput` for settings that contradict each other.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// Yes: nothing listens.
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_transports::{Protocol, Transport, create_server};
/// use std::rc::Rc;
///
/// struct Greeter;
/// impl Protocol for Greeter {
///     fn connection_made(&mut self, transport: Rc<dyn Transport>) {
///         let _ = transport.write(b"hello\n");
///         transport.close();
///     }
/// }
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let server = create_server(|| Greeter, (["127.0.0.1", "::1"], 0)).await?;
///     println!("listening on {:?}", server.sockets());
///     # server.close();
///     server.wait_closed().await;
///     std::io::Result::Ok(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn create_server<F, P>(factory: F, on: impl Into<ListenOn>) -> CreateServer<F>
where
    F: FnMut() -> P + 'static,
    P: Protocol,
{
    CreateServer {
        plan: Plan::new(factory),
        on: on.into(),
        hints: Hints::new(AddrInfoHints::new().passive(true)),
        options: SocketOptions {
            reuse_address: sys::REUSE_ADDRESS,
            reuse_port: false,
            keep_alive: false,
        },
        layer: LayerSettings::default(),
    }
}

/// What [`create_server`] is about to do: await it. Its methods are asyncio's keyword arguments.
#[must_use = "nothing happens before it is awaited"]
pub struct CreateServer<F> {
    plan: Plan<F>,
    on: ListenOn,
    hints: Hints,
    options: SocketOptions,
    layer: LayerSettings,
}

impl<F> CreateServer<F> {
    /// Addresses of this family only.
    pub fn family(mut self, family: Domain) -> Self {
        self.hints.family = Some(family);
        self
    }

    /// Sockets of this protocol: TCP, unless it is set.
    pub fn proto(mut self, protocol: IpProtocol) -> Self {
        self.hints.protocol = Some(protocol);
        self
    }

    /// Flags for the resolver, those of the hints: [`passive`](AddrInfoHints::passive), unless they
    /// are set.
    pub fn flags(mut self, flags: AddrInfoHints) -> Self {
        self.hints.flags = flags;
        self
    }

    /// Whether an address may be bound to that closed connections still hold back (`SO_REUSEADDR`).
    /// It may on Unix, unless this says otherwise.
    pub fn reuse_address(mut self, on: bool) -> Self {
        self.options.reuse_address = on;
        self
    }

    /// Whether others may listen on the same address, if they say the same: the kernel spreads the
    /// connections over all of them (`SO_REUSEPORT`). Not unless it is set.
    ///
    /// # Platform-specific behaviour
    /// `InvalidInput` where there is no such option, on Windows for instance.
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.options.reuse_port = on;
        self
    }

    /// Whether the kernel looks after connections that are idle (`SO_KEEPALIVE`). Not unless it is
    /// set.
    pub fn keep_alive(mut self, on: bool) -> Self {
        self.options.keep_alive = on;
        self
    }

    server_methods!();
    layer_methods!();
}

impl<F, P> IntoFuture for CreateServer<F>
where
    F: FnMut() -> P + 'static,
    P: Protocol,
{
    type Output = io::Result<Server>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let secured = self.layer.of_server()?;
            let event_loop = get_running_loop();
            let candidates = match self.on {
                ListenOn::Socket(socket) => {
                    let socket = socket::unconnected(socket::stream(socket)?)?;
                    let listeners = vec![Listener::new(socket)];
                    return self.plan.serve(&event_loop, listeners, secured).await;
                }
                ListenOn::Hosts(hosts, port) => {
                    resolve(&event_loop, self.hints, hosts, port).await?
                }
                ListenOn::Addresses(addresses) => {
                    let known = |address| Candidate::known(address, &self.hints);
                    self.hints.fit(addresses.into_iter().map(known).collect())?
                }
            };
            let sockets = bind_all(&event_loop, &candidates, self.options)?;
            let listeners = sockets.into_iter().map(Listener::new).collect();
            self.plan.serve(&event_loop, listeners, secured).await
        })
    }
}

/// What both kinds of servers have.
pub(super) struct Plan<F> {
    pub(super) factory: F,
    pub(super) limits: Limits,
    pub(super) start_serving: bool,
}

impl<F> Plan<F> {
    pub(super) fn new(factory: F) -> Self {
        Self {
            factory,
            limits: Limits {
                backlog: BACKLOG,
                connections_max: usize::MAX,
            },
            start_serving: true,
        }
    }

    /// A server on these sockets.
    pub(super) async fn serve<P>(
        self,
        event_loop: &LoopRef,
        listeners: Vec<Listener>,
        secured: Option<Secured>,
    ) -> io::Result<Server>
    where
        F: FnMut() -> P + 'static,
        P: Protocol,
    {
        /// Closes the server unless it is handed out.
        struct Unfinished(Server, Cell<bool>);
        impl Drop for Unfinished {
            fn drop(&mut self) {
                if !self.1.get() {
                    self.0.close();
                }
            }
        }
        for listener in &listeners {
            listener.socket.set_nonblocking(true)?;
        }
        let mut factory = self.factory;
        let factory = move || -> Rc<RefCell<dyn Protocol>> { Rc::new(RefCell::new(factory())) };
        let factory = Rc::new(RefCell::new(factory));
        let state = State::new(event_loop, listeners, self.limits, factory, secured);
        let server = Unfinished(Server::new(Rc::clone(&state)), Cell::new(false));
        if self.start_serving {
            state.start()?;
            yield_now().await;
        }
        server.1.set(true);
        Ok(server.0.clone())
    }
}

/// The settings that both kinds of servers have, as methods of a builder with a [`Plan`].
macro_rules! server_methods {
    () => {
        /// How many connections may wait in the kernel to be accepted; 100 unless it is set. As
        /// many, and one, are accepted in one turn of the loop, but not more than 256.
        pub fn backlog(mut self, connections: u32) -> Self {
            self.plan.limits.backlog = connections;
            self
        }

        /// How many connections there may be at once; no limit but that of descriptors, unless it
        /// is set. When there are as many, others wait in the kernel until one is over, as many as
        /// the backlog holds. It is one at least. Beyond asyncio.
        pub fn connections_max(mut self, connections: usize) -> Self {
            self.plan.limits.connections_max = connections.max(1);
            self
        }

        /// Whether the server accepts connections at once. If not, it does when
        /// [`start_serving`](crate::Server::start_serving) or
        /// [`serve_forever`](crate::Server::serve_forever) is called, and until then nobody can
        /// connect.
        pub fn start_serving(mut self, on: bool) -> Self {
            self.plan.start_serving = on;
            self
        }
    };
}
pub(super) use server_methods;

impl<F> fmt::Debug for CreateServer<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CreateServer")
            .field("on", &self.on)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
