//! The connection as its users see it.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::rc::Rc;

use asyncio_reactor::BorrowedSource;

use super::{Connection, Pull};
use crate::extra::Query;
use crate::files::Sink;
use crate::flow::{InvalidLimits, WriteLimits};
use crate::io::Io;
use crate::life::Life;
use crate::source_of::{HasSource, SourceOf};
use crate::{
    BaseTransport, Chunk, FileSink, Flow, Protocol, ReadTransport, Transport, WriteTransport,
};

impl<I: Io> HasSource for Connection<I> {
    fn look(&self, look: &mut dyn FnMut(BorrowedSource<'_>)) {
        self.with_io(|io| io.source().map(look));
    }
}

impl<I: Io> BaseTransport for Connection<I> {
    fn answer(&self, query: &mut Query<'_>) {
        self.with_io(|io| io.answer(query, &|| SourceOf::new(self.this.clone())));
        query.offer(|| self.peer.name());
    }

    fn is_closing(&self) -> bool {
        self.life.get().is_closing()
    }

    fn close(&self) {
        self.close_in_order();
    }

    fn abort(&self) {
        self.break_off(None);
    }
}

impl<I: Io> ReadTransport for Connection<I> {
    fn is_reading(&self) -> bool {
        self.life.get().is_reading()
    }

    fn pause_reading(&self) {
        if self.change(Life::pause_reading) {
            self.want();
        }
    }

    fn resume_reading(&self) {
        if self.change(Life::resume_reading) {
            self.read_on();
        }
    }
}

impl<I: Io> WriteTransport for Connection<I> {
    fn write_with(&self, data: &[IoSlice<'_>], rest: &mut dyn FnMut(usize) -> Chunk) -> Flow {
        self.write_slices(data, rest)
    }

    fn write_eof(&self) {
        if !I::HALF_CLOSES {
            // Which does not wait for the rest of a file.
            return self.close_in_order();
        }
        let all_written = !self.has_unwritten() && !self.is_claimed();
        let next = self.change(|life| life.end_output(all_written));
        self.after(next);
    }

    fn can_write_eof(&self) -> bool {
        true
    }

    fn set_write_buffer_limits(
        &self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), InvalidLimits> {
        let limits = WriteLimits::new(high, low)?;
        let buffered = self.unwritten();
        self.flow.set_limits(limits, buffered);
        self.tell_flow(false);
        Ok(())
    }

    fn get_write_buffer_limits(&self) -> WriteLimits {
        self.flow.limits()
    }

    fn get_write_buffer_size(&self) -> usize {
        self.unwritten()
    }
}

impl<I: Io> Transport for Connection<I> {
    fn set_protocol(&self, protocol: Rc<RefCell<dyn Protocol>>) {
        if self.life.get().is_over() {
            return;
        }
        self.flag(|flags| flags.pull = Pull::No);
        let old = self.protocol.replace(Some(protocol));
        drop(old);
        // The old one may have left in the kernel what the new one wants.
        self.read_on();
    }

    fn get_protocol(&self) -> Option<Rc<RefCell<dyn Protocol>>> {
        self.protocol()
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read_now(buffer)
    }

    fn file_sink(&self) -> Option<FileSink> {
        let this: Rc<dyn Sink> = self.this.upgrade()?;
        Some(FileSink::new(this))
    }
}

impl<I: Io> Connection<I> {
    /// Reading begins, or begins anew: what was reported before does not come again.
    pub(super) fn read_on(&self) {
        if let Some(ready) = self.with_io(I::take_readiness) {
            self.know(ready);
        }
        if self.ready.get().readable && self.life.get().reads() {
            self.schedule();
        }
        self.want();
    }
}
