//! compio: its runtime on io_uring, with the kernel flags that its documentation recommends.

use std::net::SocketAddr;
use std::time::Duration;

use async_lock::{Mutex, Semaphore};
use compio::buf::{BufResult, IntoInner, IoBuf};
use compio::driver::ProactorBuilder;
use compio::io::util::copy_bidirectional_with_sizes;
use compio::io::{AsyncRead, AsyncWriteExt};
use compio::net::{TcpListener, TcpStream};
use compio::runtime::{JoinHandle, RuntimeBuilder};
use futures_util::StreamExt;
use futures_util::future::join_all;
use local_channel::mpsc;

use super::{Contender, Role};
use crate::cases::echoing::BUFFER;
use crate::cases::{soon, spawning};
use crate::runtime::{
    Channel, Connect, Echo, EchoDatagrams, Gather, Locks, Pool, Queue, Runtime, Sleep, Timeout,
    pool_threads,
};

/// compio and its cases.
pub const CONTENDER: Contender = Contender {
    name: "compio",
    role: Role::Peer,
    packages: &["compio", "local-channel", "flume", "async-lock"],
    about: "io_uring with coop_taskrun, taskrun_flag and single_issuer",
    cases: &super::every_case::<Compio>(
        soon::measure_by_spawning::<Compio>,
        spawning::measure::<Compio>,
    ),
};

/// compio's runtime.
#[derive(Debug)]
pub struct Compio;

impl Runtime for Compio {
    type Task<T: 'static> = JoinHandle<T>;

    fn run<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let mut proactor = ProactorBuilder::new();
        proactor
            .coop_taskrun(true)
            .taskrun_flag(true)
            .single_issuer(true)
            .thread_pool_limit(pool_threads());
        let runtime = RuntimeBuilder::new()
            .with_proactor(proactor)
            .build()
            .expect("compio's runtime could not be built");
        // Not a task of its own as elsewhere: each wake of a lone task is a system call here, and
        // awaiting a task from a task is forty times slower than from `block_on`.
        runtime.block_on(main)
    }

    fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        compio::runtime::spawn(future)
    }

    fn detach<T: 'static>(task: JoinHandle<T>) {
        task.detach();
    }

    fn yield_now() -> impl Future<Output = ()> {
        futures_lite::future::yield_now() // it has none of its own
    }
}

impl Sleep for Compio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        compio::time::sleep(duration)
    }
}

impl Timeout for Compio {
    fn timeout<F: Future>(
        duration: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, impl Sized>> {
        compio::time::timeout(duration, future)
    }
}

impl Pool for Compio {
    fn run_with_pool<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Self::run(main) // its pool starts threads as jobs come
    }

    fn run_blocking<F>(job: F) -> impl IntoFuture + 'static
    where
        F: FnOnce() -> u64 + Send + 'static,
    {
        compio::runtime::spawn_blocking(job)
    }
}

impl Gather for Compio {
    async fn gather<F>(tasks: u64, child: impl Fn(u64) -> F + 'static) -> u64
    where
        F: Future<Output = u64> + 'static,
    {
        let results = join_all((0..tasks).map(|i| compio::runtime::spawn(child(i)))).await;
        results
            .into_iter()
            .map(|result| result.expect("a child panicked"))
            .sum()
    }
}

impl Channel for Compio {}

impl Echo for Compio {
    async fn echo(listener: std::net::TcpListener, buffer: usize) {
        let listener = TcpListener::from_std(listener).expect("a listener");
        while let Ok((mut stream, _)) = listener.accept().await {
            let connection = async move {
                stream.set_nodelay(true)?;
                let mut buffer = vec![0; buffer];
                loop {
                    let BufResult(read, filled) = stream.read(buffer).await;
                    let count = read?;
                    if count == 0 {
                        return std::io::Result::Ok(());
                    }
                    let BufResult(written, sent) = stream.write_all(filled.slice(..count)).await;
                    written?;
                    buffer = sent.into_inner();
                }
            };
            compio::runtime::spawn(connection).detach();
        }
    }
}

impl Connect for Compio {
    async fn connect(address: SocketAddr, times: u64) {
        for _ in 0..times {
            let stream = TcpStream::connect(address).await.expect("a connection");
            stream.set_nodelay(true).expect("a connection");
        }
    }

    async fn relay(listener: std::net::TcpListener, target: SocketAddr) {
        let listener = TcpListener::from_std(listener).expect("a listener");
        while let Ok((client, _)) = listener.accept().await {
            let connection = async move {
                let server = TcpStream::connect(target).await?;
                client.set_nodelay(true)?;
                server.set_nodelay(true)?;
                let (up, down) =
                    copy_bidirectional_with_sizes(client, server, BUFFER, BUFFER).await;
                up.and(down)
            };
            compio::runtime::spawn(connection).detach();
        }
    }
}

impl EchoDatagrams for Compio {
    async fn echo_datagrams(socket: std::net::UdpSocket) {
        let socket = compio::net::UdpSocket::from_std(socket).expect("a socket");
        let mut buffer = vec![0; BUFFER];
        loop {
            let BufResult(received, whole) = socket.recv_from(buffer).await;
            let (count, from) = received.expect("a datagram");
            let BufResult(sent, rest) = socket.send_to(whole.slice(..count), from).await;
            sent.expect("room");
            buffer = rest.into_inner();
        }
    }
}

impl Locks for Compio {
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

/// A channel for one thread, without a limit.
#[derive(Debug)]
pub struct Unbounded;

impl Queue for Unbounded {
    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn with_room_for(_: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::channel()
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).expect("the queue is open");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.next().await.expect("the queue is open")
    }
}

/// The channel that compio uses itself.
#[derive(Debug)]
pub struct Bounded;

impl Queue for Bounded {
    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn with_room_for(values: usize) -> (Self::Sender, Self::Receiver) {
        flume::bounded(values)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send_async(value).await.expect("the queue is open");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv_async().await.expect("the queue is open")
    }
}
