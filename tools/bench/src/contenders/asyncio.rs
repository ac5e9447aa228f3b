//! Ours: the event loop with its default selector and its default thread pool.

mod net;

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::Task;
use asyncio_loop::{EventLoop, LoopHandle, get_running_loop};
use asyncio_sync::{Lock, Queue as AsyncioQueue, Semaphore};
use tokio::sync::oneshot;

use super::{Contender, Role};
use crate::cases::{grouping, scoping, soon};
use crate::runtime::{
    Callbacks, Gather, Group, Locks, Pool, Queue, Runtime, Sleep, Threadsafe, Timeout,
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
        "asyncio-streams",
    ],
    about: "EventLoop::new(), everything by default",
    cases: &super::and_one::<31, 32>(
        super::and_one::<30, 31>(
            super::every_case::<Asyncio>(soon::measure::<Asyncio>, grouping::measure::<Asyncio>),
            ("scope/nested-3", scoping::measure_nested::<Asyncio>),
        ),
        ("udp/batch-16", net::measure_batched),
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
    fn timeout<F: Future>(
        duration: Duration,
        future: F,
    ) -> impl Future<Output = Result<F::Output, impl Sized>> {
        asyncio_futures::timeout(duration, future)
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
