//! How the fallback hears of back-pressure over a transport of another crate, a layer's for
//! instance: its protocol is exchanged for one that listens, and put back.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::task::{Poll, Waker};

use asyncio_executor::ErrorContext;
use asyncio_loop::LoopRef;

use super::blocks::Outlet;
use super::span::Progress;
use super::{busy, closed};
use crate::connection::copy_of;
use crate::{AfterEof, Flow, Protocol, ReadInto, Transport};

thread_local! {
    /// The transports whose protocol is exchanged: one that is exchanged twice would get back the
    /// wrong one. They are compared by their addresses, and never looked at.
    ///
    /// Without a destructor, so that a file may also be on its way while the thread's locals are
    /// destroyed; the last [`Swapped`] to be dropped frees its memory.
    static EXCHANGED: RefCell<ManuallyDrop<Vec<*const ()>>> =
        const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// What the relay has been told.
#[derive(Default)]
struct Told {
    paused: Cell<bool>,
    /// The connection is over, and this is why.
    lost: Cell<Option<io::Error>>,
    waiting: Cell<Option<Waker>>,
}

impl Told {
    fn wake(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

/// The protocol that is called meanwhile. What is not about writing goes on to the other.
struct Relay {
    original: Rc<RefCell<dyn Protocol>>,
    told: Rc<Told>,
}

impl Protocol for Relay {
    fn data_received(&mut self, data: &[u8]) {
        self.original.borrow_mut().data_received(data);
    }

    fn eof_received(&mut self) -> AfterEof {
        self.original.borrow_mut().eof_received()
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        let lost = error.as_ref().map_or_else(closed, copy_of);
        self.told.lost.set(Some(lost));
        self.told.wake();
        self.original.borrow_mut().connection_lost(error);
    }

    fn pause_writing(&mut self) {
        self.told.paused.set(true);
    }

    fn resume_writing(&mut self) {
        self.told.paused.set(false);
        self.told.wake();
    }

    /// Reading is paused: whatever it is can wait.
    fn get_buffer(&mut self, _: Option<usize>) -> ReadInto<'_> {
        ReadInto::Later
    }
}

/// A transport with a [`Relay`] in its protocol's place, until this is dropped.
pub(super) struct Swapped<'a> {
    event_loop: LoopRef,
    transport: &'a dyn Transport,
    original: Rc<RefCell<dyn Protocol>>,
    relay: Rc<RefCell<dyn Protocol>>,
    told: Rc<Told>,
    /// What the original protocol was told last.
    was_paused: bool,
}

impl<'a> Swapped<'a> {
    pub(super) fn new(event_loop: &LoopRef, transport: &'a dyn Transport) -> io::Result<Self> {
        let original = transport.get_protocol().ok_or_else(closed)?;
        // An empty write says how things stand.
        let was_paused = transport.write(&[]) == Flow::Paused;
        let address = address_of(transport);
        let is_new = EXCHANGED.with_borrow_mut(|exchanged| {
            let is_new = !exchanged.contains(&address);
            exchanged.extend(is_new.then_some(address));
            is_new
        });
        if !is_new {
            return Err(busy());
        }
        let told = Rc::new(Told::default());
        told.paused.set(was_paused);
        let relay = Rc::new(RefCell::new(Relay {
            original: Rc::clone(&original),
            told: Rc::clone(&told),
        }));
        let swapped = Self {
            event_loop: event_loop.clone(),
            transport,
            original,
            relay,
            told,
            was_paused,
        };
        transport.set_protocol(Rc::clone(&swapped.relay));
        Ok(swapped)
    }

    fn check(&self) -> io::Result<()> {
        if let Some(lost) = self.told.lost.take() {
            self.told.lost.set(Some(copy_of(&lost)));
            return Err(lost);
        }
        if self.transport.is_closing() {
            return Err(closed());
        }
        Ok(())
    }

    /// Tells the original protocol what has changed, so that its calls go on alternating.
    fn tell(&self) {
        let paused = self.told.paused.get();
        if paused == self.was_paused || self.check().is_err() {
            return;
        }
        let Ok(mut protocol) = self.original.try_borrow_mut() else {
            let what = "the protocol is borrowed, and cannot be called: a borrow must not be held across an await";
            let context = ErrorContext::new("Fatal error on transport").caused_by(&what);
            self.event_loop.call_exception_handler(&context);
            self.transport.abort();
            return;
        };
        let mut has_returned = false;
        self.event_loop.spawner().catch_panic(
            "Fatal error: the protocol's flow control call failed.",
            || {
                if paused {
                    protocol.pause_writing();
                } else {
                    protocol.resume_writing();
                }
                has_returned = true;
            },
        );
        if !has_returned {
            self.transport.abort();
        }
    }
}

impl Outlet for Swapped<'_> {
    const BLOCK: usize = 16 * 1024;

    async fn write(&self, data: &[u8], progress: &mut Progress<'_>) -> io::Result<()> {
        poll_fn(|cx| {
            self.check()?;
            if self.told.paused.get() {
                self.told.waiting.set(Some(cx.waker().clone()));
                return Poll::Pending;
            }
            Poll::Ready(io::Result::Ok(()))
        })
        .await?;
        match self.transport.write(data) {
            Flow::Open | Flow::Paused => {
                progress.advance(data.len());
                Ok(())
            }
            Flow::Busy => Err(busy()),
            Flow::Closed => Err(self.check().err().unwrap_or_else(closed)),
        }
    }
}

impl Drop for Swapped<'_> {
    fn drop(&mut self) {
        let address = address_of(self.transport);
        EXCHANGED.with_borrow_mut(|exchanged| {
            exchanged.retain(|it| *it != address);
            exchanged.shrink_to_fit();
        });
        let current = self.transport.get_protocol();
        // Unless somebody has set another one meanwhile, or the connection is over.
        if current.is_some_and(|current| Rc::ptr_eq(&current, &self.relay)) {
            self.transport.set_protocol(Rc::clone(&self.original));
            self.tell();
        }
    }
}

fn address_of(transport: &dyn Transport) -> *const () {
    std::ptr::from_ref(transport).cast()
}
