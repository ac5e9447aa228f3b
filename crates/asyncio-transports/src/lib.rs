//! Transports and protocols: asyncio's callback face of networking, without a buffer per
//! connection.
//!
//! * [`Protocol`], [`BufferedProtocol`], [`DatagramProtocol`] are what you write: the loop calls
//!   them.
//! * [`Transport`], [`ReadTransport`], [`WriteTransport`], [`DatagramTransport`] are what you
//!   call: the connection.
#![forbid(unsafe_code)]

mod datagram;
mod extra;
mod flow;
mod protocol;
mod transport;

pub use datagram::{DatagramEndpoint, DatagramEndpointBuilder, Handle, open_datagram_endpoint};
pub use extra::{PeerName, Query, SockName};
pub use flow::{InvalidLimits, WriteLimits};
pub use protocol::{AfterEof, Buffered, BufferedProtocol, DatagramProtocol, Protocol, ReadInto};
pub use transport::{
    BaseTransport, Chunk, DatagramTransport, Flow, ReadTransport, Transport, WriteTransport,
};
