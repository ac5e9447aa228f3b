//! Blocking jobs: `run_in_executor`, `to_thread`, and the default executor's life.

mod scene;

use std::future::IntoFuture;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use asyncio_blocking::{
    ConcurrentPromise, Executor, Job, Rejected, SubmitError, ThreadPoolExecutor,
};
use asyncio_executor::{ContextVar, TaskError, yield_now};
use asyncio_loop::{
    DefaultExecutorShutDown, LoopRef, ShutdownOutcome, get_running_loop, to_thread, wrap_future,
};
use asyncio_testkit::Watchdog;
use scene::{Log, NoteDrop, guarded_with_threads, note_errors, simulated};

fn run<T>(f: impl AsyncFnOnce(LoopRef) -> T) -> T {
    scene::run(&scene::real(), f)
}

/// A pool of one thread that is busy until the sender is dropped.
fn busy_pool() -> (Arc<ThreadPoolExecutor>, mpsc::Sender<()>) {
    let pool = Arc::new(
        ThreadPoolExecutor::builder()
            .max_workers(1)
            .build()
            .unwrap(),
    );
    let (release, wait) = mpsc::channel();
    let (begins, begun) = mpsc::channel();
    let (job, _running) = Job::new(move || {
        begins.send(()).unwrap();
        let _ = wait.recv();
    });
    pool.execute(job).unwrap();
    // Until then the thread could still be kept from it, and be free for the next job.
    begun.recv().unwrap();
    (pool, release)
}

#[test]
fn a_job_runs_on_a_thread_of_the_default_executor() {
    guarded_with_threads(|| {
        run(async |event_loop| {
            let name = || thread::current().name().map(str::to_owned);
            let task = event_loop.run_in_executor(None, name).unwrap();
            assert_eq!(task.await.unwrap().as_deref(), Some("asyncio_0"));
            assert_eq!(to_thread(name).await.unwrap().as_deref(), Some("asyncio_0"));
        });
    });
}

#[test]
fn a_job_starts_at_once_and_not_when_its_task_runs() {
    let (event_loop, _clock) = simulated();
    let (sender, receiver) = mpsc::channel();
    let task = event_loop
        .run_in_executor(None, move || sender.send(1).unwrap())
        .unwrap();
    // The loop has not run.
    assert_eq!(receiver.recv_timeout(Duration::from_secs(20)), Ok(1));
    assert!(!task.done());
}

#[test]
fn jobs_can_be_gathered_with_a_pool_of_your_own() {
    run(async |event_loop| {
        let pool = ThreadPoolExecutor::builder()
            .max_workers(2)
            .build()
            .unwrap();
        let mut tasks = Vec::new();
        for n in 0..100 {
            tasks.push(
                event_loop
                    .run_in_executor(Some(&pool), move || n * n)
                    .unwrap(),
            );
        }
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), n * n);
        }
        assert!(pool.metrics().threads <= 2);
    });
}

#[test]
fn a_panic_of_a_job_is_its_tasks_panic() {
    run(async |event_loop| {
        let errors = note_errors(&event_loop);
        let task = event_loop
            .run_in_executor(None, || -> u32 { panic!("on a thread") })
            .unwrap();
        match task.await {
            Err(TaskError::Panicked(payload)) => {
                assert_eq!(payload.into_inner().downcast_ref(), Some(&"on a thread"));
            }
            other => panic!("{other:?}"),
        }
        errors.expect(&[]);
        // And of the code that waits in place.
        let waits = event_loop.create_task(to_thread(|| -> u32 { panic!("in place") }));
        assert!(waits.await.unwrap_err().is_panic());
    });
}

#[test]
fn cancelling_a_task_cancels_a_job_that_waits() {
    run(async |event_loop| {
        let (pool, release) = busy_pool();
        let (sender, receiver) = mpsc::channel::<()>();
        let job = move || panic!("cancelled {:?}", sender.send(()));
        let task = event_loop
            .run_in_executor::<(), _>(Some(&pool), job)
            .unwrap();
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        // The closure is gone while the pool is still busy.
        assert!(receiver.recv().is_err());
        drop(release);
    });
}

