//! Stream sockets: TCP and Unix.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, IoSlice};

use asyncio_loop::Driven;
use asyncio_reactor::{AsSource, BorrowedSource, Interest, Readiness};
use socket2::{Domain, Socket};

use super::{Io, Received};
use crate::extra::{Query, SockName};
use crate::source_of::SourceOf;
use crate::sys;
use crate::transport_socket::TransportSocket;

/// A connected stream socket that the loop drives.
pub(crate) struct StreamSocket {
    driven: Driven<Socket>,
    /// A Unix socket: reads may stop early.
    local: bool,
    /// Readiness is reported at its edge.
    edge: bool,
    /// The last word to the reactor, which need not hear it twice where there are edges.
    wanted: Cell<Interest>,
}

impl StreamSocket {
    pub(crate) fn new(driven: Driven<Socket>, domain: Domain) -> Self {
        Self {
            local: domain == Domain::UNIX,
            edge: driven.is_edge(),
            wanted: Cell::new(Interest::NONE),
            driven,
        }
    }

    fn sock(&self) -> &Socket {
        self.driven.get_ref()
    }
}

impl Io for StreamSocket {
    fn begin(&self) -> Readiness {
        self.driven.begin()
    }

    fn begin_to_read(&self) -> Option<Readiness> {
        self.driven.begin_to_read()
    }

    fn take_readiness(&self) -> Readiness {
        self.driven.take_readiness()
    }

    fn want(&self, interest: Interest) -> io::Result<()> {
        if self.wanted.replace(interest) == interest && self.edge {
            return Ok(());
        }
        self.driven.want(interest)
    }

    fn tells_once(&self) -> bool {
        self.edge
    }

    fn schedule(&self) -> bool {
        self.driven.schedule()
    }

    #[inline]
    fn read(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let sock = self.sock().as_source();
        if self.local {
            sys::recv_local(sock, buffer)
        } else {
            sys::recv(sock, buffer)
        }
    }

    #[inline]
    fn write(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        sys::send(self.sock().as_source(), data)
    }

    fn send_file(&self, file: &File, position: u64, count: usize) -> io::Result<usize> {
        sys::send_file(self.sock().as_source(), file, position, count)
    }

    fn end_output(&self) -> io::Result<()> {
        sys::shutdown_write(self.sock().as_source())
    }

    fn take_error(&self) -> Option<io::Error> {
        self.sock().take_error().unwrap_or_else(Some)
    }

    fn source(&self) -> Option<BorrowedSource<'_>> {
        Some(self.sock().as_source())
    }

    fn answer(&self, query: &mut Query<'_>, handle: &dyn Fn() -> SourceOf) {
        query
            .offer(|| self.sock().local_addr().ok().map(SockName))
            .offer(|| Some(TransportSocket(handle())));
    }
}

impl fmt::Debug for StreamSocket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "socket {}", self.sock().as_raw_source())
    }
}
