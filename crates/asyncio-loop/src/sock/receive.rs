//! Bytes and datagrams that come in.

use std::io;

use asyncio_reactor::{AsSource, Async, BorrowedSource};
use rustix::buffer::spare_capacity;
use socket2::SockAddr;

use super::sys;

/// Receives at most `n` bytes; an empty result is the end of the stream. Of a datagram that is
/// longer the rest is lost.
///
/// The memory is taken when there is something to receive, not while it is waited for.
///
/// # Errors
/// What the kernel reports; `OutOfMemory` when there is no room for `n` bytes.
///
/// # Cancel safety
/// Yes: what is received is returned, or is still in the socket.
///
/// # Examples
/// ```
/// use asyncio_loop::{EventLoop, sock_recv, sock_sendall};
/// use std::os::unix::net::UnixStream;
///
/// let event_loop = EventLoop::new()?;
/// let (near, far) = UnixStream::pair()?;
/// let (near, far) = (event_loop.register(near)?, event_loop.register(far)?);
/// let received = event_loop.run_until_complete(async {
///     sock_sendall(&near, b"hello").await?;
///     sock_recv(&far, 100).await
/// })??;
/// assert_eq!(received, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn sock_recv<S: AsSource>(sock: &Async<S>, n: usize) -> io::Result<Vec<u8>> {
    let (data, _) = sock_recvfrom(sock, n).await?;
    Ok(data)
}

/// Receives into `buffer` and returns how many bytes; 0 is the end of the stream.
///
/// # Errors
/// What the kernel reports.
///
/// # Cancel safety
/// Yes: the buffer is filled when this returns, or the bytes are still in the socket.
pub async fn sock_recv_into<S: AsSource>(sock: &Async<S>, buffer: &mut [u8]) -> io::Result<usize> {
    sock.read_io(|sock| sys::recv(sock.as_source(), &mut *buffer))
        .await
}

/// Receives a datagram of at most `n` bytes (of a longer one the rest is lost), and whom it is
/// from: `None` for a sender without an address, as Unix sockets may be, and on streams.
///
/// # Errors
/// As [`sock_recv`].
///
/// # Cancel safety
/// Yes.
pub async fn sock_recvfrom<S: AsSource>(
    sock: &Async<S>,
    n: usize,
) -> io::Result<(Vec<u8>, Option<SockAddr>)> {
    sock.read_io(|sock| receive(sock.as_source(), n)).await
}

/// Receives a datagram into `buffer`, and returns its length (at most the buffer's: the rest is
/// lost) and whom it is from.
///
/// # Errors
/// What the kernel reports.
///
/// # Cancel safety
/// Yes.
pub async fn sock_recvfrom_into<S: AsSource>(
    sock: &Async<S>,
    buffer: &mut [u8],
) -> io::Result<(usize, Option<SockAddr>)> {
    sock.read_io(|sock| sys::recvfrom(sock.as_source(), &mut *buffer))
        .await
}

/// At most `n` bytes, in memory that is not cleared before. That there is no room for so many is an
/// error: the number may have come from a peer.
fn receive(sock: BorrowedSource<'_>, n: usize) -> io::Result<(Vec<u8>, Option<SockAddr>)> {
    let mut data = Vec::new();
    data.try_reserve_exact(n)?;
    let from = if n > 0 && data.capacity() == n {
        sys::recvfrom(sock, spare_capacity(&mut data))?.1
    } else {
        // There is no room to be filled, or more than was asked for.
        data.resize(n, 0);
        let (received, from) = sys::recvfrom(sock, &mut data[..])?;
        data.truncate(received);
        from
    };
    if data.len() < data.capacity() / 2 {
        data.shrink_to_fit();
    }
    Ok((data, from))
}
