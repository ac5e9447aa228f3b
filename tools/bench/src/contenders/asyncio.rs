//! Ours: the event loop with its default selector and its default thread pool.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::Task;
use asyncio_loop::socket::{SockAddr, Socket};
use asyncio_loop::{EventLoop, LoopHandle, get_running_loop, sock_accept};
use asyncio_streams::{StreamReader, StreamWriter, start_server};
use asyncio_sync::{Lock, Queue as AsyncioQueue, Semaphore};
use asyncio_transports::{
    DatagramProtocol, DatagramTransport, Protocol, Transport, connect_accepted_socket,
    create_datagram_endpoint,
};
use tokio::sync::oneshot;

use super::{Contender, Role};
use crate::cases::echoing::BUFFER;
use crate::cases::{Params, datagrams, grouping, scoping, soon};
use crate::meter::Sample;
use crate::runtime::{
    Callbacks, Echo, EchoDatagrams, Gather, Group, Locks, Pool, Queue, Runtime, Sleep, Threadsafe,
    Timeout,
};

/// Ours and its cases.
pub const CONTENDER: Contender = Contender {
    name: "asyncio",
    role: Role::Ours,
    packages: &[
        "asyncio-loop",
        "asyncio-futures",
        "asyncio-sync",
        "asyncio-transports",
    ],
    about: "EventLoop::new(), everything by default",
    cases: &super::and_one::<26, 27>(
        super::and_one::<25, 26>(
            super::every_case::<Asyncio>(soon::measure::<Asyncio>, grouping::measure::<Asyncio>),
            ("scope/nested-3", scoping::measure_nested::<Asyncio>),
        ),
        ("udp/batch-16", measure_batched),
    ),
};

/// The loop of asyncio-loop.
#[derive(Debug)]
pub struct Asyncio;

impl Runtime for Asyncio {
    type Task<T: 'static> = Task<T>;

    fn run<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let event_loop = EventLoop::new().expect("the loop could not be made");
        event_loop
            .run_until_complete(main)
            .expect("nobody cancels the case")
    }

    fn spawn<F>(future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        asyncio_loop::create_task(future)
    }

    fn detach<T: 'static>(task: Task<T>) {
        task.detach();
    }

    fn yield_now() -> impl Future<Output = ()> {
        asyncio_executor::yield_now()
    }
}

impl Callbacks for Asyncio {
    fn call_soon(callback: impl FnOnce() + 'static) {
        get_running_loop().call_soon(callback);
    }
}

impl Sleep for Asyncio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        asyncio_loop::sleep(duration)
    }
}

impl Timeout for Asyncio {
    async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
        asyncio_futures::timeout(duration, future).await.ok()
    }
}

impl Pool for Asyncio {
    fn run_with_pool<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Self::run(main) // the default executor has the size that the others are given
    }

    fn run_blocking<F>(job: F) -> impl IntoFuture + 'static
    where
        F: FnOnce() -> u64 + Send + 'static,
    {
        get_running_loop()
            .run_in_executor(None, job)
            .expect("the pool takes jobs")
    }
}

impl Gather for Asyncio {
    async fn gather<F>(tasks: u64, child: impl Fn(u64) -> F + 'static) -> u64
    where
        F: Future<Output = u64> + 'static,
    {
        let results = asyncio_futures::gather((0..tasks).map(child)).await;
        results.expect("no child is cancelled").into_iter().sum()
    }
}

impl Group for Asyncio {
    async fn group<F>(tasks: u64, child: impl Fn(u64) -> F + 'static)
    where
        F: Future<Output = Result<(), Infallible>> + 'static,
    {
        let group = asyncio_futures::task_group(async |group| {
            for i in 0..tasks {
                group.start_soon(child(i)).expect("the group runs");
            }
            Ok(())
        });
        group.await.expect("no child fails");
    }
}

impl Threadsafe for Asyncio {
    type Remote = LoopHandle;

    async fn serve(feeder: impl FnOnce(LoopHandle) + Send + 'static) {
        let (done, end) = oneshot::channel::<()>();
        let handle = get_running_loop().handle();
        let thread = std::thread::spawn(move || {
            feeder(handle.clone());
            // The calls of one thread run in order: this is the last.
            handle.call_soon_threadsafe(move || drop(done))
        });
        let _ = end.await;
        let _ = thread.join().expect("the feeding thread panicked");
    }

