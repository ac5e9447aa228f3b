//! Transports and protocols: asyncio's callback face of networking, without a buffer per
//! connection.
//!
//! * [`Protocol`], [`BufferedProtocol`], [`DatagramProtocol`] are what you write: the loop calls
//!   them.
//! * [`connect_read_pipe`], [`connect_write_pipe`] bring them together.
//! * [`Transport`], [`ReadTransport`], [`WriteTransport`], [`DatagramTransport`] are what you
//!   call: the connection.
#![forbid(unsafe_code)]

#[allow(dead_code, unused_imports)] // The builders are to call it.
mod connection;
mod datagram;
mod extra;
mod flow;
mod io;
#[allow(dead_code)] // As above.
mod life;
mod outbox;
#[cfg(unix)]
mod pipes;
mod protocol;
mod sys;
mod transport;
#[allow(dead_code)] // As above.
mod transport_socket;

pub use datagram::{
    DatagramEndpoint, DatagramEndpointBuilder, Handle, TruncatedDatagram, WithProtocol,
    create_datagram_endpoint, open_datagram_endpoint,
};
pub use extra::{PeerName, Query, SockName};
pub use flow::{InvalidLimits, WriteLimits};
#[cfg(unix)]
pub use pipes::{connect_read_pipe, connect_write_pipe};
pub use protocol::{AfterEof, Buffered, BufferedProtocol, DatagramProtocol, Protocol, ReadInto};
pub use transport::{
    BaseTransport, Chunk, DatagramTransport, Flow, ReadTransport, Transport, WriteTransport,
};
pub use transport_socket::TransportSocket;
