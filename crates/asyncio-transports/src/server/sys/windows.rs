//! Listening on Windows.

use std::io;

use rustix::io::Errno;

/// There it would let anybody listen on the same address.
pub(in super::super) const REUSE_ADDRESS: bool = false;

/// Sockets of the process, and buffers.
pub(in super::super) fn is_out_of_resources(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NOBUFS)
    )
}

/// The peer has given up.
pub(in super::super) fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::CONNABORTED | Errno::CONNRESET)
    )
}
