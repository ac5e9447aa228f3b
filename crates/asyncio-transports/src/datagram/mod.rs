//! Datagrams: UDP and Unix, asyncio's `create_datagram_endpoint`.
//!
//! | file | idea |
//! |---|---|
//! | [`arguments`] | the keyword arguments, and what excludes what; pure |
//! | [`candidates`] | local and remote addresses joined to the sockets to try; pure |
//! | [`opening`] | a socket for the arguments |
//! | [`builder`] | the arguments as methods |
//! | [`endpoint`] | receiving and sending by `await` |
//! | [`transport`] | a socket and its protocol |
//! | [`send_queue`] | what waits to be sent, bounded; pure |
//! | [`sys`] | what depends on the system |

mod arguments;
mod builder;
mod candidates;
mod endpoint;
mod opening;
mod send_queue;
mod sys;
mod transport;

pub use builder::{
    DatagramEndpointBuilder, Handle, WithProtocol, create_datagram_endpoint, open_datagram_endpoint,
};
pub use endpoint::DatagramEndpoint;
pub use transport::TruncatedDatagram;
