//! asyncio's `TransportSocket`: the socket of a transport, for its options.

use std::fmt;
use std::io;
use std::net::Shutdown;

use asyncio_loop::Address;
use asyncio_reactor::{AsSource, RawSource};
use socket2::{Domain, SockAddr, SockRef, Type};

use crate::source_of::SourceOf;

/// The socket of a transport or of a server, for looking at it and setting options. What is asked
/// of it when the transport is over fails with `NotConnected`: this is a handle, and keeps nothing
/// open.
///
/// It is asked for with [`get_extra_info`](trait.Transport.html#method.get_extra_info).
#[derive(Clone)]
pub struct TransportSocket(pub(crate) SourceOf);

impl TransportSocket {
    /// Calls `f` with the socket, whose options can be read and set there. Its blocking mode is the
    /// transport's and must stay as it is, and what it has to be read or written belongs to the
    /// transport too.
    ///
    /// # Errors
    /// `NotConnected` when the transport is over; what `f` returns.
    pub fn with<R>(&self, f: impl FnOnce(SockRef<'_>) -> io::Result<R>) -> io::Result<R> {
        self.0.with(|source| f(SockRef::from(&source)))
    }

    /// The number of the descriptor.
    ///
    /// # Errors
    /// `NotConnected` when the transport is over.
    pub fn fileno(&self) -> io::Result<RawSource> {
        self.with(|socket| Ok(socket.as_raw_source()))
    }

    /// The address family.
    ///
    /// # Errors
    /// As [`with`](Self::with).
    pub fn family(&self) -> io::Result<Domain> {
        self.with(|socket| Ok(socket.local_addr()?.domain()))
    }

    /// The type of the socket.
    ///
    /// # Errors
    /// As [`with`](Self::with).
    pub fn r#type(&self) -> io::Result<Type> {
        self.with(|socket| socket.r#type())
    }

    /// The address of this end.
    ///
    /// # Errors
    /// As [`with`](Self::with).
    pub fn getsockname(&self) -> io::Result<SockAddr> {
        self.with(|socket| socket.local_addr())
    }

    /// The address of the other end, as long as it is connected.
    ///
    /// # Errors
    /// As [`with`](Self::with).
    pub fn getpeername(&self) -> io::Result<SockAddr> {
        self.with(|socket| socket.peer_addr())
    }

    /// Shuts a direction down, behind the transport's back: it finds out as if the peer had.
    ///
    /// # Errors
    /// As [`with`](Self::with).
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.with(|socket| socket.shutdown(how))
    }
}

/// As Python's: the addresses of both ends, as far as it has them.
impl fmt::Debug for TransportSocket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("TransportSocket");
        let Ok(number) = self.fileno() else {
            return fields.finish_non_exhaustive();
        };
        fields.field("fd", &number);
        let ends = [("laddr", self.getsockname()), ("raddr", self.getpeername())];
        for (name, address) in ends {
            if let Ok(address) = address {
                fields.field(name, &format_args!("{}", Address::Socket(address)));
            }
        }
        fields.finish()
    }
}
