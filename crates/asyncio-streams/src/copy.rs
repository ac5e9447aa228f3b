//! `copy_bidirectional`: two streams, each of which gets what the other one gives.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::{AsyncBufRead, AsyncWrite};

/// How many buffers one direction copies before it lets the other one, and other tasks, have their
/// turn.
const ROUNDS_MAX: u32 = 8;

/// Copies what comes from `a` to `b`, and what comes from `b` to `a`, until both have ended; the
/// end of one is passed on to the other by closing it for writing. Returns how many bytes went from
/// `a` to `b`, and from `b` to `a`.
///
/// It has no buffer of its own, and reads no more from one side than the other one takes.
///
/// # Errors
/// The first error of either side. The other direction is left as it is: drop both.
///
/// # Cancel safety
/// Yes: what was read was written, or is still there to be read. How much that was is not told.
///
/// # Examples
/// ```
/// # use asyncio_streams::{Stream, copy_bidirectional};
/// async fn relay(mut client: Stream, mut server: Stream) -> std::io::Result<()> {
///     let (up, down) = copy_bidirectional(&mut client, &mut server).await?;
///     println!("{up} bytes up, {down} bytes down");
///     Ok(())
/// }
/// ```
pub async fn copy_bidirectional<A, B>(a: &mut A, b: &mut B) -> io::Result<(u64, u64)>
where
    A: AsyncBufRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncBufRead + AsyncWrite + Unpin + ?Sized,
{
    let (mut up, mut down) = (Direction::default(), Direction::default());
    poll_fn(|cx| {
        let up_done = up.poll(cx, a, b)?.is_ready();
        let down_done = down.poll(cx, b, a)?.is_ready();
        if up_done && down_done {
            Poll::Ready(Ok((up.copied, down.copied)))
        } else {
            Poll::Pending
        }
    })
    .await
}

/// How far one direction is.
#[derive(Default)]
struct Direction {
    copied: u64,
    /// Something was written and not flushed.
    unflushed: bool,
    ended: bool,
    closed: bool,
}

impl Direction {
    fn poll<R, W>(&mut self, cx: &mut Context<'_>, from: &mut R, to: &mut W) -> Poll<io::Result<()>>
    where
        R: AsyncBufRead + Unpin + ?Sized,
        W: AsyncWrite + Unpin + ?Sized,
    {
        let mut rounds = 0;
        while !self.ended {
            if rounds == ROUNDS_MAX {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            rounds += 1;
            let Poll::Ready(data) = Pin::new(&mut *from).poll_fill_buf(cx)? else {
                if self.unflushed {
                    ready!(Pin::new(&mut *to).poll_flush(cx))?;
                    self.unflushed = false;
                }
                return Poll::Pending;
            };
            if data.is_empty() {
                self.ended = true;
                break;
            }
            let count = ready!(Pin::new(&mut *to).poll_write(cx, data))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            Pin::new(&mut *from).consume(count);
            self.copied += count as u64;
            self.unflushed = true;
        }
        if !self.closed {
            ready!(Pin::new(&mut *to).poll_close(cx))?;
            self.closed = true;
        }
        Poll::Ready(Ok(()))
    }
}