#[test]
fn cancelling_a_task_leaves_a_job_that_runs_alone_and_does_not_wait_for_it() {
    run(async |event_loop| {
        let (pool, release) = busy_pool();
        let (started, is_started) = mpsc::channel();
        let (go_on, wait) = mpsc::channel::<()>();
        let (ended, is_ended) = mpsc::channel();
        let job = move || {
            started.send(()).unwrap();
            wait.recv().unwrap();
            ended.send(()).unwrap();
        };
        let task = event_loop.run_in_executor(Some(&pool), job).unwrap();
        drop(release);
        is_started.recv().unwrap();
        task.cancel_with("not needed");
        let outcome = task.await;
        assert!(matches!(outcome, Err(TaskError::Cancelled(Some(why))) if &*why == "not needed"));
        go_on.send(()).unwrap();
        is_ended.recv().unwrap();
    });
}

/// Dropping the handle detaches: the job is done.
#[test]
fn a_detached_task_does_its_job() {
    run(async |event_loop| {
        let (pool, release) = busy_pool();
        let (sender, receiver) = mpsc::channel();
        event_loop
            .run_in_executor(Some(&pool), move || sender.send(1).unwrap())
            .unwrap()
            .detach();
        yield_now().await;
        drop(release);
        assert_eq!(receiver.recv(), Ok(1));
    });
}

#[test]
fn dropping_to_thread_cancels_a_job_that_waits() {
    run(async |event_loop| {
        let (pool, release) = busy_pool();
        event_loop.set_default_executor(pool.clone());
        let (sender, receiver) = mpsc::channel::<()>();
        let waits = event_loop.create_task(to_thread(move || panic!("{:?}", sender.send(()))));
        yield_now().await;
        waits.cancel();
        assert!(waits.await.unwrap_err().is_cancelled());
        assert!(receiver.recv().is_err());
        drop(release);
    });
}

#[test]
fn nothing_happens_before_to_thread_is_polled() {
    run(async |_| drop(to_thread(|| panic!("not polled"))));
}

#[test]
fn a_job_that_its_pool_cancels_ends_its_task_as_cancelled() {
    run(async |event_loop| {
        let (pool, release) = busy_pool();
        let task = event_loop.run_in_executor(Some(&pool), || ()).unwrap();
        event_loop.set_default_executor(pool.clone());
        let waits = event_loop.create_task(to_thread(|| ()));
        yield_now().await;
        pool.shutdown(false, true);
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(waits.await.unwrap_err().is_cancelled());
        drop(release);
    });
}

/// The initializer fails while jobs wait: an error for each of them.
#[test]
fn a_pool_that_breaks_is_an_error_of_its_jobs() {
    run(async |event_loop| {
        let (go_on, wait) = mpsc::channel::<()>();
        let wait = std::sync::Mutex::new(wait);
        let fail = move || {
            wait.lock().unwrap().recv().unwrap();
            Err::<(), _>("no disk")
        };
        let pool = ThreadPoolExecutor::builder()
            .max_workers(1)
            .initializer(fail)
            .build()
            .unwrap();
        let pool = Arc::new(pool);
        event_loop.set_default_executor(pool.clone());
        let task = event_loop.run_in_executor(None, || ()).unwrap();
        let waits = event_loop.create_task(to_thread(|| ()));
        yield_now().await;
        go_on.send(()).unwrap();
        let panicked = task.await.unwrap_err();
        assert!(
            panicked.is_panic() && panicked.to_string().contains("no disk"),
            "{panicked}"
        );
        let broken = waits.await.unwrap().unwrap_err();
        assert!(matches!(&broken, SubmitError::Broken(_)), "{broken:?}");
        let refused = event_loop.run_in_executor(None, || ()).unwrap_err();
        assert!(matches!(&refused, SubmitError::Broken(_)), "{refused:?}");
    });
}

