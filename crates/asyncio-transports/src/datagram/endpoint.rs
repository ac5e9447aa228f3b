//! Receiving and sending by `await`.
//!
//! Facts: the kernel keeps a queue of datagrams for each socket, in both directions, bounded in
//! bytes with its own bookkeeping counted, so empty ones count too; what does not fit into the queue
//! that comes in is dropped, which is UDP's way.
//! Decision: there is no queue here (but for the rest of a batch, with the feature `udp-batch`). A
//! datagram goes from the kernel into the caller's buffer and from the caller's buffer into the
//! kernel, in one system call that is tried first and waited for only when it would block. So errors
//! reach the caller whose datagram it was, and a cancelled call has lost nothing.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;

use asyncio_executor::yield_now;
use asyncio_loop::socket::{Received, SockAddr, Socket, recv_from};
use asyncio_loop::{Address, LoopRef, sleep};
use asyncio_reactor::{AsSource, Async};
use asyncio_sync::Notify;

use super::batch::Batching;
#[cfg(feature = "udp-batch")]
use super::batch::may_send_alone;
use super::opening::{Opened, Peer};
#[cfg(feature = "udp-batch")]
use super::queue::segments_together;
use super::queue::{DatagramQueue, QueueLimits};
use super::sys;
#[cfg(feature = "udp-batch")]
use crate::misuse::misuse;

/// How often an endpoint is used without waiting before it lets others run: one that is sent to
/// faster than it receives would keep the loop for itself. At about 1 µs each, the others wait for
/// some 50 µs, as for a busy loop's poll.
const STREAK_MAX: u8 = 64;

/// A datagram socket whose datagrams are received and sent by `await`: made by
/// [`open_datagram_endpoint`](crate::open_datagram_endpoint).
///
/// All methods take `&self`: several tasks may receive and send, each datagram goes to one of them.
/// Dropping it closes the socket; datagrams that were sent are sent.
///
/// What comes while nobody receives waits in the kernel, up to the socket's receive buffer
/// (`SO_RCVBUF`: [`get_ref`](Self::get_ref) can set it); more than that is dropped. Sending waits
/// while the kernel has no room, so there is nothing that grows.
///
/// After 64 operations that did not have to wait, one lets the other tasks of the loop run for a
/// turn.
pub struct DatagramEndpoint {
    sock: Async<Socket>,
    peer: Peer,
    /// Whether an event tells that there is room again.
    tells_of_room: bool,
    /// For many datagrams at a time.
    batching: Option<Batching>,
    /// What was received by one system call, and not asked for yet.
    kept: RefCell<DatagramQueue>,
    /// Wakes one who waits when something is kept.
    kept_some: Notify,
    streak: Cell<u8>,
}

impl DatagramEndpoint {
    pub(super) fn new(event_loop: &LoopRef, opened: Opened) -> io::Result<Self> {
        let Opened {
            socket,
            peer,
            batching,
        } = opened;
        let connected = matches!(peer, Peer::Connected(_));
        Ok(Self {
            tells_of_room: sys::tells_of_room(&socket, connected),
            sock: event_loop.register(socket)?,
            peer,
            batching,
            kept: RefCell::new(DatagramQueue::new(QueueLimits::NONE)),
            kept_some: Notify::new(),
            streak: Cell::new(0),
        })
    }

