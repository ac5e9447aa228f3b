//! Unix: `recv`, `recvmsg`, `send`, `sendmsg`, with flags that keep signals away.

use std::io::{self, IoSlice, IoSliceMut};

use asyncio_reactor::BorrowedSource;
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendFlags};
use socket2::SockRef;

use crate::io::Received;

/// A peer that is gone is an error, not a signal.
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;
/// On Apple's systems that is a property of the socket, which the standard library and socket2 set.
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: SendFlags = SendFlags::empty();

/// Reads from a stream whose short reads mean that nothing is left.
#[inline]
pub(crate) fn recv(sock: BorrowedSource<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let (count, _) = rustix::net::recv(sock, &mut *buffer, RecvFlags::empty())?;
    Ok(Received {
        count,
        drained: count < buffer.len(),
    })
}

/// Reads from a Unix socket, where a read stops at a message that descriptors came with. They are
/// dropped by the kernel, which tells.
pub(crate) fn recv_local(sock: BorrowedSource<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let room = buffer.len();
    let received = rustix::net::recvmsg(
        sock,
        &mut [IoSliceMut::new(buffer)],
        &mut RecvAncillaryBuffer::default(),
        RecvFlags::empty(),
    )?;
    let count = received.bytes;
    Ok(Received {
        count,
        drained: count < room && !received.flags.contains(ReturnFlags::CTRUNC),
    })
}

/// Writes to a socket.
#[inline]
pub(crate) fn send(sock: BorrowedSource<'_>, data: &[IoSlice<'_>]) -> io::Result<usize> {
    match data {
        [one] => Ok(rustix::net::send(sock, one, SEND_FLAGS)?),
        many => SockRef::from(&sock).send_vectored_with_flags(many, SEND_FLAGS.bits() as i32),
    }
}

/// Ends the side that writes. A peer that is gone has ended it before us.
pub(crate) fn shutdown_write(sock: BorrowedSource<'_>) -> io::Result<()> {
    match rustix::net::shutdown(sock, rustix::net::Shutdown::Write) {
        Err(Errno::NOTCONN) => Ok(()),
        other => Ok(other?),
    }
}
