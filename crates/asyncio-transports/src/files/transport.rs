//! `sendfile`: a file to a transport.

use std::fmt;
use std::fs::File;
use std::future::{Future, IntoFuture, poll_fn};
use std::io;
use std::pin::Pin;

use asyncio_executor::yield_now;
use asyncio_loop::get_running_loop;

use super::blocks::{self, Outlet};
use super::relay::Swapped;
use super::sink::Claimed;
use super::span::{Progress, Span};
use super::{SendfileNotAvailableError, sendfile_methods};
use crate::Transport;

/// Sends a file to a transport, behind what was written to it before, and returns how many bytes
/// were sent. asyncio's `loop.sendfile`, on the running loop.
///
/// Over TCP and Unix sockets the system sends the file, as [`sock_sendfile`](crate::sock_sendfile)
/// describes, when all is written that was before. Where it cannot, the loop's thread pool reads the
/// file in blocks of 16 KiB, which are written, with no more kept than the high-water mark and a
/// block. So it is always with a [`Layer`](crate::Layer), which has to see each byte, and with
/// connections in memory. "Sent" means written then: the last of it may be in the write buffer.
///
/// Meanwhile the transport does not read, the protocol is not told to pause writing or to go on (it
/// is afterwards, if that has changed), and a write is refused: [`Flow::Busy`](crate::Flow::Busy).
/// A transport that is a layer's does not know, and puts what is written meanwhile between two
/// blocks.
///
/// The file's position is behind what was sent, when this ends in whatever way: it returns, fails,
/// or is cancelled or dropped.
///
/// # Errors
/// `NotConnected`: the transport is closing. `BrokenPipe`: its side that writes was ended.
/// `ResourceBusy`: a file is being sent to it already. `InvalidInput`: [`count`](Sendfile::count) is
/// 0, or [`offset`](Sendfile::offset) is no position in a file. [`SendfileNotAvailableError`], of
/// the kind `Unsupported`: the system cannot, and there shall be no
/// [`fallback`](Sendfile::fallback).
///
/// What the connection broke with, or `ConnectionAborted` when it was closed meanwhile: a close does
/// not wait for the rest of a file. What the kernel reports of the file; the transport goes on then.
/// After a part was sent, [`PartialWrite`](asyncio_loop::PartialWrite) inside an error of the same
/// kind tells how much.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// No: a part may have been sent. The file's position tells how much, and the transport is as it was
/// before.
///
/// # Platform-specific behaviour
/// As [`sock_sendfile`](crate::sock_sendfile).
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_transports::{Protocol, connect_accepted_socket, sendfile};
/// use std::fs::File;
/// use std::io::Read;
/// use std::net::{TcpListener, TcpStream};
///
/// struct Quiet;
/// impl Protocol for Quiet {}
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut far = TcpStream::connect(listener.local_addr()?)?;
/// let (near, _) = listener.accept()?;
///
/// let event_loop = EventLoop::new()?;
/// let sent = event_loop.run_until_complete(async {
///     let (transport, _) = connect_accepted_socket(|| Quiet, near).await?;
///     let _ = transport.write(b"[");
///     let sent = sendfile(&*transport, &File::open("Cargo.toml")?).count(8).await?;
///     transport.close();
///     std::io::Result::Ok(sent)
/// })??;
/// assert_eq!(sent, 8);
///
/// let mut text = String::new();
/// drop(event_loop);
/// far.read_to_string(&mut text)?;
/// assert_eq!(text, "[[package");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sendfile<'a>(transport: &'a dyn Transport, file: &'a File) -> Sendfile<'a> {
    Sendfile {
        transport,
        file,
        span: Span::default(),
        fallback: true,
    }
}

/// What [`sendfile`] is about to do: await it. Its methods are asyncio's keyword arguments.
#[must_use = "nothing happens before it is awaited"]
pub struct Sendfile<'a> {
    transport: &'a dyn Transport,
    file: &'a File,
    span: Span,
    fallback: bool,
}

impl Sendfile<'_> {
    sendfile_methods!();
}

impl<'a> IntoFuture for Sendfile<'a> {
    type Output = io::Result<u64>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            if self.transport.is_closing() {
                let closing = io::ErrorKind::NotConnected;
                return Err(io::Error::new(closing, "Transport is closing"));
            }
            let span = self.span.checked()?;
            match self.transport.file_sink() {
                Some(sink) => {
                    let claimed = sink.claim()?;
                    let _paused = Paused::new(self.transport);
                    let mut progress = span.of(self.file);
                    let outcome = self.send(&claimed, &mut progress).await;
                    progress.finish(outcome)
                }
                None if self.fallback => {
                    let _paused = Paused::new(self.transport);
                    let swapped = Swapped::new(&get_running_loop(), self.transport)?;
                    let mut progress = span.of(self.file);
                    let outcome = blocks::copy(&mut progress, &swapped).await;
                    progress.finish(outcome)
                }
                None => Err(self.unavailable(None)),
            }
        })
    }
}

impl Sendfile<'_> {
    async fn send(&self, to: &Claimed, progress: &mut Progress<'_>) -> io::Result<()> {
        match send_natively(to, progress).await {
            Err(error) if error.kind() == io::ErrorKind::Unsupported && progress.is_fresh() => {
                if self.fallback {
                    return blocks::copy(progress, to).await;
                }
                Err(self.unavailable(Some(error)))
            }
            outcome => outcome,
        }
    }

    fn unavailable(&self, cause: Option<io::Error>) -> io::Error {
        let message = format!(
            "fallback is disabled and native sendfile is not supported for transport {:?}",
            self.transport
        );
        SendfileNotAvailableError::raise(message, cause)
    }
}

async fn send_natively(to: &Claimed, progress: &mut Progress<'_>) -> io::Result<()> {
    while let Some(count) = progress.next_call() {
        let (file, position) = (progress.file, progress.position());
        let send = poll_fn(|cx| to.sink().poll_send_file(cx, file, position, count));
        match send.await? {
            0 => break,
            sent => progress.advance(sent),
        }
        // A peer that reads fast must not keep everybody else waiting.
        yield_now().await;
    }
    Ok(())
}

impl Outlet for Claimed {
    const BLOCK: usize = 16 * 1024;

    async fn write(&self, data: &[u8], progress: &mut Progress<'_>) -> io::Result<()> {
        poll_fn(|cx| self.sink().poll_write(cx, data)).await?;
        progress.advance(data.len());
        Ok(())
    }
}

/// A transport that does not read, until this is dropped.
struct Paused<'a> {
    transport: &'a dyn Transport,
    was_reading: bool,
}

impl<'a> Paused<'a> {
    fn new(transport: &'a dyn Transport) -> Self {
        let was_reading = transport.is_reading();
        transport.pause_reading();
        Self {
            transport,
            was_reading,
        }
    }
}

impl Drop for Paused<'_> {
    fn drop(&mut self) {
        if self.was_reading {
            self.transport.resume_reading();
        }
    }
}

impl fmt::Debug for Sendfile<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sendfile")
            .field("transport", &self.transport)
            .field("file", self.file)
            .field("span", &self.span)
            .field("fallback", &self.fallback)
            .finish()
    }
}
