//! monoio: its runtime on io_uring (its epoll driver where the kernel has none), time enabled.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_lite::future::try_zip;
use futures_util::future::join_all;
use local_sync::mpsc::{bounded, unbounded};
use local_sync::semaphore::Semaphore;
use monoio::blocking::DefaultThreadPool;
use monoio::buf::IoBuf;
use monoio::io::{AsyncReadRent, AsyncWriteRent, AsyncWriteRentExt, Splitable};
use monoio::net::{TcpListener, TcpStream};
use monoio::task::JoinHandle;
use monoio::{FusionDriver, RuntimeBuilder};

use super::{Contender, Role};
use crate::cases::echoing::BUFFER;
use crate::cases::{Measure, soon, spawning};
use crate::runtime::{
    Channel, Connect, Echo, EchoDatagrams, Gather, Locks, Pool, Queue, Runtime, Sleep, Timeout,
    pool_threads,
};

/// monoio and its cases.
pub const CONTENDER: Contender = Contender {
    name: "monoio",
    role: Role::Peer,
    packages: &["monoio", "local-sync"],
    about: "FusionDriver (io_uring), time enabled, feature `sync`",
    cases: super::but_locks(EVERY_CASE),
};

const EVERY_CASE: &[(&str, Measure)] = &super::every_case::<Monoio>(
    soon::measure_by_spawning::<Monoio>,
    spawning::measure::<Monoio>,
);

/// monoio's runtime.
#[derive(Debug)]
pub struct Monoio;

fn run<F>(builder: RuntimeBuilder<FusionDriver>, main: F) -> F::Output
where
    F: Future + 'static,
    F::Output: 'static,
{
    // `block_on` makes a task of `main` by itself.
    builder
        .enable_timer()
        .build()
        .expect("monoio's runtime could not be built")
        .block_on(main)
}

impl Runtime for Monoio {
    type Task<T: 'static> = JoinHandle<T>;

    fn run<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        run(RuntimeBuilder::<FusionDriver>::new(), main)
    }

    fn spawn<F>(future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        monoio::spawn(future)
    }

    fn detach<T: 'static>(task: JoinHandle<T>) {
        drop(task);
    }

    fn yield_now() -> impl Future<Output = ()> {
        futures_lite::future::yield_now() // it has none of its own
    }
}

impl Sleep for Monoio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        monoio::time::sleep(duration)
    }
}

impl Timeout for Monoio {
    fn timeout<F: Future>(
        duration: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, impl Sized>> {
        monoio::time::timeout(duration, future)
    }
}

impl Pool for Monoio {
    fn run_with_pool<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let pool = Box::new(DefaultThreadPool::new(pool_threads()));
        run(
            RuntimeBuilder::<FusionDriver>::new().attach_thread_pool(pool),
            main,
        )
    }

    fn run_blocking<F>(job: F) -> impl IntoFuture + 'static
    where
        F: FnOnce() -> u64 + Send + 'static,
    {
        monoio::spawn_blocking(job)
    }
}

impl Gather for Monoio {
    async fn gather<F>(tasks: u64, child: impl Fn(u64) -> F + 'static) -> u64
    where
        F: Future<Output = u64> + 'static,
    {
        join_all((0..tasks).map(|i| monoio::spawn(child(i))))
            .await
            .into_iter()
            .sum()
    }
}

impl Channel for Monoio {}

impl Echo for Monoio {
    async fn echo(listener: std::net::TcpListener, buffer: usize) {
        let listener = TcpListener::from_std(listener).expect("a listener");
        while let Ok((mut stream, _)) = listener.accept().await {
            monoio::spawn(async move {
                stream.set_nodelay(true)?;
                let mut buffer = vec![0; buffer];
                loop {
                    let (read, filled) = stream.read(buffer).await;
                    let count = read?;
                    if count == 0 {
                        return io::Result::Ok(());
                    }
                    let (written, sent) = stream.write_all(filled.slice(..count)).await;
                    written?;
                    buffer = sent.into_inner();
                }
            });
        }
    }
}

impl Connect for Monoio {
    async fn connect(address: SocketAddr, times: u64) {
        for _ in 0..times {
            let stream = TcpStream::connect_addr(address).await;
            let stream = stream.expect("a connection");
            stream.set_nodelay(true).expect("a connection");
        }
    }

    async fn relay(listener: std::net::TcpListener, target: SocketAddr) {
        let listener = TcpListener::from_std(listener).expect("a listener");
        while let Ok((client, _)) = listener.accept().await {
            monoio::spawn(async move {
                let server = TcpStream::connect_addr(target).await?;
                client.set_nodelay(true)?;
                server.set_nodelay(true)?;
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                try_zip(
                    pass_on(from_client, to_server),
                    pass_on(from_server, to_client),
                )
                .await
            });
        }
    }
}

/// `monoio::io::copy`, whose buffer is smaller than what the others have, and the end.
async fn pass_on(mut from: impl AsyncReadRent, mut to: impl AsyncWriteRent) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let (read, filled) = from.read(buffer).await;
        let count = read?;
        if count == 0 {
            return to.shutdown().await;
        }
        let (written, sent) = to.write_all(filled.slice(..count)).await;
        written?;
        buffer = sent.into_inner();
    }
}

impl EchoDatagrams for Monoio {
    async fn echo_datagrams(socket: std::net::UdpSocket) {
        let socket = monoio::net::udp::UdpSocket::from_std(socket).expect("a socket");
        let mut buffer = vec![0; BUFFER];
        loop {
            let (received, whole) = socket.recv_from(buffer).await;
            let (count, from) = received.expect("a datagram");
            let (sent, rest) = socket.send_to(whole.slice(..count), from).await;
            sent.expect("room");
            buffer = rest.into_inner();
        }
    }
}

impl Locks for Monoio {
    type Lock = Semaphore;
    type Semaphore = Semaphore;
    type Unbounded = Unbounded;
    type Bounded = Bounded;

    fn lock() -> Self::Lock {
        Semaphore::new(1) // not used: its users have no lock
    }

    fn acquire(lock: &Self::Lock) -> impl Future<Output = impl Sized> {
        lock.acquire()
    }

    fn semaphore() -> Self::Semaphore {
        Semaphore::new(1)
    }

    fn permit(semaphore: &Self::Semaphore) -> impl Future<Output = impl Sized> {
        semaphore.acquire()
    }
}

/// local-sync's unbounded channel.
#[derive(Debug)]
pub struct Unbounded;

impl Queue for Unbounded {
    type Sender = unbounded::Tx<u64>;
    type Receiver = unbounded::Rx<u64>;

    fn with_room_for(_: usize) -> (Self::Sender, Self::Receiver) {
        unbounded::channel()
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).expect("the queue is open");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("the queue is open")
    }
}

/// local-sync's bounded channel.
#[derive(Debug)]
pub struct Bounded;

impl Queue for Bounded {
    type Sender = bounded::Tx<u64>;
    type Receiver = bounded::Rx<u64>;

    fn with_room_for(values: usize) -> (Self::Sender, Self::Receiver) {
        bounded::channel(values)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect("the queue is open");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("the queue is open")
    }
}
