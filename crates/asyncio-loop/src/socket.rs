//! What sockets are made of: names of the `socket2` crate that this crate's interface has in it.
//!
//! Named as Python's module; what Python calls `AF_INET` is [`Domain::IPV4`], `SOCK_STREAM` is
//! [`Type::STREAM`].

pub use socket2::{Domain, Protocol, SockAddr, Socket, Type};
