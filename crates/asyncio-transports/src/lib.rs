//! Transports and protocols: asyncio's callback face of networking, without a buffer per
//! connection.
//!
//! * [`Protocol`], [`BufferedProtocol`], [`DatagramProtocol`] are what you write: the loop calls
//!   them.
//! * [`connect_read_pipe`], [`connect_write_pipe`] bring them together.
//! * [`Transport`], [`ReadTransport`], [`WriteTransport`], [`DatagramTransport`] are what you
//!   call: the connection.
//!
//! # What really happens
//! A stream's descriptor is registered once, edge-triggered where the selector has edges. An event
//! makes one entry of the ready queue, without an allocation; that has one read, into a buffer that
//! all connections of the loop share, and one call of the protocol. A write is tried at once, and
//! only what the kernel does not take is kept. An idle connection has no task and no buffer.
#![forbid(unsafe_code)]

mod connect;
mod connection;
mod datagram;
mod extra;
mod flow;
mod io;
mod layer;
mod life;
mod outbox;
#[cfg(unix)]
mod pipes;
mod protocol;
mod server;
#[cfg(unix)]
mod socket_file;
mod sys;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
mod transport_socket;

pub use connect::{
    BindError, ConnectAcceptedSocket, ConnectErrors, Connected, CreateConnection, Destination,
    Port, RefusedSocket, connect_accepted_socket, create_connection,
};
#[cfg(unix)]
pub use connect::{CreateUnixConnection, UnixEndpoint, create_unix_connection};
pub use datagram::{
    DatagramEndpoint, DatagramEndpointBuilder, Handle, TruncatedDatagram, WithProtocol,
    create_datagram_endpoint, open_datagram_endpoint,
};
pub use extra::{PeerName, Query, SockName};
pub use flow::{InvalidLimits, WriteLimits};
pub use layer::{Layer, Layered, Opened, Opening, Role};
#[cfg(unix)]
pub use pipes::{connect_read_pipe, connect_write_pipe};
pub use protocol::{AfterEof, Buffered, BufferedProtocol, DatagramProtocol, Protocol, ReadInto};
pub use server::{CreateServer, ListenOn, Server, ShutdownReport, create_server};
#[cfg(unix)]
pub use server::{CreateUnixServer, create_unix_server};
pub use transport::{
    BaseTransport, Chunk, DatagramTransport, Flow, ReadTransport, Transport, WriteTransport,
};
pub use transport_socket::TransportSocket;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
