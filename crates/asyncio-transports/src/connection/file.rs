//! A file that is sent: the output is claimed for it, and the system sends it, behind what was
//! written before.

use std::fs::File;
use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use asyncio_executor::ErrorContext;

use super::Connection;
use super::end::is_of_the_connection;
use super::read::copy_of;
use crate::Flow;
use crate::files::{Sink, busy, closed};
use crate::io::Io;
use crate::life::Life;

/// Whether the output is claimed for a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Claim {
    #[default]
    None,
    /// It is.
    Claimed {
        /// The kernel had no room for more of the file.
        blocked: bool,
        /// A write was refused, and that was reported.
        reported: bool,
    },
}

impl<I: Io> Connection<I> {
    /// Whether a file has the output for itself.
    pub(super) fn is_claimed(&self) -> bool {
        self.flags.get().claim != Claim::None
    }

    /// Whether there may be more of a file to come.
    pub(super) fn is_sending(&self) -> bool {
        self.is_claimed() && !self.life.get().is_closing()
    }

    pub(super) fn is_file_blocked(&self) -> bool {
        matches!(self.flags.get().claim, Claim::Claimed { blocked: true, .. })
    }

    /// Something has changed that a sender may wait for.
    pub(super) fn wake_sender(&self) {
        if self.is_claimed()
            && let Some(sender) = self.sender.take()
        {
            sender.wake();
        }
    }

    /// A write while a file is sent: reported, because it is lost, once for each file.
    pub(super) fn refuse_busy(&self) {
        let mut first = false;
        self.flag(|flags| {
            if let Claim::Claimed { reported, .. } = &mut flags.claim {
                first = !std::mem::replace(reported, true);
            }
        });
        if first {
            self.report(ErrorContext::new(
                "unable to write; sendfile is in progress",
            ));
        }
    }

    fn set_file_blocked(&self, is_blocked: bool) {
        self.flag(|flags| {
            if let Claim::Claimed { blocked, .. } = &mut flags.claim {
                *blocked = is_blocked;
            }
        });
    }

    /// The sender is woken when the connection has run, or is over.
    fn park(&self, cx: &Context<'_>) {
        let mut sender = self.sender.take();
        match &mut sender {
            Some(waker) => (**waker).clone_from(cx.waker()),
            None => sender = Some(Box::new(cx.waker().clone())),
        }
        self.sender.set(sender);
    }

    /// Why no more can be sent, if so.
    fn check_sending(&self) -> io::Result<()> {
        if !self.life.get().is_closing() {
            return Ok(());
        }
        let Some(error) = self.error.take() else {
            return Err(closed());
        };
        let copy = copy_of(&error);
        self.error.set(Some(error));
        Err(copy)
    }
}

impl<I: Io> Sink for Connection<I> {
    fn claim(&self) -> io::Result<()> {
        self.check_sending()?;
        if self.is_claimed() {
            return Err(busy());
        }
        if !self.life.get().has_output() {
            let message = "Cannot send a file after write_eof()";
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, message));
        }
        self.flag(|flags| {
            flags.claim = Claim::Claimed {
                blocked: false,
                reported: false,
            };
        });
        Ok(())
    }

    fn release(&self) {
        self.flag(|flags| flags.claim = Claim::None);
        drop(self.sender.take());
        if !self.life.get().is_closing() && !self.has_unwritten() {
            // `write_eof` may have been called meanwhile.
            let next = self.change(Life::written);
            self.after(next);
        }
        self.tell_flow(false);
    }

    fn poll_send_file(
        &self,
        cx: &mut Context<'_>,
        file: &File,
        position: u64,
        count: usize,
    ) -> Poll<io::Result<usize>> {
        loop {
            self.check_sending()?;
            let ready = self.ready.get();
            let blocked = self.is_file_blocked() && !ready.writable && !ready.broken;
            if blocked || self.has_unwritten() {
                self.park(cx);
                return Poll::Pending;
            }
            self.set_file_blocked(false);
            let sent = self.with_io(|io| io.send_file(file, position, count));
            match sent.unwrap_or_else(|| Err(closed())) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.set_file_blocked(true);
                    self.filled();
                    self.want();
                    self.park(cx);
                    return Poll::Pending;
                }
                Err(error) if is_of_the_connection(&error) => {
                    let copy = copy_of(&error);
                    self.fatal(error, "Fatal write error on transport");
                    return Poll::Ready(Err(copy));
                }
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    fn poll_write(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<()>> {
        self.check_sending()?;
        if self.flow.is_paused() {
            self.park(cx);
            return Poll::Pending;
        }
        let rest = &mut |taken: usize| -> crate::Chunk { Box::new(data[taken..].to_vec()) };
        match self.write_now(&[IoSlice::new(data)], rest) {
            Flow::Closed => Poll::Ready(Err(self.check_sending().err().unwrap_or_else(closed))),
            _ => Poll::Ready(Ok(())),
        }
    }
}
