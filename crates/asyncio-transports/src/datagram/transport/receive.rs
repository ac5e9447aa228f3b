//! Receiving: many datagrams a wake-up, and others have their turn all the same.

use std::error::Error;
use std::fmt;
use std::io;

use asyncio_loop::socket::{Received, SockAddr, recv_from};
use asyncio_reactor::AsSource;

use super::super::batch::{Batch, Batching};
use super::super::sys;
use super::SocketTransport;

/// How many datagrams a transport receives in one turn. More are left to the next, so that one that
/// is flooded does not keep the loop for itself; fewer would cost a trip through the ready queue
/// each. (Batches of the kernel's own, in quinn-udp, have the same size.)
const RECEIVED_MAX: usize = 32;

impl SocketTransport {
    /// Receives what is there and gives it to the protocol, up to a bound.
    pub(super) fn receive(&self) {
        match &self.batching {
            None => self.event_loop.with_read_buffer(|buffer| {
                for _ in 0..RECEIVED_MAX {
                    // What the protocol has just been told may have made it stop.
                    if !self.has_more() {
                        break;
                    }
                    self.receive_one(buffer);
                    self.tell();
                }
            }),
            Some(batching) => self.gather(|| self.receive_batch(batching)),
        }
        if self.has_more() {
            self.schedule();
        }
    }

    /// Whether the protocol is to be given more now.
    pub(super) fn has_more(&self) -> bool {
        self.life.get().reads() && (self.ready.get().readable || !self.kept.borrow().is_empty())
    }

    /// Gives the protocol what was kept for it, and then one batch.
    fn receive_batch(&self, batching: &Batching) {
        while let Some((data, from)) = self.take_kept() {
            self.datagram_received(&data, &from);
            self.tell();
        }
        for _ in 0..RECEIVED_MAX {
            if !self.has_more() {
                return;
            }
            match self.with_socket(|socket| batching.receive(socket.get_ref())) {
                None => return,
                Some(Ok(batch)) => return self.deliver_batch(&batch),
                Some(Err(error)) => self.receive_failed(error),
            }
            self.tell();
        }
    }

    fn deliver_batch(&self, batch: &Batch) {
        if batch.is_all() {
            self.drained();
        }
        for (data, from) in batch.datagrams() {
            let from = from.into();
            if self.life.get().reads() {
                self.datagram_received(data, &from);
                self.tell();
            } else if !self.life.get().is_closing() {
                // It has no limits.
                let _ = self.kept.borrow_mut().push(data, Some(from));
            }
        }
    }

    fn take_kept(&self) -> Option<(Vec<u8>, SockAddr)> {
        let mut kept = self.kept.borrow_mut();
        if kept.is_empty() || !self.life.get().reads() {
            return None;
        }
        let (data, from) = kept.front()?;
        let next = (data.to_vec(), from?.clone());
        kept.pop_front();
        Some(next)
    }

    fn receive_one(&self, buffer: &mut [u8]) {
        let received = self.with_socket(|socket| recv_from(socket.get_ref().as_source(), buffer));
        match received {
            None => {}
            Some(Ok(received)) => self.deliver(&received, buffer),
            Some(Err(error)) => self.receive_failed(error),
        }
    }

    fn receive_failed(&self, error: io::Error) {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.drained(),
            io::ErrorKind::Interrupted => {}
            _ => self.error_received(error),
        }
    }

    /// Nothing is left, until there is an event.
    fn drained(&self) {
        let mut known = self.ready.get();
        known.readable = false;
        self.ready.set(known);
    }

    fn deliver(&self, received: &Received, buffer: &[u8]) {
        let nobody;
        let from = if let Some(from) = &received.from {
            from
        } else {
            nobody = sys::nobody();
            &nobody
        };
        if received.truncated {
            let from = received.from.clone();
            let error = TruncatedDatagram { from };
            self.error_received(io::Error::new(io::ErrorKind::InvalidData, error));
            return;
        }
        self.datagram_received(&buffer[..received.len], from);
    }

    fn datagram_received(&self, data: &[u8], from: &SockAddr) {
        self.call(|protocol, method| {
            method.set("datagram_received");
            protocol.datagram_received(data, from);
        });
    }

    /// Goes on to read, what has come meanwhile included.
    pub(super) fn read_on(&self) {
        if let Some(ready) = self.with_socket(asyncio_loop::Driven::take_readiness) {
            self.know(ready);
        }
        self.want();
        if self.has_more() {
            self.schedule();
        }
    }
}

/// A datagram was longer than the loop's buffer (256 KiB), and is lost: inside the error that
/// [`DatagramProtocol::error_received`](crate::DatagramProtocol::error_received) is told. It cannot
/// happen with UDP. (asyncio hands the first part to the protocol, as if it were all.)
#[derive(Clone, Debug)]
pub struct TruncatedDatagram {
    /// Whom it was from, where that is known.
    pub from: Option<SockAddr>,
}

impl fmt::Display for TruncatedDatagram {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a datagram was longer than the buffer and is lost")
    }
}

impl Error for TruncatedDatagram {}
