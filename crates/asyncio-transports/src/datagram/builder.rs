//! asyncio's keyword arguments as methods.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::rc::Rc;

use asyncio_loop::socket::{Domain, Protocol, Socket};
use asyncio_loop::{AddrInfoHints, Address, get_running_loop};

use super::arguments::Arguments;
use super::endpoint::DatagramEndpoint;
use super::opening::open;
use super::queue::QueueLimits;
use super::transport::start;
use crate::{DatagramProtocol, DatagramTransport};

/// Opens a datagram endpoint, of which datagrams are received and sent by `await`: what asyncio's
/// `create_datagram_endpoint` is for protocols, as a handle.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_transports::open_datagram_endpoint;
///
/// # async fn example() -> std::io::Result<()> {
/// let server = open_datagram_endpoint().local_addr(("127.0.0.1", 0)).await?;
/// let client = open_datagram_endpoint().remote_addr(server.local_addr()?).await?;
///
/// client.send(b"hello").await?;
/// let mut buffer = [0; 1500];
/// let received = server.recv_from(&mut buffer).await?;
/// assert_eq!(&buffer[..received.len], b"hello");
/// server.send_to(b"you said hello", received.from.unwrap()).await?;
/// # Ok(())
/// # }
/// # EventLoop::new()?.run_until_complete(example())?
/// # ; Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open_datagram_endpoint() -> DatagramEndpointBuilder<Awaited> {
    DatagramEndpointBuilder::new(Awaited)
}

/// A datagram endpoint that is going to be opened: `.await` opens it.
///
/// What excludes what is checked then, as in asyncio.
///
/// # Errors
/// `InvalidInput` for arguments that exclude each other; what the resolver reports; what the kernel
/// reports of the first socket that was tried, when none could be bound and connected.
///
/// # Cancel safety
/// Yes: nothing is left open.
#[must_use = "nothing is opened before it is awaited"]
pub struct DatagramEndpointBuilder<K> {
    kind: K,
    arguments: Arguments,
    batch: bool,
}

/// The kind of endpoint that [`open_datagram_endpoint`] opens: a [`DatagramEndpoint`], whose datagrams
/// are awaited.
#[derive(Clone, Copy, Debug)]
pub struct Awaited;

impl<K> DatagramEndpointBuilder<K> {
    pub(super) fn new(kind: K) -> Self {
        Self {
            kind,
            arguments: Arguments::default(),
            batch: false,
        }
    }

    /// Binds to this address. Without it, the system chooses a port.
    ///
    /// A [`Path`](std::path::Path) is that of a Unix socket. A socket file that is left over there
    /// is removed; one that somebody is bound to is not. (asyncio removes it all the same.)
    pub fn local_addr(mut self, address: impl Into<Address>) -> Self {
        self.arguments.local_addr = Some(address.into());
        self
    }

    /// Sends to this address, and receives from nobody else.
    pub fn remote_addr(mut self, address: impl Into<Address>) -> Self {
        self.arguments.remote_addr = Some(address.into());
        self
    }

    /// Of this family only. Without an address, a socket of this family that is not bound.
    pub fn family(mut self, family: Domain) -> Self {
        self.arguments.family = Some(family);
        self
    }

    /// Of this protocol. UDP is what there is, mostly.
    pub fn proto(mut self, proto: Protocol) -> Self {
        self.arguments.proto = Some(proto);
        self
    }

    /// How names are resolved. Only the flags count; the type is that of datagrams, family and
    /// protocol have methods of their own.
    pub fn flags(mut self, flags: AddrInfoHints) -> Self {
        self.arguments.flags = Some(flags);
        self
    }

    /// Lets several sockets bind to one port, if all of them say so (`SO_REUSEPORT`). The kernel
    /// gives each sender to one of them.
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.arguments.reuse_port = on;
        self
    }

    /// Lets the endpoint send to broadcast addresses (`SO_BROADCAST`). It is not connected to its
    /// [`remote_addr`](Self::remote_addr) then: it sends there, and receives from everybody, since
    /// answers do not come from a broadcast address.
    pub fn allow_broadcast(mut self, on: bool) -> Self {
        self.arguments.allow_broadcast = on;
        self
    }

    /// Takes a socket that there is already: a standard library's `UdpSocket`, `UnixDatagram`, a
    /// [`Socket`]. It is made non-blocking. All other arguments exclude this one.
    ///
    /// It is closed when the endpoint cannot be made; give a duplicate to keep it.
    pub fn sock(mut self, sock: impl Into<Socket>) -> Self {
        self.arguments.sock = Some(sock.into());
        self
    }

    /// Receives and sends many datagrams by one system call: what has come (32 packets at a time,
    /// each of which may be many datagrams of one sender), and answers that a protocol sends while it
    /// is given what has come, which are sent when it has got all. For UDP only.
    ///
    /// For services with many datagrams of a kind; a single one costs more this way than without.
    /// Datagrams are not fragmented then: one that is larger than the network takes is an error
    /// (`EMSGSIZE`). And those that are sent together do not have the type of service (`IP_TOS`)
    /// that was set for the socket.
    ///
    /// # Platform-specific behaviour
    /// As that of the crate `quinn-udp`, which it is built on. Several at a time are received on
    /// Linux, Android, FreeBSD and Windows, and sent on Linux, Android and Windows.
    #[cfg(feature = "udp-batch")]
    pub fn batch(mut self, on: bool) -> Self {
        self.batch = on;
        self
    }
}

