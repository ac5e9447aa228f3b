//! What a scope knows of where it was opened: the requests around it, and its key.

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use asyncio_executor::{End, Executor, Observer, Scope, catch_cancelled, current_task, yield_now};

/// Without a node, with a waker of its own, for who adopts, with a request that waits: each way into a scope.
#[test]
fn a_scope_knows_the_requests_around_at_its_entry() {
    let executor = Executor::new();
    let task = executor.create_task(async {
        assert_eq!(entered(Way::Plain).await, 0);
        let me = current_task().expect("a task");
        for requests in 1..3 {
            me.cancel();
            assert!(catch_cancelled(yield_now()).await.is_err());
            for way in [Way::Plain, Way::OwnWaker, Way::Adopting] {
                assert_eq!(entered(way).await, requests);
            }
        }
        me.cancel();
        assert_eq!(
            entered(Way::Plain).await,
            3,
            "the third has yet to be answered"
        );
        assert!(catch_cancelled(yield_now()).await.is_err());
    });
    executor.run_until_complete(task).unwrap().unwrap();
}

enum Way {
    Plain,
    OwnWaker,
    Adopting,
}

async fn entered(way: Way) -> u32 {
    struct Adopter;
    impl Observer for Adopter {
        fn ended(self: Rc<Self>, _: u32, _: End) {}
    }
    let mut scope = Scope::new();
    let mut body = pin!(Some(pending::<()>()));
    poll_fn(|cx| {
        let polled = match way {
            Way::Plain => scope.poll(body.as_mut(), cx),
            Way::OwnWaker => scope.poll(body.as_mut(), &mut Context::from_waker(Waker::noop())),
            Way::Adopting => scope.poll_adopting(body.as_mut(), cx, || Rc::new(Adopter)),
        };
        assert!(polled.is_pending());
        Poll::Ready(())
    })
    .await;
    scope.requests_at_entry()
}

/// Also where nothing says so: the scope had none in its first poll before.
#[test]
fn the_requests_at_entry_are_counted_anew_in_a_first_poll_after_a_panic() {
    let executor = Executor::new();
    let task = executor.create_task(async {
        let me = current_task().expect("a task");
        me.cancel();
        assert!(catch_cancelled(yield_now()).await.is_err());
        let mut panics = true;
        let mut body = pin!(Some(poll_fn(|_| {
            assert!(!std::mem::take(&mut panics), "in its first poll");
            Poll::<()>::Pending
        })));
        let mut scope = Scope::new();
        poll_fn(|cx| {
            let poll = || scope.poll(body.as_mut(), cx);
            assert!(catch_unwind(AssertUnwindSafe(poll)).is_err());
            assert_eq!(scope.requests_at_entry(), 1);
            me.uncancel();
            assert!(scope.poll(body.as_mut(), cx).is_pending());
            assert_eq!(scope.requests_at_entry(), 0);
            Poll::Ready(())
        })
        .await;
    });
    executor.run_until_complete(task).unwrap().unwrap();
}

#[test]
fn a_key_names_one_scope_of_one_executor() {
    let (executor, other) = (Executor::new(), Executor::new());
    let task = executor.create_task({
        let (here, elsewhere) = (executor.spawner(), other.spawner());
        async move {
            let mut scope = Scope::new();
            assert!(scope.key_in(&here).is_none(), "it is not open");
            let key = {
                let mut body = pin!(Some(pending::<()>()));
                poll_fn(|cx| {
                    assert!(scope.poll(body.as_mut(), cx).is_pending());
                    Poll::Ready(())
                })
                .await;
                assert!(scope.key_in(&elsewhere).is_none());
                scope.key_in(&here).expect("an open scope")
            };
            assert!(here.scope_ref(key).is_open());
            drop(scope);
            // Another of its number.
            let again = catch_cancelled(async {
                yield_now().await;
                assert!(!here.scope_ref(key).is_open());
                assert!(!here.scope_ref(key).cancel());
            });
            assert!(again.await.is_ok());
        }
    });
    executor.run_until_complete(task).unwrap().unwrap();
}
