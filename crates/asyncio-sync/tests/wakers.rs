//! Wakers that no executor of ours has: they poll at once, and their destructors act and panic.

mod stage;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use asyncio_sync::{Borrower, CapacityLimiter, Condition, Lock, Semaphore, mpsc};
use stage::{Stage, take};

type Body = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static BODIES: RefCell<Vec<Rc<Cell<Option<Body>>>>> = const { RefCell::new(Vec::new()) };
}

/// Polls its future inside of `wake`.
struct AtOnce(usize);

impl Wake for AtOnce {
    fn wake(self: Arc<Self>) {
        let place = BODIES.with_borrow(|bodies| Rc::clone(&bodies[self.0]));
        // `None` while it is being polled, and when it has ended.
        if let Some(mut body) = place.take() {
            let waker = Waker::from(self);
            if body
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
            {
                place.set(Some(body));
            }
        }
    }
}

/// Polls `body` now, and later inside of each wake-up.
fn run_at_once(body: impl Future<Output = ()> + 'static) {
    let number = BODIES.with_borrow_mut(|bodies| {
        bodies.push(Rc::new(Cell::new(Some(Box::pin(body)))));
        bodies.len() - 1
    });
    Waker::from(Arc::new(AtOnce(number))).wake();
}

#[test]
fn a_sender_that_runs_inside_of_the_close_gets_no_room() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(0).unwrap();
    let outcome = Rc::new(Cell::new(None));
    run_at_once({
        let outcome = outcome.clone();
        async move { outcome.set(Some(sender.send(1).await.is_ok())) }
    });
    assert_eq!(outcome.get(), None);
    receiver.close();
    assert_eq!(outcome.get(), Some(false));
    assert_eq!(receiver.try_recv(), Ok(0));
    assert_eq!(receiver.try_recv(), Err(mpsc::TryRecvError::Closed));
}

#[test]
fn a_receiver_that_runs_inside_of_the_last_send_sees_the_end() {
    let stage = Stage::new();
    let (sender, mut receiver) = mpsc::channel(1);
    let seen = Rc::new(RefCell::new(Vec::new()));
    let sends = stage.task(|_| {
        let seen = seen.clone();
        async move {
            let permit = sender.reserve().await.unwrap();
            run_at_once(async move {
                receiver.close();
                while let Some(value) = receiver.recv().await {
                    seen.borrow_mut().push(Some(value));
                }
                seen.borrow_mut().push(None);
            });
            permit.send(1);
            sender
        }
    });
    stage.settle();
    assert_eq!(*seen.borrow(), [Some(1), None]);
    assert!(take(sends).is_closed());
}

thread_local! {
    static ON_DROP: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

/// A waker whose last copy does something when it is dropped.
struct ActsOnDrop;

impl Wake for ActsOnDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for ActsOnDrop {
    fn drop(&mut self) {
        if let Some(act) = ON_DROP.take() {
            act();
        }
    }
}

/// Polls with a waker of which the future then has the last copy.
fn poll_with_acting_waker<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::new(ActsOnDrop));
    future.poll(&mut Context::from_waker(&waker))
}

/// Waits with such a waker first, and with the task's when the task runs again.
async fn wait_with_acting_waker<F: Future>(future: F) {
    let mut future = pin!(future);
    assert!(poll_with_acting_waker(future.as_mut()).is_pending());
    let mut polled = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut polled, true) {
            return future.as_mut().poll(cx).map(drop);
        }
        Poll::Pending
    })
    .await;
}

/// One that was passed over, and whose request was withdrawn, takes the lock at its next poll; what
/// the destructor of its old waker does comes too late.
#[test]
fn a_lock_is_taken_before_an_old_waker_is_dropped() {
    let stage = Stage::new();
    let lock = Rc::new(Lock::new(()));
    lock.try_acquire().unwrap().forget();
    let stolen = Rc::new(Cell::new(None));
    ON_DROP.set(Some(Box::new({
        let (lock, stolen) = (lock.clone(), stolen.clone());
        move || stolen.set(Some(lock.try_acquire().is_ok()))
    })));
    let task = stage.task(|_| {
        let lock = lock.clone();
        async move {
            wait_with_acting_waker(lock.acquire()).await;
        }
    });
    stage.turn();
    task.cancel();
    lock.release().unwrap();
    assert_eq!(task.uncancel(), 0);
    stage.settle();
    take(task);
    assert_eq!(stolen.get(), Some(false));
    assert!(!lock.locked());
}

#[test]
fn a_token_is_taken_before_an_old_waker_is_dropped() {
    let stage = Stage::new();
    let limiter = Rc::new(CapacityLimiter::new(0));
    let stolen = Rc::new(Cell::new(None));
    ON_DROP.set(Some(Box::new({
        let (limiter, stolen) = (limiter.clone(), stolen.clone());
        move || {
            let token = limiter.try_acquire_on_behalf_of(Borrower::Other(2));
            stolen.set(Some(token.is_ok()));
        }
    })));
    let task = stage.task(|_| {
        let limiter = limiter.clone();
        async move { wait_with_acting_waker(limiter.acquire_on_behalf_of(Borrower::Other(1))).await }
    });
    stage.turn();
    task.cancel();
    limiter.set_total_tokens(1);
    assert_eq!(task.uncancel(), 0);
    stage.settle();
    take(task);
    assert_eq!(stolen.get(), Some(false));
    assert_eq!(limiter.available_tokens(), 1);
}

#[test]
fn a_waker_whose_destructor_panics_holds_nobody_up_h1() {
    let stage = Stage::new();
    let reports = Rc::new(Cell::new(0));
    stage
        .executor()
        .spawner()
        .set_exception_handler(Some(Rc::new({
            let reports = reports.clone();
            move |_| reports.set(reports.get() + 1)
        })));
    let semaphore = Rc::new(Semaphore::new(1));
    let leaves = stage.task(|_| {
        let semaphore = semaphore.clone();
        async move {
            let mut waits = pin!(semaphore.acquire_many(2));
            assert!(poll_with_acting_waker(waits.as_mut()).is_pending());
            poll_fn(|_| Poll::<()>::Pending).await;
        }
    });
    let behind = stage.task(|_| Rc::clone(&semaphore).acquire_owned());
    stage.turn();
    ON_DROP.set(Some(Box::new(|| {
        std::panic::resume_unwind(Box::new("a waker of nobody's"))
    })));
    leaves.cancel();
    stage.settle();
    assert!(leaves.cancelled() && behind.done());
    assert_eq!(reports.get(), 1);
}

/// Who gets the lock inside of its release may notify: the wait is in line by then.
#[test]
fn a_notification_from_inside_of_the_release_reaches_who_released() {
    for forgotten in [false, true] {
        let stage = Stage::new();
        let condition = Rc::new(Condition::new(()));
        let guard = condition.lock().clone().try_acquire_owned().unwrap();
        run_at_once({
            let condition = condition.clone();
            async move {
                let _guard = condition.acquire().await;
                condition.notify(1).unwrap();
            }
        });
        let task = stage.task(|_| {
            let condition = condition.clone();
            async move {
                if forgotten {
                    guard.forget();
                    condition.wait_forgotten().await.unwrap();
                    condition.release().unwrap();
                } else {
                    drop(condition.wait(guard).await);
                }
            }
        });
        stage.settle();
        assert!(task.done(), "forgotten: {forgotten}");
        assert!(!condition.locked());
    }
}