/// Opens a datagram endpoint for a protocol: asyncio's `create_datagram_endpoint`. The factory is
/// called when the socket is open; awaited, it gives the transport and the protocol, after
/// `connection_made` was called.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Examples
/// An echo service, and one question to it:
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_transports::{
///     DatagramProtocol, DatagramTransport, SockName, create_datagram_endpoint,
///     open_datagram_endpoint,
/// };
/// use socket2::SockAddr;
/// use std::rc::Rc;
///
/// #[derive(Default)]
/// struct Echo {
///     transport: Option<Rc<dyn DatagramTransport>>,
/// }
///
/// impl DatagramProtocol for Echo {
///     fn connection_made(&mut self, transport: Rc<dyn DatagramTransport>) {
///         self.transport = Some(transport);
///     }
///
///     fn datagram_received(&mut self, data: &[u8], from: &SockAddr) {
///         if let Some(transport) = &self.transport {
///             // What is not sent is lost, as datagrams may be.
///             let _ = transport.sendto(data, Some(from));
///         }
///     }
/// }
///
/// # async fn example() -> std::io::Result<()> {
/// let (transport, _protocol) = create_datagram_endpoint(Echo::default)
///     .local_addr(("127.0.0.1", 0))
///     .await?;
/// let SockName(address) = transport.get_extra_info().unwrap();
///
/// let client = open_datagram_endpoint().remote_addr(address).await?;
/// client.send(b"hello").await?;
/// let mut buffer = [0; 16];
/// let received = client.recv_from(&mut buffer).await?;
/// assert_eq!(&buffer[..received.len], b"hello");
/// transport.close();
/// # Ok(())
/// # }
/// # EventLoop::new()?.run_until_complete(example())?
/// # ; Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn create_datagram_endpoint<F, P>(factory: F) -> DatagramEndpointBuilder<WithProtocol<F>>
where
    F: FnOnce() -> P + 'static,
    P: DatagramProtocol,
{
    DatagramEndpointBuilder::new(WithProtocol {
        factory,
        limits: QueueLimits::DEFAULT,
    })
}

/// The kind of endpoint that [`create_datagram_endpoint`] opens: a transport and a protocol.
pub struct WithProtocol<F> {
    factory: F,
    limits: QueueLimits,
}

impl<F> DatagramEndpointBuilder<WithProtocol<F>> {
    /// How many datagrams, and how many bytes of them, may wait to be sent; 65,536 and 16 MiB if not
    /// given. [`sendto`](crate::DatagramTransport::sendto) refuses what is more. (asyncio has no
    /// such limit.)
    ///
    /// It is there for those who do not heed [`Flow::Paused`](crate::Flow::Paused), and should lie
    /// above the high-water mark.
    pub fn send_queue_limit(mut self, datagrams_max: usize, bytes_max: usize) -> Self {
        self.kind.limits = QueueLimits {
            datagrams_max,
            bytes_max,
        };
        self
    }
}

impl<F, P> IntoFuture for DatagramEndpointBuilder<WithProtocol<F>>
where
    F: FnOnce() -> P + 'static,
    P: DatagramProtocol,
{
    type Output = io::Result<(Rc<dyn DatagramTransport>, Rc<RefCell<P>>)>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self {
            kind: WithProtocol { factory, limits },
            arguments,
            batch,
        } = self;
        Box::pin(async move {
            let event_loop = get_running_loop();
            let opened = open(&event_loop, arguments, batch).await?;
            let protocol = Rc::new(RefCell::new(factory()));
            let called = Rc::<RefCell<P>>::clone(&protocol);
            let transport = start(&event_loop, opened, called, limits).await?;
            Ok((transport, protocol))
        })
    }
}

impl<F> fmt::Debug for WithProtocol<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WithProtocol")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl IntoFuture for DatagramEndpointBuilder<Awaited> {
    type Output = io::Result<DatagramEndpoint>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self {
            kind: Awaited,
            arguments,
            batch,
        } = self;
        Box::pin(async move {
            let event_loop = get_running_loop();
            let opened = open(&event_loop, arguments, batch).await?;
            DatagramEndpoint::new(&event_loop, opened)
        })
    }
}

impl<K> fmt::Debug for DatagramEndpointBuilder<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.arguments.fmt(formatter)
    }
}
