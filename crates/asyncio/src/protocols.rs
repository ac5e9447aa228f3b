//! What a transport calls: [`asyncio.protocols`](https://docs.python.org/3/library/asyncio-protocol.html#protocols).
//!
//! A program implements [`Protocol`], [`BufferedProtocol`] or [`DatagramProtocol`]; all methods have
//! a default. Who calls them, and in which order, is said there. [`transports`](crate::transports)
//! has an example.

pub use asyncio_transports::{
    AfterEof, Buffered, BufferedProtocol, DatagramProtocol, Protocol, ReadInto,
};
