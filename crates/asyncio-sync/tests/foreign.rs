//! Foreign wakers, foreign polls, and several executors on one thread (H7): a wait is a wait,
//! whoever polls it.

mod stage;

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Wake, Waker};

use asyncio_executor::{Executor, catch_cancelled, yield_now};
use asyncio_sync::{Condition, Event, Lock, Queue, Semaphore, mpsc, oneshot};
use futures_lite::future::{block_on, or, zip};
use stage::{Stage, take};

/// asyncio raises where a lock is used by two loops; here both are served.
#[test]
fn tasks_of_two_executors_of_a_thread_share_a_lock_and_a_queue_h7() {
    let (one, two) = (Executor::new(), Executor::new());
    let lock = Rc::new(Lock::new(Vec::new()));
    let queue = Rc::new(Queue::new(1));
    let work = |executor: &Executor, name: &'static str| {
        let (lock, queue) = (lock.clone(), queue.clone());
        executor.create_task(async move {
            for _ in 0..3 {
                let mut names = lock.acquire().await;
                names.push(name);
                yield_now().await;
                drop(names);
                queue.put(name).await.unwrap();
            }
        })
    };
    let tasks = [work(&one, "one"), work(&two, "two")];
    let mut taken = 0;
    for _ in 0..100 {
        one.run_until_stalled();
        two.run_until_stalled();
        taken += usize::from(queue.get_nowait().is_ok());
    }
    assert!(tasks.iter().all(|task| task.done()));
    assert_eq!(taken, 6);
    assert_eq!(lock.try_acquire().unwrap().len(), 6);
}

#[test]
fn a_foreign_executor_will_do_h7() {
    let (sender, receiver) = oneshot::channel();
    let (values, mut values_out) = mpsc::channel(1);
    let event = Event::new();
    let semaphore = Semaphore::new(1);
    let sends = async {
        let _permit = semaphore.acquire().await.unwrap();
        for n in 0..3 {
            values.send(n).await.unwrap();
        }
        event.set();
        sender.send(values).unwrap();
    };
    let receives = async {
        let mut sum = 0;
        for _ in 0..3 {
            sum += values_out.recv().await.unwrap();
        }
        event.wait().await;
        drop(receiver.await);
        (sum, values_out.recv().await)
    };
    assert_eq!(block_on(zip(sends, receives)).1, (3, None));
}

#[test]
fn who_loses_a_foreign_race_leaves_nothing_behind_h1() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    let guard = lock.try_acquire().unwrap();
    let raced = stage.task(|_| {
        let lock = lock.clone();
        async move {
            let waits = async { drop(lock.acquire().await) };
            or(waits, yield_now()).await;
        }
    });
    let waits = stage.task(|_| {
        let lock = lock.clone();
        async move { drop(lock.acquire().await) }
    });
    stage.settle();
    assert!(raced.done() && !waits.done());
    drop(guard);
    stage.settle();
    assert!(waits.done());
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        std::panic::resume_unwind(Box::new("a waker of nobody's"));
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_from_being_woken() {
    let stage = Stage::new();
    let reports = Rc::new(Cell::new(0));
    stage
        .executor()
        .spawner()
        .set_exception_handler(Some(Rc::new({
            let reports = reports.clone();
            move |_| reports.set(reports.get() + 1)
        })));
    let event = Rc::new(Event::new());
    let bad = Waker::from(Arc::new(Panics));
    let mut first = pin!(event.wait());
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&bad))
            .is_pending()
    );
    let second = stage.task(|_| {
        let event = event.clone();
        async move { event.wait().await }
    });
    stage.turn();
    let _sets = stage.task(|_| {
        let event = event.clone();
        async move { event.set() }
    });
    stage.settle();
    assert!(second.done());
    assert_eq!(reports.get(), 1);

    event.clear(); // and where no executor runs
    let mut again = pin!(event.wait());
    assert!(
        again
            .as_mut()
            .poll(&mut Context::from_waker(&bad))
            .is_pending()
    );
    event.set();
}

/// Polls what it is given when it is woken: foreign code inside of `release`.
struct PollsBack(std::sync::Mutex<Vec<()>>);

impl Wake for PollsBack {
    fn wake(self: Arc<Self>) {
        self.0.lock().unwrap().push(());
        REENTER.with(|reenter| {
            if let Some(reenter) = reenter.take() {
                reenter();
            }
        });
    }
}

