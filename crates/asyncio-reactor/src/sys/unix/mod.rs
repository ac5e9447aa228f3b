//! Sources on Unix are file descriptors.

pub(crate) mod wake;

use crate::AsSource;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// A descriptor that is open for as long as it is borrowed.
pub type BorrowedSource<'a> = BorrowedFd<'a>;

/// A descriptor's number.
pub type RawSource = RawFd;

/// The number of a descriptor.
pub(crate) fn raw(source: &BorrowedSource<'_>) -> RawSource {
    source.as_raw_fd()
}

impl<T: AsFd + ?Sized> AsSource for T {
    fn as_source(&self) -> BorrowedSource<'_> {
        self.as_fd()
    }
}

/// Makes reads and writes fail with `WouldBlock` where they would block.
pub(crate) fn set_nonblocking(source: BorrowedSource<'_>) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(source, true)?)
}
