//! What depends on the system.

use std::io;
use std::time::Duration;

use asyncio_loop::socket::{Domain, SockAddr, Socket};

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
