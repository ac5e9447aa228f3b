//! `sock_sendfile`: a file to a socket that the caller owns.

use std::fmt;
use std::fs::File;
use std::future::{Future, IntoFuture};
use std::io::{self, IoSlice};
use std::pin::Pin;

use asyncio_executor::yield_now;
use asyncio_reactor::{AsSource, Async};
use socket2::{SockRef, Type};

use super::blocks::{self, Outlet};
use super::span::{Progress, Span};
use super::{SendfileNotAvailableError, sendfile_methods};
use crate::misuse::misuse;
use crate::sys;

/// Sends a file to a connected stream socket, and returns how many bytes were sent. asyncio's
/// `loop.sock_sendfile`, on the running loop.
///
/// Where the system can (`sendfile(2)` of Linux), it sends without a copy through this process, one
/// MiB at most in a turn of the loop. Where it cannot, for a pipe in place of a file for instance,
/// the loop's thread pool reads the file in blocks of 256 KiB, which are sent. A file that grows or
/// shrinks meanwhile is sent as far as it goes then.
///
/// The file's position is behind what was sent, when this ends in whatever way: it returns, fails,
/// or is cancelled or dropped.
///
/// # Errors
/// `InvalidInput`: the socket is no stream, [`count`](SockSendfile::count) is 0, or
/// [`offset`](SockSendfile::offset) is no position in a file. [`SendfileNotAvailableError`], of the
/// kind `Unsupported`: the system cannot, and there shall be no [`fallback`](SockSendfile::fallback).
/// What the kernel reports of the socket or the file; after a part was sent,
/// [`PartialWrite`](asyncio_loop::PartialWrite) inside an error of the same kind tells how much.
///
/// # Panics
/// When polled outside a running loop.
///
/// # Cancel safety
/// No: a part may have been sent. The file's position tells how much.
///
/// # Platform-specific behaviour
/// The system's call reads the file itself, so a slow disk blocks the loop, as in asyncio.
///
/// To a socket whose peer is gone it raises `SIGPIPE`. Programs written in Rust ignore that signal
/// from the start; one that does not must not send files this way.
///
/// # Examples
/// ```
/// use asyncio_loop::EventLoop;
/// use asyncio_transports::sock_sendfile;
/// use std::fs::File;
/// use std::io::Read;
/// use std::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let near = TcpStream::connect(listener.local_addr()?)?;
/// let (mut far, _) = listener.accept()?;
///
/// let event_loop = EventLoop::new()?;
/// let sent = event_loop.run_until_complete(async {
///     let near = event_loop.register(near)?;
///     let file = File::open("Cargo.toml")?;
///     sock_sendfile(&near, &file).offset(1).count(7).await
/// })??;
/// assert_eq!(sent, 7);
///
/// let mut text = String::new();
/// far.read_to_string(&mut text)?;
/// assert_eq!(text, "package");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sock_sendfile<'a, S: AsSource>(sock: &'a Async<S>, file: &'a File) -> SockSendfile<'a, S> {
    SockSendfile {
        sock,
        file,
        span: Span::default(),
        fallback: true,
    }
}

/// What [`sock_sendfile`] is about to do: await it. Its methods are asyncio's keyword arguments.
#[must_use = "nothing happens before it is awaited"]
pub struct SockSendfile<'a, S> {
    sock: &'a Async<S>,
    file: &'a File,
    span: Span,
    fallback: bool,
}

impl<S> SockSendfile<'_, S> {
    sendfile_methods!();
}

impl<'a, S: AsSource> IntoFuture for SockSendfile<'a, S> {
    type Output = io::Result<u64>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            check(self.sock)?;
            let mut progress = self.span.checked()?.of(self.file);
            let outcome = send(self.sock, &mut progress, self.fallback).await;
            progress.finish(outcome)
        })
    }
}

/// asyncio's check.
fn check<S: AsSource>(sock: &Async<S>) -> io::Result<()> {
    match SockRef::from(&sock.get_ref().as_source()).r#type() {
        Ok(Type::STREAM) => Ok(()),
        _ => Err(misuse("only SOCK_STREAM type sockets are supported")),
    }
}

async fn send<S: AsSource>(
    sock: &Async<S>,
    progress: &mut Progress<'_>,
    fallback: bool,
) -> io::Result<()> {
    match send_natively(sock, progress).await {
        Err(error) if error.kind() == io::ErrorKind::Unsupported && progress.is_fresh() => {
            if fallback {
                return blocks::copy(progress, sock).await;
            }
            let message = format!("the sendfile call failed: {error}");
            Err(SendfileNotAvailableError::raise(message, Some(error)))
        }
        outcome => outcome,
    }
}

async fn send_natively<S: AsSource>(
    sock: &Async<S>,
    progress: &mut Progress<'_>,
) -> io::Result<()> {
    while let Some(count) = progress.next_call() {
        let (file, position) = (progress.file, progress.position());
        let send = |sock: &S| sys::send_file(sock.as_source(), file, position, count);
        match sock.write_io(send).await? {
            0 => break,
            sent => progress.advance(sent),
        }
        // A peer that reads fast must not keep everybody else waiting.
        yield_now().await;
    }
    Ok(())
}

impl<S: AsSource> Outlet for Async<S> {
    const BLOCK: usize = 256 * 1024;

    async fn write(&self, mut data: &[u8], progress: &mut Progress<'_>) -> io::Result<()> {
        while !data.is_empty() {
            let send = |sock: &S| sys::send(sock.as_source(), &[IoSlice::new(data)]);
            let sent = self.write_io(send).await?;
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            progress.advance(sent);
            data = &data[sent..];
            if !data.is_empty() {
                // The kernel's buffer is full.
                self.clear_writable();
            }
        }
        Ok(())
    }
}

impl<S: fmt::Debug> fmt::Debug for SockSendfile<'_, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SockSendfile")
            .field("sock", self.sock)
            .field("file", self.file)
            .field("span", &self.span)
            .field("fallback", &self.fallback)
            .finish()
    }
}
