//! The ends of a connection: in order, broken off, and over.

use std::io;

use asyncio_executor::ErrorContext;

use super::Connection;
use super::read::copy_of;
use crate::io::Io;
use crate::life::{Life, Next};

impl<I: Io> Connection<I> {
    /// Closes: what is unwritten is written first.
    pub(super) fn close_in_order(&self) {
        let all_written = !self.has_unwritten();
        let next = self.change(|life| life.close(all_written));
        self.after(next);
        self.wake_sender();
    }

    /// Ends the connection without writing what is unwritten.
    pub(super) fn break_off(&self, error: Option<io::Error>) {
        let next = self.change(Life::break_off);
        if next == Next::Lost {
            // Borrowed while it is written from: `lose` drops it then.
            let unwritten = self.outbox.try_borrow_mut().ok().and_then(|mut o| o.take());
            self.drop_foreign(unwritten);
            self.error.set(error);
        }
        // Before the loss: it finds the error here.
        self.wake_sender();
        self.after(next);
    }

    /// An error that is nobody's news is not reported; all end the connection.
    pub(super) fn fatal(&self, error: io::Error, message: &str) {
        if !is_of_the_network(&error) {
            self.report(ErrorContext::new(message).caused_by(&error));
        }
        self.break_off(Some(error));
    }

    /// Has the side that writes shut down.
    pub(super) fn end_output(&self) {
        if !I::HALF_CLOSES {
            self.close_in_order();
        } else if let Some(Err(error)) = self.with_io(I::end_output) {
            self.fatal(error, "Fatal error on transport");
        }
    }

    /// `connection_lost` is due: as asyncio's, in the next turn.
    pub(super) fn lose_soon(&self) {
        if !self.schedule() {
            self.flag(|flags| flags.lost_later = true);
        }
    }

    /// An entry of the connection runs, and `connection_lost` is due.
    pub(super) fn lose_in_turn(&self) {
        if self.flags.get().lost_later {
            self.flag(|flags| flags.lost_later = false);
            self.schedule();
        } else {
            self.lose();
        }
    }

    /// The connection is over.
    pub(super) fn lose(&self) {
        if !self.change(Life::lose) {
            return;
        }
        let error = self.error.take();
        if self.is_claimed() {
            // Whoever sends a file may be reading it now.
            self.error.set(error.as_ref().map(copy_of));
        }
        self.call(|protocol, method| {
            method.set("connection_lost");
            protocol.connection_lost(error);
        });
        let protocol = self.protocol.take();
        let io = self.io.borrow_mut().take();
        let unwritten = self.outbox.borrow_mut().take();
        self.drop_foreign(unwritten);
        self.drop_foreign(io);
        self.drop_foreign(protocol);
        self.drop_foreign(self.membership.take());
    }
}

/// Whether it is the end of the connection, and not the file's fault, when a file is sent.
pub(super) fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::TimedOut
            | ErrorKind::NotConnected
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
    )
}

/// Whether it comes from the peer or the network: asyncio's `OSError`, which is not reported.
fn is_of_the_network(error: &io::Error) -> bool {
    use io::ErrorKind;
    error.raw_os_error().is_some()
        || matches!(
            error.kind(),
            ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::TimedOut
                | ErrorKind::NotConnected
                | ErrorKind::UnexpectedEof
        )
}
