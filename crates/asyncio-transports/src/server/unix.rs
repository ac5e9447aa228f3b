//! `create_unix_server`: listening for this machine.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::path::Path;
use std::pin::Pin;

use asyncio_executor::ErrorContext;
use asyncio_loop::{LoopRef, get_running_loop};
use socket2::{Domain, SockAddr, Socket, Type};

use super::builder::{Plan, server_methods};
use super::handle::Server;
use super::listener::Listener;
use crate::connect::errors::BindError;
use crate::connect::socket;
use crate::connect::unix::UnixEndpoint;
use crate::layer::{LayerSettings, layer_methods};
use crate::misuse::misuse;
use crate::{Protocol, sys};

/// Listens on a Unix socket. asyncio's `loop.create_unix_server`, on the running loop.
///
/// `factory` is called for each connection, and makes its protocol. What is returned is done when
/// it is awaited; see [`Server`] for what it gives.
///
/// A socket at `path` that nobody listens on any more is removed first; one on which somebody
/// listens is not, and that is an error (asyncio takes the path over). A file that is no socket, or
/// a symbolic link, is never removed.
///
/// # Who may connect
/// Whoever may write to the socket's file, which depends on the process's umask at this moment. To
/// be sure, put the socket into a directory that only its users may enter: changing the file's mode
/// afterwards leaves a gap. Names of the abstract namespace are open to everybody on the machine.
///
/// # Errors
/// * `AddrInUse`: somebody listens on `path`, or there is something that is no socket.
/// * `InvalidInput` for a path that is empty, or longer than the system allows: 107 bytes on Linux;
///   for settings that contradict each other.
/// * [`RefusedSocket`](crate::RefusedSocket) inside an error, for a socket that is no Unix stream,
///   or that is connected.
/// * [`BindError`] inside an error, for whatever else the kernel reports:
///   `NotFound` for a folder that is not there.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// Yes: nothing listens, and the file is removed.
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_transports::{Protocol, create_unix_connection, create_unix_server};
///
/// struct Quiet;
/// impl Protocol for Quiet {}
///
/// let path = std::env::temp_dir().join(format!("quiet-{}", std::process::id()));
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let server = create_unix_server(|| Quiet, &path).await?;
///     let (transport, _) = create_unix_connection(|| Quiet, &path).await?;
///     transport.close();
///     server.close();
///     assert!(!path.exists());
///     std::io::Result::Ok(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn create_unix_server<F, P>(factory: F, on: impl Into<UnixEndpoint>) -> CreateUnixServer<F>
where
    F: FnMut() -> P + 'static,
    P: Protocol,
{
    CreateUnixServer {
        plan: Plan::new(factory),
        on: on.into(),
        cleanup_socket: true,
        layer: LayerSettings::default(),
    }
}

/// What [`create_unix_server`] is about to do: await it. Its methods are asyncio's keyword
/// arguments.
#[must_use = "nothing happens before it is awaited"]
pub struct CreateUnixServer<F> {
    plan: Plan<F>,
    on: UnixEndpoint,
    cleanup_socket: bool,
    layer: LayerSettings,
}

impl<F> CreateUnixServer<F> {
    /// Whether the socket's file is removed when the server is closed, if it is still the one that
    /// the server has made. It is, unless this says otherwise. The file of a socket that was handed
    /// in is never removed.
    pub fn cleanup_socket(mut self, on: bool) -> Self {
        self.cleanup_socket = on;
        self
    }

    server_methods!();
    layer_methods!();
}

impl<F, P> IntoFuture for CreateUnixServer<F>
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
            let listener = match self.on {
                UnixEndpoint::Path(path) => {
                    let listener = Listener::new(bind(&event_loop, &path)?);
                    match self.cleanup_socket {
                        true => listener.remove_file(),
                        false => listener,
                    }
                }
                UnixEndpoint::Socket(socket) => {
                    let socket = socket::unconnected(socket::unix_stream(socket)?)?;
                    Listener::new(socket)
                }
            };
            self.plan.serve(&event_loop, vec![listener], secured).await
        })
    }
}

/// A socket bound to `path`.
fn bind(event_loop: &LoopRef, path: &Path) -> io::Result<Socket> {
    if path.as_os_str().is_empty() {
        // The kernel would choose a name.
        return Err(misuse("the path of a Unix socket is empty"));
    }
    let address = SockAddr::unix(path)?;
    if let Err(error) = sys::remove_stale(&address, Type::STREAM) {
        // The directory may allow to make sockets only.
        let message = format!("unable to check or remove stale UNIX socket {path:?}");
        event_loop.call_exception_handler(&ErrorContext::new(&message).caused_by(&error));
    }
    let socket = sys::stream_socket(Domain::UNIX, None)?;
    socket.bind(&address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            io::Error::new(error.kind(), format!("Address {path:?} is already in use"))
        }
        _ => BindError::raise(path.to_owned(), error),
    })?;
    Ok(socket)
}

impl<F> fmt::Debug for CreateUnixServer<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CreateUnixServer")
            .field("on", &self.on)
            .finish_non_exhaustive()
    }
}
