//! The event loop: [`asyncio.events`](https://docs.python.org/3/library/asyncio-eventloop.html).
//!
//! [`EventLoop`] owns a loop and runs it; asyncio's loop methods are methods of [`LoopRef`], which
//! [`get_running_loop`] returns and which an `EventLoop` can be used as. `new_event_loop()` is
//! [`EventLoop::new`]. The operations on sockets and names are free functions as well; a socket that
//! the loop knows is an [`Async`], which [`LoopRef::register`] makes.

pub use asyncio_executor::{
    Closed, ErrorContext, ExceptionHandler, Handle, MainFuture, Spawner, TaskFactory,
    ThreadsafeHandle,
};
pub use asyncio_loop::{
    AddrInfo, AddrInfoHints, Address, ConnectError, EventLoop, GaiError, LoopBuilder, LoopHandle,
    LoopRef, Metrics, NameInfoFlags, PartialWrite, Plan, Service, TimerHandle, Turn,
    get_running_loop, getaddrinfo, getnameinfo, sock_accept, sock_connect, sock_recv,
    sock_recv_into, sock_recvfrom, sock_recvfrom_into, sock_sendall, sock_sendto, try_running_loop,
};
pub use asyncio_reactor::Async;
