//! Accepting connections.

use std::io;

use asyncio_executor::yield_now;
use asyncio_reactor::{AsSource, Async};
use socket2::{SockAddr, Socket};

use super::sys;
use crate::current::get_running_loop;
use crate::loop_ref::LoopRef;
use crate::watch;

impl LoopRef {
    /// Accepts a connection from a listening socket, and registers it with this loop:
    /// non-blocking, and not inherited by child processes.
    ///
    /// # Errors
    /// What the kernel reports, `EMFILE` for instance: the connection is still in the listener's
    /// queue then. One that its peer has given up meanwhile is passed over.
    ///
    /// # Cancel safety
    /// Yes: a connection is returned, or is still in the listener's queue.
    pub async fn sock_accept<S: AsSource>(
        &self,
        listener: &Async<S>,
    ) -> io::Result<(Async<Socket>, SockAddr)> {
        watch::refuse_closed(self.inner())?;
        loop {
            match listener
                .read_io(|listener| sys::accept(listener.as_source()))
                .await
            {
                Ok((socket, from)) => return Ok((self.register(socket)?, from)),
                // accept(2): a network error of the new socket, not of the listener.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {
                    yield_now().await;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Accepts a connection from a listening socket, and registers it with the running loop:
/// non-blocking, and not inherited by child processes.
///
/// # Errors
/// What the kernel reports, as [`LoopRef::sock_accept`] describes.
///
/// # Panics
/// When polled outside a running loop: there, use the method.
///
/// # Cancel safety
/// Yes: a connection is returned, or is still in the listener's queue.
pub async fn sock_accept<S: AsSource>(
    listener: &Async<S>,
) -> io::Result<(Async<Socket>, SockAddr)> {
    get_running_loop().sock_accept(listener).await
}