thread_local! {
    static REENTER: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

#[test]
fn a_waker_may_use_what_wakes_it() {
    let queue = Rc::new(Queue::new(0));
    let waker = Waker::from(Arc::new(PollsBack(std::sync::Mutex::default())));
    let mut cx = Context::from_waker(&waker);
    let mut get = pin!(queue.get());
    assert!(get.as_mut().poll(&mut cx).is_pending());
    REENTER.set(Some(Box::new({
        let queue = queue.clone();
        move || {
            queue.put_nowait(2).unwrap();
            queue.shutdown(false);
        }
    })));
    queue.put_nowait(1).unwrap();
    assert_eq!(queue.qsize(), 2);
    assert!(queue.is_shutdown());
}

/// The last poll's waker is the one that counts.
#[test]
fn a_wait_that_moves_to_another_task_is_woken_there() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(0));
    let mut wait = Rc::clone(&semaphore).acquire_owned();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut wait).poll(&mut cx).is_pending());
    let task = stage.task(|_| wait);
    stage.settle();
    semaphore.release().unwrap();
    stage.settle();
    assert!(take(task).is_ok());
}

struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A task polls its wait, and then something inside of the task does, with a waker of its own: a
/// set of futures, for instance, that the wait was moved into.
#[test]
fn a_wait_polled_with_a_foreign_waker_after_its_tasks_is_woken_by_that_h7() {
    let stage = Stage::new();
    let event = Rc::new(Event::new());
    let counts = Arc::new(Counts(AtomicUsize::new(0)));
    let polls = Rc::new(Cell::new(0));
    let task = stage.task(|_| {
        let (event, polls) = (event.clone(), polls.clone());
        let waker = Waker::from(counts.clone());
        async move {
            yield_now().await; // from now on the task is woken by its place
            let mut wait = pin!(event.wait());
            poll_fn(|cx| {
                polls.set(polls.get() + 1);
                if polls.get() == 1 {
                    assert!(wait.as_mut().poll(cx).is_pending());
                }
                wait.as_mut().poll(&mut Context::from_waker(&waker))
            })
            .await;
        }
    });
    stage.settle();
    event.set();
    stage.settle();
    assert_eq!(counts.0.load(Relaxed), 1);
    assert_eq!(polls.get(), 1, "the task's own waker is not what counts");
    assert!(!task.done());
}

/// The same the other way round: the foreign waker is let go of.
#[test]
fn a_wait_polled_by_its_task_after_a_foreign_waker_is_woken_by_the_task_h7() {
    let stage = Stage::new();
    let event = Rc::new(Event::new());
    let counts = Arc::new(Counts(AtomicUsize::new(0)));
    let task = stage.task(|_| {
        let event = event.clone();
        let waker = Waker::from(counts.clone());
        async move {
            yield_now().await;
            let mut wait = pin!(event.wait());
            let mut cx = Context::from_waker(&waker);
            assert!(wait.as_mut().poll(&mut cx).is_pending());
            wait.await;
        }
    });
    stage.settle();
    event.set();
    stage.settle();
    assert!(task.done());
    assert_eq!(counts.0.load(Relaxed), 0);
}

/// One branch of a join answers a request; the other goes on waiting, and is not passed over.
#[test]
fn a_branch_beside_one_that_is_cancelled_still_gets_the_lock_h1() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    lock.try_acquire().unwrap().forget();
    let task = stage.task(|_| {
        let lock = lock.clone();
        async move {
            let swallows = catch_cancelled(std::future::pending::<()>());
            zip(swallows, async { drop(lock.acquire().await) })
                .await
                .0
                .is_err()
        }
    });
    stage.turn();
    task.cancel();
    lock.release().unwrap();
    stage.settle();
    assert!(take(task));
}

#[test]
fn a_conditions_wait_under_a_foreign_executor_waits_and_is_notified_h7() {
    let condition = Condition::new(0);
    let waits = async {
        let guard = condition.acquire().await;
        *condition.wait_for(guard, |value| *value == 2).await
    };
    let changes = async {
        for _ in 0..2 {
            let mut value = condition.acquire().await;
            *value += 1;
            condition.notify_all().unwrap();
            drop(value);
            futures_lite::future::yield_now().await;
        }
    };
    assert_eq!(block_on(zip(waits, changes)).0, 2);
}
