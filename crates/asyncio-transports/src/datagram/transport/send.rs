//! Sending: at once, or from the queue when there is room.

use std::io;

use asyncio_loop::socket::SockAddr;

use super::super::sys;
use super::SocketTransport;
use crate::Flow;
use crate::life::{Life, Next};

/// How many datagrams of the queue are sent in one turn, for the sake of the others.
const SENT_MAX: usize = 64;

impl SocketTransport {
    pub(super) fn send(&self, data: &[u8], address: Option<&SockAddr>) -> io::Result<Flow> {
        let to = self.peer.target(address)?;
        if self.life.get().is_closing() {
            return Ok(Flow::Closed);
        }
        if !self.has_unsent() {
            match self.send_now(data, to) {
                Ok(()) => return Ok(Flow::Open),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.filled(),
                Err(error) => {
                    self.note_error(error);
                    self.tell_soon();
                    return Ok(self.flow_now());
                }
            }
        }
        let pushed = self.queue.borrow_mut().push(data, to.cloned());
        if pushed.is_err() {
            return Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                "the send queue is full: the datagram was not taken",
            ));
        }
        let mut flow = self.flow.get();
        flow.grown(self.queue.borrow().size());
        self.flow.set(flow);
        self.tell_soon();
        self.want();
        Ok(self.flow_now())
    }

    fn flow_now(&self) -> Flow {
        if self.flow.get().is_paused() {
            Flow::Paused
        } else {
            Flow::Open
        }
    }

    /// Sends what waits, as long as there is room, up to a bound.
    pub(super) fn flush(&self) {
        for _ in 0..SENT_MAX {
            let sent = match self.queue.borrow().front() {
                None => break,
                Some((data, to)) => self.send_now(data, to),
            };
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.filled();
                    break;
                }
                Ok(()) => {
                    self.queue.borrow_mut().pop_front();
                    self.retry_soon();
                }
                Err(error) => {
                    // As in asyncio, the others are for the next time.
                    self.queue.borrow_mut().pop_front();
                    self.note_error(error);
                    break;
                }
            }
        }
        let mut flow = self.flow.get();
        flow.shrunk(self.queue.borrow().size());
        self.flow.set(flow);
        self.tell();
        if self.has_unsent() {
            if self.ready.get().writable {
                self.schedule();
            }
        } else if self.change(Life::written) == Next::Lost {
            self.lose();
        }
    }

    fn send_now(&self, data: &[u8], to: Option<&SockAddr>) -> io::Result<()> {
        let sent = self.with_socket(|socket| sys::send(socket.get_ref(), data, to));
        sent.unwrap_or_else(|| Err(io::ErrorKind::NotConnected.into()))
    }

    /// There is no room, until there is an event, or until it is time to try again.
    fn filled(&self) {
        let mut known = self.ready.get();
        known.writable = false;
        self.ready.set(known);
        self.retry_later();
    }
}
