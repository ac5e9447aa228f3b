//! Sending: at once, or from the queue when there is room.

use std::io;

use asyncio_loop::socket::SockAddr;

use super::super::batch::may_send_alone;
use super::super::sys;
use super::SocketTransport;
use crate::Flow;
use crate::life::{Life, Next};

/// How many datagrams of the queue are sent in one turn, for the sake of the others.
const SENT_MAX: usize = 64;

/// How much is gathered before it is sent: less than the default high-water mark, so that gathering
/// pauses nobody, and as much as is sent at once.
const GATHERED_BYTES_MAX: usize = 60 * 1024;

impl SocketTransport {
    pub(super) fn send(&self, data: &[u8], address: Option<&SockAddr>) -> io::Result<Flow> {
        let to = self.peer.target(address)?;
        if self.life.get().is_closing() {
            return Ok(Flow::Closed);
        }
        if self.gathering.get() {
            if self.queue.borrow().size() + data.len() > GATHERED_BYTES_MAX {
                self.flush();
            }
        } else if !self.has_unsent() {
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
        self.flow.grown(self.queue.borrow().size());
        self.tell_soon();
        self.want();
        Ok(self.flow_now())
    }

    fn flow_now(&self) -> Flow {
        if self.flow.is_paused() {
            Flow::Paused
        } else {
            Flow::Open
        }
    }

    /// Sends what waits, as long as there is room, up to a bound.
    pub(super) fn flush(&self) {
        // How many are not to be sent together.
        let mut alone = 0_usize;
        let mut full = false;
        for _ in 0..SENT_MAX {
            let Some((count, sent)) = self.send_next(alone > 0) else {
                break;
            };
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.filled();
                    full = true;
                    break;
                }
                Ok(()) => {
                    let mut queue = self.queue.borrow_mut();
                    (0..count).for_each(|_| queue.pop_front());
                    alone = alone.saturating_sub(count);
                    self.retry_soon();
                }
                Err(error) if count > 1 && may_send_alone(&error) => alone = count,
                Err(error) => {
                    // As in asyncio, the others are for the next time.
                    self.queue.borrow_mut().pop_front();
                    self.note_error(error);
                    break;
                }
            }
        }
        self.flow.shrunk(self.queue.borrow().size());
        self.tell();
        if self.has_unsent() {
            if !full {
                // No event tells of room that there is.
                let mut known = self.ready.get();
                known.writable = true;
                self.ready.set(known);
                self.schedule();
            }
        } else if self.change(Life::written) == Next::Lost {
            self.lose();
        }
    }

    /// Sends the next datagram of the queue, or several at once; says how many. `None`: there is
    /// none.
    fn send_next(&self, alone: bool) -> Option<(usize, io::Result<()>)> {
        let queue = self.queue.borrow();
        let (data, to) = queue.front()?;
        if let (Some(batching), false) = (&self.batching, alone)
            && let Some(run) = queue.run(batching.segments_max())
            && let Some(to) = self.peer.address(run.to).and_then(SockAddr::as_socket)
        {
            let sent = self
                .with_socket(|socket| batching.send(socket.get_ref(), run.data, run.segment, to));
            return Some((run.count, sent.unwrap_or_else(gone)));
        }
        Some((1, self.send_now(data, to)))
    }

    /// Has what is sent meanwhile sent together, when `receive` is over.
    pub(super) fn gather(&self, receive: impl FnOnce()) {
        // Where something waits for room already, all do.
        self.gathering.set(!self.has_unsent());
        receive();
        if self.gathering.take() && self.has_unsent() {
            self.flush();
        }
    }

    fn send_now(&self, data: &[u8], to: Option<&SockAddr>) -> io::Result<()> {
        let sent = self.with_socket(|socket| sys::send(socket.get_ref(), data, to));
        sent.unwrap_or_else(gone)
    }

    /// There is no room, until there is an event, or until it is time to try again.
    fn filled(&self) {
        let mut known = self.ready.get();
        known.writable = false;
        self.ready.set(known);
        self.gathering.set(false);
        self.retry_later();
    }
}

/// The socket is closed.
fn gone() -> io::Result<()> {
    Err(io::ErrorKind::NotConnected.into())
}
