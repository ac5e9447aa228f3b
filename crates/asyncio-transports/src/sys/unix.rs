//! Unix: `recv`, `recvmsg`, `send`, `sendmsg`, with flags that keep signals away; pipes.

use std::io::{self, IoSlice, IoSliceMut};

use asyncio_reactor::BorrowedSource;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat};
use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendFlags};
use socket2::{SockAddr, SockRef, Socket, Type};

use crate::io::Received;
use crate::misuse::misuse;

mod fresh;

pub(crate) use fresh::{accept, stream_socket};

/// A peer that is gone is an error, not a signal.
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;
/// On Apple's systems that is a property of the socket, which the standard library and socket2 set.
#[cfg(target_vendor = "apple")]
const SEND_FLAGS: SendFlags = SendFlags::empty();

/// Whether an address is that of a socket without a name.
pub(crate) fn is_unnamed(address: &SockAddr) -> bool {
    address.is_unnamed()
}

/// Removes the socket file at `address` if it is nobody's any more: see
/// [`socket_file`](crate::socket_file). A name of the abstract namespace is no file.
///
/// # Errors
/// It could not be looked at, or not be removed.
pub(crate) fn remove_stale(address: &SockAddr, r#type: Type) -> io::Result<()> {
    match address.as_pathname() {
        Some(path) => crate::socket_file::remove_stale(path, r#type),
        None => Ok(()),
    }
}

/// Lets other sockets bind to the same address, if they say the same.
///
/// # Errors
/// `InvalidInput` where the system has no such option, with asyncio's message.
#[cfg(not(any(target_os = "cygwin", target_os = "illumos", target_os = "solaris")))]
pub(crate) fn set_reuse_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true).map_err(|error| {
        let message = "reuse_port not supported by socket module, \
                       SO_REUSEPORT defined but not implemented";
        misuse(format!("{message}: {error}"))
    })
}

#[cfg(any(target_os = "cygwin", target_os = "illumos", target_os = "solaris"))]
pub(crate) fn set_reuse_port(_: &Socket) -> io::Result<()> {
    Err(misuse("reuse_port not supported by socket module"))
}

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

/// What can be a pipe to asyncio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PipeKind {
    /// A pipe, or a named one.
    Fifo {
        /// This is not both ends at once: who is at the other end shows.
        one_way: bool,
        /// It keeps apart what was written apart (`O_DIRECT`): a short read says nothing.
        packets: bool,
    },
    Socket,
    /// A terminal for instance: gives a line at a time, however many there are.
    Device,
}

/// What kind of pipe this is, if it is one.
pub(crate) fn pipe_kind(source: BorrowedSource<'_>) -> io::Result<Option<PipeKind>> {
    let kind = match FileType::from_raw_mode(fstat(source)?.st_mode) {
        FileType::Fifo => {
            let flags = fcntl_getfl(source)?;
            PipeKind::Fifo {
                one_way: !flags.contains(OFlags::RDWR),
                packets: flags.contains(PACKETS),
            }
        }
        FileType::Socket => PipeKind::Socket,
        FileType::CharacterDevice => PipeKind::Device,
        _ => return Ok(None),
    };
    Ok(Some(kind))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const PACKETS: OFlags = OFlags::DIRECT;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const PACKETS: OFlags = OFlags::empty();

/// Reads from a pipe or device.
pub(crate) fn read(
    source: BorrowedSource<'_>,
    buffer: &mut [u8],
    short_is_last: bool,
) -> io::Result<Received> {
    let count = rustix::io::read(source, &mut *buffer)?;
    Ok(Received {
        count,
        drained: short_is_last && count < buffer.len(),
    })
}

/// Writes to a device.
///
/// # Errors
/// What the kernel reports. `BrokenPipe` when nobody is at the other side of a terminal, and what it
/// keeps for the other side has filled it: Linux says `EAGAIN` then, and has an event follow each such
/// attempt, for ever.
pub(crate) fn write_device(source: BorrowedSource<'_>, data: &[IoSlice<'_>]) -> io::Result<usize> {
    match write(source, data) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock && is_hung_up(source) => {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        other => other,
    }
}

/// Whether the other side is gone.
fn is_hung_up(source: BorrowedSource<'_>) -> bool {
    let mut looked_at = [PollFd::from_borrowed_fd(source, PollFlags::empty())];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let found = rustix::event::poll(&mut looked_at, Some(&at_once));
    found.is_ok() && looked_at[0].revents().contains(PollFlags::HUP)
}

/// Writes to a pipe or device.
pub(crate) fn write(source: BorrowedSource<'_>, data: &[IoSlice<'_>]) -> io::Result<usize> {
    Ok(rustix::io::writev(source, data)?)
}
