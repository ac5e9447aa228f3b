//! `start_server`: a task with a stream for each connection.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use asyncio_executor::{ErrorContext, current_task};
use asyncio_loop::AddrInfoHints;
use asyncio_loop::socket::{Domain, Protocol};
use asyncio_transports::{CreateServer, Layer, ListenOn, Server, create_server};
#[cfg(unix)]
use asyncio_transports::{CreateUnixServer, UnixEndpoint, create_unix_server};
use pin_project_lite::pin_project;

use crate::link::Link;
use crate::protocol::{Connected, DEFAULT_LIMIT, StreamReaderProtocol};
use crate::settings::{Limit, same_settings};
use crate::{StreamReader, StreamWriter};

/// Makes the protocol of each connection.
type Make = Box<dyn FnMut() -> StreamReaderProtocol>;

/// Listens on the network, and runs `client_connected` as a task for each connection: asyncio's
/// `start_server`, on the running loop.
///
/// What is returned is done when it is awaited. Its settings are those of [`create_server`], and
/// [`limit`](StartServer::limit).
///
/// The task ends the connection when it drops the writer, or when it fails: an `Err`, a panic or a
/// cancellation closes it, wherever the writer is. An `Err` and a panic are reported to the
/// exception handler as `Unhandled exception in client_connected_cb`.
///
/// # Errors
/// As [`create_server`]; `InvalidInput` for a limit of zero.
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
/// use asyncio_streams::{StreamReader, StreamWriter, start_server};
///
/// async fn shout(mut reader: StreamReader, writer: StreamWriter) -> std::io::Result<()> {
///     loop {
///         let line = reader.readline().await?;
///         if line.is_empty() {
///             return Ok(());
///         }
///         writer.write(&line.to_ascii_uppercase());
///         writer.drain().await?;
///     }
/// }
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let server = start_server(shout, ("127.0.0.1", 0)).await?;
///     println!("serving on {:?}", server.sockets());
///     # server.close();
///     server.wait_closed().await;
///     std::io::Result::Ok(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn start_server<H, F>(client_connected: H, on: impl Into<ListenOn>) -> StartServer
where
    H: Fn(StreamReader, StreamWriter) -> F + 'static,
    F: Future + 'static,
    F::Output: Outcome,
{
    let limit = Limit::new(Cell::new(DEFAULT_LIMIT));
    StartServer {
        create: create_server(make(&limit, client_connected), on),
        limit,
    }
}

/// What [`start_server`] is about to do: await it. Its methods are asyncio's keyword arguments.
#[must_use = "nothing happens before it is awaited"]
pub struct StartServer {
    create: CreateServer<Make>,
    limit: Limit,
}

impl StartServer {
    same_settings! { CreateServer:
        family(family: Domain),
        proto(protocol: Protocol),
        flags(flags: AddrInfoHints),
        reuse_address(on: bool),
        reuse_port(on: bool),
        keep_alive(on: bool),
        backlog(connections: u32),
        connections_max(connections: usize),
        start_serving(on: bool),
        ssl(layer: impl Layer),
        ssl_handshake_timeout(timeout: Duration),
        ssl_shutdown_timeout(timeout: Duration),
    }
}

impl IntoFuture for StartServer {
    type Output = io::Result<Server>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            crate::settings::check(&self.limit)?;
            self.create.await
        })
    }
}

