//! Waits that are kept and no longer polled, as in a loop around a `select` whose other branch is
//! busy: a request that goes to them ends the one who waits all the same.

mod turns;

use std::cell::Cell;
use std::future::{Future as _, IntoFuture, pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use asyncio_executor::{Spawner, Task, TaskError, finally, yield_now};
use asyncio_futures::{Future, gather, shield};
use turns::Turns;

/// Polls the wait once, and then waits for something else for ever.
fn keeps(wait: impl IntoFuture + 'static) -> Task<()> {
    Spawner::current().unwrap().create_task(async move {
        let mut wait = Box::pin(wait.into_future());
        let polled = poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx).is_ready())).await;
        assert!(!polled);
        pending::<()>().await;
    })
}

async fn pause(turns: u32) {
    for _ in 0..turns {
        yield_now().await;
    }
}

#[test]
fn a_request_that_has_cancelled_a_future_goes_on_to_who_does_not_poll_it() {
    let cancelled = Turns::new().run(async {
        let future = Future::<u8>::new();
        let task = keeps(future.clone());
        yield_now().await;
        task.cancel();
        let outcome = task.await;
        assert!(future.cancelled());
        outcome
    });
    assert!(matches!(cancelled, Err(TaskError::Cancelled(None))));
}

#[test]
fn a_request_that_has_cancelled_a_shield_goes_on_to_who_does_not_poll_it() {
    let cancelled = Turns::new().run(async {
        let inner = Future::<u8>::new();
        let task = keeps(shield(inner.clone()));
        yield_now().await;
        task.cancel();
        let outcome = task.await;
        assert!(!inner.done());
        outcome
    });
    assert!(matches!(cancelled, Err(TaskError::Cancelled(None))));
}

/// The group ends turns later, when its last child has.
#[test]
fn a_request_that_has_cancelled_a_group_goes_on_to_who_does_not_poll_it() {
    for return_exceptions in [false, true] {
        let cancelled = Turns::new().run(async move {
            let children = [0, 5].map(|turns| finally(pending::<()>(), move || pause(turns)));
            let group = gather(children);
            let task = if return_exceptions {
                keeps(group.return_exceptions())
            } else {
                keeps(group)
            };
            yield_now().await;
            task.cancel_with("m");
            task.await
        });
        assert!(matches!(cancelled, Err(TaskError::Cancelled(Some(message))) if &*message == "m"));
    }
}

/// A child of it has ended at once, but the group has not, nor the group around.
#[test]
fn a_request_comes_back_from_a_group_when_that_has_ended_and_not_when_a_child_has() {
    let cleaned = Turns::new().run(async {
        let cleaned = Rc::new(Cell::new(false));
        let cleans = Rc::clone(&cleaned);
        let slow = finally(pending::<()>(), || async move {
            pause(9).await;
            cleans.set(true);
        });
        let inner = gather((Future::<()>::new(), slow)).return_exceptions();
        let outer = gather((inner, Future::<()>::new())).return_exceptions();
        let task = Spawner::current()
            .unwrap()
            .create_task(async { outer.await.is_ok() });
        yield_now().await;
        task.cancel();
        assert!(task.await.is_err());
        cleaned.get()
    });
    assert!(cleaned, "the task ended before what it waited for");
}

/// The group's outcome is a child's panic, which is the answer.
#[test]
fn a_request_that_a_group_has_answered_by_a_failure_goes_nowhere() {
    let outcome = Turns::new().run(async {
        let fails = finally(pending::<()>(), || async { panic!("while it ends") });
        let group = gather([fails]);
        let task = Spawner::current().unwrap().create_task(async move {
            let mut wait = Box::pin(group.into_future());
            let polled = poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx).is_ready())).await;
            assert!(!polled);
            pause(9).await;
            wait.await.is_err()
        });
        yield_now().await;
        task.cancel();
        task.await
    });
    assert!(matches!(outcome, Ok(true)), "{outcome:?}");
}
