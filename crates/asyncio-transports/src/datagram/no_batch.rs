//! What stands in for `batch.rs` without the feature `udp-batch`: a type that has no values, so that
//! nobody else has to ask for the feature.

use std::io;
use std::net::SocketAddr;

use asyncio_loop::socket::Socket;

/// There is none.
#[derive(Debug)]
pub(super) enum Batching {}

/// Neither is there any of these.
pub(super) enum Batch {}

impl Batching {
    pub(super) fn new(_: &Socket) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn receive(&self, _: &Socket) -> io::Result<Batch> {
        match *self {}
    }

    pub(super) fn segments_max(&self) -> usize {
        match *self {}
    }

    pub(super) fn send(&self, _: &Socket, _: &[u8], _: usize, _: SocketAddr) -> io::Result<()> {
        match *self {}
    }
}

impl Batch {
    pub(super) fn is_all(&self) -> bool {
        match *self {}
    }

    pub(super) fn datagrams(&self) -> std::iter::Empty<(&[u8], SocketAddr)> {
        match *self {}
    }
}

pub(super) fn may_send_alone(_: &io::Error) -> bool {
    false
}
