//! Writing: now what there is room for, and the rest when there is room again.

use std::io::{self, IoSlice};

use asyncio_executor::ErrorContext;

use super::Connection;
use crate::io::Io;
use crate::life::{Life, Next};
use crate::outbox::{COPY_MAX, SLICES_MAX};
use crate::{Chunk, Flow};

/// Writes that are refused without a word, after the connection broke: asyncio's
/// `LOG_THRESHOLD_FOR_CONNLOST_WRITES`.
const REFUSED_MAX: u8 = 5;

impl<I: Io> Connection<I> {
    pub(super) fn has_unwritten(&self) -> bool {
        // Whoever has it borrowed is writing from it.
        self.outbox
            .try_borrow()
            .map_or(true, |outbox| outbox.is_some())
    }

    /// How many bytes are to be written.
    pub(super) fn unwritten(&self) -> usize {
        match self.outbox.try_borrow() {
            Ok(outbox) => outbox.as_ref().map_or(0, |outbox| outbox.size()),
            Err(_) => 0,
        }
    }

    pub(super) fn write_slices(
        &self,
        data: &[IoSlice<'_>],
        rest: &mut dyn FnMut(usize) -> Chunk,
    ) -> Flow {
        if !self.life.get().has_output() {
            self.refuse();
            return Flow::Closed;
        }
        if self.is_claimed() {
            self.refuse_busy();
            return Flow::Busy;
        }
        self.write_now(data, rest)
    }

    /// Writes, on an output that is there.
    pub(super) fn write_now(
        &self,
        data: &[IoSlice<'_>],
        rest: &mut dyn FnMut(usize) -> Chunk,
    ) -> Flow {
        let size = data.iter().map(|slice| slice.len()).sum();
        let mut written = 0;
        if !self.has_unwritten() {
            match self.write_first(data, size) {
                Ok(count) => written = count,
                Err(error) => {
                    self.fatal(error, "Fatal write error on transport");
                    return Flow::Closed;
                }
            }
        }
        if written < size && !self.keep(data, written, size - written, rest) {
            return Flow::Closed;
        }
        self.flow_now()
    }

    /// Whether there may be more to write. After `write_eof` a file goes on.
    fn takes_output(&self) -> bool {
        self.life.get().has_output() || self.is_sending()
    }

    /// Writes, with nothing before it that is unwritten, as much as there is room for.
    fn write_first(&self, data: &[IoSlice<'_>], size: usize) -> io::Result<usize> {
        if size == 0 {
            return Ok(0);
        }
        let data = &data[..data.len().min(SLICES_MAX)];
        loop {
            let wrote = self.with_io(|io| io.write(data));
            match wrote.unwrap_or_else(|| Err(io::ErrorKind::NotConnected.into())) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                other => return other,
            }
        }
    }

    /// Keeps what is unwritten of `data`. False if there is nowhere to keep it.
    fn keep(
        &self,
        data: &[IoSlice<'_>],
        written: usize,
        left: usize,
        rest: &mut dyn FnMut(usize) -> Chunk,
    ) -> bool {
        let chunk = (left > COPY_MAX).then(|| {
            let chunk = rest(written);
            let size = (*chunk).as_ref().len();
            (chunk, size)
        });
        // It is foreign code, and may have closed us.
        if !self.takes_output() {
            return false;
        }
        let Ok(mut place) = self.outbox.try_borrow_mut() else {
            return false;
        };
        let was_empty = place.is_none();
        let outbox = place.get_or_insert_default();
        match chunk {
            Some((chunk, size)) => outbox.keep(chunk, size),
            None => outbox.copy(data, written),
        }
        let size = outbox.size();
        if size == 0 {
            *place = None;
        }
        drop(place);
        self.flow.grown(size);
        if was_empty {
            // A call that could not take all slices may have left room, and no event comes then.
            if written == 0 || data.len() <= SLICES_MAX {
                self.filled();
            } else {
                let mut ready = self.ready.get();
                ready.writable = true;
                self.ready.set(ready);
                self.schedule();
            }
            self.want();
        }
        true
    }

    /// Tells the protocol if it is to pause, and the caller.
    pub(super) fn flow_now(&self) -> Flow {
        self.tell_flow(false);
        if !self.takes_output() {
            Flow::Closed
        } else if self.flow.is_paused() {
            Flow::Paused
        } else {
            Flow::Open
        }
    }

    /// There is room: writes what was kept.
    pub(super) fn flush(&self) {
        // A chunk is foreign code.
        let mut wrote = None;
        self.event_loop
            .spawner()
            .catch_panic("panic in a chunk to be written", || {
                wrote = Some(self.write_kept());
            });
        let Some(wrote) = wrote else {
            return self.break_off(Some(io::Error::other("a chunk has panicked")));
        };
        match wrote {
            Ok((count, tried)) => {
                if count < tried {
                    self.filled();
                }
                self.wrote(count);
                if self.has_unwritten() && self.ready.get().writable {
                    self.schedule();
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.filled(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                self.schedule();
            }
            Err(error) => self.fatal(error, "Fatal write error on transport"),
        }
    }

    /// Writes what is unwritten, as far as one system call does: how much, and of how much.
    fn write_kept(&self) -> io::Result<(usize, usize)> {
        let outbox = self.outbox.borrow();
        let Some(outbox) = &*outbox else {
            return Ok((0, 0));
        };
        let slices = outbox.slices()?;
        let tried = slices.iter().map(|slice| slice.len()).sum();
        let count = self.with_io(|io| io.write(&slices)).unwrap_or(Ok(0))?;
        Ok((count, tried))
    }

    /// The first `count` unwritten bytes are written.
    fn wrote(&self, count: usize) {
        let mut place = self.outbox.borrow_mut();
        let Some(outbox) = &mut *place else { return };
        let done = outbox.advance(count);
        let size = outbox.size();
        let empty = outbox.is_empty();
        if empty {
            *place = None;
        }
        drop(place);
        self.drop_foreign(done);
        self.flow.shrunk(size);
        self.tell_flow(true);
        // What resume_writing has written meanwhile comes first, and so does a file.
        if empty && !self.has_unwritten() && !self.is_sending() {
            let next = self.change(Life::written);
            if next == Next::Lost {
                // asyncio: at once, unlike a close with nothing to write.
                self.lose();
            } else {
                self.after(next);
            }
        }
    }

    /// A write that comes too late. As in asyncio it is no error, and it is reported if it goes on.
    fn refuse(&self) {
        if !self.life.get().is_ending() {
            return;
        }
        let mut refused = self.flags.get().refused;
        if refused >= REFUSED_MAX {
            return;
        }
        refused += 1;
        self.flag(|flags| flags.refused = refused);
        if refused == REFUSED_MAX {
            self.report(ErrorContext::new(
                "the protocol goes on writing to a transport whose connection is lost",
            ));
        }
    }
}
