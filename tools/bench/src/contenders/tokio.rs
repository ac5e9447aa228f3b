//! tokio: a `LocalRuntime` on the current thread, I/O and time enabled.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet, spawn_blocking, spawn_local};

use super::{Contender, Role};
use crate::cases::echoing::BUFFER;
use crate::cases::{grouping, soon};
use crate::runtime::{
    Channel, Connect, Echo, EchoDatagrams, Gather, Group, Locks, Pool, Queue, Runtime, Sleep,
    Timeout, pool_threads,
};

/// tokio and its cases.
pub const CONTENDER: Contender = Contender {
    name: "tokio",
    role: Role::Peer,
    packages: &["tokio"],
    about: "LocalRuntime, I/O and time enabled",
    cases: &super::every_case::<Tokio>(
        soon::measure_by_spawning::<Tokio>,
        grouping::measure::<Tokio>,
    ),
};

/// tokio's runtime for one thread.
#[derive(Debug)]
pub struct Tokio;

fn run<F>(builder: &mut Builder, main: F) -> F::Output
where
    F: Future + 'static,
    F::Output: 'static,
{
    let runtime: LocalRuntime = builder
        .enable_all()
        .build_local(LocalOptions::default())
        .expect("tokio's runtime could not be built");
    runtime.block_on(async { spawn_local(main).await.expect("the case panicked") })
}

impl Runtime for Tokio {
    type Task<T: 'static> = JoinHandle<T>;

    fn run<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        run(&mut Builder::new_current_thread(), main)
    }

    fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        spawn_local(future)
    }

    fn detach<T: 'static>(task: JoinHandle<T>) {
        drop(task);
    }

    fn yield_now() -> impl Future<Output = ()> {
        tokio::task::yield_now()
    }
}

impl Sleep for Tokio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        tokio::time::sleep(duration)
    }
}

impl Timeout for Tokio {
    fn timeout<F: Future>(
        duration: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, impl Sized>> {
        tokio::time::timeout(duration, future)
    }
}

impl Pool for Tokio {
    fn run_with_pool<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        run(
            Builder::new_current_thread().max_blocking_threads(pool_threads()),
            main,
        )
    }

    fn run_blocking<F>(job: F) -> impl IntoFuture + 'static
    where
        F: FnOnce() -> u64 + Send + 'static,
    {
        spawn_blocking(job)
    }
}

impl Gather for Tokio {
    async fn gather<F>(tasks: u64, child: impl Fn(u64) -> F + 'static) -> u64
    where
        F: Future<Output = u64> + 'static,
    {
        let mut set = JoinSet::new();
        for i in 0..tasks {
            set.spawn_local(child(i));
        }
        set.join_all().await.into_iter().sum()
    }
}

impl Group for Tokio {
    async fn group<F>(tasks: u64, child: impl Fn(u64) -> F + 'static)
    where
        F: Future<Output = Result<(), Infallible>> + 'static,
    {
        let mut set = JoinSet::new();
        for i in 0..tasks {
            set.spawn_local(child(i));
        }
        while let Some(end) = set.join_next().await {
            let Ok(()) = end.expect("no child panics");
        }
    }
}

impl Channel for Tokio {}

impl Echo for Tokio {
    async fn echo(listener: std::net::TcpListener, buffer: usize) {
        listener.set_nonblocking(true).expect("a listener");
        let listener = TcpListener::from_std(listener).expect("a listener");
        while let Ok((mut stream, _)) = listener.accept().await {
            spawn_local(async move {
                stream.set_nodelay(true)?;
                let mut buffer = vec![0; buffer];
                loop {
                    let count = stream.read(&mut buffer).await?;
                    if count == 0 {
                        return std::io::Result::Ok(());
                    }
                    stream.write_all(&buffer[..count]).await?;
                }
            });
        }
    }
}

impl Connect for Tokio {
    async fn connect(address: SocketAddr, times: u64) {
        for _ in 0..times {
            let stream = TcpStream::connect(address).await.expect("a connection");
            stream.set_nodelay(true).expect("a connection");
        }
    }

    async fn relay(listener: std::net::TcpListener, target: SocketAddr) {
        listener.set_nonblocking(true).expect("a listener");
        let listener = TcpListener::from_std(listener).expect("a listener");
        while let Ok((mut client, _)) = listener.accept().await {
            spawn_local(async move {
                let mut server = TcpStream::connect(target).await?;
                client.set_nodelay(true)?;
                server.set_nodelay(true)?;
                copy_bidirectional_with_sizes(&mut client, &mut server, BUFFER, BUFFER).await
            });
        }
    }
}

impl EchoDatagrams for Tokio {
    async fn echo_datagrams(socket: std::net::UdpSocket) {
        socket.set_nonblocking(true).expect("a socket");
        let socket = UdpSocket::from_std(socket).expect("a socket");
        let mut buffer = vec![0; BUFFER];
        while let Ok((count, from)) = socket.recv_from(&mut buffer).await {
            socket.send_to(&buffer[..count], from).await.expect("room");
        }
    }
}

impl Locks for Tokio {
    type Lock = Mutex<()>;
    type Semaphore = Semaphore;
    type Unbounded = Unbounded;
    type Bounded = Bounded;

    fn lock() -> Self::Lock {
        Mutex::new(())
    }

    fn acquire(lock: &Self::Lock) -> impl Future<Output = impl Sized> {
        lock.lock()
    }

    fn semaphore() -> Self::Semaphore {
        Semaphore::new(1)
    }

    fn permit(semaphore: &Self::Semaphore) -> impl Future<Output = impl Sized> {
        semaphore.acquire()
    }
}

/// tokio's unbounded channel.
#[derive(Debug)]
pub struct Unbounded;

impl Queue for Unbounded {
    type Sender = mpsc::UnboundedSender<u64>;
    type Receiver = mpsc::UnboundedReceiver<u64>;

    fn with_room_for(_: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::unbounded_channel()
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).expect("the queue is open");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("the queue is open")
    }
}

/// tokio's bounded channel.
#[derive(Debug)]
pub struct Bounded;

impl Queue for Bounded {
    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn with_room_for(values: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::channel(values)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect("the queue is open");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("the queue is open")
    }
}