    fn send(handle: &LoopHandle, job: impl FnOnce() + Send + 'static) {
        let _ = handle.call_soon_threadsafe(job); // fails only if the loop is closed
    }
}

impl Locks for Asyncio {
    type Lock = Lock;
    type Semaphore = Semaphore;
    type Unbounded = Unbounded;
    type Bounded = Bounded;

    fn lock() -> Self::Lock {
        Lock::new(())
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

/// Our queue without a limit.
#[derive(Debug)]
pub struct Unbounded;

impl Queue for Unbounded {
    type Sender = Rc<AsyncioQueue<u64>>;
    type Receiver = Rc<AsyncioQueue<u64>>;

    fn with_room_for(_: usize) -> (Self::Sender, Self::Receiver) {
        ends(0)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.put_nowait(value).expect("the queue is open");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.get().await.expect("the queue is open")
    }
}

/// Our queue with a limit.
#[derive(Debug)]
pub struct Bounded;

impl Queue for Bounded {
    type Sender = Rc<AsyncioQueue<u64>>;
    type Receiver = Rc<AsyncioQueue<u64>>;

    fn with_room_for(values: usize) -> (Self::Sender, Self::Receiver) {
        ends(values)
    }

    async fn send(sender: &Self::Sender, value: u64) {
        sender.put(value).await.expect("the queue is open");
    }

    async fn receive(receiver: &mut Self::Receiver) -> u64 {
        receiver.get().await.expect("the queue is open")
    }
}

fn ends(maxsize: usize) -> (Rc<AsyncioQueue<u64>>, Rc<AsyncioQueue<u64>>) {
    let queue = Rc::new(AsyncioQueue::new(maxsize));
    (Rc::clone(&queue), queue)
}

impl Echo for Asyncio {
    async fn echo(listener: std::net::TcpListener) {
        let serve = |mut reader: StreamReader, writer: StreamWriter| async move {
            let mut buffer = vec![0; BUFFER];
            loop {
                let count = reader.read(&mut buffer).await?;
                if count == 0 {
                    return std::io::Result::Ok(());
                }
                writer.write(&buffer[..count]);
                writer.drain().await?;
            }
        };
        let server = start_server(serve, listener).await.expect("a server");
        server.serve_forever().await.expect("it serves");
    }

    async fn echo_by_protocol(listener: std::net::TcpListener) {
        let event_loop = get_running_loop();
        let listener = event_loop
            .register(Socket::from(listener))
            .expect("a listener");
        while let Ok((stream, _)) = sock_accept(&listener).await {
            connect_accepted_socket(EchoProtocol::default, stream.into_inner())
                .await
                .expect("a connection");
        }
    }
}

/// The server's side of one connection.
#[derive(Default)]
struct EchoProtocol(Option<Rc<dyn Transport>>);

impl Protocol for EchoProtocol {
    fn connection_made(&mut self, transport: Rc<dyn Transport>) {
        self.0 = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        if let Some(transport) = &self.0 {
            let _ = transport.write(data);
        }
    }

    fn pause_writing(&mut self) {
        if let Some(transport) = &self.0 {
            transport.pause_reading();
        }
    }

    fn resume_writing(&mut self) {
        if let Some(transport) = &self.0 {
            transport.resume_reading();
        }
    }
}

impl EchoDatagrams for Asyncio {
    async fn echo_datagrams(socket: std::net::UdpSocket) {
        serve_datagrams(socket, false).await;
    }
}

/// In the form of a protocol.
#[derive(Default)]
struct DatagramEcho(Option<Rc<dyn DatagramTransport>>);

impl DatagramProtocol for DatagramEcho {
    fn connection_made(&mut self, transport: Rc<dyn DatagramTransport>) {
        self.0 = Some(transport);
    }

    fn datagram_received(&mut self, data: &[u8], from: &SockAddr) {
        if let Some(transport) = &self.0 {
            _ = transport.sendto(data, Some(from)).expect("room");
        }
    }
}

async fn serve_datagrams(socket: std::net::UdpSocket, batch: bool) {
    let endpoint = create_datagram_endpoint(DatagramEcho::default)
        .sock(socket)
        .batch(batch);
    let _endpoint = endpoint.await.expect("an endpoint");
    std::future::pending::<()>().await;
}

/// `udp/batch-16`: with batches.
fn measure_batched(params: Params) -> Sample {
    datagrams::serve_under_load(params, |socket| {
        Asyncio::run(serve_datagrams(socket, true));
    })
}
