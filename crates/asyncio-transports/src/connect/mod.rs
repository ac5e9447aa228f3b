//! Getting connections: to a host, to a Unix listener, or from a socket that there is already.
//!
//! A connect goes through these steps; cancelled at any of them, it leaves nothing behind:
//! the arguments are checked; the host is resolved, by the loop's pool for names, and so is the
//! local address; the addresses are put in an order in which families take turns; attempts begin
//! one after the other, 250 ms apart or when the one before has failed (Happy Eyeballs, RFC 8305);
//! the first socket that is connected becomes the transport's, and the others are closed; a layer,
//! if there is one, opens.
//!
//! | file | idea |
//! |---|---|
//! | [`builder`] | `create_connection` |
//! | [`destination`] | where to, and what the resolver says to that |
//! | [`interleave`](mod@interleave) | the order of the attempts |
//! | [`attempt`] | one attempt, and several in a race |
//! | [`errors`] | why all of them failed |
//! | [`unix`] | `create_unix_connection` |
//! | [`accepted`] | `connect_accepted_socket` |
//! | [`socket`] | sockets that somebody else has made |
//! | [`open`](mod@open) | a transport on a connected socket, with its layer |

mod accepted;
mod attempt;
mod builder;
pub(crate) mod destination;
pub(crate) mod errors;
mod interleave;
pub(crate) mod open;
pub(crate) mod socket;
#[cfg(unix)]
pub(crate) mod unix;

pub use accepted::{ConnectAcceptedSocket, connect_accepted_socket};
pub use builder::{Connected, CreateConnection, create_connection};
pub use destination::{Destination, Port};
pub use errors::{BindError, ConnectErrors};
pub use socket::RefusedSocket;
#[cfg(unix)]
pub use unix::{CreateUnixConnection, UnixEndpoint, create_unix_connection};
