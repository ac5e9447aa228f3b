//! Other threads: the door, wakers that fire elsewhere, and closing while they do.
//!
//! What is raced here in rounds is also a model (`loom_door.rs`). `ASYNCIO_DEEP=1` makes a hundred
//! times as many rounds.

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Poll, Wake, Waker};
use std::thread::{self, ThreadId};
use std::time::Duration;

use asyncio_executor::{Door, Executor, Notify, Spawner, current_task, yield_now};
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

/// Must be dropped on the thread that made it; not `Send`, so the compiler agrees.
struct Stays(ThreadId, Rc<Cell<u32>>);

impl Stays {
    fn here(dropped: &Rc<Cell<u32>>) -> Self {
        Self(thread::current().id(), dropped.clone())
    }
}

impl Drop for Stays {
    fn drop(&mut self) {
        assert_eq!(
            self.0,
            thread::current().id(),
            "dropped on a foreign thread"
        );
        self.1.set(self.1.get() + 1);
    }
}

/// A future that hands its waker to `slot` at each poll, and is ready when `done` says so.
fn exposed(
    slot: Arc<Mutex<Option<Waker>>>,
    done: Arc<AtomicBool>,
) -> impl Future<Output = ()> + 'static {
    poll_fn(move |cx| {
        if done.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        *slot.lock().unwrap() = Some(cx.waker().clone());
        if done.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        Poll::Pending
    })
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

/// W1: whatever other threads do with wakers, the future is dropped where it lives.
#[test]
fn a_future_is_dropped_on_its_own_thread_w1() {
    let _watchdog = watchdog("own thread");
    let executor = Executor::new();
    let dropped = Rc::new(Cell::new(0));
    let (sender, receiver) = mpsc::channel::<Waker>();
    let wakes = thread::spawn(move || {
        for waker in receiver {
            waker.wake_by_ref();
            drop(waker);
        }
    });
    for round in 0..rounds(50) {
        let (stays, sender) = (Stays::here(&dropped), sender.clone());
        let task = executor.create_task(async move {
            let _stays = stays;
            let mut polls = 0;
            poll_fn(|cx| {
                sender.send(cx.waker().clone()).unwrap();
                polls += 1;
                if polls > 3 {
                    return Poll::Ready(());
                }
                Poll::Pending
            })
            .await;
        });
        match round % 3 {
            0 => drop(task),
            1 => assert!(executor.run_until_complete(task).unwrap().is_ok()),
            _ => {
                executor.run_until_stalled();
                task.cancel();
                executor.run_until_stalled();
            }
        }
    }
    // The last ones are dropped by the close, with wakes on the way.
    executor.close();
    assert_eq!(dropped.get(), rounds(50));
    drop(sender);
    wakes.join().unwrap();
}

/// W4: the last waker of a task that is over goes on another thread. Nothing of the executor's
/// is dropped there.
#[test]
fn the_last_waker_may_be_dropped_anywhere_w4() {
    let _watchdog = watchdog("last waker");
    for close_first in [false, true] {
        let executor = Executor::new();
        let dropped = Rc::new(Cell::new(0));
        let stays = Stays::here(&dropped);
        let kept = Rc::new(Cell::new(None));
        let slot = kept.clone();
        let task = executor.create_task(async move {
            let _stays = stays;
            poll_fn(|cx| {
                slot.set(Some(cx.waker().clone()));
                Poll::Ready(())
            })
            .await;
        });
        executor.run_until_stalled();
        assert_eq!(dropped.get(), 1);
        let waker = kept.take().unwrap();
        drop(task);
        if close_first {
            drop(executor);
        }
        thread::spawn(move || {
            let again = waker.clone();
            again.wake_by_ref();
            waker.wake();
            drop(again);
        })
        .join()
        .unwrap();
    }
}

/// W5, W10: clone, wake, `wake_by_ref` and drop in every order, from outside and from inside a poll.
#[test]
fn wakers_in_every_order_w5_w10() {
    let executor = Executor::new();
    let polls = Rc::new(Cell::new(0));
    let kept = Rc::new(Cell::new(None::<Waker>));
    let (count, slot) = (polls.clone(), kept.clone());
    let inside = Rc::new(Cell::new(0_u32));
    let wakes = inside.clone();
    let task = executor.create_task(poll_fn(move |cx| {
        count.set(count.get() + 1);
        slot.set(Some(cx.waker().clone()));
        for _ in 0..wakes.take() {
            cx.waker().wake_by_ref();
        }
        Poll::<()>::Pending
    }));
    let run = |expected: u32| {
        let before = polls.get();
        executor.run_until_stalled();
        assert_eq!(polls.get() - before, expected);
    };
    let waker = || {
        let waker = kept.take().unwrap();
        kept.set(Some(waker.clone()));
        waker
    };
    run(1);
    run(0);
    waker().wake();
    run(1);
    waker().wake_by_ref();
    waker().wake_by_ref();
    waker().wake();
    run(1);
    let (one, other) = (waker(), waker());
    assert!(one.will_wake(&other));
    drop(one);
    other.wake();
    run(1);
    // Woken inside the poll, however often: one more.
    inside.set(3);
    waker().wake();
    run(2);
    // Dropped without a wake: none.
    drop(waker());
    run(0);
    task.cancel();
    run(0);
    assert!(task.cancelled());
    // After the end: none, and no harm.
    waker().wake_by_ref();
    waker().wake();
    run(0);
    executor.close();
    waker().wake();
}

