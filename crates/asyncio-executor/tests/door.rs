//! The door: calls from other threads, in order, dropped or cancelled as promised.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use asyncio_executor::{Door, Executor, Spawner, current_task, yield_now};
use asyncio_testkit::Watchdog;

fn watchdog(name: &str) -> Watchdog {
    Watchdog::start(name, Duration::from_secs(120))
}

/// How often a race is repeated; sanitizers and unoptimized code get what is listed.
fn rounds(count: u32) -> u32 {
    if std::env::var_os("ASYNCIO_DEEP").is_some() {
        count * 100
    } else {
        count
    }
}

#[test]
fn a_million_calls_of_eight_threads_come_in_order() {
    const THREADS: u64 = 8;
    const CALLS: u64 = if cfg!(debug_assertions) {
        20_000
    } else {
        125_000
    };
    let _watchdog = watchdog("door");
    let executor = Executor::new();
    let counts: Arc<Vec<AtomicU64>> = Arc::new((0..THREADS).map(|_| AtomicU64::new(0)).collect());
    let ended = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..THREADS)
        .map(|id| {
            let (door, counts, ended) = (executor.door(), counts.clone(), ended.clone());
            thread::spawn(move || {
                for call in 0..CALLS {
                    let counts = counts.clone();
                    let called = door.call_soon_threadsafe(move || {
                        let before = counts[id as usize].fetch_add(1, Ordering::Relaxed);
                        assert_eq!(before, call, "out of order");
                    });
                    called.unwrap();
                }
                ended.fetch_add(1, Ordering::Release);
                door.notify();
            })
        })
        .collect();
    let reports = Rc::new(Cell::new(0));
    let seen = reports.clone();
    executor
        .spawner()
        .set_exception_handler(Some(Rc::new(move |_| seen.set(seen.get() + 1))));
    let total = |counts: &[AtomicU64]| {
        counts
            .iter()
            .map(|it| it.load(Ordering::Relaxed))
            .sum::<u64>()
    };
    executor
        .run_until_complete(async {
            while total(&counts) < THREADS * CALLS {
                yield_now().await;
            }
        })
        .unwrap();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(total(&counts), THREADS * CALLS);
    assert_eq!(reports.get(), 0, "every thread's calls came in its order");
}

#[test]
fn a_call_from_another_thread_ends_the_sleep() {
    let _watchdog = watchdog("sleep");
    let executor = Executor::new();
    let door = executor.door();
    let (called, calls) = (Rc::new(Cell::new(false)), Arc::new(AtomicBool::new(false)));
    let stored = calls.clone();
    let other = thread::spawn(move || {
        let handle = door.call_soon_threadsafe(move || {
            stored.store(true, Ordering::Relaxed);
            assert!(current_task().is_none(), "a callback is no task");
        });
        handle.unwrap();
    });
    let flag = called.clone();
    let ran = executor.run_until_complete(async move {
        while !calls.load(Ordering::Relaxed) {
            yield_now().await;
        }
        flag.set(true);
    });
    assert_eq!(ran, Ok(()));
    assert!(called.get());
    other.join().unwrap();
}

#[test]
fn a_call_can_be_cancelled_from_any_thread_and_never_half() {
    let _watchdog = watchdog("cancel races");
    for _ in 0..rounds(200) {
        let executor = Executor::new();
        let door = executor.door();
        let called = Arc::new(AtomicUsize::new(0));
        let calls = called.clone();
        let (sender, receiver) = mpsc::channel();
        let other = thread::spawn(move || {
            let handle = door.call_soon_threadsafe(move || {
                calls.fetch_add(1, Ordering::Relaxed);
            });
            let handle = handle.unwrap();
            sender.send(()).unwrap();
            let twice = handle.clone();
            (handle.cancel(), twice.cancel())
        });
        receiver.recv().unwrap();
        executor.run_until_stalled();
        let (cancelled, again) = other.join().unwrap();
        assert!(!again);
        assert_eq!(called.load(Ordering::Relaxed), usize::from(!cancelled));
    }
}

/// What was accepted and never called is dropped by the close, on the executor's thread, also
/// while somebody holds its handle.
#[test]
fn an_accepted_call_is_dropped_by_the_close() {
    struct Says(mpsc::Sender<ThreadId>);
    impl Drop for Says {
        fn drop(&mut self) {
            let _ = self.0.send(thread::current().id());
        }
    }
    let executor = Executor::new();
    let door = executor.door();
    let (sender, receiver) = mpsc::channel();
    let refused = Says(sender.clone());
    let says = Says(sender);
    let handle = thread::spawn(move || door.call_soon_threadsafe(move || drop(says)).unwrap())
        .join()
        .unwrap();
    executor.close();
    assert_eq!(receiver.try_recv(), Ok(thread::current().id()));
    assert!(!handle.cancel(), "there is nothing left to cancel");
    let door = executor.door();
    let elsewhere = thread::spawn(move || {
        assert!(door.is_closed());
        let error = door
            .call_soon_threadsafe(move || drop(refused))
            .unwrap_err();
        assert_eq!(error.to_string(), "event loop is closed");
        let error = std::io::Error::from(error);
        assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
        thread::current().id()
    });
    let elsewhere = elsewhere.join().unwrap();
    assert_eq!(
        receiver.recv(),
        Ok(elsewhere),
        "refused: dropped where it was made"
    );
}

#[test]
fn a_call_that_panics_is_reported() {
    let executor = Executor::new();
    let door = executor.door();
    thread::spawn(move || {
        door.call_soon_threadsafe(|| panic!("from elsewhere"))
            .unwrap()
    })
    .join()
    .unwrap();
    let seen = Rc::new(Cell::new(None));
    let sees = seen.clone();
    executor
        .spawner()
        .set_exception_handler(Some(Rc::new(move |context| {
            sees.set(context.cause.clone());
        })));
    executor.run_until_stalled();
    assert_eq!(seen.take().as_deref(), Some("panicked: from elsewhere"));
}

/// W16: tasks are made on the executor's own thread only; a spawner cannot leave it, and a callback
/// that the door brings in finds the executor as the current one.
#[test]
fn a_call_from_another_thread_can_make_tasks_w16() {
    let executor = Executor::new();
    let door = executor.door();
    let (sender, receiver) = mpsc::channel();
    let elsewhere = thread::spawn(move || {
        assert!(Spawner::current().is_none());
        door.call_soon_threadsafe(move || {
            let task = Spawner::current().unwrap().create_task(async move {
                sender.send(current_task().unwrap().get_name()).unwrap();
            });
            task.detach();
        })
        .unwrap();
    });
    elsewhere.join().unwrap();
    executor.run_until_stalled();
    assert_eq!(receiver.try_recv().as_deref(), Ok("Task-1"));
}

#[test]
fn a_run_on_another_thread_is_cancelled_through_its_door() {
    let _watchdog = watchdog("another run");
    let (doors, other_door) = mpsc::channel::<Door>();
    let there = thread::spawn(move || {
        let executor = Executor::new();
        doors.send(executor.door()).unwrap();
        executor.run_until_complete(pending::<()>())
    });
    let door = other_door.recv().unwrap();
    door.call_soon_threadsafe(|| {
        let tasks = Spawner::current().unwrap().all_tasks();
        assert_eq!(tasks.len(), 1);
        tasks[0].cancel_with("from another thread");
    })
    .unwrap();
    let ran = there.join().unwrap().unwrap_err();
    assert_eq!(
        ran.to_string(),
        "main task was cancelled: from another thread"
    );
    assert!(door.call_soon_threadsafe(|| {}).is_err());
}
