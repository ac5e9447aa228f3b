//! The operations on sockets as methods of the loop, where asyncio has them.

use std::io;

use asyncio_reactor::{AsSource, Async};
use socket2::{Domain, SockAddr, Socket, Type};

use super::address::Address;
use crate::loop_ref::LoopRef;
use crate::watch;

impl LoopRef {
    /// A new socket, registered with this loop: non-blocking, and not inherited by child
    /// processes. [`register`](Self::register) takes one that there is already.
    ///
    /// # Errors
    /// What the kernel reports; `NotConnected` when the loop is closed.
    pub fn socket(&self, domain: Domain, r#type: Type) -> io::Result<Async<Socket>> {
        watch::refuse_closed(self.inner())?;
        self.register(Socket::new(domain, r#type, None)?)
    }

    /// Receives at most `n` bytes, as the free function [`sock_recv`](crate::sock_recv).
    ///
    /// # Errors
    /// As [`sock_recv`](crate::sock_recv); `NotConnected` when the loop is closed.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn sock_recv<S: AsSource>(&self, sock: &Async<S>, n: usize) -> io::Result<Vec<u8>> {
        watch::refuse_closed(self.inner())?;
        super::sock_recv(sock, n).await
    }

    /// Receives into `buffer`, as the free function [`sock_recv_into`](crate::sock_recv_into).
    ///
    /// # Errors
    /// What the kernel reports; `NotConnected` when the loop is closed.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn sock_recv_into<S: AsSource>(
        &self,
        sock: &Async<S>,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        watch::refuse_closed(self.inner())?;
        super::sock_recv_into(sock, buffer).await
    }

    /// Receives a datagram of at most `n` bytes, as the free function
    /// [`sock_recvfrom`](crate::sock_recvfrom).
    ///
    /// # Errors
    /// As [`sock_recvfrom`](crate::sock_recvfrom); `NotConnected` when the loop is closed.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn sock_recvfrom<S: AsSource>(
        &self,
        sock: &Async<S>,
        n: usize,
    ) -> io::Result<(Vec<u8>, Option<SockAddr>)> {
        watch::refuse_closed(self.inner())?;
        super::sock_recvfrom(sock, n).await
    }

    /// Receives a datagram into `buffer`, as the free function
    /// [`sock_recvfrom_into`](crate::sock_recvfrom_into).
    ///
    /// # Errors
    /// What the kernel reports; `NotConnected` when the loop is closed.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn sock_recvfrom_into<S: AsSource>(
        &self,
        sock: &Async<S>,
        buffer: &mut [u8],
    ) -> io::Result<(usize, Option<SockAddr>)> {
        watch::refuse_closed(self.inner())?;
        super::sock_recvfrom_into(sock, buffer).await
    }

    /// Sends all of `data`, as the free function [`sock_sendall`](crate::sock_sendall).
    ///
    /// # Errors
    /// As [`sock_sendall`](crate::sock_sendall); `NotConnected` when the loop is closed.
    ///
    /// # Cancel safety
    /// No: a part may have been sent.
    pub async fn sock_sendall<S: AsSource>(&self, sock: &Async<S>, data: &[u8]) -> io::Result<()> {
        watch::refuse_closed(self.inner())?;
        super::sock_sendall(sock, data).await
    }

    /// Sends a datagram to `address`, as the free function [`sock_sendto`](crate::sock_sendto).
    ///
    /// # Errors
    /// As [`sock_sendto`](crate::sock_sendto); `NotConnected` when the loop is closed.
    ///
    /// # Panics
    /// When polled outside a running loop, for a host to resolve.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn sock_sendto<S: AsSource>(
        &self,
        sock: &Async<S>,
        data: &[u8],
        address: impl Into<Address>,
    ) -> io::Result<usize> {
        watch::refuse_closed(self.inner())?;
        super::sock_sendto(sock, data, address).await
    }

    /// Connects to `address`, as the free function [`sock_connect`](crate::sock_connect).
    ///
    /// # Errors
    /// As [`sock_connect`](crate::sock_connect); `NotConnected` when the loop is closed.
    ///
    /// # Panics
    /// When polled outside a running loop, for a host to resolve.
    ///
    /// # Cancel safety
    /// No: close the socket.
    pub async fn sock_connect<S: AsSource>(
        &self,
        sock: &Async<S>,
        address: impl Into<Address>,
    ) -> io::Result<()> {
        watch::refuse_closed(self.inner())?;
        super::sock_connect(sock, address).await
    }
}
