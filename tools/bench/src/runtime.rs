//! What a runtime must offer so that the cases are written once for all of them: same work, same
//! futures, only these calls differ.
//!
//! All of it is associated with a type and not with a value, because all contenders find their
//! loop through the thread.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// A runtime with one thread: it runs futures and spawns tasks that need not be `Send`.
pub trait Runtime: 'static {
    /// The handle of a task: awaiting it waits for the task's end.
    type Task<T: 'static>: IntoFuture + 'static;

    /// Runs `main` on a fresh runtime on this thread until `main` ends, as a task if that is not
    /// slower than what `block_on` takes directly.
    fn run<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static;

    /// Starts a task on the runtime of this thread.
    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static;

    /// Lets a task go on without its handle.
    fn detach<T: 'static>(task: Self::Task<T>);

    /// Gives way to the other tasks once: the runtime's own form of it if it has one.
    fn yield_now() -> impl Future<Output = ()>;
}

/// A runtime whose ready queue takes callbacks.
pub trait Callbacks: Runtime {
    /// Has `callback` called in the next turn.
    fn call_soon(callback: impl FnOnce() + 'static);
}

/// A runtime that can wait for time to pass.
pub trait Sleep: Runtime {
    /// Sleeps on the runtime's own timers.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static;
}

/// A runtime that can end what takes too long.
pub trait Timeout: Sleep {
    /// Awaits `future` for at most so long; an error, of the runtime's own kind, when the time was
    /// over. So each is measured as its users call it, with nothing around it.
    fn timeout<F: Future>(
        duration: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, impl Sized>>;
}

/// A runtime that can hand blocking calls to other threads.
pub trait Pool: Runtime {
    /// As [`Runtime::run`], with a pool of at most [`pool_threads`] threads.
    fn run_with_pool<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static;

    /// Hands `job` to the pool at once; the future waits for its end.
    fn run_blocking<F>(job: F) -> impl IntoFuture + 'static
    where
        F: FnOnce() -> u64 + Send + 'static;
}

/// A runtime that can wait for many tasks as one group.
pub trait Gather: Runtime {
    /// Starts `tasks` tasks, the i-th made by `child(i)`, and adds their results up.
    fn gather<F>(tasks: u64, child: impl Fn(u64) -> F + 'static) -> impl Future<Output = u64>
    where
        F: Future<Output = u64> + 'static;
}

/// A runtime with a group that its tasks do not outlive.
pub trait Group: Runtime {
    /// Starts `tasks` tasks in a group, the i-th made by `child(i)`, and waits for the group's end.
    fn group<F>(tasks: u64, child: impl Fn(u64) -> F + 'static) -> impl Future<Output = ()>
    where
        F: Future<Output = Result<(), Infallible>> + 'static;
}

/// A runtime with what its users take to keep tasks out of each other's way, and to hand values from
/// one to another.
pub trait Locks: Runtime {
    /// For one task at a time.
    type Lock: 'static;
    /// For as many as it has permits: one.
    type Semaphore: 'static;
    /// A queue without a limit.
    type Unbounded: Queue;
    /// A queue with a limit, at which the sender waits.
    type Bounded: Queue;

    /// A lock that is free.
    fn lock() -> Self::Lock;

    /// Takes the lock; what comes back releases it when it is dropped.
    fn acquire(lock: &Self::Lock) -> impl Future<Output = impl Sized>;

    /// A semaphore with one permit.
    fn semaphore() -> Self::Semaphore;

    /// Takes the permit; what comes back gives it back when it is dropped.
    fn permit(semaphore: &Self::Semaphore) -> impl Future<Output = impl Sized>;
}

/// A queue between two tasks of a thread.
pub trait Queue: 'static {
    /// The end that sends.
    type Sender: 'static;
    /// The end that receives.
    type Receiver: 'static;

    /// A queue with room for at least `values`.
    fn with_room_for(values: usize) -> (Self::Sender, Self::Receiver);

    /// Sends, and waits for room if need be.
    fn send(sender: &Self::Sender, value: u64) -> impl Future<Output = ()>;

    /// Waits for the next value.
    fn receive(receiver: &mut Self::Receiver) -> impl Future<Output = u64>;
}

/// A runtime that serves.
pub trait Echo: Runtime {
    /// Sends back what comes, on every connection that `listener` accepts, for ever. The listener is
    /// blocking. A connection that has a buffer of its own has one of that size.
    fn echo(listener: std::net::TcpListener, buffer: usize) -> impl Future<Output = ()> + 'static;

    /// The same by callbacks, where the runtime has those.
    fn echo_by_protocol(
        listener: std::net::TcpListener,
        buffer: usize,
    ) -> impl Future<Output = ()> + 'static {
        Self::echo(listener, buffer)
    }

    /// The same for connections that are idle most of the time.
    fn echo_rarely(listener: std::net::TcpListener) -> impl Future<Output = ()> + 'static {
        Self::echo(listener, SMALL_BUFFER)
    }
}

/// The size of the buffer of a connection for servers of many that say little: what it is in
/// tokio's examples.
pub const SMALL_BUFFER: usize = 1024;

/// A runtime that connects to others.
pub trait Connect: Runtime {
    /// Connects to that address and closes the connection, so many times, one after the other.
    fn connect(address: SocketAddr, times: u64) -> impl Future<Output = ()> + 'static;

    /// Connects to `target` for every connection that `listener` accepts, and passes on what comes
    /// from either, for ever; by buffers of [`BUFFER`](crate::cases::echoing::BUFFER) where it has
    /// some. The listener is blocking.
    fn relay(
        listener: std::net::TcpListener,
        target: SocketAddr,
    ) -> impl Future<Output = ()> + 'static;
}

/// A runtime with UDP.
pub trait EchoDatagrams: Runtime {
    /// Sends every datagram that comes back to whom it is from, for ever. The socket is blocking.
    fn echo_datagrams(socket: std::net::UdpSocket) -> impl Future<Output = ()> + 'static;
}

/// A runtime that other threads can hand calls to.
pub trait Threadsafe: Runtime {
    /// The other thread's end.
    type Remote: Send + 'static;

    /// Runs what other threads send, until `feeder` has ended and all of it has run.
    ///
    /// `feeder` runs on a thread of its own and gets the way in.
    fn serve(
        feeder: impl FnOnce(Self::Remote) + Send + 'static,
    ) -> impl Future<Output = ()> + 'static;

    /// Hands `job` to the loop.
    fn send(remote: &Self::Remote, job: impl FnOnce() + Send + 'static);
}

/// A runtime without a door of its own for calls from other threads. Its users take an unbounded
/// channel of boxed calls and one task that runs them; the channel is tokio's, which works on
/// every runtime.
pub trait Channel: Runtime {}

impl<R: Channel> Threadsafe for R {
    type Remote = UnboundedSender<Box<dyn FnOnce() + Send>>;

    async fn serve(feeder: impl FnOnce(Self::Remote) + Send + 'static) {
        let (sender, mut receiver) = unbounded_channel();
        let thread = std::thread::spawn(move || feeder(sender));
        while let Some(job) = receiver.recv().await {
            job();
        }
        thread.join().expect("the feeding thread panicked");
    }

    fn send(remote: &Self::Remote, job: impl FnOnce() + Send + 'static) {
        let _ = remote.send(Box::new(job)); // fails only if the loop is gone
    }
}

/// The size of every pool: what Python's `ThreadPoolExecutor` takes by default.
pub fn pool_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores + 4).min(32)
}