#[test]
fn shared_context_variables_go_with_a_job() {
    static SHARED: ContextVar<u32> = ContextVar::shared("shared");
    static LOCAL: ContextVar<u32> = ContextVar::new("local");
    run(async |event_loop| {
        let _ = SHARED.set(1);
        let _ = LOCAL.set(2);
        let read = || (SHARED.get(), LOCAL.get());
        assert_eq!(to_thread(read).await.unwrap(), (Some(1), None));
        let task = event_loop.run_in_executor(None, read).unwrap();
        let _ = SHARED.set(3);
        assert_eq!(task.await.unwrap(), (Some(1), None));
        // What a job sets stays with it.
        to_thread(|| _ = SHARED.set(4)).await.unwrap();
        assert_eq!(SHARED.get(), Some(3));
    });
}

#[test]
fn a_future_of_a_thread_becomes_a_task() {
    run(async |event_loop| {
        let (promise, future) = ConcurrentPromise::new();
        let task = wrap_future(future);
        thread::spawn(move || promise.set_result(5));
        assert_eq!(task.await.unwrap(), 5);

        let (promise, future) = ConcurrentPromise::<u32>::new();
        drop(promise);
        assert!(
            event_loop
                .wrap_future(future)
                .await
                .unwrap_err()
                .is_cancelled()
        );

        let (promise, future) = ConcurrentPromise::<u32>::new();
        let task = event_loop.wrap_future(future);
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(promise.reference().cancelled());
    });
}

#[test]
fn shutting_down_waits_for_jobs_and_refuses_later_ones() {
    guarded_with_threads(|| {
        run(async |event_loop| {
            let (sender, receiver) = mpsc::channel();
            for n in 0..50 {
                let sender = sender.clone();
                let job = move || sender.send(n).unwrap();
                event_loop.run_in_executor(None, job).unwrap().detach();
            }
            let down = event_loop.shutdown_default_executor(Some(Duration::from_secs(20)));
            assert_eq!(down.await, ShutdownOutcome::Complete);
            assert_eq!(receiver.try_iter().count(), 50);

            let refused = event_loop.run_in_executor(None, || ()).unwrap_err();
            let SubmitError::Other(why) = &refused else {
                panic!("{refused:?}")
            };
            assert!(why.is::<DefaultExecutorShutDown>());
            assert_eq!(refused.to_string(), "executor shutdown has been called");
            assert!(to_thread(|| ()).await.is_err());
            // One that is named is not concerned; and it is not the default's end again.
            let pool = ThreadPoolExecutor::new();
            assert_eq!(
                event_loop
                    .run_in_executor(Some(&pool), || 1)
                    .unwrap()
                    .await
                    .unwrap(),
                1
            );
            event_loop.set_default_executor(pool);
            assert!(event_loop.run_in_executor(None, || ()).is_err());
            let again = event_loop.shutdown_default_executor(None).await;
            assert_eq!(again, ShutdownOutcome::Complete);
        });
    });
}

#[test]
fn shutting_down_an_executor_that_was_never_used_is_done_at_once() {
    let (event_loop, _clock) = simulated();
    let mut down = std::pin::pin!(event_loop.shutdown_default_executor(None));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(down.as_mut().poll(&mut cx).is_ready());
    assert!(event_loop.run_in_executor(None, || ()).is_err());
}

#[test]
fn shutting_down_gives_up_after_its_time_and_tells_what_is_left() {
    let _watchdog = Watchdog::start("a shutdown", Duration::from_secs(30));
    let (event_loop, clock) = simulated();
    let (release, wait) = mpsc::channel::<()>();
    let pool = ThreadPoolExecutor::builder()
        .max_workers(1)
        .build()
        .unwrap();
    event_loop.set_default_executor(pool);
    let (started, is_started) = mpsc::channel();
    let block = move || {
        started.send(()).unwrap();
        _ = wait.recv();
    };
    let busy = event_loop.run_in_executor(None, block).unwrap();
    is_started.recv().unwrap();
    let (sender, receiver) = mpsc::channel();
    event_loop
        .run_in_executor(None, move || sender.send(1).unwrap())
        .unwrap()
        .detach();
    let before = clock.now();
    let timeout = Duration::from_secs(300);
    let outcome =
        event_loop.run_until_complete(event_loop.shutdown_default_executor(Some(timeout)));
    assert_eq!(
        outcome,
        Ok(ShutdownOutcome::TimedOut {
            threads: 1,
            queued: 1
        })
    );
    assert_eq!(clock.now() - before, timeout);
    // What is left goes on by itself.
    drop(release);
    assert_eq!(receiver.recv(), Ok(1));
    drop(busy);
}

