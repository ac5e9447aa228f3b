//! A wait that is woken by its place, without a waker of its own.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use asyncio_executor::{Executor, Task, WaitPlace, catch_cancelled, yield_now};

/// Where a task waits, and whether its place wakes it there.
#[derive(Clone, Default)]
struct Seen(Rc<RefCell<Option<(WaitPlace, bool)>>>);

impl Seen {
    fn here(&self, cx: &Context<'_>) {
        let place = WaitPlace::here();
        let is_woken = place.is_woken_by(cx.waker());
        self.0.replace(Some((place, is_woken)));
    }

    /// Waits to be woken.
    async fn wait(&self) {
        let mut waits = true;
        poll_fn(|cx| match std::mem::take(&mut waits) {
            true => {
                self.here(cx);
                Poll::Pending
            }
            false => Poll::Ready(()),
        })
        .await;
    }

    fn take(&self) -> (WaitPlace, bool) {
        self.0.take().expect("somebody waits")
    }
}

/// A task that waits once, after it has waited before.
fn waits(executor: &Executor, seen: &Seen) -> Task<()> {
    let seen = seen.clone();
    executor.create_task(async move {
        yield_now().await;
        seen.wait().await;
    })
}

#[test]
fn a_place_wakes_the_task_that_waits_there() {
    let (executor, seen) = (Executor::new(), Seen::default());
    let task = waits(&executor, &seen);
    executor.run_until_stalled();
    let (place, is_woken) = seen.take();
    assert!(is_woken && !task.done());
    place.wake();
    executor.run_until_stalled();
    assert!(task.done());
    place.wake(); // nobody
    assert_eq!(executor.run_until_stalled(), 0);
}

#[test]
fn a_place_in_a_scope_wakes_its_task() {
    let (executor, seen) = (Executor::new(), Seen::default());
    let task = executor.create_task({
        let seen = seen.clone();
        async move {
            yield_now().await;
            catch_cancelled(seen.wait()).await.is_ok()
        }
    });
    executor.run_until_stalled();
    let (place, is_woken) = seen.take();
    assert!(is_woken);
    place.wake();
    assert!(executor.run_until_complete(task).unwrap().unwrap());
}

/// The executor has its waker only after it.
#[test]
fn a_place_in_a_first_poll_wakes_nobody() {
    let (executor, seen) = (Executor::new(), Seen::default());
    let task = executor.create_task({
        let seen = seen.clone();
        async move { seen.wait().await }
    });
    executor.run_until_stalled();
    assert!(!seen.take().1);
    drop(task);
}

#[test]
fn a_place_does_not_wake_what_has_a_waker_of_its_own() {
    let (executor, seen) = (Executor::new(), Seen::default());
    let task = executor.create_task({
        let seen = seen.clone();
        async move {
            yield_now().await;
            seen.here(&Context::from_waker(Waker::noop()));
        }
    });
    executor.run_until_complete(task).unwrap().unwrap();
    assert!(!seen.take().1);
    // And outside there is none at all.
    seen.here(&Context::from_waker(Waker::noop()));
    let (place, is_woken) = seen.take();
    assert!(!is_woken);
    place.wake();
}

#[test]
fn a_place_wakes_nobody_when_its_executor_is_gone() {
    let (executor, seen) = (Executor::new(), Seen::default());
    let task = waits(&executor, &seen);
    executor.run_until_stalled();
    drop((executor, task));
    seen.take().0.wake();
}
