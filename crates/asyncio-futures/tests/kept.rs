//! Waits that are kept and no longer polled, as in a loop around a `select` whose other branch is
//! busy: a request that goes to them ends the one who waits all the same.

mod turns;

use std::future::{Future as _, IntoFuture, pending, poll_fn};
use std::task::Poll;

use asyncio_executor::{Spawner, Task, TaskError, yield_now};
use asyncio_futures::{Future, shield};
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
