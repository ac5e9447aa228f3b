//! The system calls of sockets, in the shapes that the operations need.

use std::io;
use std::net::SocketAddr;

use asyncio_reactor::BorrowedSource;
use rustix::buffer::Buffer;
use rustix::net::{RecvFlags, SocketAddrAny};
use socket2::{SockAddr, SockRef, Socket};

use crate::socket::Received;

/// Flags of every `send`: a peer that is gone is an error, not a signal.
#[cfg(not(any(windows, target_vendor = "apple")))]
const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL;
/// Windows has no such signal; on Apple's systems it is a property of the socket, which the
/// standard library and socket2 set.
#[cfg(any(windows, target_vendor = "apple"))]
const SEND_FLAGS: i32 = 0;

pub(super) fn recv<B: Buffer<u8>>(sock: BorrowedSource<'_>, buffer: B) -> io::Result<B::Output> {
    let (received, _) = rustix::net::recv(sock, buffer, RecvFlags::empty())?;
    Ok(received)
}

pub(super) fn recvfrom<B: Buffer<u8>>(
    sock: BorrowedSource<'_>,
    buffer: B,
) -> io::Result<(B::Output, Option<SockAddr>)> {
    let (received, _, from) = rustix::net::recvfrom(sock, buffer, RecvFlags::empty())?;
    Ok((received, from.and_then(address)))
}

/// The flag makes the kernel tell the datagram's own length: `recv(2)`.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[inline]
pub(crate) fn recv_datagram(sock: BorrowedSource<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let (len, whole, from) = rustix::net::recvfrom(sock, buffer, RecvFlags::TRUNC)?;
    Ok(Received {
        len,
        truncated: whole > len,
        from: from.and_then(address),
    })
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) fn recv_datagram(sock: BorrowedSource<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    use rustix::net::{RecvAncillaryBuffer, ReturnFlags};

    let received = rustix::net::recvmsg(
        sock,
        &mut [io::IoSliceMut::new(buffer)],
        &mut RecvAncillaryBuffer::default(),
        RecvFlags::empty(),
    )?;
    Ok(Received {
        len: received.bytes,
        truncated: received.flags.contains(ReturnFlags::TRUNC),
        from: received.address.and_then(address),
    })
}

#[cfg(windows)]
pub(crate) fn recv_datagram(sock: BorrowedSource<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    /// The buffer is full, and the rest of the datagram is lost.
    const WSAEMSGSIZE: i32 = 10040;

    let room = buffer.len();
    match recvfrom(sock, buffer) {
        Ok((len, from)) => Ok(Received {
            len,
            truncated: false,
            from,
        }),
        Err(error) if error.raw_os_error() == Some(WSAEMSGSIZE) => Ok(Received {
            len: room,
            truncated: true,
            from: None,
        }),
        Err(error) => Err(error),
    }
}

pub(super) fn send(sock: BorrowedSource<'_>, data: &[u8]) -> io::Result<usize> {
    SockRef::from(&sock).send_with_flags(data, SEND_FLAGS)
}

pub(super) fn sendto(sock: BorrowedSource<'_>, data: &[u8], to: &SockAddr) -> io::Result<usize> {
    SockRef::from(&sock).send_to_with_flags(data, to, SEND_FLAGS)
}

pub(super) fn accept(sock: BorrowedSource<'_>) -> io::Result<(Socket, SockAddr)> {
    SockRef::from(&sock).accept()
}

/// Begins to connect; whether that was all.
pub(super) fn connect(sock: BorrowedSource<'_>, to: &SockAddr) -> io::Result<bool> {
    match SockRef::from(&sock).connect(to) {
        Ok(()) => Ok(true),
        Err(error) if is_underway(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// How a connect went that was begun; `WouldBlock` while it is under way.
pub(super) fn connected(sock: BorrowedSource<'_>) -> io::Result<()> {
    let sock = SockRef::from(&sock);
    if let Some(error) = sock.take_error()? {
        return Err(error);
    }
    // Without an error, and without a peer: it was a false alarm.
    match sock.peer_addr() {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        _ => Ok(()),
    }
}

/// A connect that a signal interrupted goes on as well: `connect(2)`, POSIX.
#[cfg(unix)]
fn is_underway(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR))
}

#[cfg(windows)]
fn is_underway(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// The address as the public interface has it; `None` for a socket without a name.
fn address(address: SocketAddrAny) -> Option<SockAddr> {
    #[cfg(unix)]
    if address.address_family() == rustix::net::AddressFamily::UNIX {
        return path(&address.try_into().ok()?);
    }
    SocketAddr::try_from(address).ok().map(SockAddr::from)
}

#[cfg(unix)]
fn path(unix: &rustix::net::SocketAddrUnix) -> Option<SockAddr> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    if let Some(path) = unix.path_bytes() {
        return SockAddr::unix(OsStr::from_bytes(path)).ok();
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = unix.abstract_name() {
        // In front of an abstract name stands a zero byte: unix(7).
        let name = [&[0], name].concat();
        return SockAddr::unix(OsStr::from_bytes(&name)).ok();
    }
    None
}
