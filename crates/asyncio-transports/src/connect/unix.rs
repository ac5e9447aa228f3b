//! `create_unix_connection`: to a listener of this machine.

use std::ffi::OsStr;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use asyncio_loop::get_running_loop;
use socket2::{Domain, SockAddr, Socket};

use super::builder::Connected;
use super::open::{Stream, open};
use super::socket;
use crate::layer::{LayerSettings, layer_methods};
use crate::{Protocol, sys};

/// A Unix socket's path, or a socket that there is already (asyncio's `sock`): what
/// [`create_unix_connection`] and [`create_unix_server`](crate::create_unix_server) take.
///
/// A path that begins with a zero byte is a name of Linux's abstract namespace, which is no file.
#[derive(Debug)]
#[non_exhaustive]
pub enum UnixEndpoint {
    /// By its path, or its name.
    Path(PathBuf),
    /// A Unix socket whose bytes are a stream: connected to connect, bound to listen.
    Socket(Socket),
}

/// Connects to a Unix socket. asyncio's `loop.create_unix_connection`, on the running loop.
///
/// `factory` is called when there is a connection, and makes its protocol. What is returned is done
/// when it is awaited; then `connection_made` has been called.
///
/// # Errors
/// * [`ConnectError`](asyncio_loop::ConnectError) inside an error of the same kind: `NotFound`,
///   `ConnectionRefused` when nobody listens on the socket any more, `WouldBlock` when the
///   listener's queue is full. `InvalidInput` for a path that is longer than the system allows: 107
///   bytes on Linux.
/// * [`RefusedSocket`](crate::RefusedSocket) inside an error, for a socket that is no Unix stream,
///   or not connected.
/// * What the layer reports. `InvalidInput` for settings that contradict each other; with a layer
///   the server's name has to be given.
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
/// use asyncio_transports::{Protocol, create_unix_connection};
/// use std::os::unix::net::UnixStream;
///
/// struct Quiet;
/// impl Protocol for Quiet {}
///
/// let (near, _far) = UnixStream::pair()?;
/// let event_loop = EventLoop::new()?;
/// let (transport, _protocol) =
///     event_loop.run_until_complete(create_unix_connection(|| Quiet, near).into_future())??;
/// transport.close();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn create_unix_connection<F, P>(
    factory: F,
    to: impl Into<UnixEndpoint>,
) -> CreateUnixConnection<F>
where
    F: FnOnce() -> P + 'static,
    P: Protocol,
{
    CreateUnixConnection {
        factory,
        to: to.into(),
        layer: LayerSettings::default(),
    }
}

/// What [`create_unix_connection`] is about to do: await it. Its methods are asyncio's keyword
/// arguments.
#[must_use = "nothing happens before it is awaited"]
pub struct CreateUnixConnection<F> {
    factory: F,
    to: UnixEndpoint,
    layer: LayerSettings,
}

impl<F> CreateUnixConnection<F> {
    layer_methods!(client);
}

impl<F, P> IntoFuture for CreateUnixConnection<F>
where
    F: FnOnce() -> P + 'static,
    P: Protocol,
{
    type Output = io::Result<Connected<P>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let missing = "you have to pass server_hostname when using ssl";
            let secured = self.layer.of_client(|| None, missing)?;
            let event_loop = get_running_loop();
            let stream = match self.to {
                UnixEndpoint::Socket(socket) => socket::connected(socket::unix_stream(socket)?)?,
                UnixEndpoint::Path(path) => {
                    let address = SockAddr::unix(path)?;
                    let socket = sys::stream_socket(Domain::UNIX, None)?;
                    let socket = event_loop.connect_socket(socket, &address).await?;
                    Stream::new(socket, address)
                }
            };
            open(&event_loop, stream, self.factory, secured).await
        })
    }
}

impl<F> fmt::Debug for CreateUnixConnection<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CreateUnixConnection")
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

impl<P: AsRef<OsStr> + ?Sized> From<&P> for UnixEndpoint {
    fn from(path: &P) -> Self {
        Self::Path(Path::new(path).to_owned())
    }
}

impl From<PathBuf> for UnixEndpoint {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<String> for UnixEndpoint {
    fn from(path: String) -> Self {
        Self::Path(path.into())
    }
}

impl From<Socket> for UnixEndpoint {
    fn from(socket: Socket) -> Self {
        Self::Socket(socket)
    }
}

impl From<UnixStream> for UnixEndpoint {
    fn from(stream: UnixStream) -> Self {
        Self::Socket(stream.into())
    }
}

impl From<UnixListener> for UnixEndpoint {
    fn from(listener: UnixListener) -> Self {
        Self::Socket(listener.into())
    }
}
