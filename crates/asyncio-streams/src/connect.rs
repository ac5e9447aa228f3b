//! `open_connection`: streams to a server.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use asyncio_loop::socket::{Domain, Protocol};
use asyncio_loop::{AddrInfoHints, Address};
use asyncio_transports::{Connected, CreateConnection, Destination, Layer, create_connection};
#[cfg(unix)]
use asyncio_transports::{CreateUnixConnection, UnixEndpoint, create_unix_connection};

use crate::protocol::{DEFAULT_LIMIT, StreamReaderProtocol};
use crate::settings::{Limit, same_settings};
use crate::{StreamReader, StreamWriter};

/// Makes the protocol, when there is a connection.
type Make = Box<dyn FnOnce() -> StreamReaderProtocol>;

/// Connects to a TCP server, and gives a stream: asyncio's `open_connection`, on the running loop.
///
/// What is returned is done when it is awaited. Its settings are those of [`create_connection`],
/// and [`limit`](OpenConnection::limit).
///
/// # Errors
/// As [`create_connection`]; `InvalidInput` for a limit of zero.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// Yes: it leaves nothing behind.
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_streams::{open_connection, start_server};
///
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let server = start_server(
///         |mut reader, writer| async move {
///             let line = reader.readline().await?;
///             writer.write(&line);
///             writer.drain().await
///         },
///         ("127.0.0.1", 0),
///     )
///     .await?;
///     let port = server.sockets()[0].getsockname()?.as_socket().unwrap().port();
///
///     let (mut reader, writer) = open_connection(("127.0.0.1", port)).await?;
///     writer.write(b"hello\n");
///     assert_eq!(reader.readline().await?, b"hello\n");
///     assert!(reader.read_to_end().await?.is_empty());
///     server.close();
///     std::io::Result::Ok(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open_connection(to: impl Into<Destination>) -> OpenConnection {
    let limit = Limit::new(Cell::new(DEFAULT_LIMIT));
    OpenConnection {
        create: create_connection(make(&limit), to),
        limit,
    }
}

fn make(limit: &Limit) -> Make {
    let limit = Rc::clone(limit);
    Box::new(move || StreamReaderProtocol::new(limit.get()))
}

/// What [`open_connection`] is about to do: await it. Its methods are asyncio's keyword arguments.
#[must_use = "nothing happens before it is awaited"]
pub struct OpenConnection {
    create: CreateConnection<Make>,
    limit: Limit,
}

impl OpenConnection {
    same_settings! { CreateConnection:
        family(family: Domain),
        proto(protocol: Protocol),
        flags(flags: AddrInfoHints),
        local_addr(address: impl Into<Address>),
        happy_eyeballs_delay(delay: impl Into<Option<Duration>>),
        interleave(first_family_count: usize),
        all_errors(on: bool),
        ssl(layer: impl Layer),
        ssl_handshake_timeout(timeout: Duration),
        ssl_shutdown_timeout(timeout: Duration),
        server_hostname(name: impl Into<String>),
    }
}

impl IntoFuture for OpenConnection {
    type Output = io::Result<(StreamReader, StreamWriter)>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(streams(self.limit, self.create))
    }
}

/// Connects to a Unix stream socket, and gives a stream: asyncio's `open_unix_connection`, on the
/// running loop.
///
/// What is returned is done when it is awaited. Its settings are those of
/// [`create_unix_connection`], and [`limit`](OpenUnixConnection::limit).
///
/// # Errors
/// As [`create_unix_connection`]; `InvalidInput` for a limit of zero.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// Yes: it leaves nothing behind.
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_streams::open_unix_connection;
/// use std::io::Write;
/// use std::os::unix::net::UnixStream;
///
/// let (near, mut far) = UnixStream::pair()?;
/// far.write_all(b"one line\n")?;
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let (mut reader, _writer) = open_unix_connection(near).await?;
///     assert_eq!(reader.readline().await?, b"one line\n");
///     std::io::Result::Ok(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(unix)]
pub fn open_unix_connection(to: impl Into<UnixEndpoint>) -> OpenUnixConnection {
    let limit = Limit::new(Cell::new(DEFAULT_LIMIT));
    OpenUnixConnection {
        create: create_unix_connection(make(&limit), to),
        limit,
    }
}

/// What [`open_unix_connection`] is about to do: await it. Its methods are asyncio's keyword
/// arguments.
#[cfg(unix)]
#[must_use = "nothing happens before it is awaited"]
pub struct OpenUnixConnection {
    create: CreateUnixConnection<Make>,
    limit: Limit,
}

#[cfg(unix)]
impl OpenUnixConnection {
    same_settings! { CreateUnixConnection:
        ssl(layer: impl Layer),
        ssl_handshake_timeout(timeout: Duration),
        ssl_shutdown_timeout(timeout: Duration),
        server_hostname(name: impl Into<String>),
    }
}

#[cfg(unix)]
impl IntoFuture for OpenUnixConnection {
    type Output = io::Result<(StreamReader, StreamWriter)>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(streams(self.limit, self.create))
    }
}

async fn streams(
    limit: Limit,
    create: impl IntoFuture<Output = io::Result<Connected<StreamReaderProtocol>>>,
) -> io::Result<(StreamReader, StreamWriter)> {
    crate::settings::check(&limit)?;
    let (_transport, protocol) = create.await?;
    let streams = protocol.borrow_mut().take_streams();
    // They are there since `connection_made`, which has been called.
    streams.ok_or_else(|| io::ErrorKind::NotConnected.into())
}

impl fmt::Debug for OpenConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OpenConnection")
            .field("create", &self.create)
            .field("limit", &self.limit.get())
            .finish()
    }
}

#[cfg(unix)]
impl fmt::Debug for OpenUnixConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OpenUnixConnection")
            .field("create", &self.create)
            .field("limit", &self.limit.get())
            .finish()
    }
}