/// As [`start_server`], on a Unix stream socket: asyncio's `start_unix_server`. Its settings are
/// those of [`create_unix_server`], and [`limit`](StartUnixServer::limit).
///
/// # Errors
/// As [`create_unix_server`]; `InvalidInput` for a limit of zero.
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
/// use asyncio_streams::{open_unix_connection, start_unix_server};
///
/// let path = std::env::temp_dir().join(format!("greeter-{}", std::process::id()));
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let server = start_unix_server(
///         |_reader, writer| async move { writer.write(b"hello") },
///         &path,
///     )
///     .await?;
///     let (mut reader, _writer) = open_unix_connection(&path).await?;
///     assert_eq!(reader.read_to_end().await?, b"hello");
///     server.close();
///     std::io::Result::Ok(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(unix)]
pub fn start_unix_server<H, F>(client_connected: H, on: impl Into<UnixEndpoint>) -> StartUnixServer
where
    H: Fn(StreamReader, StreamWriter) -> F + 'static,
    F: Future + 'static,
    F::Output: Outcome,
{
    let limit = Limit::new(Cell::new(DEFAULT_LIMIT));
    StartUnixServer {
        create: create_unix_server(make(&limit, client_connected), on),
        limit,
    }
}

/// What [`start_unix_server`] is about to do: await it. Its methods are asyncio's keyword
/// arguments.
#[cfg(unix)]
#[must_use = "nothing happens before it is awaited"]
pub struct StartUnixServer {
    create: CreateUnixServer<Make>,
    limit: Limit,
}

#[cfg(unix)]
impl StartUnixServer {
    same_settings! { CreateUnixServer:
        cleanup_socket(on: bool),
        backlog(connections: u32),
        connections_max(connections: usize),
        start_serving(on: bool),
        ssl(layer: impl Layer),
        ssl_handshake_timeout(timeout: Duration),
        ssl_shutdown_timeout(timeout: Duration),
    }
}

#[cfg(unix)]
impl IntoFuture for StartUnixServer {
    type Output = io::Result<Server>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            crate::settings::check(&self.limit)?;
            self.create.await
        })
    }
}

/// What the task of a connection may end with: nothing, or a `Result` whose error is reported.
pub trait Outcome {
    /// The error, as it is reported.
    fn error(&self) -> Option<&dyn fmt::Display>;
}

impl Outcome for () {
    fn error(&self) -> Option<&dyn fmt::Display> {
        None
    }
}

impl<T, E: fmt::Display> Outcome for Result<T, E> {
    fn error(&self) -> Option<&dyn fmt::Display> {
        self.as_ref().err().map(|error| error as _)
    }
}

fn make<H, F>(limit: &Limit, client_connected: H) -> Make
where
    H: Fn(StreamReader, StreamWriter) -> F + 'static,
    F: Future + 'static,
    F::Output: Outcome,
{
    let connected: Connected = Rc::new(Box::new(move |reader, writer: StreamWriter| {
        let link = Rc::clone(&writer.link);
        let event_loop = link.event_loop.clone();
        let attend = Attend {
            client: client_connected(reader, writer),
            unless_done: CloseUnlessDone(Some(link)),
        };
        event_loop.create_task(attend).detach();
    }));
    let limit = Rc::clone(limit);
    Box::new(move || StreamReaderProtocol::handled(limit.get(), &connected))
}

pin_project! {
    /// Runs what serves one connection, and looks at what becomes of it. (An `async fn` would hold
    /// `client` twice, as its argument and where it is awaited, in every connection there is.)
    struct Attend<F> {
        #[pin]
        client: F,
        // Dropped after it, which may have something to say yet.
        unless_done: CloseUnlessDone,
    }
}

impl<F> Future for Attend<F>
where
    F: Future,
    F::Output: Outcome,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let ended = match catch_unwind(AssertUnwindSafe(|| this.client.poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => Ok(outcome),
            Err(payload) => Err(payload),
        };
        let mut context = ErrorContext::new("Unhandled exception in client_connected_cb");
        context = match &ended {
            Err(payload) => context.panicked(&**payload),
            Ok(outcome) => match outcome.error() {
                Some(error) => context.caused_by(error),
                None => {
                    this.unless_done.0 = None;
                    return Poll::Ready(());
                }
            },
        };
        if let Some(link) = &this.unless_done.0 {
            context.task = current_task();
            let transport = link.transport();
            let context = context.with_source(&transport);
            link.event_loop.call_exception_handler(&context);
        }
        Poll::Ready(())
    }
}

/// Closes the connection if the task is cancelled or fails.
struct CloseUnlessDone(Option<Rc<Link>>);

impl Drop for CloseUnlessDone {
    fn drop(&mut self) {
        if let Some(link) = &self.0 {
            link.transport().close();
        }
    }
}

impl fmt::Debug for StartServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StartServer")
            .field("create", &self.create)
            .field("limit", &self.limit.get())
            .finish()
    }
}

#[cfg(unix)]
impl fmt::Debug for StartUnixServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StartUnixServer")
            .field("create", &self.create)
            .field("limit", &self.limit.get())
            .finish()
    }
}
