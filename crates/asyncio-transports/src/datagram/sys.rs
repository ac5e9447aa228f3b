//! What depends on the system: socket files, and options that not every system has.

use std::io;
use std::time::Duration;

use asyncio_loop::socket::{Domain, SockAddr, Socket};

/// # Errors
/// `InvalidInput` where the system has no such option, with asyncio's message.
#[cfg(all(
    unix,
    not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))
))]
pub(super) fn set_reuse_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true).map_err(|error| {
        let message = format!(
            "reuse_port not supported by socket module, SO_REUSEPORT defined but not implemented: \
             {error}"
        );
        io::Error::new(io::ErrorKind::InvalidInput, message)
    })
}

#[cfg(not(all(
    unix,
    not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))
)))]
pub(super) fn set_reuse_port(_: &Socket) -> io::Result<()> {
    Err(super::arguments::refused(
        "reuse_port not supported by socket module",
    ))
}

/// Removes the socket file at `address`, if there is one that nobody is bound to any more.
///
/// asyncio removes one that is in use too; then both sockets are open, and the first gets nothing.
#[cfg(unix)]
pub(super) fn remove_stale(address: &SockAddr) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;

    use asyncio_loop::socket::Type;

    let Some(path) = address.as_pathname() else {
        return Ok(());
    };
    // Of a link, the link: what it points to is not ours to remove.
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    let probe = Socket::new(Domain::UNIX, Type::DGRAM, None)?;
    match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
        }
        // In use, by a socket of this kind or of another: binding will say so.
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
pub(super) fn remove_stale(_: &SockAddr) -> io::Result<()> {
    Ok(())
}

/// Sends one datagram; `None` on a connected socket. No signal can come of it: that is for streams.
pub(super) fn send(socket: &Socket, data: &[u8], to: Option<&SockAddr>) -> io::Result<()> {
    loop {
        let sent = match to {
            Some(to) => socket.send_to(data, to),
            None => socket.send(data),
        };
        match sent {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(drop),
        }
    }
}

/// `EIO`, which has no kind of its own.
#[cfg(all(feature = "udp-batch", unix))]
pub(super) fn is_input_output_error(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::IO)
}

#[cfg(all(feature = "udp-batch", not(unix)))]
pub(super) fn is_input_output_error(_: &io::Error) -> bool {
    false
}

/// The address of a sender that has none: asyncio's `None`.
#[cfg(unix)]
pub(super) fn nobody() -> SockAddr {
    // An empty path is no name: unix(7).
    SockAddr::unix("").unwrap_or_else(|_| any())
}

/// The address of a sender that has none: asyncio's `None`.
#[cfg(not(unix))]
pub(super) fn nobody() -> SockAddr {
    any()
}

/// `0.0.0.0:0`.
fn any() -> SockAddr {
    std::net::SocketAddr::from(([0, 0, 0, 0], 0)).into()
}

/// Whether the system tells when there is room again after a send would have blocked. Not for a Unix
/// socket that is not connected: it blocks when the receiver's queue is full, and a poll only looks
/// at the receiver that a socket is connected to (`unix_dgram_poll` in Linux). There one has to try
/// again, after a pause.
pub(super) fn tells_of_room(socket: &Socket, connected: bool) -> bool {
    let local = |address: SockAddr| address.domain() == Domain::UNIX;
    connected || !socket.local_addr().is_ok_and(local)
}

/// How long to wait first for room that nobody tells of.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// How long to wait at most, when the receiver has taken nothing for long.
const PAUSE_MAX: Duration = Duration::from_millis(64);

/// The pause after this one.
pub(super) fn longer(pause: Duration) -> Duration {
    (pause * 2).min(PAUSE_MAX)
}
