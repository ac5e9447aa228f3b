//! The file of a Unix socket: who may remove it, and when.
//!
//! Facts: binding a Unix socket makes a file, which nobody removes when the socket is closed, and
//! while it is there the path cannot be bound again. asyncio removes a socket that it finds there
//! before it binds, also one that is in use, whose owner is then never reached again
//! (python/cpython#121252); and follows symbolic links to find out whether it is a socket.
//! Decision: a file is removed if it is a socket itself, and not in use: a connect is refused. What
//! was bound by us is removed when we stop, if the path is still that of the file that we made, by
//! device and inode.
//! Trade-offs accepted: a live listener sees one connection come and go. Between looking and
//! acting somebody else may replace the file; the system has no call that does both.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::{fmt, fs};

use socket2::{Domain, SockAddr, Socket, Type};

/// The file of a listener of ours. Dropped, it is removed.
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: Identity,
    /// A bound socket keeps its file's inode: as long as it is open no other file gets the number.
    _socket: Rc<Socket>,
}

/// Which file a path is: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl SocketFile {
    /// The file that `socket` has just been bound to; `None` for a name that is no file.
    pub(crate) fn of(socket: &Rc<Socket>) -> Option<Self> {
        let address = socket.local_addr().ok()?;
        let path = address.as_pathname()?.to_owned();
        // The working directory may be another one when the file is removed.
        let path = std::path::absolute(path).ok()?;
        let identity = socket_at(&path).ok()??;
        Some(Self {
            path,
            identity,
            _socket: Rc::clone(socket),
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Ok(Some(found)) = socket_at(&self.path)
            && found == self.identity
        {
            // A directory that may no longer be written to is no reason to fail on the way out.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl fmt::Debug for SocketFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("SocketFile")
            .field(&self.path)
            .finish()
    }
}

/// Removes a socket at `path` that nobody listens on any more, or, if that is what is to be bound,
/// receives datagrams on. Whatever else is there stays, and lets the bind fail.
///
/// # Errors
/// It could not be looked at, or not be removed.
pub(crate) fn remove_stale(path: &Path, r#type: Type) -> io::Result<()> {
    let Some(found) = socket_at(path)? else {
        return Ok(());
    };
    if !is_stale(path, r#type)? || socket_at(path)? != Some(found) {
        return Ok(());
    }
    fs::remove_file(path)
}

/// Whether the socket at `path` is nobody's any more. The kernel answers at once: a full queue is
/// somebody's, and so is a socket of another type.
fn is_stale(path: &Path, r#type: Type) -> io::Result<bool> {
    let socket = Socket::new(Domain::UNIX, r#type, None)?;
    socket.set_nonblocking(true)?;
    let connected = socket.connect(&SockAddr::unix(path)?);
    Ok(connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}

/// The socket at `path`; `None` if there is nothing, or something else. A symbolic link is
/// something else.
fn socket_at(path: &Path) -> io::Result<Option<Identity>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(Some(Identity(found.dev(), found.ino()))),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