/// W9: of two wakers that a wait was polled with, the last one is woken.
#[test]
fn a_wait_keeps_its_last_waker_w9() {
    struct Counts(AtomicUsize);
    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let counter = || Arc::new(Counts(AtomicUsize::new(0)));
    let executor = Executor::new();
    for by_handle in [true, false] {
        let (first, last) = (counter(), counter());
        let task = executor.create_task(yield_now());
        let mut wait: std::pin::Pin<Box<dyn Future<Output = ()>>> = if by_handle {
            Box::pin(async { task.await.unwrap() })
        } else {
            Box::pin(task.task_ref().wait())
        };
        for waker in [&first, &last] {
            let waker = Waker::from(waker.clone());
            let mut cx = std::task::Context::from_waker(&waker);
            assert!(wait.as_mut().poll(&mut cx).is_pending());
        }
        executor.run_until_stalled();
        assert_eq!(first.0.load(Ordering::Relaxed), 0);
        assert_eq!(last.0.load(Ordering::Relaxed), 1);
        assert_eq!(Arc::strong_count(&first), 1, "and the first is gone");
    }
    // Begun in one task, finished in another.
    let task = executor.create_task(pending::<()>());
    let end = task.task_ref();
    let slot = Rc::new(Cell::new(Some(Box::pin(task.into_future()))));
    let moved = slot.clone();
    let begins = executor.create_task(async move {
        let mut wait = moved.take().unwrap();
        assert!(futures_lite::future::poll_once(&mut wait).await.is_none());
        moved.set(Some(wait));
        pending::<()>().await;
    });
    executor.run_until_stalled();
    let finishes = executor.create_task(slot.take().unwrap());
    executor.run_until_stalled();
    end.cancel();
    executor.run_until_stalled();
    assert!(finishes.done() && !begins.done());
}

