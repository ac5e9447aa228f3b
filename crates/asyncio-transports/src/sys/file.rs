//! Files: read at a position, and sent to a socket by the system itself.

use std::fs::File;
use std::io::{self, Read};

use asyncio_reactor::BorrowedSource;

/// Has the system send at most `count` bytes of a file, from `position` on, to a socket: how many it
/// was, 0 at the file's end. The file's own position stays.
///
/// # Errors
/// `Unsupported`: the system cannot do it, with this file and socket. Else what it reports.
#[cfg(target_os = "linux")]
pub(crate) fn send_file(
    to: BorrowedSource<'_>,
    file: &File,
    mut position: u64,
    count: usize,
) -> io::Result<usize> {
    use rustix::io::Errno;

    match rustix::fs::sendfile(to, file, Some(&mut position), count) {
        Ok(sent) => Ok(sent),
        // sendfile(2): what is read is no file that has pages, or has no positions.
        Err(error @ (Errno::INVAL | Errno::NOSYS | Errno::NOTSOCK | Errno::SPIPE)) => Err(
            io::Error::new(io::ErrorKind::Unsupported, io::Error::from(error)),
        ),
        Err(error) => Err(error.into()),
    }
}

/// The same where there is no such call that we know of.
#[cfg(not(target_os = "linux"))]
pub(crate) fn send_file(_: BorrowedSource<'_>, _: &File, _: u64, _: usize) -> io::Result<usize> {
    let message = "syscall sendfile is not available";
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}

/// Reads a part of a file, at this position, or what comes next: 0 bytes at its end. It blocks.
pub(crate) fn read_file(
    mut file: &File,
    position: Option<u64>,
    buffer: &mut [u8],
) -> io::Result<usize> {
    loop {
        let read = match position {
            Some(position) => read_at(file, buffer, position),
            None => file.read(buffer),
        };
        match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, position)
}

/// It moves the file's position, which is set when all is over.
#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, position)
}
