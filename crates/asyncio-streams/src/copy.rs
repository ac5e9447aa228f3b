//! `copy_bidirectional`: two streams, each of which gets what the other one gives.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::AsyncWrite;

use crate::{Stream, StreamReader, StreamWriter};

/// How many buffers one direction copies before it lets the other one, and other tasks, have their
/// turn.
const ROUNDS_MAX: u32 = 8;

/// Copies what comes from `a` to `b`, and what comes from `b` to `a`, until both have ended; the
/// end of one is passed on to the other by closing it for writing. Returns how many bytes went from
/// `a` to `b`, and from `b` to `a`.
///
/// It has no buffer of its own: what comes is read into the loop's, no more than the stream's limit
/// at once, and written from there. It reads no more from one side than the other one takes.
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
pub async fn copy_bidirectional(a: &mut Stream, b: &mut Stream) -> io::Result<(u64, u64)> {
    let (mut up, mut down) = (Direction::default(), Direction::default());
    poll_fn(|cx| {
        let up_done = up.poll(cx, &mut a.reader, &mut b.writer)?.is_ready();
        let down_done = down.poll(cx, &mut b.reader, &mut a.writer)?.is_ready();
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
    ended: bool,
    closed: bool,
}

impl Direction {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut StreamReader,
        to: &mut StreamWriter,
    ) -> Poll<io::Result<()>> {
        let event_loop = from.link.event_loop.clone();
        let mut rounds = 0;
        while !self.ended {
            if rounds == ROUNDS_MAX {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            rounds += 1;
            // First: what is read is written at once. To a side that is closed nothing can be, but
            // the end may be all that comes.
            ready!(to.link.poll_drain(cx)).or_else(|_| to.link.check())?;
            let count = ready!(event_loop.with_read_buffer(|buffer| {
                let most = from.link.limit.min(buffer.len());
                let count = ready!(from.poll_read_into(cx, &mut buffer[..most]))?;
                if count > 0 {
                    to.write_or_fail(&buffer[..count])?;
                }
                Poll::Ready(io::Result::Ok(count))
            }))?;
            self.ended = count == 0;
            self.copied += count as u64;
        }
        if !self.closed {
            ready!(Pin::new(&mut *to).poll_close(cx))?;
            self.closed = true;
        }
        Poll::Ready(Ok(()))
    }
}
