//! What a protocol calls: the connection.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, IoSlice};
use std::rc::Rc;

use socket2::SockAddr;

use crate::flow::{InvalidLimits, WriteLimits};
use crate::{DatagramProtocol, FileSink, Protocol, Query};

/// What every transport has.
pub trait BaseTransport: fmt::Debug + 'static {
    /// Answers `query` if this transport, or one that it is built on, knows. Asked through
    /// `get_extra_info`, which each kind of transport has.
    fn answer(&self, query: &mut Query<'_>);

    /// Whether the transport is closing or closed.
    fn is_closing(&self) -> bool;

    /// Closes the transport: nothing more is read, what is buffered is written, and then the
    /// protocol's `connection_lost` is called with `None`. Once is enough.
    fn close(&self);

    /// Closes the transport at once. What is buffered is lost. `connection_lost` is called with
    /// `None`.
    fn abort(&self);
}

/// A transport that bytes come from.
pub trait ReadTransport: BaseTransport {
    /// Whether it calls the protocol when something has come: it is neither paused nor closing.
    fn is_reading(&self) -> bool;

    /// The protocol is called with nothing more until
    /// [`resume_reading`](Self::resume_reading). Does nothing on a transport that is paused or
    /// closing.
    fn pause_reading(&self);

    /// The opposite of [`pause_reading`](Self::pause_reading).
    fn resume_reading(&self);
}

/// A transport that bytes go to.
pub trait WriteTransport: BaseTransport {
    /// Writes `data`: now what the kernel takes, later the rest, which is kept. It does not block.
    fn write(&self, data: &[u8]) -> Flow {
        self.write_with(&[IoSlice::new(data)], &mut |taken| {
            Box::new(data[taken..].to_vec())
        })
    }

    /// Writes an owned buffer: as [`write`](Self::write), but what the kernel does not take is kept
    /// as it is, and not copied.
    fn write_owned(&self, data: Vec<u8>) -> Flow {
        let data = Rc::new(data);
        let keep = Rc::clone(&data);
        self.write_with(&[IoSlice::new(&data)], &mut |taken| {
            Box::new(Rest {
                data: Rc::clone(&keep),
                taken,
            })
        })
    }

