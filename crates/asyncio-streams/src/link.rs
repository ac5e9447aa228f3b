//! What the reader, the writer and the protocol of one stream share.

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use asyncio_executor::yield_now;
use asyncio_loop::LoopRef;
use asyncio_sync::Event;
use asyncio_transports::Transport;

use crate::error::copy_of;
use crate::inbox::Inbox;

/// How many reads may succeed one after the other before the task lets others have their turn: a
/// peer that is faster than its reader would not let it wait otherwise, ever.
const READS_MAX: u8 = 16;

/// The state of one stream.
pub(crate) struct Link {
    pub(crate) event_loop: LoopRef,
    transport: Rc<dyn Transport>,
    /// How far a separator may be away. A fill takes no more than this at once.
    pub(crate) limit: usize,
    /// What a transport has delivered that does not know `ReadInto::Later`.
    fed: RefCell<Option<Box<Inbox>>>,
    /// Reading was paused because of that.
    reading_paused: Cell<bool>,
    /// How many reads have succeeded since one had to wait.
    reads: Cell<u8>,
    /// The peer has ended its side, and that was noticed.
    ended: Cell<bool>,
    writing_paused: Cell<bool>,
    lost: Cell<bool>,
    /// Why, if it was not in order.
    error: OnceCell<io::Error>,
    /// Pulsed when writing may go on, and when the connection is lost. Made for the first who waits.
    changed: OnceCell<Box<Event>>,
    reader: WakerSlot,
    writer: WakerSlot,
}

impl Link {
    pub(crate) fn new(event_loop: &LoopRef, transport: Rc<dyn Transport>, limit: usize) -> Self {
        Self {
            event_loop: event_loop.clone(),
            transport,
            limit,
            fed: RefCell::default(),
            reading_paused: Cell::default(),
            reads: Cell::default(),
            ended: Cell::default(),
            writing_paused: Cell::default(),
            lost: Cell::default(),
            error: OnceCell::new(),
            changed: OnceCell::new(),
            reader: WakerSlot::default(),
            writer: WakerSlot::default(),
        }
    }

    pub(crate) fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    /// Whether nothing more comes but what was fed.
    fn has_ended(&self) -> bool {
        self.ended.get() || self.lost.get()
    }

    /// Whether a read would give the end. Looks for it, without waiting.
    pub(crate) fn is_at_end(&self) -> bool {
        if !self.has_ended() && !self.has_fed() {
            let read = self.event_loop.with_read_buffer(|buffer| {
                let count = self.limit.min(buffer.len());
                let count = self.transport.try_read(&mut buffer[..count])?;
                self.keep(&buffer[..count]);
                io::Result::Ok(count)
            });
            if matches!(read, Ok(0)) {
                self.ended.set(true);
            }
        }
        self.has_ended() && !self.has_fed()
    }

    fn has_fed(&self) -> bool {
        self.fed.borrow().is_some()
    }

    /// Keeps bytes for the next read. Returns how many are kept.
    fn keep(&self, data: &[u8]) -> usize {
        if data.is_empty() {
            return 0;
        }
        let mut fed = self.fed.borrow_mut();
        let fed = fed.get_or_insert_default();
        fed.extend(data);
        fed.len()
    }

    /// Gives out what is kept. Returns how much that was.
    fn give(&self, buffer: &mut [u8]) -> usize {
        let mut place = self.fed.borrow_mut();
        let Some(fed) = &mut *place else { return 0 };
        let count = buffer.len().min(fed.len());
        buffer[..count].copy_from_slice(&fed.as_slice()[..count]);
        fed.consume(count);
        let left = fed.len();
        if left == 0 {
            *place = None;
        }
        drop(place);
        if left <= self.limit && self.reading_paused.replace(false) {
            self.transport.resume_reading();
        }
        count
    }