#[test]
fn closing_the_loop_waits_for_no_job() {
    guarded_with_threads(|| {
        let (release, wait) = mpsc::channel::<()>();
        {
            let event_loop = scene::real();
            let (started, is_started) = mpsc::channel();
            let block = move || {
                started.send(()).unwrap();
                _ = wait.recv();
            };
            event_loop.run_in_executor(None, block).unwrap().detach();
            is_started.recv().unwrap();
        }
        // Reached while the job runs; its thread ends with it.
        drop(release);
    });
}

#[test]
fn a_default_executor_that_is_replaced_goes_on_with_its_jobs() {
    guarded_with_threads(|| {
        run(async |event_loop| {
            let (go_on, wait) = mpsc::channel::<()>();
            let job = move || {
                wait.recv().unwrap();
                1
            };
            let first = event_loop.run_in_executor(None, job).unwrap();
            let pool = ThreadPoolExecutor::builder()
                .thread_name_prefix("mine")
                .build()
                .unwrap();
            // Does not wait for the job that runs.
            event_loop.set_default_executor(pool);
            let name = to_thread(|| thread::current().name().map(str::to_owned))
                .await
                .unwrap();
            assert_eq!(name.as_deref(), Some("mine_0"));
            go_on.send(()).unwrap();
            assert_eq!(first.await.unwrap(), 1);
        });
    });
}

#[test]
fn a_refused_job_is_an_error_and_its_closure_is_dropped() {
    struct Full;
    impl Executor for Full {
        fn execute(&self, job: Job) -> Result<(), Rejected> {
            Err(Rejected::new(job, SubmitError::QueueFull { limit: 0 }))
        }
    }
    let (event_loop, _clock) = simulated();
    let held = Arc::new(());
    let job_held = held.clone();
    let refused = event_loop
        .run_in_executor(Some(&Full), move || drop(job_held))
        .unwrap_err();
    assert!(matches!(refused, SubmitError::QueueFull { limit: 0 }));
    assert_eq!(
        (Arc::strong_count(&held), event_loop.metrics().tasks),
        (1, 0)
    );
}

/// R1: a failure while the default executor is made, or starts its first thread, leaves the next
/// call working.
#[cfg(target_os = "linux")]
#[test]
fn a_default_executor_that_could_not_start_starts_later_r1() {
    use asyncio_testkit::Child;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let test = "a_default_executor_that_could_not_start_starts_later_r1";
    // Each stack takes 8 GiB of addresses (not of memory).
    let child = Child::new(test).env("RUST_MIN_STACK", "8589934592");
    let outcome = child.run(|| {
        let event_loop = scene::real();
        // Room for one gigabyte more, which leaves a sanitizer its own, and not for a stack.
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|it| it.strip_prefix("VmSize:"));
        let kibibytes = size.unwrap().trim().trim_end_matches(" kB");
        let bytes = kibibytes.parse::<u64>().unwrap() << 10;
        let before = getrlimit(Resource::As);
        let current = Some(bytes + (1 << 30));
        setrlimit(Resource::As, Rlimit { current, ..before }).unwrap();
        let refused = event_loop.run_in_executor(None, || ());
        setrlimit(Resource::As, before).unwrap();
        assert!(matches!(refused, Err(SubmitError::Spawn(_))), "{refused:?}");
        let value = event_loop
            .run_in_executor(None, || 7)
            .unwrap()
            .into_future();
        assert_eq!(event_loop.run_until_complete(value).unwrap().unwrap(), 7);
    });
    if let Some(outcome) = outcome {
        outcome.assert_success();
    }
}

/// A job's value that cannot cross back is dropped where its task was: on the loop's thread.
#[test]
fn tasks_of_jobs_are_dropped_with_their_loop() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let held = Rc::new(NoteDrop(log.clone(), "dropped"));
    event_loop
        .create_task(async move {
            let _held = held;
            to_thread(|| ()).await.unwrap();
            get_running_loop().stop();
            std::future::pending::<()>().await;
        })
        .detach();
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    event_loop.close();
    log.expect(&["dropped"]);
}