    /// Writes several buffers in order, as if they were one.
    fn writelines(&self, data: &[IoSlice<'_>]) -> Flow {
        self.write_with(data, &mut |taken| {
            let mut rest = Vec::new();
            let mut skip = taken;
            for part in data {
                let here = skip.min(part.len());
                rest.extend_from_slice(&part[here..]);
                skip -= here;
            }
            Box::new(rest)
        })
    }

    /// What the other forms are made of: tries to write `data`, and if the kernel takes only the
    /// first `n` bytes, asks `rest(n)` for the others in a form that can be kept.
    fn write_with(&self, data: &[IoSlice<'_>], rest: &mut dyn FnMut(usize) -> Chunk) -> Flow;

    /// Ends the side that writes, when all is written: the peer sees the end of the stream, and
    /// this side goes on reading. A write after it is refused.
    fn write_eof(&self);

    /// Whether [`write_eof`](Self::write_eof) is possible: not with TLS.
    fn can_write_eof(&self) -> bool;

    /// Sets the marks of the write buffer, in bytes. `None` is asyncio's default: a low mark of a
    /// quarter of the high one; a high one of four times the low one, or of 64 KiB.
    ///
    /// # Errors
    /// `high` is lower than `low`. Nothing has changed then.
    fn set_write_buffer_limits(
        &self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), InvalidLimits>;

    /// The marks of the write buffer.
    fn get_write_buffer_limits(&self) -> WriteLimits;

    /// How many bytes are buffered to be written.
    fn get_write_buffer_size(&self) -> usize;
}

/// Bytes that a transport keeps until they are written.
pub type Chunk = Box<dyn AsRef<[u8]>>;

/// A connection in both directions.
pub trait Transport: ReadTransport + WriteTransport {
    /// Has another protocol called from now on. `connection_made` is not called for it.
    fn set_protocol(&self, protocol: Rc<RefCell<dyn Protocol>>);

    /// The protocol that is called. `None` when `connection_lost` has been called.
    fn get_protocol(&self) -> Option<Rc<RefCell<dyn Protocol>>>;

    /// Reads, now, what is there, for a protocol that said [`ReadInto::Later`]. `Ok(0)`: the peer
    /// has ended its side; `eof_received` follows.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there: the protocol's `get_buffer`, or `wake_reader`, is called
    /// when something is.
    /// `NotConnected` when the transport is closing. An error of the connection is fatal:
    /// `connection_lost` follows with it.
    ///
    /// [`ReadInto::Later`]: crate::ReadInto::Later
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Where [`sendfile`](crate::sendfile) sends a file to, past this transport. `None`, as
    /// provided, if nothing may go past it: a layer has to see each byte. Then files are read, and
    /// written to it.
    fn file_sink(&self) -> Option<FileSink> {
        None
    }
}

/// A transport of datagrams. While reading is paused, what comes waits in the kernel; what does not
/// fit there is dropped.
pub trait DatagramTransport: ReadTransport {
    /// Sends a datagram: now, or when there is room, in order. `None`: to the endpoint's own
    /// address, the remote one that it was opened with.
    ///
    /// # Errors
    /// `InvalidInput`: another address than the endpoint's own, or none, and it has none.
    /// `WouldBlock`: the queue of those that wait is full, and the datagram was not taken; who heeds
    /// [`Flow::Paused`] is not told that. What the kernel reports goes to the protocol's
    /// `error_received`.
    fn sendto(&self, data: &[u8], address: Option<&SockAddr>) -> io::Result<Flow>;

    /// Has another protocol called from now on. `connection_made` is not called for it.
    fn set_protocol(&self, protocol: Rc<RefCell<dyn DatagramProtocol>>);

    /// The protocol that is called. `None` when `connection_lost` has been called.
    fn get_protocol(&self) -> Option<Rc<RefCell<dyn DatagramProtocol>>>;

    /// As [`WriteTransport::set_write_buffer_limits`].
    ///
    /// # Errors
    /// As there.
    fn set_write_buffer_limits(
        &self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), InvalidLimits>;

    /// The marks of the send buffer.
    fn get_write_buffer_limits(&self) -> WriteLimits;

    /// How many bytes are buffered to be sent.
    fn get_write_buffer_size(&self) -> usize;
}

/// Whether to go on writing: what a write returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a loop of writes should stop when it is not `Open`"]
pub enum Flow {
    /// There is room.
    Open,
    /// The write buffer is over its high-water mark. What was written is kept; `resume_writing`
    /// tells when there is room.
    Paused,
    /// Nothing was written and nothing will be: the transport is closing, or this side was ended.
    Closed,
    /// Nothing was written: [`sendfile`](crate::sendfile) is in progress, and has the transport for
    /// itself. asyncio raises `RuntimeError`; here the exception handler is told, too, once for
    /// each file.
    Busy,
}

/// The unwritten rest of an owned buffer.
struct Rest {
    data: Rc<Vec<u8>>,
    taken: usize,
}

impl AsRef<[u8]> for Rest {
    fn as_ref(&self) -> &[u8] {
        &self.data[self.taken..]
    }
}

macro_rules! get_extra_info {
    ($($transport:ident)*) => {$(
        impl dyn $transport {
            /// What the transport knows of itself, by type: [`PeerName`](crate::PeerName),
            /// [`SockName`](crate::SockName), [`TransportSocket`](crate::TransportSocket),
            /// `TransportPipe`, and what higher crates add.
            #[must_use]
            pub fn get_extra_info<T: Any>(&self) -> Option<T> {
                Query::ask(|query| self.answer(query))
            }
        }
    )*};
}
get_extra_info! { ReadTransport WriteTransport Transport DatagramTransport }
