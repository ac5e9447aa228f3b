//! Listening on Unix.

use std::io;

use rustix::io::Errno;

/// The time that a closed connection's address is held back is for connections, and is no reason
/// not to listen again: `SO_REUSEADDR` means that here, and not on Windows.
pub(in super::super) const REUSE_ADDRESS: bool = true;

/// accept(2): descriptors of the process, descriptors of the system, buffers, memory.
pub(in super::super) fn is_out_of_resources(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

/// accept(2): the peer has given up (`ECONNABORTED`), a firewall forbids it (`EPERM`), or Linux
/// hands on an error of the network that is already pending for the new socket.
pub(in super::super) fn is_of_connection(error: &io::Error) -> bool {
    #[cfg(any(target_os = "android", target_os = "linux"))]
    if Errno::from_io_error(error) == Some(Errno::NONET) {
        return true;
    }
    matches!(
        Errno::from_io_error(error),
        Some(
            Errno::CONNABORTED
                | Errno::PERM
                | Errno::PROTO
                | Errno::NETDOWN
                | Errno::NOPROTOOPT
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::OPNOTSUPP
                | Errno::NETUNREACH
        )
    )
}
