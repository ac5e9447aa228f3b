//! Pipes, one end each: what asyncio calls so, which sockets and terminals are too.

use std::io::{self, IoSlice};

use asyncio_loop::Driven;
use asyncio_reactor::{AsSource, BorrowedSource, Interest, Readiness};

use super::{Io, Received};
use crate::extra::Query;
use crate::source_of::SourceOf;
use crate::sys::{self, PipeKind};
use crate::transport_pipe::TransportPipe;

/// A descriptor of any type.
pub(crate) struct AnySource(pub(crate) Box<dyn AsSource>);

impl AsSource for AnySource {
    fn as_source(&self) -> BorrowedSource<'_> {
        self.0.as_source()
    }
}

/// The end that is read from.
pub(crate) struct ReadPipe {
    pub(crate) driven: Driven<AnySource>,
    pub(crate) kind: PipeKind,
}

impl Io for ReadPipe {
    const HALF_CLOSES: bool = false;

    fn begin(&self) -> Readiness {
        self.driven.begin()
    }

    fn take_readiness(&self) -> Readiness {
        self.driven.take_readiness()
    }

    fn want(&self, interest: Interest) -> io::Result<()> {
        self.driven.want(interest)
    }

    fn schedule(&self) -> bool {
        self.driven.schedule()
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let source = self.driven.get_ref().as_source();
        match self.kind {
            PipeKind::Socket => sys::recv_local(source, buffer),
            PipeKind::Fifo { packets, .. } => sys::read(source, buffer, !packets),
            PipeKind::Device => sys::read(source, buffer, false),
        }
    }

    /// Nothing is accepted to be written.
    fn write(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn end_output(&self) -> io::Result<()> {
        Ok(())
    }

    fn take_error(&self) -> Option<io::Error> {
        None
    }

    fn source(&self) -> Option<BorrowedSource<'_>> {
        Some(self.driven.get_ref().as_source())
    }

    fn answer(&self, query: &mut Query<'_>, handle: &dyn Fn() -> SourceOf) {
        query.offer(|| Some(TransportPipe(handle())));
    }
}

/// The end that is written to.
pub(crate) struct WritePipe {
    pub(crate) driven: Driven<AnySource>,
    pub(crate) kind: PipeKind,
}

impl WritePipe {
    /// Whether it becomes readable when nobody reads the other end any more.
    fn shows_its_reader(&self) -> bool {
        match self.kind {
            PipeKind::Fifo { one_way, .. } => one_way,
            PipeKind::Socket => true,
            PipeKind::Device => false,
        }
    }

    fn look(&self, mut ready: Readiness) -> Readiness {
        ready.broken |= ready.readable && self.shows_its_reader();
        ready.readable = false;
        ready
    }
}

impl Io for WritePipe {
    const HALF_CLOSES: bool = false;

    fn begin(&self) -> Readiness {
        self.look(self.driven.begin())
    }

    fn take_readiness(&self) -> Readiness {
        self.look(self.driven.take_readiness())
    }

    fn want(&self, mut interest: Interest) -> io::Result<()> {
        interest.readable = self.shows_its_reader();
        self.driven.want(interest)
    }

    fn schedule(&self) -> bool {
        self.driven.schedule()
    }

    /// There is nothing to be read.
    fn read(&self, _: &mut [u8]) -> io::Result<Received> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn write(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        let source = self.driven.get_ref().as_source();
        match self.kind {
            PipeKind::Socket => sys::send(source, data),
            PipeKind::Fifo { .. } => sys::write(source, data),
            PipeKind::Device => sys::write_device(source, data),
        }
    }

    fn end_output(&self) -> io::Result<()> {
        Ok(())
    }

    fn take_error(&self) -> Option<io::Error> {
        None
    }

    fn source(&self) -> Option<BorrowedSource<'_>> {
        Some(self.driven.get_ref().as_source())
    }

    fn answer(&self, query: &mut Query<'_>, handle: &dyn Fn() -> SourceOf) {
        query.offer(|| Some(TransportPipe(handle())));
    }
}
