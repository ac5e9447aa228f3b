//! Receiving: many datagrams a wake-up, and others have their turn all the same.

use std::error::Error;
use std::fmt;
use std::io;

use asyncio_loop::socket::{Received, SockAddr, recv_from};
use asyncio_reactor::AsSource;

use super::super::sys;
use super::SocketTransport;

/// How many datagrams a transport receives in one turn. More are left to the next, so that one that
/// is flooded does not keep the loop for itself; fewer would cost a trip through the ready queue
/// each. (Batches of the kernel's own, in quinn-udp, have the same size.)
const RECEIVED_MAX: usize = 32;

impl SocketTransport {
    /// Receives what is there and gives it to the protocol, up to a bound.
    pub(super) fn receive(&self) {
        self.event_loop.with_read_buffer(|buffer| {
            for _ in 0..RECEIVED_MAX {
                // What the protocol has just been told may have made it stop.
                if !self.life.get().reads() || !self.ready.get().readable {
                    break;
                }
                self.receive_one(buffer);
                self.tell();
            }
        });
        if self.life.get().reads() && self.ready.get().readable {
            self.schedule();
        }
    }

    fn receive_one(&self, buffer: &mut [u8]) {
        let received = self.with_socket(|socket| recv_from(socket.get_ref().as_source(), buffer));
        match received {
            None => {}
            Some(Ok(received)) => self.deliver(&received, buffer),
            Some(Err(error)) => match error.kind() {
                io::ErrorKind::WouldBlock => {
                    let mut known = self.ready.get();
                    known.readable = false;
                    self.ready.set(known);
                }
                io::ErrorKind::Interrupted => {}
                _ => self.error_received(error),
            },
        }
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
        self.call(|protocol, method| {
            method.set("datagram_received");
            protocol.datagram_received(&buffer[..received.len], from);
        });
    }

    /// Goes on to read, what has come meanwhile included.
    pub(super) fn read_on(&self) {
        if let Some(ready) = self.with_socket(asyncio_loop::Driven::take_readiness) {
            self.know(ready);
        }
        self.want();
        if self.ready.get().readable && self.life.get().reads() {
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
