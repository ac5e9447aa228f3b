//! `connect_accepted_socket`: connections that somebody else has accepted.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;

use asyncio_loop::get_running_loop;
use socket2::Socket;

use super::builder::Connected;
use super::open::open;
use super::socket;
use crate::Protocol;
use crate::layer::{LayerSettings, layer_methods};

/// Makes a transport of a socket that was accepted outside the loop. asyncio's
/// `loop.connect_accepted_socket`, on the running loop.
///
/// As [`create_connection`](crate::create_connection) with a socket, but that a layer is put over it
/// as the server's side.
///
/// # Errors
/// [`RefusedSocket`](crate::RefusedSocket) inside an error, for a socket that is no stream, or not
/// connected. What the layer reports. `InvalidInput` for settings that contradict each other.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// Yes: the transport is closed.
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_transports::{Protocol, connect_accepted_socket};
/// use std::net::{TcpListener, TcpStream};
///
/// struct Quiet;
/// impl Protocol for Quiet {}
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let _client = TcpStream::connect(listener.local_addr()?)?;
/// let (accepted, _) = listener.accept()?;
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let (transport, _protocol) = connect_accepted_socket(|| Quiet, accepted).await?;
///     transport.close();
///     std::io::Result::Ok(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn connect_accepted_socket<F, P>(
    factory: F,
    socket: impl Into<Socket>,
) -> ConnectAcceptedSocket<F>
where
    F: FnOnce() -> P + 'static,
    P: Protocol,
{
    ConnectAcceptedSocket {
        factory,
        socket: socket.into(),
        layer: LayerSettings::default(),
    }
}

/// What [`connect_accepted_socket`] is about to do: await it. Its methods are asyncio's keyword
/// arguments.
#[must_use = "nothing happens before it is awaited"]
pub struct ConnectAcceptedSocket<F> {
    factory: F,
    socket: Socket,
    layer: LayerSettings,
}

impl<F> ConnectAcceptedSocket<F> {
    layer_methods!();
}

impl<F, P> IntoFuture for ConnectAcceptedSocket<F>
where
    F: FnOnce() -> P + 'static,
    P: Protocol,
{
    type Output = io::Result<Connected<P>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let stream = socket::connected(socket::stream(self.socket)?)?;
            let secured = self.layer.of_server()?;
            open(&get_running_loop(), stream, self.factory, secured).await
        })
    }
}

impl<F> fmt::Debug for ConnectAcceptedSocket<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ConnectAcceptedSocket")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}
