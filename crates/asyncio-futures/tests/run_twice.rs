//! A deadline and a task group are for one body. A second one is refused, or never polled, and the
//! first knows nothing of it.

mod turns;

use std::future::pending;
use std::panic::AssertUnwindSafe;

use asyncio_executor::yield_now;
use asyncio_futures::{TaskGroup, TaskGroupClosed, Timeout, TimeoutError};
use asyncio_loop::get_running_loop;
use futures_lite::FutureExt;
use turns::{SECOND, run};

/// Whether it panics when it is polled.
async fn is_refused<F: Future>(body: F) -> bool {
    AssertUnwindSafe(body).catch_unwind().await.is_err()
}

#[test]
fn a_second_body_that_is_dropped_unpolled_leaves_the_deadline_to_the_first() {
    run(async {
        let deadline = Timeout::after(SECOND);
        let second = deadline.run(pending::<()>());
        let first = deadline.run(async {
            yield_now().await;
            drop(second);
            pending::<()>().await;
        });
        assert_eq!(first.await, Err(TimeoutError));
    });
}

#[test]
fn a_second_body_that_is_refused_leaves_the_deadline_to_the_first() {
    run(async {
        let deadline = Timeout::after(SECOND);
        let second = deadline.clone();
        let first = deadline.run(async move {
            assert!(is_refused(second.run(pending::<()>())).await);
            let later = get_running_loop().time() + SECOND * 2;
            second.reschedule(later).unwrap();
            pending::<()>().await;
        });
        assert_eq!(first.await, Err(TimeoutError));
        assert!(deadline.expired());
        assert!(is_refused(deadline.run(pending::<()>())).await);
        assert!(deadline.expired(), "as before");
        assert!(deadline.reschedule(None).is_err(), "nothing runs under it");
    });
}

#[test]
fn a_second_body_of_a_group_leaves_it_closed() {
    run(async {
        let group = TaskGroup::<()>::new();
        group.run(async |_| Ok(())).await.unwrap();
        assert!(is_refused(group.run(async |_| Ok(()))).await);
        assert_eq!(group.start_soon(pending()), Err(TaskGroupClosed));
    });
}
