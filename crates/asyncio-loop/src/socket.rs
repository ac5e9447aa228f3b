//! What sockets are made of: names of the `socket2` crate that this crate's interface has in it, and
//! the one system call that they lack.
//!
//! Named as Python's module; what Python calls `AF_INET` is [`Domain::IPV4`], `SOCK_STREAM` is
//! [`Type::STREAM`].

use std::io;

use asyncio_reactor::BorrowedSource;
pub use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::sock::recv_datagram;

/// A datagram that was received into a buffer.
#[derive(Clone, Debug)]
pub struct Received {
    /// How many bytes are in the buffer. 0 is an empty datagram: datagrams have no end of stream.
    pub len: usize,
    /// Whether the datagram was longer than the buffer, and the rest is lost.
    pub truncated: bool,
    /// Whom it is from: `None` for a sender without an address, as Unix sockets may be.
    pub from: Option<SockAddr>,
}

/// Receives a datagram into `buffer`, now: what a transport does when it is told that there is one.
/// ([`sock_recvfrom_into`](crate::sock_recvfrom_into) waits for it.)
///
/// # Errors
/// What the kernel reports; `WouldBlock` when there is none and the socket is non-blocking.
///
/// # Platform-specific behaviour
/// Windows does not say whom a datagram is from that was longer than the buffer.
#[inline]
pub fn recv_from(sock: BorrowedSource<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    recv_datagram(sock, buffer)
}
