//! A socket that listens, and what an accept on it means.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::rc::Rc;

use asyncio_loop::{Address, TimerHandle};
use socket2::{SockAddr, Socket};

use super::sys;
#[cfg(unix)]
use crate::socket_file::SocketFile;

/// One listening socket of a server.
pub(super) struct Listener {
    pub(super) socket: Rc<Socket>,
    /// Removed when the server is closed.
    #[cfg(unix)]
    file: RefCell<Option<SocketFile>>,
    /// Ends a rest.
    pub(super) rest: RefCell<Option<TimerHandle>>,
    /// Since the last connection was accepted an error was reported: the next ones of the same kind
    /// are no news.
    pub(super) has_reported: Cell<bool>,
}

impl Listener {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket: Rc::new(socket),
            #[cfg(unix)]
            file: RefCell::default(),
            rest: RefCell::default(),
            has_reported: Cell::new(false),
        }
    }

    /// Has the file that it is bound to removed when the server is closed.
    #[cfg(unix)]
    pub(super) fn remove_file(self) -> Self {
        self.file.replace(SocketFile::of(&self.socket));
        self
    }

    /// Accepts one connection.
    pub(super) fn accept(&self) -> Accepted {
        Accepted::of(crate::sys::accept(&self.socket))
    }

    /// Ends what goes on without the socket being watched.
    pub(super) fn close(&self) {
        if let Some(rest) = self.rest.take() {
            rest.cancel();
        }
        #[cfg(unix)]
        drop(self.file.take());
    }
}

/// What came of an accept.
#[derive(Debug)]
pub(super) enum Accepted {
    /// A connection, and whom it is to.
    Connection(Socket, SockAddr),
    /// A connection that is none any more, or a signal: the next one may be good.
    Next,
    /// No more connections.
    Drained,
    /// The next one would fail as well, and the selector reports the listener as long as a
    /// connection waits: it has to rest.
    Rest(io::Error),
}

impl Accepted {
    fn of(accepted: io::Result<(Socket, SockAddr)>) -> Self {
        match accepted {
            Ok((socket, peer)) => Self::Connection(socket, peer),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Self::Drained,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Self::Next,
            Err(error) if sys::is_of_connection(&error) => Self::Next,
            Err(error) => Self::Rest(error),
        }
    }
}

/// What the exception handler is told when a listener has to rest.
pub(super) fn why_it_rests(error: &io::Error) -> &'static str {
    match sys::is_out_of_resources(error) {
        true => "socket.accept() out of system resource",
        false => "socket.accept() failed",
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.socket.local_addr() {
            Ok(address) => write!(formatter, "Listener({})", Address::Socket(address)),
            Err(_) => formatter.write_str("Listener"),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::io::Errno;

    fn verdict(error: Errno) -> Accepted {
        Accepted::of(Err(error.into()))
    }

    /// N2, P13: errors of a connection are passed over, those of the system let the listener rest,
    /// and so does one that nobody has thought of.
    #[test]
    fn an_error_is_that_of_the_connection_or_of_the_listener() {
        assert!(matches!(verdict(Errno::AGAIN), Accepted::Drained));
        for error in [
            Errno::INTR,
            Errno::CONNABORTED,
            Errno::PROTO,
            Errno::PERM,
            Errno::NETDOWN,
            Errno::HOSTUNREACH,
        ] {
            assert!(matches!(verdict(error), Accepted::Next), "{error}");
        }
        for error in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            let Accepted::Rest(error) = verdict(error) else {
                panic!("{error}")
            };
            let message = why_it_rests(&error);
            assert_eq!(message, "socket.accept() out of system resource");
        }
        let Accepted::Rest(error) = verdict(Errno::INVAL) else {
            panic!("an unknown error")
        };
        assert_eq!(why_it_rests(&error), "socket.accept() failed");
    }
}
