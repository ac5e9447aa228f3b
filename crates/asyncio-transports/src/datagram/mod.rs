//! Datagrams: UDP and Unix, asyncio's `create_datagram_endpoint`.
//!
//! | file | idea |
//! |---|---|
//! | [`arguments`] | the keyword arguments, and what excludes what; pure |
//! | [`candidates`] | local and remote addresses joined to the sockets to try; pure |
//! | [`opening`] | a socket for the arguments |
//! | [`builder`] | the arguments as methods |
//! | [`endpoint`] | receiving and sending by `await` |
//! | [`sys`] | what depends on the system |

mod arguments;
mod builder;
mod candidates;
mod endpoint;
mod opening;
mod sys;

pub use builder::{DatagramEndpointBuilder, Handle, open_datagram_endpoint};
pub use endpoint::DatagramEndpoint;
