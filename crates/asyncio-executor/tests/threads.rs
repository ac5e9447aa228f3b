//! Other threads: wakers that fire elsewhere, and closing while they do. Calls are in `door.rs`.
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

use asyncio_executor::{Door, Executor, Notify, yield_now};
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
