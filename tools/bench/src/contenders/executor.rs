//! Our executor alone, without a loop: what the loop adds is the difference to `asyncio`.

use asyncio_executor::{Door, Executor, Spawner, Task};
use tokio::sync::oneshot;

use super::{Contender, Role};
use crate::cases::{parking, scoping, soon, spawning, threadsafe, yielding};
use crate::runtime::{Callbacks, Runtime, Threadsafe};

/// asyncio-executor and its cases: it keeps no time and has no pool.
pub const CONTENDER: Contender = Contender {
    name: "executor",
    role: Role::Part,
    packages: &["asyncio-executor"],
    about: "our executor alone, without I/O and time",
    cases: &[
        ("yield/", yielding::measure::<Alone>),
        ("spawn/", spawning::measure::<Alone>),
        ("parked/bytes", parking::measure::<Alone>),
        ("soon/chain", soon::measure::<Alone>),
        ("scope/nested-3", scoping::measure_nested::<Alone>),
        ("threadsafe/flood", threadsafe::measure_flood::<Alone>),
        ("threadsafe/pingpong", threadsafe::measure_pingpong::<Alone>),
    ],
};

/// The executor of asyncio-executor, run by itself.
#[derive(Debug)]
pub struct Alone;

fn current() -> Spawner {
    Spawner::current().expect("a case runs on the executor")
}

impl Runtime for Alone {
    type Task<T: 'static> = Task<T>;

    fn run<F>(main: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Executor::new()
            .run_until_complete(main)
            .expect("nobody cancels the case")
    }

    fn spawn<F>(future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        current().create_task(future)
    }

    fn detach<T: 'static>(task: Task<T>) {
        task.detach();
    }

    fn yield_now() -> impl Future<Output = ()> {
        asyncio_executor::yield_now()
    }
}

impl Callbacks for Alone {
    fn call_soon(callback: impl FnOnce() + 'static) {
        current().call_soon(callback);
    }
}

impl Threadsafe for Alone {
    type Remote = Door;

    async fn serve(feeder: impl FnOnce(Door) + Send + 'static) {
        let (done, end) = oneshot::channel::<()>();
        let door = current().door();
        let thread = std::thread::spawn(move || {
            feeder(door.clone());
            // The calls of one thread run in order: this is the last.
            door.call_soon_threadsafe(move || drop(done))
        });
        let _ = end.await;
        let _ = thread.join().expect("the feeding thread panicked");
    }

    fn send(door: &Door, job: impl FnOnce() + Send + 'static) {
        let _ = door.call_soon_threadsafe(job); // fails only if the executor is gone
    }
}
