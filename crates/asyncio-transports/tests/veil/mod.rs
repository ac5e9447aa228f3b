//! A layer for tests, with what makes TLS hard to put in between: a handshake that takes time, may
//! fail, and checks names; bytes that are not those on the wire; and a last word.
//!
//! On the wire: each side says a name and a line feed; then every byte is `0x55` off; a byte of
//! `LAST` is the end.

#![allow(dead_code, unreachable_pub)] // each test file uses a part of it

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, IoSlice};
use std::rc::{Rc, Weak};
use std::time::Duration;

use asyncio_loop::{TimerHandle, get_running_loop};
use asyncio_transports::{
    AfterEof, BaseTransport, Chunk, Flow, InvalidLimits, Layer, Layered, Opened, Opening, Protocol,
    Query, ReadTransport, Role, Transport, WriteLimits, WriteTransport,
};

const MASK: u8 = 0x55;
/// The end, masked: so it cannot be sent.
const LAST: u8 = 0xff;

/// The layer: what it says it is called.
#[derive(Debug)]
pub struct Veil {
    pub name: &'static str,
    /// The timeouts that it was told, of all its connections.
    pub told: Rc<RefCell<Vec<(Duration, Duration)>>>,
}

impl Veil {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            told: Rc::default(),
        }
    }
}

/// What the layer knows of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCalledItself(pub String);

impl Layer for Veil {
    fn layer(&self, opening: Opening) -> io::Result<Layered> {
        let timeouts = (opening.handshake_timeout, opening.shutdown_timeout);
        self.told.borrow_mut().push(timeouts);
        let wanted = match opening.role {
            Role::Client { server_hostname } if server_hostname == "nonsense" => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "no such name"));
            }
            Role::Client { server_hostname } if server_hostname.is_empty() => None,
            Role::Client { server_hostname } => Some(server_hostname),
            _ => None,
        };
        let veiled = Rc::new_cyclic(|this| Veiled {
            this: this.clone(),
            name: self.name,
            wanted,
            raw: RefCell::default(),
            protocol: RefCell::new(Some(opening.protocol)),
            opened: Cell::new(Some(opening.opened)),
            peer: RefCell::default(),
            is_open: Cell::new(false),
            is_closing: Cell::new(false),
            timer: Cell::default(),
        });
        let handshake = Rc::downgrade(&veiled);
        let timer = get_running_loop().call_later(opening.handshake_timeout, move || {
            if let Some(veiled) = handshake.upgrade() {
                veiled.fail(io::ErrorKind::TimedOut.into());
            }
        });
        veiled.timer.set(Some(timer));
        let below = Rc::new(RefCell::new(Below(veiled.clone())));
        Ok(Layered::new(below, veiled))
    }
}

/// One connection's layer: the face above.
pub struct Veiled {
    this: Weak<Veiled>,
    name: &'static str,
    wanted: Option<String>,
    raw: RefCell<Option<Rc<dyn Transport>>>,
    protocol: RefCell<Option<Rc<RefCell<dyn Protocol>>>>,
    opened: Cell<Option<Opened>>,
    peer: RefCell<Vec<u8>>,
    is_open: Cell<bool>,
    is_closing: Cell<bool>,
    timer: Cell<Option<TimerHandle>>,
}

impl Veiled {
    fn raw(&self) -> Option<Rc<dyn Transport>> {
        self.raw.borrow().clone()
    }

    fn tell(&self, outcome: io::Result<()>) {
        if let Some(timer) = self.timer.take() {
            timer.cancel();
        }
        if let Some(opened) = self.opened.take() {
            opened.tell(outcome);
        }
    }

    fn fail(&self, error: io::Error) {
        self.tell(Err(error));
        self.abort();
    }

    /// Reads the peer's name; returns what comes after it, once it is there.
    fn shake_hands<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        if self.is_open.get() {
            return Some(data);
        }
        let end = data.iter().position(|byte| *byte == b'\n');
        let (name, rest) = data.split_at(end.unwrap_or(data.len()));
        self.peer.borrow_mut().extend_from_slice(name);
        let rest = rest.get(1..)?;
        let peer = String::from_utf8_lossy(&self.peer.borrow()).into_owned();
        if self.wanted.as_ref().is_some_and(|wanted| *wanted != peer) {
            let message = format!("it is called {peer}");
            self.fail(io::Error::new(io::ErrorKind::InvalidData, message));
            return None;
        }
        self.is_open.set(true);
        if let (Some(this), Some(protocol)) = (self.this.upgrade(), self.get_protocol()) {
            protocol.borrow_mut().connection_made(this);
        }
        self.tell(Ok(()));
        Some(rest)
    }

    fn receive(&self, data: &[u8]) {
        let Some(data) = self.shake_hands(data) else {
            return;
        };
        let end = data.iter().position(|byte| *byte == LAST);
        let clear: Vec<_> = data[..end.unwrap_or(data.len())]
            .iter()
            .map(|byte| byte ^ MASK)
            .collect();
        if let Some(protocol) = self.get_protocol()
            && !clear.is_empty()
        {
            protocol.borrow_mut().data_received(&clear);
        }
        if end.is_some() {
            self.close();
        }
    }
}

