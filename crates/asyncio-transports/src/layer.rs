//! Layers over a transport: what TLS is, seen from below.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use asyncio_sync::oneshot;

use crate::misuse::misuse;
use crate::{Protocol, Transport};

/// A protocol between a transport and the application's protocol: TLS is one. What asyncio's
/// `ssl=` takes.
///
/// A layer is a protocol to the transport below it, and a transport to the protocol above.
/// [`create_connection`](crate::create_connection) and its like put it in between, and return when
/// it says that it is [`open`](Opening).
pub trait Layer: fmt::Debug + 'static {
    /// Makes the two faces of one connection's layer.
    ///
    /// The face below gets `connection_made` next, with the raw transport. The face above calls the
    /// application's protocol: `connection_made` when the layer is open, with the layered
    /// transport; `connection_lost` only if `connection_made` was called.
    ///
    /// The face above may be closed or aborted before there is a raw transport: it is then done to
    /// that one when it comes. The face below may be dropped without `connection_lost`, by a loop
    /// that closes: the layer lets go of the application's protocol then, which most likely holds
    /// the face above.
    ///
    /// # Errors
    /// What cannot work for this connection, a host name that is none for instance. The raw
    /// connection is closed then.
    fn layer(&self, opening: Opening) -> io::Result<Layered>;
}

impl<L: Layer + ?Sized> Layer for Rc<L> {
    fn layer(&self, opening: Opening) -> io::Result<Layered> {
        (**self).layer(opening)
    }
}

/// What a [`Layer`] is told of the connection that it opens.
#[non_exhaustive]
pub struct Opening {
    /// The application's.
    pub protocol: Rc<RefCell<dyn Protocol>>,
    /// Which side this is.
    pub role: Role,
    /// How long the layer may take to open: then it fails with `TimedOut` and aborts the raw
    /// transport. 60 s unless it was set.
    pub handshake_timeout: Duration,
    /// How long the end of the layer may take when the connection is closed: then the raw transport
    /// is aborted. 30 s unless it was set.
    pub shutdown_timeout: Duration,
    /// To say how the opening went.
    pub opened: Opened,
}

/// Which side of a connection a layer is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// The one that has connected.
    Client {
        /// Whom the other side has to prove to be. Empty: nobody in particular.
        server_hostname: String,
    },
    /// The one that has accepted.
    Server,
}

/// What a [`Layer`] has made.
#[derive(Clone)]
#[non_exhaustive]
pub struct Layered {
    /// What the raw transport calls.
    pub protocol: Rc<RefCell<dyn Protocol>>,
    /// What the application calls.
    pub transport: Rc<dyn Transport>,
}

impl Layered {
    /// The face below, and the face above.
    pub fn new(protocol: Rc<RefCell<dyn Protocol>>, transport: Rc<dyn Transport>) -> Self {
        Self {
            protocol,
            transport,
        }
    }
}

/// Says how the opening of a layer went, once. Dropped without a word, it has failed.
#[derive(Debug)]
pub struct Opened(oneshot::Sender<io::Result<()>>);

impl Opened {
    /// And where that is heard.
    pub(crate) fn channel() -> (Self, oneshot::Receiver<io::Result<()>>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// The layer is open, and `connection_made` has been called; or it failed. If nobody waits any
    /// more, that changes nothing.
    pub fn tell(self, outcome: io::Result<()>) {
        let _ = self.0.send(outcome);
    }
}

/// Python: `SSL_HANDSHAKE_TIMEOUT`.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(60);

/// Python: `SSL_SHUTDOWN_TIMEOUT`.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// The `ssl` family of a builder's settings, as they are given.
#[derive(Clone, Debug, Default)]
pub(crate) struct LayerSettings {
    pub(crate) layer: Option<Rc<dyn Layer>>,
    pub(crate) server_hostname: Option<String>,
    pub(crate) handshake_timeout: Option<Duration>,
    pub(crate) shutdown_timeout: Option<Duration>,
}

/// The same, checked.
#[derive(Clone, Debug)]
pub(crate) struct Secured {
    pub(crate) layer: Rc<dyn Layer>,
    pub(crate) role: Role,
    handshake_timeout: Duration,
    shutdown_timeout: Duration,
}

impl LayerSettings {
    /// For a client. `host` gives what the destination is called, if it is called anything; else,
    /// and if no name was given, `missing` is the error.
    pub(crate) fn of_client(
        self,
        host: impl FnOnce() -> Option<String>,
        missing: &str,
    ) -> io::Result<Option<Secured>> {
        if self.layer.is_none() && self.server_hostname.is_some() {
            return Err(misuse("server_hostname is only meaningful with ssl"));
        }
        let server_hostname = match (&self.layer, &self.server_hostname) {
            (Some(_), None) => host().filter(|host| !host.is_empty()),
            (_, given) => given.clone(),
        };
        match server_hostname {
            None if self.layer.is_some() => Err(misuse(missing)),
            server_hostname => self.checked(Role::Client {
                server_hostname: server_hostname.unwrap_or_default(),
            }),
        }
    }

