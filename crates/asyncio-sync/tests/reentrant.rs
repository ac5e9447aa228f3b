//! Foreign wakers that use, from their wake-ups and destructors, the very primitive that has them:
//! nothing is borrowed then, and nobody sleeps through it.

mod stage;

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use asyncio_sync::{
    Barrier, Borrower, CapacityLimiter, Condition, Event, Lock, Notify, OnceCell, Queue, RwLock,
    Semaphore, broadcast, mpsc, oneshot, watch,
};
use stage::{Stage, take};

type Body = Pin<Box<dyn Future<Output = ()>>>;
type Act = Box<dyn FnOnce()>;

/// Something to wait for, and what ends the wait.
struct Scenario {
    name: &'static str,
    wait: Body,
    act: Act,
}

fn scenario(
    name: &'static str,
    wait: impl Future<Output = ()> + 'static,
    act: impl FnOnce() + 'static,
) -> Scenario {
    let (wait, act) = (Box::pin(wait), Box::new(act));
    Scenario { name, wait, act }
}

fn scenarios() -> Vec<Scenario> {
    let mut all = locks();
    all.extend(channels());
    all
}

fn locks() -> Vec<Scenario> {
    let lock = Rc::new(Lock::new(()));
    lock.try_acquire().unwrap().forget();
    let shared = Rc::new(RwLock::new(()));
    let written = shared.clone().try_write_owned().unwrap();
    let semaphore = Rc::new(Semaphore::new(0));
    let closed = Rc::new(Semaphore::new(0));
    let event = Rc::new(Event::new());
    let notify = Rc::new(Notify::new());
    let cell = Rc::new(OnceCell::new());
    let limiter = Rc::new(CapacityLimiter::new(0));
    let barrier = Rc::new(Barrier::new(2));
    let condition = Rc::new(Condition::new(()));
    let guard = condition.lock().clone().try_acquire_owned().unwrap();
    let mut making: Body = Box::pin({
        let cell = cell.clone();
        async move {
            cell.get_or_init(std::future::pending).await;
        }
    });
    let mut cx = Context::from_waker(Waker::noop());
    assert!(making.as_mut().poll(&mut cx).is_pending());
    vec![
        scenario(
            "lock",
            {
                let lock = lock.clone();
                async move { drop(lock.acquire().await) }
            },
            move || lock.release().unwrap(),
        ),
        scenario(
            "rwlock",
            async move { drop(shared.read().await) },
            move || drop(written),
        ),
        scenario(
            "semaphore",
            {
                let semaphore = semaphore.clone();
                async move { drop(semaphore.acquire().await.unwrap()) }
            },
            move || semaphore.release().unwrap(),
        ),
        scenario(
            "close",
            {
                let closed = closed.clone();
                async move { assert!(closed.acquire().await.is_err()) }
            },
            move || closed.close(),
        ),
        scenario(
            "event",
            {
                let event = event.clone();
                async move { event.wait().await }
            },
            move || {
                event.set();
                event.clear();
            },
        ),
        scenario(
            "notify",
            {
                let notify = notify.clone();
                async move { notify.notified().await }
            },
            move || notify.notify_waiters(),
        ),
        scenario(
            "once cell",
            async move { assert_eq!(*cell.get_or_init(async || 1).await, 1) },
            move || drop(making),
        ),
        scenario(
            "limiter",
            {
                let limiter = limiter.clone();
                async move { drop(limiter.acquire_on_behalf_of(Borrower::Other(1)).await) }
            },
            move || limiter.set_total_tokens(1),
        ),
        scenario(
            "barrier",
            {
                let barrier = barrier.clone();
                async move { assert!(barrier.wait().await.is_err()) }
            },
            move || barrier.abort(),
        ),
        scenario(
            "condition",
            {
                let condition = condition.clone();
                async move { drop(condition.wait(guard).await) }
            },
            move || {
                // Unless who waits has not released it yet.
                let _held = condition.try_acquire();
                condition.notify(1).unwrap();
            },
        ),
    ]
}

