//! Servers: listening, accepting, and coming to an end.
//!
//! A listening socket is watched as a reader of the loop: as long as connections wait, each turn
//! accepts them until none is left, but no more than fit into the backlog and one. When the system
//! has no descriptors or no memory left, the listener rests for a second; the connections wait in
//! the kernel, and the others are served meanwhile.
//!
//! | file | idea |
//! |---|---|
//! | [`builder`] | `create_server` |
//! | [`listen_on`] | where to listen |
//! | [`bind`] | sockets bound to addresses |
//! | [`unix`] | `create_unix_server` |
//! | [`handle`] | `Server` |
//! | [`state`] | what accepts connections |
//! | [`listener`] | a socket that listens, and what an accept on it means |
//! | [`clients`] | the connections |
//! | [`sys`] | the system |

mod bind;
mod builder;
mod clients;
mod handle;
mod listen_on;
mod listener;
mod state;
mod sys;
#[cfg(unix)]
mod unix;

pub use builder::{CreateServer, create_server};
pub use handle::{Server, ShutdownReport};
pub use listen_on::ListenOn;
#[cfg(unix)]
pub use unix::{CreateUnixServer, create_unix_server};
