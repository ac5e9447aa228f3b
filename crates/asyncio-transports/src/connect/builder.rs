//! `create_connection`: to a host and a port.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use asyncio_loop::socket::{Domain, Protocol as IpProtocol};
use asyncio_loop::{AddrInfoHints, Address, get_running_loop};

use super::attempt::connect_to_any;
use super::destination::{Candidate, Destination, Hints};
use super::errors::ConnectErrors;
use super::interleave::interleave;
use super::open::open;
use super::socket;
use crate::layer::{LayerSettings, layer_methods};
use crate::{Protocol, Transport};

/// A connection: its transport, and the protocol that was made for it. Python's pair.
pub type Connected<P> = (Rc<dyn Transport>, Rc<RefCell<P>>);

/// How long an attempt is alone before the next one begins: what RFC 8305, section 5, recommends.
const CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Connects to a TCP server. asyncio's `loop.create_connection`, on the running loop.
///
/// `factory` is called when there is a connection, and makes its protocol. What is returned is done
/// when it is awaited; then `connection_made` has been called.
///
/// A host is resolved, and all its addresses are tried until one is connected to. Where asyncio
/// tries one after the other, here the next attempt begins after 250 ms, whether the one before has
/// failed or not: see [`happy_eyeballs_delay`](CreateConnection::happy_eyeballs_delay).
/// `TCP_NODELAY` is set.
///
/// There is no deadline but the kernel's, which is a matter of minutes: put a
/// [`timeout`](asyncio_futures::timeout()) around it.
///
/// # Errors
/// * What [`getaddrinfo`](asyncio_loop::getaddrinfo) reports; `NotFound`, when none of the addresses
///   is of the family asked for.
/// * [`ConnectError`](asyncio_loop::ConnectError) or [`BindError`](crate::BindError) inside an
///   error of the same kind, for each attempt that failed; [`ConnectErrors`] inside an error, if
///   they differ.
/// * [`RefusedSocket`](crate::RefusedSocket) inside an error, for a socket that is no stream, or
///   not connected.
/// * What the layer reports. `InvalidInput` for settings that contradict each other.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// Yes: it leaves nothing behind. Cancelled while `connection_made` or a layer's opening is
/// awaited, it closes the transport.
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_transports::{Protocol, create_connection};
///
/// struct Quiet;
/// impl Protocol for Quiet {}
///
/// let event_loop = EventLoop::new()?;
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let port = listener.local_addr()?.port();
/// event_loop.run_until_complete(async {
///     let (transport, _protocol) = create_connection(|| Quiet, ("localhost", port)).await?;
///     let _ = transport.write(b"hello");
///     transport.close();
///     std::io::Result::Ok(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn create_connection<F, P>(factory: F, to: impl Into<Destination>) -> CreateConnection<F>
where
    F: FnOnce() -> P + 'static,
    P: Protocol,
{
    CreateConnection {
        factory,
        to: to.into(),
        hints: Hints::new(AddrInfoHints::new()),
        local: None,
        delay: Some(CONNECTION_ATTEMPT_DELAY),
        interleave: None,
        all_errors: false,
        layer: LayerSettings::default(),
    }
}

/// What [`create_connection`] is about to do: await it. Its methods are asyncio's keyword
/// arguments.
#[must_use = "nothing happens before it is awaited"]
pub struct CreateConnection<F> {
    factory: F,
    to: Destination,
    hints: Hints,
    local: Option<Address>,
    delay: Option<Duration>,
    interleave: Option<usize>,
    all_errors: bool,
    layer: LayerSettings,
}

impl<F> CreateConnection<F> {
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

    /// Flags for the resolver, those of the hints; family, type and protocol have settings of
    /// their own. None, unless they are set.
    pub fn flags(mut self, flags: AddrInfoHints) -> Self {
        self.hints.flags = flags;
        self
    }

    /// The address of this end: one of the addresses that it means is bound to, one of the family
    /// of the address that is tried.
    pub fn local_addr(mut self, address: impl Into<Address>) -> Self {
        self.local = Some(address.into());
        self
    }

    /// How long an attempt to connect is alone before the next one begins. `None`: each waits for
    /// the one before it to fail, asyncio's default.
    ///
    /// Without it, a host of which one address does not answer, IPv6 in a network that does not
    /// forward it for instance, is reached after minutes or not at all. 250 ms, the default, is
    /// what RFC 8305 recommends.
    pub fn happy_eyeballs_delay(mut self, delay: impl Into<Option<Duration>>) -> Self {
        self.delay = delay.into();
        self
    }

    /// How many addresses of the first family are tried before families take turns; 0 leaves the
    /// resolver's order. As in asyncio it is 1 unless it is set, and 0 without a
    /// [delay](Self::happy_eyeballs_delay).
    pub fn interleave(mut self, first_family_count: usize) -> Self {
        self.interleave = Some(first_family_count);
        self
    }

    /// Whether a failure is always reported as [`ConnectErrors`], also if there is one error, or
    /// several that read the same. Not unless it is set.
    pub fn all_errors(mut self, on: bool) -> Self {
        self.all_errors = on;
        self
    }

    layer_methods!(client);
}

impl<F, P> IntoFuture for CreateConnection<F>
where
    F: FnOnce() -> P + 'static,
    P: Protocol,
{
    type Output = io::Result<Connected<P>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let missing = "You must set server_hostname when using ssl without a host";
            let secured = self.layer.of_client(|| self.to.host(), missing)?;
            let event_loop = get_running_loop();
            let hints = &self.hints;
            let candidates = match self.to {
                Destination::Socket(socket) => {
                    let stream = socket::connected(socket::stream(socket)?)?;
                    return open(&event_loop, stream, self.factory, secured).await;
                }
                Destination::Host(host, port) => {
                    let (host, port) = (Some(&*host), port.service());
                    hints.resolve(&event_loop, host, port).await?
                }
                Destination::Addresses(addresses) => {
                    let known = |address| Candidate::known(address, hints);
                    hints.fit(addresses.into_iter().map(known).collect())?
                }
            };
            let local = match &self.local {
                Some(address) => Some(hints.resolve_local(&event_loop, address).await?),
                None => None,
            };
            let first_family_count = self.interleave.unwrap_or(self.delay.is_some().into());
            let candidates = interleave(candidates, first_family_count, Candidate::family);
            let stream = connect_to_any(&event_loop, candidates, local.as_deref(), self.delay)
                .await
                .map_err(|errors| ConnectErrors::raise(errors, self.all_errors))?;
            open(&event_loop, stream, self.factory, secured).await
        })
    }
}

impl<F> fmt::Debug for CreateConnection<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CreateConnection")
            .field("to", &self.to)
            .field("local_addr", &self.local)
            .field("happy_eyeballs_delay", &self.delay)
            .finish_non_exhaustive()
    }
}
