//! Sources on Windows are sockets.

use crate::AsSource;
use std::io;
use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

/// A socket that is open for as long as it is borrowed.
pub type BorrowedSource<'a> = BorrowedSocket<'a>;

/// A socket's number.
pub type RawSource = RawSocket;

/// The number of a socket.
pub(crate) fn raw(source: &BorrowedSource<'_>) -> RawSource {
    source.as_raw_socket()
}

impl<T: AsSocket + ?Sized> AsSource for T {
    fn as_source(&self) -> BorrowedSource<'_> {
        self.as_socket()
    }
}

/// Makes reads and writes fail with `WouldBlock` where they would block.
pub(crate) fn set_nonblocking(source: BorrowedSource<'_>) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(source, true)?)
}
