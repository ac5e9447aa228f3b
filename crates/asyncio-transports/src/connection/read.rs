//! Reading: one read a turn, into the buffer that the protocol names.

use std::io;

use super::file::Claim;
use super::{Connection, Pull};
use crate::io::{Io, Received};
use crate::life::Life;
use crate::{AfterEof, ReadInto};

/// What became of one read.
enum Outcome {
    Received(Received),
    /// The protocol reads by itself.
    Later,
    /// It has given an empty buffer.
    NoRoom,
    Failed(io::Error),
}

impl From<io::Result<Received>> for Outcome {
    fn from(read: io::Result<Received>) -> Self {
        match read {
            Ok(received) => Self::Received(received),
            Err(error) => Self::Failed(error),
        }
    }
}

impl<I: Io> Connection<I> {
    /// Reads once, and gives what came to the protocol.
    pub(super) fn read(&self) {
        let outcome = self.call(|protocol, method| {
            method.set("get_buffer");
            match protocol.get_buffer(None) {
                ReadInto::Later => Outcome::Later,
                ReadInto::Own([]) => Outcome::NoRoom,
                ReadInto::Own(buffer) => {
                    let read = self.receive(buffer);
                    if let Ok(Received {
                        count: count @ 1.., ..
                    }) = read
                    {
                        method.set("buffer_updated");
                        protocol.buffer_updated(count);
                    }
                    read.into()
                }
                ReadInto::Shared => self.event_loop.with_read_buffer(|buffer| {
                    let read = self.receive(buffer);
                    if let Ok(Received {
                        count: count @ 1.., ..
                    }) = read
                    {
                        method.set("data_received");
                        protocol.data_received(&buffer[..count]);
                    }
                    read.into()
                }),
            }
        });
        if !matches!(outcome, Some(Outcome::Later)) {
            self.flag(|flags| flags.pull = Pull::No);
        }
        match outcome {
            Some(Outcome::Later) if self.ready.get().broken => self.broken_unread(),
            Some(Outcome::Later) => self.flag(|flags| flags.pull = Pull::Asked),
            // What went wrong in a call is reported.
            None => {}
            Some(Outcome::NoRoom) => {
                let error = io::Error::other("get_buffer() returned an empty buffer");
                self.fatal(error, "Fatal error: protocol.get_buffer() call failed.");
            }
            Some(Outcome::Failed(error)) => self.read_failed(error),
            Some(Outcome::Received(Received { count: 0, .. })) => self.eof(),
            Some(Outcome::Received(_)) => {
                // More is there: in the next turn, so that others have theirs.
                let more = self.ready.get().readable && self.life.get().reads();
                if more {
                    self.schedule();
                }
            }
        }
    }

    /// Something has come for a protocol that reads by itself. If that is all, whoever waits for it
    /// is woken, without a run of the connection and a turn for it. Returns whether no entry is to be
    /// made.
    pub(super) fn wake_reader(&self) -> bool {
        let flags = self.flags.get();
        let is_plain = flags.pull == Pull::Asked
            && flags.claim == Claim::None
            && self.life.get().reads()
            && !self.has_unwritten();
        if !is_plain {
            return false;
        }
        let Some(Some(ready)) = self.with_io(I::begin_to_read) else {
            return false;
        };
        self.know(ready);
        // First: a waker is foreign code.
        self.want_after_input();
        if !self.call_wake_reader() {
            self.schedule();
        }
        true
    }

    /// Reads, and notes what that says of the stream. Before the protocol is called: what it reads
    /// by itself is noted after.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let read = self
            .with_io(|io| io.read(buffer))
            .unwrap_or_else(|| Err(io::ErrorKind::NotConnected.into()));
        match &read {
            Ok(received) => {
                let ready = self.ready.get();
                // The end stays in sight, and no further event announces it.
                if received.drained && !ready.read_closed && !ready.broken {
                    self.drained();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.drained(),
        }
        read
    }

    fn read_failed(&self, error: io::Error) {
        match error.kind() {
            io::ErrorKind::WouldBlock => {}
            io::ErrorKind::Interrupted => {
                self.schedule();
            }
            _ => self.fatal(error, "Fatal read error on transport"),
        }
    }

    /// The peer has ended its side.
    pub(super) fn eof(&self) {
        self.drained();
        self.change(Life::end_input);
        let after = self.call(|protocol, method| {
            method.set("eof_received");
            protocol.eof_received()
        });
        if after == Some(AfterEof::Close) || !I::HALF_CLOSES {
            self.close_in_order();
        }
    }

    /// The stream is broken, and the protocol reads by itself. It was just asked to, and has until
    /// the next turn for what came before the break: who waits for an answer gets it, though a reset
    /// is behind it.
    fn broken_unread(&self) {
        if self.flags.get().pull == Pull::LastAsked {
            self.broken();
        } else {
            self.flag(|flags| flags.pull = Pull::LastAsked);
            self.schedule();
        }
    }

    /// The stream is broken, and nobody will find out by reading.
    pub(super) fn broken(&self) {
        let mut ready = self.ready.get();
        ready.broken = false;
        self.ready.set(ready);
        if !I::HALF_CLOSES && !self.has_unwritten() {
            // asyncio: the reader of a pipe is gone, and has missed nothing.
            self.break_off(None);
            return;
        }
        let error = self.with_io(I::take_error).flatten();
        let error = error.unwrap_or_else(|| io::ErrorKind::BrokenPipe.into());
        self.fatal(error, "Fatal error on transport");
    }

    /// Reads for a protocol that does it by itself.
    pub(super) fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        loop {
            if !self.life.get().has_input() {
                return Err(io::ErrorKind::NotConnected.into());
            }
            if !self.ready.get().readable {
                if let Some(ready) = self.with_io(I::take_readiness) {
                    self.know(ready);
                }
                if !self.ready.get().readable {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
            }
            let read = self.receive(buffer);
            match read {
                Ok(Received { count: 0, .. }) => {
                    self.change(Life::end_input_later);
                    self.schedule();
                    return Ok(0);
                }
                Ok(Received { count, .. }) => {
                    self.want_after_input();
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.want_after_input();
                    return Err(error);
                }
                Err(error) => {
                    let copy = copy_of(&error);
                    self.fatal(error, "Fatal read error on transport");
                    return Err(copy);
                }
            }
        }
    }
}

/// An error for two: `connection_lost` is told, and somebody who waits.
pub(crate) fn copy_of(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}