    /// What the connection was lost with, for everybody who asks.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.error.get().map(copy_of).map_or(Ok(()), Err)
    }

    /// Reads into `buffer`, which is not empty, without one between. 0 bytes are the end.
    pub(crate) fn poll_read(&self, cx: &Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        if self.has_fed() {
            return Poll::Ready(Ok(self.give(buffer)));
        }
        if self.has_ended() {
            return Poll::Ready(Ok(0));
        }
        if self.reads.get() == READS_MAX {
            self.reads.set(0);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.transport.try_read(buffer) {
            Ok(0) => {
                self.ended.set(true);
                Poll::Ready(Ok(0))
            }
            Ok(count) => {
                self.reads.set(self.reads.get() + 1);
                Poll::Ready(Ok(count))
            }
            // Closing: the loss follows, and with it the end.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected
                ) =>
            {
                self.reads.set(0);
                self.reader.keep(cx);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Reads at most `count` bytes, by way of the loop's buffer, behind what `inbox` holds.
    pub(crate) fn poll_fill(
        &self,
        cx: &Context<'_>,
        inbox: &mut Inbox,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        self.event_loop.with_read_buffer(|buffer| {
            let count = count.min(buffer.len());
            let read = ready!(self.poll_read(cx, &mut buffer[..count]))?;
            inbox.extend(&buffer[..read]);
            Poll::Ready(Ok(read))
        })
    }

    /// asyncio's `feed_data`, for a transport that delivers without being asked.
    pub(crate) fn feed(&self, data: &[u8]) {
        let is_much = self.keep(data) > self.limit.saturating_mul(2);
        if is_much && !self.reading_paused.replace(true) {
            self.transport.pause_reading();
        }
        self.reader.wake();
    }

    /// Something is there to be read.
    pub(crate) fn readable(&self) {
        self.reader.wake();
    }

    pub(crate) fn end(&self) {
        self.ended.set(true);
        self.reader.wake();
    }

    pub(crate) fn lose(&self, error: Option<io::Error>) {
        self.lost.set(true);
        if let Some(error) = error {
            let _ = self.error.set(error); // it is lost once only
        }
        self.reader.wake();
        self.writable();
    }

    pub(crate) fn pause_writing(&self) {
        self.writing_paused.set(true);
    }

    pub(crate) fn resume_writing(&self) {
        self.writing_paused.set(false);
        self.writable();
    }

    fn writable(&self) {
        if let Some(changed) = self.changed.get() {
            changed.set();
            changed.clear();
        }
        self.writer.wake();
    }

    async fn change(&self) {
        self.changed.get_or_init(Box::default).wait().await;
    }

    /// asyncio's `drain`.
    pub(crate) async fn drain(&self) -> io::Result<()> {
        self.check()?;
        if self.transport.is_closing() {
            // So that a loop of writes to a peer that is gone gets to know.
            yield_now().await;
        }
        if self.lost.get() {
            return Err(self.connection_lost());
        }
        if self.writing_paused.get() {
            self.change().await;
        }
        self.check()
    }

    /// Waits for the loss, and gives its error.
    pub(crate) async fn wait_closed(&self) -> io::Result<()> {
        while !self.lost.get() {
            self.change().await;
        }
        self.check()
    }

    /// The same as [`drain`](Self::drain), for one task.
    pub(crate) fn poll_drain(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        if self.lost.get() {
            return Poll::Ready(Err(self.connection_lost()));
        }
        if self.writing_paused.get() {
            self.writer.keep(cx);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn connection_lost(&self) -> io::Error {
        let in_order = || io::Error::new(io::ErrorKind::ConnectionReset, "connection lost");
        self.check().err().unwrap_or_else(in_order)
    }
}

/// The waker of the one task that waits.
#[derive(Default)]
struct WakerSlot(Cell<Option<Waker>>);

impl WakerSlot {
    fn keep(&self, cx: &Context<'_>) {
        let kept = self.0.take();
        let kept = match kept {
            Some(waker) if waker.will_wake(cx.waker()) => waker,
            // The old one is foreign code, and dropped with nothing borrowed.
            _ => cx.waker().clone(),
        };
        self.0.set(Some(kept));
    }

    fn wake(&self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}
