//! Operations on sockets, one system call each, awaited: asyncio's `sock_*`.
//!
//! They work on an [`Async`](asyncio_reactor::Async) of anything that is a socket, the standard
//! library's types and [`Socket`](crate::socket::Socket). Each tries its system call first, and
//! waits only when that would block; the socket is registered edge-triggered once for its life, so
//! waiting costs no system call of its own. All of them wait in the same two futures, `read_io`
//! and `write_io`: dropping one takes its waker out of the reactor's books at once, so the socket
//! may be closed, or used again, right after a cancellation.
//!
//! Waiting for a socket inside a run of another loop than its own panics: nobody would end the wait.
//!
//! | file | idea |
//! |---|---|
//! | [`address`] | where to: an address, a name, a path |
//! | [`receive`] | bytes and datagrams that come in |
//! | [`send`] | bytes and datagrams that go out |
//! | [`connect`] | to a listener |
//! | [`accept`] | from a listener |
//! | [`methods`] | the same as methods of the loop |
//! | [`sys`] | the system calls |

mod accept;
mod address;
mod connect;
mod methods;
mod receive;
mod send;
mod sys;

pub use self::accept::sock_accept;
pub use self::address::Address;
pub use self::connect::{ConnectError, sock_connect};
pub use self::receive::{sock_recv, sock_recv_into, sock_recvfrom, sock_recvfrom_into};
pub use self::send::{PartialWrite, sock_sendall, sock_sendto};
pub(crate) use self::sys::recv_datagram;
