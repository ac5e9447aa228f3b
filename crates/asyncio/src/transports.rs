//! Connections, endpoints and servers with callbacks:
//! [`asyncio.transports`](https://docs.python.org/3/library/asyncio-protocol.html#transports), and
//! the methods of asyncio's loop that make them, as functions.
//!
//! The keyword arguments of Python are methods of what the functions return, and awaiting it
//! connects or listens. [`streams`](crate::streams) are the other face of the same connections.
//!
//! # Examples
//! ```
//! use asyncio::protocols::Protocol;
//! use asyncio::transports::{Transport, create_connection, create_server};
//! use std::rc::Rc;
//!
//! #[derive(Default)]
//! struct Echo(Option<Rc<dyn Transport>>);
//!
//! impl Protocol for Echo {
//!     fn connection_made(&mut self, transport: Rc<dyn Transport>) {
//!         self.0 = Some(transport);
//!     }
//!
//!     fn data_received(&mut self, data: &[u8]) {
//!         if let Some(transport) = &self.0 {
//!             let _ = transport.write(data); // what it returns says whether to go on at once
//!         }
//!     }
//! }
//!
//! struct Ask(Option<asyncio::Future<Vec<u8>>>);
//!
//! impl Protocol for Ask {
//!     fn connection_made(&mut self, transport: Rc<dyn Transport>) {
//!         let _ = transport.write(b"hello");
//!     }
//!
//!     fn data_received(&mut self, data: &[u8]) {
//!         if let Some(answer) = self.0.take() {
//!             let _ = answer.set_result(data.to_vec());
//!         }
//!     }
//! }
//!
//! let answer = asyncio::run(async {
//!     let server = create_server(Echo::default, ("127.0.0.1", 0)).await?;
//!     let address = server.sockets()[0].getsockname()?.as_socket().unwrap();
//!
//!     let answer = asyncio::Future::new();
//!     let told = answer.clone();
//!     let (transport, _ask) = create_connection(|| Ask(Some(told)), address).await?;
//!     let answer = answer.await;
//!     transport.close();
//!     server.close();
//!     Ok::<_, Box<dyn std::error::Error>>(answer?)
//! })??;
//! assert_eq!(answer, b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use asyncio_transports::{
    Awaited, BaseTransport, BindError, Chunk, ConnectAcceptedSocket, ConnectErrors, Connected,
    CreateConnection, CreateServer, DatagramEndpoint, DatagramEndpointBuilder, DatagramTransport,
    Destination, FileSink, Flow, InvalidLimits, Layer, Layered, ListenOn, Opened, Opening,
    PeerName, Port, Query, ReadTransport, RefusedSocket, Role, Sendfile, SendfileNotAvailableError,
    Server, ShutdownReport, SockName, SockSendfile, Transport, TransportSocket, TruncatedDatagram,
    WithProtocol, WriteLimits, WriteTransport, connect_accepted_socket, create_connection,
    create_datagram_endpoint, create_server, open_datagram_endpoint, sendfile, sock_sendfile,
};
#[cfg(unix)]
pub use asyncio_transports::{
    CreateUnixConnection, CreateUnixServer, TransportPipe, UnixEndpoint, connect_read_pipe,
    connect_write_pipe, create_unix_connection, create_unix_server,
};
