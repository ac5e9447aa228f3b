//! Transports and protocols: asyncio's callback face of networking, without a buffer per
//! connection.
//!
//! * [`Protocol`], [`BufferedProtocol`], [`DatagramProtocol`] are what you write: the loop calls
//!   them.
//! * [`Transport`], [`ReadTransport`], [`WriteTransport`], [`DatagramTransport`] are what you
//!   call: the connection.
//! * [`create_connection`], [`create_unix_connection`], [`connect_accepted_socket`],
//!   [`create_datagram_endpoint`], [`connect_read_pipe`], [`connect_write_pipe`] bring them together.
//! * [`create_server`] and [`create_unix_server`] do it for everybody who connects to a [`Server`].
//! * [`sendfile`] and [`sock_sendfile`] send a file, without a copy where the system can.
//! * A [`Layer`] comes in between: TLS is one.
//! * [`DatagramEndpoint`] has datagrams by `await`, without a protocol.
//!
//! # What really happens
//! A stream's descriptor is registered once, edge-triggered where the selector has edges. An event
//! makes one entry of the ready queue, without an allocation; that has one read, into a buffer that
//! all connections of the loop share, and one call of the protocol. A write is tried at once, and
//! only what the kernel does not take is kept. An idle connection has no task and no buffer.
//!
//! To connect, a host is resolved by the loop's pool for names, and its addresses are tried, 250 ms
//! apart or as soon as one has failed, until one is connected to. A socket that listens is watched,
//! level-triggered; each turn in which connections wait accepts as many as the backlog holds.
#![forbid(unsafe_code)]

mod connect;
mod connection;
mod datagram;
mod extra;
mod files;
mod flow;
mod io;
mod layer;
mod life;
mod misuse;
mod outbox;
#[cfg(unix)]
mod pipes;
mod protocol;
mod server;
#[cfg(unix)]
mod socket_file;
mod source_of;
mod sys;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;
#[cfg(unix)]
mod transport_pipe;
mod transport_socket;

pub use connect::{
    BindError, ConnectAcceptedSocket, ConnectErrors, Connected, CreateConnection, Destination,
    Port, RefusedSocket, connect_accepted_socket, create_connection,
};
#[cfg(unix)]
pub use connect::{CreateUnixConnection, UnixEndpoint, create_unix_connection};
pub use datagram::{
    Awaited, DatagramEndpoint, DatagramEndpointBuilder, TruncatedDatagram, WithProtocol,
    create_datagram_endpoint, open_datagram_endpoint,
};
pub use extra::{PeerName, Query, SockName};
pub use files::{
    FileSink, Sendfile, SendfileNotAvailableError, SockSendfile, sendfile, sock_sendfile,
};
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
#[cfg(unix)]
pub use transport_pipe::TransportPipe;
pub use transport_socket::TransportSocket;

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