    /// Receives a datagram into `buffer`. Of one that is longer the rest is lost, and
    /// [`Received::truncated`] says so; 65,535 bytes are enough for every UDP datagram.
    ///
    /// # Errors
    /// What the kernel reports. On a connected endpoint `ConnectionRefused` says that nobody listens
    /// at the other end (an ICMP message has come); the endpoint goes on.
    ///
    /// # Cancel safety
    /// Yes: a datagram is returned, or is still in the socket.
    #[doc(alias = "recv")]
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<Received> {
        self.let_others_run().await;
        let Some(batching) = &self.batching else {
            let receive = |sock: &Socket| recv_from(sock.as_source(), buffer);
            return self.sock.read_io(receive).await;
        };
        loop {
            match self.try_receive_kept(batching, buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            // Of what another call has received, no event tells.
            let mut event = pin!(self.sock.readable());
            let mut kept = pin!(self.kept_some.notified());
            poll_fn(|cx| match event.as_mut().poll(cx) {
                Poll::Pending => kept.as_mut().poll(cx).map(Ok),
                ready => ready,
            })
            .await?;
        }
    }

    /// Receives a datagram that is there already.
    ///
    /// # Errors
    /// As [`recv_from`](Self::recv_from); `WouldBlock` when there is none.
    pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<Received> {
        match &self.batching {
            None => self
                .sock
                .try_read_io(|sock| recv_from(sock.as_source(), buffer)),
            Some(batching) => self.try_receive_kept(batching, buffer),
        }
    }

    /// Sends a datagram to `address`, and waits while the kernel has no room.
    ///
    /// # Errors
    /// `InvalidInput` for an address that is not the endpoint's own, where it has one; what the
    /// kernel reports of this datagram, or of one before it on a connected endpoint
    /// (`ConnectionRefused`).
    ///
    /// # Panics
    /// When polled outside a running loop, to a Unix socket that has no room.
    ///
    /// # Cancel safety
    /// Yes: the datagram is sent when this returns, or not at all.
    pub async fn send_to(&self, data: &[u8], address: impl Into<SockAddr>) -> io::Result<()> {
        let address = address.into();
        self.send_where(data, self.peer.target(Some(&address))?)
            .await
    }

    /// Sends a datagram to the endpoint's own address, the remote one that it was opened with.
    ///
    /// # Errors
    /// As [`send_to`](Self::send_to); `InvalidInput` for an endpoint without such an address.
    ///
    /// # Panics
    /// As [`send_to`](Self::send_to).
    ///
    /// # Cancel safety
    /// Yes, as [`send_to`](Self::send_to).
    pub async fn send(&self, data: &[u8]) -> io::Result<()> {
        self.send_where(data, self.peer.target(None)?).await
    }

    /// Sends a datagram now. `None`: to the endpoint's own address.
    ///
    /// # Errors
    /// As [`send_to`](Self::send_to); `WouldBlock` when the kernel has no room.
    pub fn try_send_to(&self, data: &[u8], address: Option<&SockAddr>) -> io::Result<()> {
        let to = self.peer.target(address)?;
        self.sock.try_write_io(|sock| sys::send(sock, data, to))
    }

    /// Sends `data` as datagrams of `segment` bytes each, the last of which may be shorter; many by
    /// one system call. `None`: to the endpoint's own address.
    ///
    /// # Errors
    /// As [`send_to`](Self::send_to); some may have been sent. `InvalidInput` for a `segment` of 0,
    /// and for an endpoint that was not opened with
    /// [`batch`](crate::DatagramEndpointBuilder::batch).
    ///
    /// # Cancel safety
    /// No: some may have been sent, and how many is not known.
    #[cfg(feature = "udp-batch")]
    pub async fn send_segments(
        &self,
        data: &[u8],
        segment: usize,
        address: Option<&SockAddr>,
    ) -> io::Result<()> {
        let kernel = self.peer.target(address)?;
        let to = self.peer.address(address).and_then(SockAddr::as_socket);
        let (Some(batching), Some(to), 1..) = (&self.batching, to, segment) else {
            return Err(misuse(
                "segments are for endpoints that were opened with `batch`",
            ));
        };
        let mut rest = data;
        while !rest.is_empty() {
            self.let_others_run().await;
            let together = segments_together(segment, batching.segments_max());
            let (run, after) = rest.split_at(rest.len().min(segment * together));
            let sent = self
                .sock
                .write_io(|sock| batching.send(sock, run, segment, to))
                .await;
            match sent {
                Err(error) if run.len() > segment && may_send_alone(&error) => {
                    for one in run.chunks(segment) {
                        self.send_where(one, kernel).await?;
                    }
                }
                other => other?,
            }
            rest = after;
        }
        Ok(())
    }

    /// The address that the endpoint is bound to.
    ///
    /// # Errors
    /// What the kernel reports.
    pub fn local_addr(&self) -> io::Result<SockAddr> {
        self.get_ref().local_addr()
    }

    /// The address that it sends to, if it has one.
    #[must_use]
    pub fn peer_addr(&self) -> Option<&SockAddr> {
        match &self.peer {
            Peer::Any => None,
            Peer::Default(address) | Peer::Connected(address) => Some(address),
        }
    }

    /// The socket, for its options: sizes of buffers, multicast groups. Receive and send with the
    /// methods of the endpoint.
    #[must_use]
    pub fn get_ref(&self) -> &Socket {
        self.sock.get_ref()
    }

    /// Takes a datagram of the batch that was received last, or else receives another batch.
    fn try_receive_kept(&self, batching: &Batching, buffer: &mut [u8]) -> io::Result<Received> {
        let mut kept = self.kept.borrow_mut();
        if kept.is_empty() {
            let batch = self.sock.try_read_io(|sock| batching.receive(sock))?;
            for (data, from) in batch.datagrams() {
                // It has no limits.
                let _ = kept.push(data, Some(from.into()));
            }
        }
        let (data, from) = kept.front().ok_or(io::ErrorKind::WouldBlock)?;
        let len = data.len().min(buffer.len());
        buffer[..len].copy_from_slice(&data[..len]);
        let received = Received {
            len,
            truncated: data.len() > len,
            from: from.cloned(),
        };
        kept.pop_front();
        if !kept.is_empty() {
            self.kept_some.notify_one();
        }
        Ok(received)
    }

    async fn send_where(&self, data: &[u8], to: Option<&SockAddr>) -> io::Result<()> {
        self.let_others_run().await;
        if self.tells_of_room {
            return self.sock.write_io(|sock| sys::send(sock, data, to)).await;
        }
        let mut pause = sys::FIRST_PAUSE;
        loop {
            match sys::send(self.get_ref(), data, to) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(pause).await,
                other => return other,
            }
            pause = sys::longer(pause);
        }
    }

    async fn let_others_run(&self) {
        let streak = self.streak.get();
        if streak < STREAK_MAX {
            self.streak.set(streak + 1);
        } else {
            self.streak.set(0);
            yield_now().await;
        }
    }
}

impl fmt::Debug for DatagramEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = formatter.debug_struct("DatagramEndpoint");
        if let Ok(address) = self.local_addr() {
            fields.field("laddr", &Address::Socket(address));
        }
        if let Some(address) = self.peer_addr() {
            fields.field("raddr", &Address::Socket(address.clone()));
        }
        fields.finish_non_exhaustive()
    }
}
