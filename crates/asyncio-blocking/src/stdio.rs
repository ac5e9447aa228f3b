//! The standard streams, read and written by a thread of the elastic pool.
//!
//! Standard input and output may be files or terminals, which no operating system can wait for
//! like for a socket: only a thread can. Where they are pipes, an event loop's pipe transports
//! need no thread.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::io::{AsyncRead, AsyncWrite};

use crate::piped::Piped;

/// How far a stream's thread may be ahead of its user. What a Linux pipe holds too, so that it
/// adds no more than another process would.
const PIPE_BYTES: usize = 64 * 1024;

/// Standard input. See [`stdin`].
#[derive(Debug)]
pub struct Stdin(Piped<io::Stdin>);

/// Standard output. See [`stdout`].
#[derive(Debug)]
pub struct Stdout(Piped<io::Stdout>);

/// Standard error. See [`stderr`].
#[derive(Debug)]
pub struct Stderr(Piped<io::Stderr>);

/// A handle of the process's standard input.
///
/// Use one for the whole life of the program: its thread reads ahead up to 64 KiB, and what it has
/// read is gone with the handle. A read that waits when the handle is dropped goes on waiting in
/// its thread, and swallows what comes next; it does not keep the process from ending.
///
/// # Cancel safety
///
/// Reads are cancel safe: what was not taken stays in the handle.
///
/// # Examples
///
/// ```no_run
/// use futures_lite::{AsyncBufReadExt, StreamExt, io::BufReader};
///
/// # futures_lite::future::block_on(async {
/// let mut lines = BufReader::new(asyncio_blocking::stdio::stdin()).lines();
/// while let Some(line) = lines.next().await {
///     println!("{}", line?.to_uppercase());
/// }
/// # Ok::<(), std::io::Error>(()) });
/// ```
#[must_use]
pub fn stdin() -> Stdin {
    Stdin(Piped::new(io::stdin(), PIPE_BYTES))
}

/// A handle of the process's standard output.
///
/// A write returns when the bytes are on their way to the thread that writes them, which is before
/// they are written: an error surfaces in a later write, at `flush` or at `close`. `flush` before
/// the handle is dropped or the process ends; what is not flushed may be lost. Several handles, and
/// `println!`, mix in the order of their flushes. `close` does not close the descriptor.
///
/// # Cancel safety
///
/// A `write` that is dropped has written nothing. `flush` and `close` may be repeated.
///
/// # Examples
///
/// ```
/// use futures_lite::AsyncWriteExt;
///
/// # futures_lite::future::block_on(async {
/// let mut stdout = asyncio_blocking::stdio::stdout();
/// stdout.write_all(b"hello\n").await?;
/// stdout.flush().await?;
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[must_use]
pub fn stdout() -> Stdout {
    Stdout(Piped::new(io::stdout(), PIPE_BYTES))
}

/// A handle of the process's standard error; everything that [`stdout`] says holds for it, too.
#[must_use]
pub fn stderr() -> Stderr {
    Stderr(Piped::new(io::stderr(), PIPE_BYTES))
}

impl AsyncRead for Stdin {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buf)
    }
}

macro_rules! impl_write {
    ($stream:ty) => {
        impl AsyncWrite for $stream {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.0.poll_write(cx, buf)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.poll_flush(cx)
            }

            fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.poll_close(cx)
            }
        }
    };
}

impl_write!(Stdout);
impl_write!(Stderr);