/// The face below.
struct Below(Rc<Veiled>);

impl Protocol for Below {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        let hello = format!("{}\n", self.0.name);
        if self.0.is_closing() {
            return transport.abort();
        }
        *self.0.raw.borrow_mut() = Some(transport.clone());
        let _ = transport.write(hello.as_bytes());
    }

    fn data_received(&mut self, data: &[u8]) {
        self.0.receive(data);
    }

    fn eof_received(&mut self) -> AfterEof {
        self.0.tell(Err(io::ErrorKind::UnexpectedEof.into()));
        AfterEof::Close
    }

    fn pause_writing(&mut self) {
        if let Some(protocol) = self.0.get_protocol() {
            protocol.borrow_mut().pause_writing();
        }
    }

    fn resume_writing(&mut self) {
        if let Some(protocol) = self.0.get_protocol() {
            protocol.borrow_mut().resume_writing();
        }
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.0.raw.take();
        self.0.is_closing.set(true);
        let kind = error.as_ref().map(io::Error::kind);
        self.0
            .tell(Err(kind.unwrap_or(io::ErrorKind::ConnectionAborted).into()));
        if let Some(protocol) = self.0.protocol.take()
            && self.0.is_open.get()
        {
            protocol.borrow_mut().connection_lost(error);
        }
    }
}

impl Drop for Below {
    fn drop(&mut self) {
        drop(self.0.protocol.take());
    }
}

impl fmt::Debug for Veiled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Veiled")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl BaseTransport for Veiled {
    fn answer(&self, query: &mut Query<'_>) {
        query.offer(|| {
            let peer = self.peer.borrow();
            Some(PeerCalledItself(
                String::from_utf8_lossy(&peer).into_owned(),
            ))
        });
        if let Some(raw) = self.raw() {
            raw.answer(query);
        }
    }

    fn is_closing(&self) -> bool {
        self.is_closing.get()
    }

    fn close(&self) {
        if !self.is_closing.replace(true)
            && let Some(raw) = self.raw()
        {
            if self.is_open.get() {
                let _ = raw.write(&[LAST]);
            }
            raw.close();
        }
    }

    fn abort(&self) {
        self.is_closing.set(true);
        if let Some(raw) = self.raw() {
            raw.abort();
        }
    }
}

impl ReadTransport for Veiled {
    fn is_reading(&self) -> bool {
        self.raw().is_some_and(|raw| raw.is_reading())
    }

    fn pause_reading(&self) {
        if let Some(raw) = self.raw() {
            raw.pause_reading();
        }
    }

    fn resume_reading(&self) {
        if let Some(raw) = self.raw() {
            raw.resume_reading();
        }
    }
}

impl WriteTransport for Veiled {
    fn write_with(&self, data: &[IoSlice<'_>], _: &mut dyn FnMut(usize) -> Chunk) -> Flow {
        let Some(raw) = self.raw().filter(|_| !self.is_closing.get()) else {
            return Flow::Closed;
        };
        let bytes = data.iter().flat_map(|part| part.iter());
        raw.write_owned(bytes.map(|byte| byte ^ MASK).collect())
    }

    fn write_eof(&self) {}

    fn can_write_eof(&self) -> bool {
        false
    }

    fn set_write_buffer_limits(
        &self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), InvalidLimits> {
        match self.raw() {
            Some(raw) => raw.set_write_buffer_limits(high, low),
            None => WriteLimits::new(high, low).map(drop),
        }
    }

    fn get_write_buffer_limits(&self) -> WriteLimits {
        let raw = self.raw();
        raw.map_or(WriteLimits::DEFAULT, |raw| raw.get_write_buffer_limits())
    }

    fn get_write_buffer_size(&self) -> usize {
        self.raw().map_or(0, |raw| raw.get_write_buffer_size())
    }
}

impl Transport for Veiled {
    fn set_protocol(&self, protocol: Rc<RefCell<dyn Protocol>>) {
        *self.protocol.borrow_mut() = Some(protocol);
    }

    fn get_protocol(&self) -> Option<Rc<RefCell<dyn Protocol>>> {
        self.protocol.borrow().clone()
    }

    fn try_read(&self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
