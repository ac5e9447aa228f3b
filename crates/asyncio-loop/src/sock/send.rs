//! Bytes and datagrams that go out.

use std::error::Error;
use std::fmt;
use std::io;

use asyncio_reactor::{AsSource, Async};

use super::address::Address;
use super::sys;

/// Sends all of `data`.
///
/// # Errors
/// What the kernel reports; `WriteZero` when it takes nothing. After a part was sent,
/// [`PartialWrite`] inside an error of the same kind tells how much.
///
/// # Cancel safety
/// No: a part of `data` may have been sent, and how much is not known. Close the connection, or
/// keep the call pinned and go on with it.
pub async fn sock_sendall<S: AsSource>(sock: &Async<S>, data: &[u8]) -> io::Result<()> {
    let mut sent = 0;
    while sent < data.len() {
        let rest = &data[sent..];
        match sock
            .write_io(|sock| sys::send(sock.as_source(), rest))
            .await
        {
            Ok(0) => {
                return Err(PartialWrite::or(
                    sent as u64,
                    io::ErrorKind::WriteZero.into(),
                ));
            }
            Ok(n) => {
                sent += n;
                if n < rest.len() {
                    // The kernel's buffer is full: the rest waits for its turn.
                    sock.clear_writable();
                }
            }
            Err(error) => return Err(PartialWrite::or(sent as u64, error)),
        }
    }
    Ok(())
}

/// Sends `data` as one datagram to `address`, and returns how many bytes were sent.
///
/// # Errors
/// What the kernel reports, and of a host that is resolved
/// [`getaddrinfo`](crate::LoopRef::getaddrinfo).
///
/// # Panics
/// When polled outside a running loop, for a host to resolve.
///
/// # Cancel safety
/// Yes: the datagram is sent when this returns, or not at all.
pub async fn sock_sendto<S: AsSource>(
    sock: &Async<S>,
    data: &[u8],
    address: impl Into<Address>,
) -> io::Result<usize> {
    let address = address.into().resolve(sock).await?;
    sock.write_io(|sock| sys::sendto(sock.as_source(), data, &address))
        .await
}

/// Sending failed after a part was sent: inside the error of [`sock_sendall`], and of what sends
/// files, from which [`io::Error::get_ref`] and a downcast get it back.
#[derive(Debug)]
pub struct PartialWrite {
    /// Bytes that were sent.
    pub sent: u64,
    /// What stopped it.
    pub error: io::Error,
}

impl PartialWrite {
    /// `error`, with what was sent before it, if anything was.
    #[must_use]
    pub fn or(sent: u64, error: io::Error) -> io::Error {
        if sent == 0 {
            return error;
        }
        io::Error::new(error.kind(), Self { sent, error })
    }
}

impl fmt::Display for PartialWrite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} after {} bytes", self.error, self.sent)
    }
}

impl Error for PartialWrite {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
