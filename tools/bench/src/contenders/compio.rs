//! compio: its runtime on io_uring, with the kernel flags that its documentation recommends.

use std::time::Duration;

use compio::driver::ProactorBuilder;
use compio::runtime::{JoinHandle, RuntimeBuilder};
use futures_util::future::join_all;

use super::{Contender, Role};
use crate::cases::{soon, spawning};
use crate::runtime::{Channel, Gather, Pool, Runtime, Sleep, pool_threads};

/// compio and its cases.
pub const CONTENDER: Contender = Contender {
    name: "compio",
    role: Role::Peer,
    packages: &["compio"],
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
