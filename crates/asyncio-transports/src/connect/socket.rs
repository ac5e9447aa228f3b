//! Sockets that somebody else has made: asyncio's `sock`.

use std::error::Error;
use std::fmt;
use std::io;

#[cfg(unix)]
use socket2::Domain;
use socket2::{Socket, Type};

use super::open::Stream;

/// A socket that was handed in and is of no use here. It was not touched: it is inside the error of
/// [`create_connection`](crate::create_connection) and its like, from which
/// [`io::Error::downcast`] gets it back.
#[derive(Debug)]
pub struct RefusedSocket {
    /// The socket.
    pub socket: Socket,
    /// Why.
    reason: &'static str,
}

impl RefusedSocket {
    fn raise(kind: io::ErrorKind, socket: Socket, reason: &'static str) -> io::Error {
        io::Error::new(kind, Self { socket, reason })
    }
}

impl fmt::Display for RefusedSocket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} was expected, got {:?}",
            self.reason, self.socket
        )
    }
}

impl Error for RefusedSocket {}

/// Lets sockets of streams pass.
pub(crate) fn stream(socket: Socket) -> io::Result<Socket> {
    match socket.r#type() {
        Ok(Type::STREAM) => Ok(socket),
        _ => Err(RefusedSocket::raise(
            io::ErrorKind::InvalidInput,
            socket,
            "A Stream Socket",
        )),
    }
}

/// Lets Unix sockets of streams pass.
#[cfg(unix)]
pub(crate) fn unix_stream(socket: Socket) -> io::Result<Socket> {
    let family = socket.local_addr().map(|address| address.domain());
    match (family, socket.r#type()) {
        (Ok(Domain::UNIX), Ok(Type::STREAM)) => Ok(socket),
        _ => Err(RefusedSocket::raise(
            io::ErrorKind::InvalidInput,
            socket,
            "A UNIX Domain Stream Socket",
        )),
    }
}

/// Lets sockets pass that have a peer. asyncio lets one without become a transport, whose first
/// read then fails.
pub(crate) fn connected(socket: Socket) -> io::Result<Stream> {
    match socket.peer_addr() {
        Ok(peer) => {
            socket.set_nonblocking(true)?;
            Ok(Stream::new(socket, peer))
        }
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Err(RefusedSocket::raise(
            io::ErrorKind::NotConnected,
            socket,
            "A connected socket",
        )),
        Err(error) => Err(error),
    }
}

/// Lets sockets pass that have no peer: those that listen, or can.
pub(crate) fn unconnected(socket: Socket) -> io::Result<Socket> {
    match socket.peer_addr() {
        Ok(_) => Err(RefusedSocket::raise(
            io::ErrorKind::InvalidInput,
            socket,
            "A socket to listen on",
        )),
        Err(_) => Ok(socket),
    }
}
