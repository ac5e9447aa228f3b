//! What a transport calls: the user's side of a connection.

use std::io;
use std::rc::Rc;

use crate::{DatagramTransport, Transport};

/// One end of a byte stream, as the user sees it: the methods that its transport calls.
///
/// They are called in this order: `connection_made` once; `data_received` any number of times;
/// `eof_received` at most once; `connection_lost` once. `pause_writing` and `resume_writing`
/// alternate in between. All of them are called by the loop, in its turns, one at a time, and each may call its
/// transport freely: what that would call back comes after the current method has returned, before
/// anything else for this connection.
///
/// A method that panics is reported to the loop's exception handler; the connection is aborted,
/// and `connection_lost` is still called.
///
/// The rules are those of asyncio's documentation, *Transports and Protocols*. Its
/// `BufferedProtocol` is the trait [`BufferedProtocol`] here, in a [`Buffered`].
pub trait Protocol: 'static {
    /// The connection is there. Keep the transport to write to it.
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        let _ = transport;
    }

    /// Bytes have come: at least one. They are lent out of a buffer that all connections of the
    /// loop share: copy what is to stay.
    fn data_received(&mut self, data: &[u8]) {
        let _ = data;
    }

    /// The peer will send no more. What is returned says whether this side goes on writing.
    fn eof_received(&mut self) -> AfterEof {
        AfterEof::Close
    }

    /// The connection is over, and this is the last call. `None`: it was closed by this side, or
    /// by the peer in order.
    fn connection_lost(&mut self, error: Option<io::Error>) {
        let _ = error;
    }

    /// The write buffer went over the high-water mark.
    fn pause_writing(&mut self) {}

    /// The write buffer fell to the low-water mark.
    fn resume_writing(&mut self) {}

    /// Something is there to be read: says where to. Most protocols leave this as it is; one that
    /// parses in place implements [`BufferedProtocol`].
    ///
    /// `size_hint` is how many bytes are expected, or `None`. An empty buffer of one's own is an
    /// error, which ends the connection.
    fn get_buffer(&mut self, size_hint: Option<usize>) -> ReadInto<'_> {
        let _ = size_hint;
        ReadInto::Shared
    }

    /// As [`get_buffer`](Self::get_buffer), for a protocol whose last answer there was
    /// [`ReadInto::Later`]: something is there to be read. Returns whether whoever waits for it is
    /// woken; `get_buffer` is called if not, as provided.
    ///
    /// It does nothing but wake. Unlike the other methods it is called while the loop takes events
    /// in, so that the task which is woken runs in the same turn.
    fn wake_reader(&mut self) -> bool {
        false
    }

    /// The first `count` bytes of the buffer that [`get_buffer`](Self::get_buffer) lent are new:
    /// at least one.
    fn buffer_updated(&mut self, count: usize) {
        let _ = count;
    }
}

/// Where a transport reads to: what [`Protocol::get_buffer`] returns.
#[derive(Debug)]
pub enum ReadInto<'a> {
    /// Into the loop's buffer: [`Protocol::data_received`] is called with it.
    Shared,
    /// Into this one: [`Protocol::buffer_updated`] is called.
    Own(&'a mut [u8]),
    /// Nowhere yet. The bytes stay where they are (in the kernel, for a socket), until
    /// [`Transport::try_read`] takes them. The transport asks again when more has come, or has
    /// [`Protocol::wake_reader`] called. A broken
    /// connection is reported all the same, in the turn after the one in which it asks.
    Later,
}

/// What becomes of the side that writes when the peer has ended its own: what
/// [`Protocol::eof_received`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterEof {
    /// The transport closes itself, when all is written.
    Close,
    /// It stays open for writing. (asyncio: a true value.)
    KeepOpen,
}

/// A [`Protocol`] that brings its own buffer, so that bytes are read where they are needed and are
/// not copied. Give it to a transport in a [`Buffered`].
pub trait BufferedProtocol: 'static {
    /// As [`Protocol::connection_made`].
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        let _ = transport;
    }

    /// The buffer to read into. `size_hint` is how many bytes are expected, or `None`. It must not
    /// be empty: that is an error, which ends the connection.
    fn get_buffer(&mut self, size_hint: Option<usize>) -> &mut [u8];

    /// The first `count` bytes of the buffer are new: at least one.
    fn buffer_updated(&mut self, count: usize);

    /// As [`Protocol::eof_received`].
    fn eof_received(&mut self) -> AfterEof {
        AfterEof::Close
    }

    /// As [`Protocol::connection_lost`].
    fn connection_lost(&mut self, error: Option<io::Error>) {
        let _ = error;
    }

    /// As [`Protocol::pause_writing`].
    fn pause_writing(&mut self) {}

    /// As [`Protocol::resume_writing`].
    fn resume_writing(&mut self) {}
}

/// Makes a [`Protocol`] of a [`BufferedProtocol`].
///
/// A wrapper, because a type that implements one of the two traits must not implement the other by
/// itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Buffered<P>(pub P);

impl<P: BufferedProtocol> Protocol for Buffered<P> {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        self.0.connection_made(transport);
    }

    fn eof_received(&mut self) -> AfterEof {
        self.0.eof_received()
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.0.connection_lost(error);
    }

    fn pause_writing(&mut self) {
        self.0.pause_writing();
    }

    fn resume_writing(&mut self) {
        self.0.resume_writing();
    }

    fn get_buffer(&mut self, size_hint: Option<usize>) -> ReadInto<'_> {
        ReadInto::Own(self.0.get_buffer(size_hint))
    }

    fn buffer_updated(&mut self, count: usize) {
        self.0.buffer_updated(count);
    }
}

/// One end that sends and receives datagrams, as the user sees it.
///
/// Called in this order: `connection_made` once; `datagram_received` and `error_received` any
/// number of times; `connection_lost` once. `pause_writing` and `resume_writing` alternate in
/// between. What [`Protocol`] says of calls holds here too. A method that panics is reported to the
/// loop's exception handler, and the endpoint goes on, as in asyncio: one datagram that nobody has
/// reckoned with does not end the service of all others.
pub trait DatagramProtocol: 'static {
    /// The endpoint is open. Keep the transport to send.
    fn connection_made(&mut self, transport: Rc<dyn DatagramTransport>) {
        let _ = transport;
    }

    /// A datagram has come, empty ones included, and this is who sent it; a sender without an
    /// address, as Unix sockets may be, has an unnamed one. The bytes are lent out of a buffer that
    /// all transports of the loop share: copy what is to stay.
    fn datagram_received(&mut self, data: &[u8], from: &socket2::SockAddr) {
        let _ = (data, from);
    }

    /// A send or a receive failed, and the endpoint goes on: an ICMP message that nobody listens
    /// at the other end, for one.
    fn error_received(&mut self, error: io::Error) {
        let _ = error;
    }

    /// The endpoint is closed, and this is the last call.
    fn connection_lost(&mut self, error: Option<io::Error>) {
        let _ = error;
    }

    /// The send buffer went over the high-water mark.
    fn pause_writing(&mut self) {}

    /// The send buffer fell to the low-water mark.
    fn resume_writing(&mut self) {}
}
