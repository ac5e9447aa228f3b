//! Windows: Winsock by way of socket2. There are no signals to keep away, and no descriptors that
//! come with messages.

use std::io::{self, IoSlice};
use std::net::Shutdown;

use asyncio_reactor::BorrowedSource;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use crate::io::Received;
use crate::misuse::misuse;

/// A new stream socket, not blocking and not inherited by child processes.
pub(crate) fn stream_socket(family: Domain, protocol: Option<Protocol>) -> io::Result<Socket> {
    let socket = Socket::new(family, Type::STREAM, protocol)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Accepts a connection: it is not blocking and not inherited by child processes.
pub(crate) fn accept(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    let (socket, peer) = listener.accept()?;
    socket.set_nonblocking(true)?;
    Ok((socket, peer))
}

/// Whether an address is that of a socket without a name: those of the Internet have one.
pub(crate) fn is_unnamed(_: &SockAddr) -> bool {
    false
}

/// Removes a socket file that is nobody's any more: there are none that could be bound.
pub(crate) fn remove_stale(_: &SockAddr, _: Type) -> io::Result<()> {
    Ok(())
}

/// Lets other sockets bind to the same address: there is no such option.
///
/// # Errors
/// `InvalidInput`, with asyncio's message.
pub(crate) fn set_reuse_port(_: &Socket) -> io::Result<()> {
    Err(misuse("reuse_port not supported by socket module"))
}

/// Reads from a stream whose short reads mean that nothing is left.
pub(crate) fn recv(sock: BorrowedSource<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let room = buffer.len();
    let count = io::Read::read(&mut &*SockRef::from(&sock), buffer)?;
    Ok(Received {
        count,
        drained: count < room,
    })
}

/// Reads from a Unix socket.
pub(crate) fn recv_local(sock: BorrowedSource<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    recv(sock, buffer)
}

/// Writes to a socket.
pub(crate) fn send(sock: BorrowedSource<'_>, data: &[IoSlice<'_>]) -> io::Result<usize> {
    SockRef::from(&sock).send_vectored(data)
}

/// Ends the side that writes. A peer that is gone has ended it before us.
pub(crate) fn shutdown_write(sock: BorrowedSource<'_>) -> io::Result<()> {
    match SockRef::from(&sock).shutdown(Shutdown::Write) {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        other => other,
    }
}