    /// For the side that accepts.
    pub(crate) fn of_server(self) -> io::Result<Option<Secured>> {
        self.checked(Role::Server)
    }

    fn checked(self, role: Role) -> io::Result<Option<Secured>> {
        let Some(layer) = self.layer else {
            return match (self.handshake_timeout, self.shutdown_timeout) {
                (Some(_), _) => Err(misuse("ssl_handshake_timeout is only meaningful with ssl")),
                (_, Some(_)) => Err(misuse("ssl_shutdown_timeout is only meaningful with ssl")),
                (None, None) => Ok(None),
            };
        };
        Ok(Some(Secured {
            layer,
            role,
            handshake_timeout: positive(
                self.handshake_timeout.unwrap_or(HANDSHAKE_TIMEOUT),
                "ssl_handshake_timeout should be a positive number, got 0",
            )?,
            shutdown_timeout: positive(
                self.shutdown_timeout.unwrap_or(SHUTDOWN_TIMEOUT),
                "ssl_shutdown_timeout should be a positive number, got 0",
            )?,
        }))
    }
}

impl Secured {
    /// What the layer is told.
    pub(crate) fn opening(&self, protocol: Rc<RefCell<dyn Protocol>>, opened: Opened) -> Opening {
        Opening {
            protocol,
            role: self.role.clone(),
            handshake_timeout: self.handshake_timeout,
            shutdown_timeout: self.shutdown_timeout,
            opened,
        }
    }
}

fn positive(timeout: Duration, message: &str) -> io::Result<Duration> {
    match timeout.is_zero() {
        true => Err(misuse(message)),
        false => Ok(timeout),
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Opening")
            .field("role", &self.role)
            .field("handshake_timeout", &self.handshake_timeout)
            .field("shutdown_timeout", &self.shutdown_timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Layered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Layered")
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}

/// The settings of a layer, as methods of a builder that has them in the field `layer`.
macro_rules! layer_methods {
    () => {
        /// Puts a layer over the connection, TLS for instance: asyncio's `ssl`.
        pub fn ssl(mut self, layer: impl $crate::Layer) -> Self {
            self.layer.layer = Some(std::rc::Rc::new(layer));
            self
        }

        /// How long the layer may take to open before the connection is aborted, with `TimedOut`;
        /// 60 s unless it is set. Only with [`ssl`](Self::ssl).
        pub fn ssl_handshake_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.layer.handshake_timeout = Some(timeout);
            self
        }

        /// How long the layer may take to end in order before the connection is aborted; 30 s
        /// unless it is set. Only with [`ssl`](Self::ssl).
        pub fn ssl_shutdown_timeout(mut self, timeout: std::time::Duration) -> Self {
            self.layer.shutdown_timeout = Some(timeout);
            self
        }
    };
    (client) => {
        $crate::layer::layer_methods!();

        /// Whom the other side has to prove to be, if not the host that is connected to; empty:
        /// nobody in particular. Only with [`ssl`](Self::ssl).
        pub fn server_hostname(mut self, name: impl Into<String>) -> Self {
            self.layer.server_hostname = Some(name.into());
            self
        }
    };
}
pub(crate) use layer_methods;
