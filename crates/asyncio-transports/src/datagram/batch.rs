//! Many datagrams in one system call: `recvmmsg` and the kernel's offloads (GRO, GSO), through
//! quinn-udp.
//!
//! Facts: quinn-udp does not report truncation where it receives several at once, and one slot may
//! be filled with datagrams of one sender up to 64 KiB (GRO). So each slot has 64 KiB, and nothing is
//! ever truncated. They are 2 MiB for 32 slots, of which the pages are used that something was
//! received into: all endpoints of a thread share them.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::rc::{Rc, Weak};

use asyncio_loop::socket::Socket;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use crate::misuse::misuse;

/// What a slot has to hold: the largest datagram, or what the kernel puts together.
const SLOT_BYTES: usize = 64 * 1024;

/// What one socket is capable of.
pub(super) struct Batching {
    state: UdpSocketState,
    slots: Rc<Slots>,
}

/// Memory that is taken out while it is in use.
#[derive(Default)]
struct Slots(Cell<Option<Box<[u8]>>>);

thread_local! {
    /// Alive as long as an endpoint of the thread is.
    static SHARED: RefCell<Weak<Slots>> = const { RefCell::new(Weak::new()) };
}

fn shared_slots() -> Rc<Slots> {
    let shared = SHARED.try_with(|shared| {
        let mut shared = shared.borrow_mut();
        shared.upgrade().unwrap_or_else(|| {
            let slots = Rc::default();
            *shared = Rc::downgrade(&slots);
            slots
        })
    });
    // A thread that ends makes its own.
    shared.unwrap_or_default()
}

impl Batching {
    /// # Errors
    /// `InvalidInput` for a socket that is not one of UDP; what the kernel reports.
    pub(super) fn new(socket: &Socket) -> io::Result<Self> {
        if socket.local_addr()?.as_socket().is_none() {
            return Err(misuse("batches are for UDP"));
        }
        Ok(Self {
            state: UdpSocketState::new(UdpSockRef::from(socket))?,
            slots: shared_slots(),
        })
    }

    /// Receives what is there, up to a bound.
    ///
    /// # Errors
    /// What the kernel reports; `WouldBlock` when there is nothing.
    pub(super) fn receive(&self, socket: &Socket) -> io::Result<Batch> {
        let slots = self.slots.0.take();
        let mut batch = Batch {
            slots: slots.unwrap_or_else(|| vec![0; SLOT_BYTES * BATCH_SIZE].into()),
            home: Rc::clone(&self.slots),
            metas: [RecvMeta::default(); BATCH_SIZE],
            count: 0,
        };
        let mut slots = batch.slots.chunks_exact_mut(SLOT_BYTES);
        let mut buffers: [_; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(slots.next().unwrap_or_default()));
        let sock = UdpSockRef::from(socket);
        batch.count = self.state.recv(sock, &mut buffers, &mut batch.metas)?;
        Ok(batch)
    }

    /// How many datagrams may be sent at a time: 1 where the system, or the network's hardware, can
    /// do no more.
    pub(super) fn segments_max(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Sends `data` as datagrams of `segment` bytes each, the last of which may be shorter.
    ///
    /// # Errors
    /// What the kernel reports. None of them was sent then.
    pub(super) fn send(
        &self,
        socket: &Socket,
        data: &[u8],
        segment: usize,
        to: SocketAddr,
    ) -> io::Result<()> {
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents: data,
            segment_size: Some(segment),
            src_ip: None,
        };
        self.state.try_send(UdpSockRef::from(socket), &transmit)
    }
}

/// What was received by one system call.
pub(super) struct Batch {
    slots: Box<[u8]>,
    home: Rc<Slots>,
    metas: [RecvMeta; BATCH_SIZE],
    count: usize,
}

impl Batch {
    /// Whether nothing was left.
    pub(super) fn is_all(&self) -> bool {
        self.count < BATCH_SIZE
    }

    /// The datagrams, in order.
    pub(super) fn datagrams(&self) -> impl Iterator<Item = (&[u8], SocketAddr)> {
        let slots = self.slots.chunks_exact(SLOT_BYTES);
        let filled = self.metas[..self.count].iter().zip(slots);
        filled.flat_map(|(meta, slot)| {
            // An empty datagram is one, too.
            let empty: Option<&[u8]> = (meta.len == 0).then_some(&[]);
            let others = slot[..meta.len].chunks(meta.stride.max(1));
            empty
                .into_iter()
                .chain(others)
                .map(|data| (data, meta.addr))
        })
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.home.0.set(Some(std::mem::take(&mut self.slots)));
    }
}

/// Whether sending several at a time is what failed, and one by one may do.
pub(super) fn may_send_alone(error: &io::Error) -> bool {
    // An EIO says that the hardware cannot do it; it has no kind.
    error.kind() == io::ErrorKind::InvalidInput
        || quinn_udp::is_msg_size_err(error)
        || super::sys::is_input_output_error(error)
}

impl fmt::Debug for Batching {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(formatter)
    }
}
