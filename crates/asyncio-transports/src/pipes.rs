//! `connect_read_pipe` and `connect_write_pipe`.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use asyncio_loop::{Driven, get_running_loop};
use asyncio_reactor::AsSource;

use crate::connection::{Connection, Setup, start_with};
use crate::io::Io;
use crate::io::pipe::{AnySource, ReadPipe, WritePipe};
use crate::life::Life;
use crate::misuse::misuse;
use crate::sys::{PipeKind, pipe_kind};
use crate::{BaseTransport, Protocol, ReadTransport, WriteTransport};

/// Reads from a pipe on the running loop: an end of a pipe, a named pipe, a socket, or a character
/// device such as a terminal. asyncio's
/// [`connect_read_pipe`](https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.connect_read_pipe).
///
/// Returns when `connection_made` has been called. The transport that it gets refuses to write.
/// The end of what can be read is told by `eof_received`, and ends the connection whatever that
/// returns.
///
/// The descriptor is kept until `connection_lost` has been called, and dropped then. It becomes
/// non-blocking, for everyone who shares it: if it is the terminal, that is this process's standard
/// output too, and the shell's. A byte that is there when the transport closes stays there.
///
/// # Errors
/// `InvalidInput` for what is no pipe, a regular file for instance. What the kernel reports, such
/// as `PermissionDenied` for a device that cannot be waited for (`/dev/null`). The descriptor is
/// dropped.
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
/// use asyncio_transports::{Protocol, connect_read_pipe};
/// use std::io::Write;
///
/// struct Print;
/// impl Protocol for Print {
///     fn data_received(&mut self, data: &[u8]) {
///         println!("{}", data.escape_ascii());
///     }
/// }
///
/// let (receiver, mut sender) = std::io::pipe()?;
/// sender.write_all(b"five!")?;
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let (transport, _protocol) = connect_read_pipe(|| Print, receiver).await?;
///     assert!(transport.is_reading());
///     std::io::Result::Ok(())
/// })??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn connect_read_pipe<F, P>(
    factory: F,
    pipe: impl AsSource + 'static,
) -> io::Result<(Rc<dyn ReadTransport>, Rc<RefCell<P>>)>
where
    F: FnOnce() -> P,
    P: Protocol,
{
    let kind = kind_of(&pipe)?;
    let (transport, protocol) = connect(factory, pipe, Life::one_way(true), |driven| ReadPipe {
        driven,
        kind,
    })
    .await?;
    Ok((transport, protocol))
}

/// Writes to a pipe on the running loop: as [`connect_read_pipe`], for the other end. asyncio's
/// [`connect_write_pipe`](https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.connect_write_pipe).
///
/// Nothing is read. When nobody reads the other end any more the connection is lost, with
/// `BrokenPipe` if something was unwritten. `write_eof` is `close`.
///
/// # Errors
/// As [`connect_read_pipe`].
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// Yes: the transport is closed.
///
/// # Platform-specific behaviour
/// A write to a pipe that nobody reads raises `SIGPIPE`, which Rust programs ignore unless they were
/// built not to. (Sockets raise none.)
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_transports::{Flow, Protocol, connect_write_pipe};
///
/// struct Quiet;
/// impl Protocol for Quiet {}
///
/// let (receiver, sender) = std::io::pipe()?;
/// let event_loop = EventLoop::new()?;
/// event_loop.run_until_complete(async {
///     let (transport, _protocol) = connect_write_pipe(|| Quiet, sender).await?;
///     assert_eq!(transport.write(b"five!"), Flow::Open);
///     transport.close();
///     std::io::Result::Ok(())
/// })??;
/// drop(event_loop);
/// assert_eq!(std::io::read_to_string(receiver)?, "five!");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn connect_write_pipe<F, P>(
    factory: F,
    pipe: impl AsSource + 'static,
) -> io::Result<(Rc<dyn WriteTransport>, Rc<RefCell<P>>)>
where
    F: FnOnce() -> P,
    P: Protocol,
{
    let kind = kind_of(&pipe)?;
    let (transport, protocol) = connect(factory, pipe, Life::one_way(false), |driven| WritePipe {
        driven,
        kind,
    })
    .await?;
    Ok((transport, protocol))
}

fn kind_of(pipe: &impl AsSource) -> io::Result<PipeKind> {
    pipe_kind(pipe.as_source())?
        .ok_or_else(|| misuse("pipe transports are for pipes, sockets and character devices only"))
}

/// Says of what the kernel means by "Operation not permitted".
fn cannot_be_waited_for(error: io::Error) -> io::Error {
    match error.kind() {
        kind @ io::ErrorKind::PermissionDenied => {
            io::Error::new(kind, format!("this device cannot be waited for: {error}"))
        }
        _ => error,
    }
}

type Connected<I, P> = (Rc<Connection<I>>, Rc<RefCell<P>>);

async fn connect<I: Io, P: Protocol>(
    factory: impl FnOnce() -> P,
    pipe: impl AsSource + 'static,
    life: Life,
    make: impl FnOnce(Driven<AnySource>) -> I,
) -> io::Result<Connected<I, P>> {
    /// Closes the transport unless it is handed out.
    struct Unopened<T: BaseTransport>(Option<Rc<T>>);
    impl<T: BaseTransport> Drop for Unopened<T> {
        fn drop(&mut self) {
            if let Some(transport) = self.0.take() {
                transport.close();
            }
        }
    }
    let event_loop = get_running_loop();
    let protocol = Rc::new(RefCell::new(factory()));
    let setup = Setup::new(&event_loop, protocol.clone());
    let (connection, opened) = start_with(setup, None, life, |event_loop, connection| {
        let source = AnySource(Box::new(pipe));
        let driven = event_loop.drive(source, connection);
        Ok(make(driven.map_err(cannot_be_waited_for)?))
    })?;
    let mut unopened = Unopened(Some(connection));
    opened
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::ConnectionAborted.into()))?;
    let connection = unopened.0.take().ok_or(io::ErrorKind::NotConnected)?;
    Ok((connection, protocol))
}