/// W6, W7: threads wake tasks while their executor closes. No panic, no hang, nothing freed too
/// early; every future is dropped, here.
#[test]
fn closing_races_with_wakes_w6_w7() {
    const THREADS: usize = 4;
    let _watchdog = watchdog("closing races");
    for round in 0..rounds(if cfg!(debug_assertions) { 300 } else { 1000 }) {
        let executor = Executor::new();
        let dropped = Rc::new(Cell::new(0));
        let done = Arc::new(AtomicBool::new(false));
        let slots: Vec<_> = (0..THREADS)
            .map(|_| Arc::new(Mutex::new(None::<Waker>)))
            .collect();
        for slot in &slots {
            let (stays, slot, done) = (Stays::here(&dropped), slot.clone(), done.clone());
            executor
                .create_task(async move {
                    let _stays = stays;
                    exposed(slot, done).await;
                })
                .detach();
        }
        executor.run_until_stalled();
        let barrier = Arc::new(Barrier::new(THREADS + 1));
        let threads: Vec<_> = slots
            .into_iter()
            .enumerate()
            .map(|(id, slot)| {
                let (barrier, done, door) = (barrier.clone(), done.clone(), executor.door());
                thread::spawn(move || {
                    let waker = slot.lock().unwrap().take();
                    barrier.wait();
                    if id == 0 {
                        done.store(true, Ordering::Release);
                    }
                    let waker = waker.expect("it waits");
                    waker.wake_by_ref();
                    let _ = door.call_soon_threadsafe(|| {});
                    waker.wake();
                })
            })
            .collect();
        barrier.wait();
        if round % 2 == 0 {
            executor.run_until_stalled();
        }
        executor.close();
        assert_eq!(dropped.get() as usize, THREADS);
        drop(executor);
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

/// W6: a thread's own wakers and doors fire while its locals are destroyed, before and after its
/// executor.
#[test]
fn wakes_while_the_thread_is_destroyed_w6() {
    struct WakesLate(Cell<Option<(Waker, Door)>>);
    impl Drop for WakesLate {
        fn drop(&mut self) {
            if let Some((waker, door)) = self.0.take() {
                let _ = door.call_soon_threadsafe(|| {});
                waker.wake();
            }
        }
    }
    thread_local! {
        static EARLY: WakesLate = const { WakesLate(Cell::new(None)) };
        static EXECUTOR: Executor = Executor::new();
        static LATE: WakesLate = const { WakesLate(Cell::new(None)) };
    }
    let _watchdog = watchdog("thread destroyed");
    for order in 0..2 {
        thread::spawn(move || {
            let slot = Arc::new(Mutex::new(None));
            let touch = |late: &'static thread::LocalKey<WakesLate>| late.with(|it| it.0.set(None));
            // Locals are destroyed in the order of their first use, or the reverse.
            if order == 0 {
                touch(&EARLY);
            } else {
                touch(&LATE);
            }
            EXECUTOR.with(|executor| {
                let exposes = exposed(slot.clone(), Arc::default());
                executor.create_task(exposes).detach();
                executor.run_until_stalled();
                let waker = slot.lock().unwrap().take().unwrap();
                EARLY.with(|early| early.0.set(Some((waker.clone(), executor.door()))));
                LATE.with(|late| late.0.set(Some((waker, executor.door()))));
            });
        })
        .join()
        .unwrap();
    }
}

/// W8: nothing that another thread hands over between "nothing is ready" and the sleep is lost.
#[test]
fn no_wake_up_is_lost_w8() {
    const TRIPS: u32 = if cfg!(debug_assertions) {
        20_000
    } else {
        100_000
    };
    let _watchdog = watchdog("ping-pong");
    let ping = |trips: u32| {
        let executor = Executor::new();
        let (slot, ready) = (
            Arc::new(Mutex::new(None::<Waker>)),
            Arc::new(AtomicU64::new(0)),
        );
        let (asks, answers) = mpsc::channel::<()>();
        let (wakes, counts) = (slot.clone(), ready.clone());
        let other = thread::spawn(move || {
            for () in answers {
                counts.fetch_add(1, Ordering::Release);
                let waker = wakes.lock().unwrap().take();
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
        });
        let task = executor.create_task(async move {
            for trip in 1..=u64::from(trips) {
                asks.send(()).unwrap();
                poll_fn(|cx| {
                    let reached = || ready.load(Ordering::Acquire) >= trip;
                    if reached() {
                        return Poll::Ready(());
                    }
                    *slot.lock().unwrap() = Some(cx.waker().clone());
                    if reached() {
                        return Poll::Ready(());
                    }
                    Poll::Pending
                })
                .await;
            }
            trips
        });
        assert_eq!(executor.run_until_complete(task).unwrap().unwrap(), trips);
        other.join().unwrap();
    };
    ping(rounds(TRIPS));
}

/// The same for the main future, whose waker is not async-task's.
#[test]
fn no_wake_up_of_the_main_future_is_lost_w8() {
    const TRIPS: u32 = if cfg!(debug_assertions) {
        20_000
    } else {
        100_000
    };
    let _watchdog = watchdog("main ping-pong");
    let executor = Executor::new();
    let (slot, ready) = (
        Arc::new(Mutex::new(None::<Waker>)),
        Arc::new(AtomicU64::new(0)),
    );
    let (asks, answers) = mpsc::channel::<()>();
    let (wakes, counts) = (slot.clone(), ready.clone());
    let other = thread::spawn(move || {
        for () in answers {
            counts.fetch_add(1, Ordering::Relaxed);
            let waker = wakes.lock().unwrap().clone();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    });
    let ran = executor.run_until_complete(async move {
        for trip in 1..=u64::from(rounds(TRIPS)) {
            asks.send(()).unwrap();
            poll_fn(|cx| {
                let mut slot = slot.lock().unwrap();
                if slot.as_ref().is_none_or(|kept| !kept.will_wake(cx.waker())) {
                    *slot = Some(cx.waker().clone());
                }
                drop(slot);
                if ready.load(Ordering::Relaxed) >= trip {
                    return Poll::Ready(());
                }
                Poll::Pending
            })
            .await;
        }
    });
    assert_eq!(ran, Ok(()));
    other.join().unwrap();
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
fn a_notifier_of_ones_own_is_called_for_what_comes_from_elsewhere_only() {
    struct Counts(Arc<AtomicUsize>);
    impl Notify for Counts {
        fn notify(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let count = Arc::new(AtomicUsize::new(0));
    let executor = Executor::with_notifier(Arc::new(Counts(count.clone())));
    executor.call_soon(|| {});
    executor.create_task(yield_now()).detach();
    executor.run_until_stalled();
    assert_eq!(
        count.load(Ordering::Relaxed),
        0,
        "nothing of its own thread"
    );
    let door = executor.door();
    let slot = Arc::new(Mutex::new(None));
    executor
        .create_task(exposed(slot.clone(), Arc::default()))
        .detach();
    executor.run_until_stalled();
    let waker = slot.lock().unwrap().take().unwrap();
    thread::spawn(move || {
        door.call_soon_threadsafe(|| {}).unwrap();
        waker.wake();
        door.notify();
    })
    .join()
    .unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 3);
    assert!(executor.has_remote());
    assert_eq!(executor.run_until_stalled(), 1);
    assert!(!executor.has_remote());
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