fn channels() -> Vec<Scenario> {
    let queue = Rc::new(Queue::new(1));
    let full = Rc::new(Queue::new(1));
    full.put_nowait(1).unwrap();
    let (one, once) = oneshot::channel();
    let (mut forsaken, ignored) = oneshot::channel::<u32>();
    let (sender, mut receiver) = mpsc::channel(1);
    let (stuffed, drain) = mpsc::channel(1);
    let drain = Rc::new(RefCell::new(drain));
    stuffed.try_send(1).unwrap();
    let (state, mut changes) = watch::channel(0);
    let (speaker, mut listener) = broadcast::channel(1);
    vec![
        scenario(
            "get",
            {
                let queue = queue.clone();
                async move { assert_eq!(queue.get().await, Ok(1)) }
            },
            move || queue.put_nowait(1).unwrap(),
        ),
        scenario(
            "put",
            {
                let full = full.clone();
                async move { full.put(2).await.unwrap() }
            },
            move || assert_eq!(full.get_nowait(), Ok(1)),
        ),
        scenario(
            "oneshot",
            async move { assert_eq!(once.await, Ok(1)) },
            move || one.send(1).unwrap(),
        ),
        scenario(
            "oneshot closed",
            async move { forsaken.closed().await },
            move || drop(ignored),
        ),
        scenario(
            "mpsc",
            async move { assert_eq!(receiver.recv().await, Some(1)) },
            move || sender.try_send(1).unwrap(),
        ),
        scenario(
            "mpsc room",
            {
                let drain = drain.clone();
                async move {
                    stuffed.send(2).await.unwrap();
                    drop(drain); // no receiver, no room
                }
            },
            move || assert_eq!(drain.borrow_mut().try_recv(), Ok(1)),
        ),
        scenario(
            "watch",
            async move { changes.changed().await.unwrap() },
            move || state.send(1).unwrap(),
        ),
        scenario(
            "broadcast",
            async move { assert_eq!(listener.recv().await, Ok(1)) },
            move || assert_eq!(speaker.send(1), Ok(1)),
        ),
    ]
}

thread_local! {
    static ACT: Cell<Option<Act>> = const { Cell::new(None) };
}

fn act() {
    if let Some(act) = ACT.take() {
        act();
    }
}

/// A waker that acts when it is woken, or when its last copy is dropped.
struct Acts;

impl Wake for Acts {
    fn wake(self: Arc<Self>) {
        act();
    }
}

impl Drop for Acts {
    fn drop(&mut self) {
        act();
    }
}

/// It waits in one task, and then goes on in another, whose waker replaces the first one.
#[test]
fn what_the_destructor_of_a_replaced_waker_does_wakes_the_wait_h1() {
    for Scenario { name, wait, act } in scenarios() {
        let stage = Stage::new();
        let mut wait = wait;
        let waker = Waker::from(Arc::new(Acts));
        let mut cx = Context::from_waker(&waker);
        assert!(wait.as_mut().poll(&mut cx).is_pending(), "{name}");
        drop(waker);
        ACT.set(Some(act));
        let task = stage.task(|_| wait);
        stage.settle();
        assert!(ACT.take().is_none(), "{name}: the waker was not dropped");
        assert!(task.done(), "{name} sleeps");
        take(task);
    }
}

/// The first of two that wait is woken, and ends the wait of the second inside of that.
#[test]
fn what_a_wake_up_does_reaches_the_next_who_waits_h1() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(0));
    let mut first = Box::pin(Rc::clone(&semaphore).acquire_owned());
    let waker = Waker::from(Arc::new(Acts));
    let mut cx = Context::from_waker(&waker);
    assert!(first.as_mut().poll(&mut cx).is_pending());
    let second = stage.task(|_| Rc::clone(&semaphore).acquire_owned());
    stage.settle();
    ACT.set(Some(Box::new({
        let semaphore = semaphore.clone();
        move || {
            drop(first); // it passes the permit on that it was woken for
            semaphore.close();
        }
    })));
    semaphore.release().unwrap();
    stage.settle();
    assert!(take(second).is_ok());
}
