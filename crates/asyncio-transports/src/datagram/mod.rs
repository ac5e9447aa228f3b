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
//! | [`queue`] | datagrams that wait, bounded; pure |
//! | `batch` | many datagrams in one system call: the feature `udp-batch` |
//! | [`sys`] | what depends on the system |

mod arguments;
#[cfg_attr(not(feature = "udp-batch"), path = "no_batch.rs")]
mod batch;
mod builder;
mod candidates;
mod endpoint;
mod opening;
mod queue;
mod sys;
mod transport;

pub use builder::{
    Awaited, DatagramEndpointBuilder, WithProtocol, create_datagram_endpoint,
    open_datagram_endpoint,
};
pub use endpoint::DatagramEndpoint;
pub use transport::TruncatedDatagram;
