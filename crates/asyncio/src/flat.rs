//! The flat names that people type: `asyncio::sleep`, as in Python.

#[cfg(feature = "concurrent")]
pub use crate::concurrent::{ConcurrentFuture, ThreadPoolExecutor};
pub use crate::contextvars::{Context, ContextVar};
pub use crate::events::{
    EventLoop, Handle, LoopHandle, LoopRef, TimerHandle, get_running_loop, getaddrinfo,
    getnameinfo, sock_accept, sock_connect, sock_recv, sock_recv_into, sock_recvfrom,
    sock_recvfrom_into, sock_sendall, sock_sendto, try_running_loop,
};
pub use crate::exceptions::{
    Cancelled, InvalidStateError, TaskError, catch_cancelled, finally, finally_with,
    raise_cancelled, shielded,
};
#[cfg(feature = "futures")]
pub use crate::futures::Future;
#[cfg(feature = "sync")]
pub use crate::locks::{
    Barrier, BoundedSemaphore, BrokenBarrierError, Condition, Event, Lock, Semaphore,
};
#[cfg(feature = "transports")]
pub use crate::protocols::{BufferedProtocol, DatagramProtocol, Protocol};
#[cfg(feature = "sync")]
pub use crate::queues::{LifoQueue, PriorityQueue, Queue, QueueEmpty, QueueFull, QueueShutDown};
pub use crate::runners::{Interrupter, RunError, Runner, run};
pub use crate::selectors::ManualClock;
#[cfg(feature = "streams")]
pub use crate::streams::{
    IncompleteReadError, LimitOverrunError, StreamReader, StreamReaderProtocol, StreamWriter,
    open_connection, start_server,
};
#[cfg(all(feature = "streams", unix))]
pub use crate::streams::{open_unix_connection, start_unix_server};
#[cfg(feature = "futures")]
pub use crate::taskgroups::{ErrorGroup, GroupError, TaskGroup, task_group};
#[cfg(feature = "futures")]
pub use crate::tasks::{
    ReturnWhen, as_completed, ensure_future, gather, gather_on, join, race, select, shield,
    staggered_race, try_gather, try_gather_on, try_join, try_wait, wait,
};
pub use crate::tasks::{
    Task, TaskRef, all_tasks, create_task, current_task, interval, sleep, sleep_until, yield_now,
};
pub use crate::threads::to_thread;
#[cfg(feature = "futures")]
pub use crate::timeouts::{
    CancelScope, Timeout, TimeoutError, move_on_after, timeout, timeout_at, wait_for,
};
#[cfg(feature = "transports")]
pub use crate::transports::{
    BaseTransport, DatagramTransport, ReadTransport, SendfileNotAvailableError, Server, Transport,
    WriteTransport, connect_accepted_socket, create_connection, create_datagram_endpoint,
    create_server, sendfile, sock_sendfile,
};
#[cfg(all(feature = "transports", unix))]
pub use crate::transports::{
    connect_read_pipe, connect_write_pipe, create_unix_connection, create_unix_server,
};
