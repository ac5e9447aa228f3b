//! smol: async-executor's `LocalExecutor`, async-io's timers and reactor, the pool of `blocking`.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use async_channel as channel;
use async_executor::{LocalExecutor, Task};
use async_io::{Async, Timer};
use async_lock::{Mutex, Semaphore};
use futures_lite::future::try_zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use futures_util::future::join_all;

use super::{Contender, Role};
use crate::cases::echoing::BUFFER;
use crate::cases::{soon, spawning};
use crate::runtime::{
    Channel, Connect, Echo, EchoDatagrams, Gather, Locks, Pool, Queue, Runtime, Sleep, Timeout,
};

/// smol and its cases.
pub const CONTENDER: Contender = Contender {
    name: "smol",
    role: Role::Peer,
    packages: &[
        "async-executor",
        "async-io",
        "async-lock",
        "async-channel",
        "blocking",
    ],
    about: "LocalExecutor in a thread-local, run by async_io::block_on",
    cases: &super::every_case::<Smol>(soon::measure_by_spawning::<Smol>, spawning::measure::<Smol>),
};

thread_local! {
    static EXECUTOR: LocalExecutor<'static> = const { LocalExecutor::new() };
}

/// smol's crates, put together as their documentation does.
#[derive(Debug)]
pub struct Smol;

impl Runtime for Smol {
    type Task<T: 'static> = Task<T>;

    fn run<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        EXECUTOR.with(|executor| async_io::block_on(executor.run(executor.spawn(main))))
    }

    fn spawn<F>(future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        EXECUTOR.with(|executor| executor.spawn(future))
    }

    fn detach<T: 'static>(task: Task<T>) {
        task.detach();
    }

    fn yield_now() -> impl Future<Output = ()> {
        futures_lite::future::yield_now()
    }
}

impl Sleep for Smol {
    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }
}

impl Timeout for Smol {
    async fn timeout<F: Future>(duration: Duration, future: F) -> Result<F::Output, impl Sized> {
        let timer = async {
            Timer::after(duration).await;
            Err(())
        };
        futures_lite::future::or(async { Ok(future.await) }, timer).await
    }
}

impl Pool for Smol {
    fn run_with_pool<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Self::run(main) // the pool is the process's; its size is an environment variable's
    }

    fn run_blocking<F>(job: F) -> impl IntoFuture + 'static
    where
        F: FnOnce() -> u64 + Send + 'static,
    {
        blocking::unblock(job)
    }
}

impl Gather for Smol {
    async fn gather<F>(tasks: u64, child: impl Fn(u64) -> F + 'static) -> u64
    where
        F: Future<Output = u64> + 'static,
    {
        join_all((0..tasks).map(|i| Self::spawn(child(i))))
            .await
            .into_iter()
            .sum()
    }
}

impl Channel for Smol {}

impl Echo for Smol {
    async fn echo(listener: std::net::TcpListener, buffer: usize) {
        let listener = Async::new(listener).expect("a listener");
        while let Ok((mut stream, _)) = listener.accept().await {
            let connection = async move {
                stream.get_ref().set_nodelay(true)?;
                let mut buffer = vec![0; buffer];
                loop {
                    let count = stream.read(&mut buffer).await?;
                    if count == 0 {
                        return io::Result::Ok(());
                    }
                    stream.write_all(&buffer[..count]).await?;
                }
            };
            Self::spawn(connection).detach();
        }
    }
}

impl Connect for Smol {
    async fn connect(address: SocketAddr, times: u64) {
        for _ in 0..times {
            let stream = Async::<TcpStream>::connect(address).await;
            let stream = stream.expect("a connection");
            stream.get_ref().set_nodelay(true).expect("a connection");
        }
    }

    async fn relay(listener: std::net::TcpListener, target: SocketAddr) {
        let listener = Async::new(listener).expect("a listener");
        while let Ok((client, _)) = listener.accept().await {
            let connection = async move {
                let server = Async::<TcpStream>::connect(target).await?;
                client.get_ref().set_nodelay(true)?;
                server.get_ref().set_nodelay(true)?;
                try_zip(pass_on(&client, &server), pass_on(&server, &client)).await
            };
            Self::spawn(connection).detach();
        }
    }
}

/// `futures_lite::io::copy`, whose buffer is smaller than what the others have, and the end.
async fn pass_on(from: &Async<TcpStream>, to: &Async<TcpStream>) -> io::Result<()> {
    let (mut reader, mut writer) = (from, to);
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = reader.read(&mut buffer).await?;
        if count == 0 {
            return to.get_ref().shutdown(Shutdown::Write);
        }
        writer.write_all(&buffer[..count]).await?;
    }
}

impl EchoDatagrams for Smol {
    async fn echo_datagrams(socket: std::net::UdpSocket) {
        let socket = Async::new(socket).expect("a socket");
        let mut buffer = vec![0; BUFFER];
        while let Ok((count, from)) = socket.recv_from(&mut buffer).await {
            socket.send_to(&buffer[..count], from).await.expect("room");
        }
    }
}

impl Locks for Smol {
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

/// smol's unbounded channel.
#[derive(Debug)]
pub struct Unbounded;

impl Queue for Unbounded {
    type Sender = channel::Sender<u64>;
    type Receiver = channel::Receiver<u64>;

    fn with_room_for(_: usize) -> (Self::Sender, Self::Receiver) {
        channel::unbounded()
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.try_send(value).expect("the queue is open");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("the queue is open")
    }
}

/// smol's bounded channel.
#[derive(Debug)]
pub struct Bounded;

impl Queue for Bounded {
    type Sender = channel::Sender<u64>;
    type Receiver = channel::Receiver<u64>;

    fn with_room_for(values: usize) -> (Self::Sender, Self::Receiver) {
        channel::bounded(values)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.send(value).await.expect("the queue is open");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.recv().await.expect("the queue is open")
    }
}
