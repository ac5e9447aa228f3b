//! Scopes in their first poll, which have no node in the tree yet: whoever looks finds them all the
//! same.

mod stage;

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use asyncio_executor::{
    WaitPlace, catch_cancelled, finally, raise_cancelled, requests_around, shielded,
};
use futures_lite::FutureExt;
use futures_lite::future::{poll_once, zip};
use stage::{Stage, me, message, outcome, pause, spawner};

fn open() -> usize {
    spawner().scope_count()
}

#[test]
fn what_is_ready_at_once_is_never_in_the_tree() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        let nested = catch_cancelled(catch_cancelled(finally(async { open() }, || async {})));
        (nested.await.unwrap().unwrap(), open())
    });
    stage.turn();
    assert_eq!(outcome(task), "(0, 0)");
    stage.assert_clean();
}

#[test]
fn what_waits_is_all_there_when_its_poll_ends() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        let mut nested = pin!(catch_cancelled(catch_cancelled(catch_cancelled(pause(1)))));
        assert!(poll_once(nested.as_mut()).await.is_none());
        let waiting = open();
        nested.await.unwrap().unwrap().unwrap();
        (waiting, open())
    });
    stage.settle();
    assert_eq!(outcome(task), "(4, 1)", "with the task's root");
    stage.assert_clean();
}

/// The request is made below three scopes that have no nodes: the innermost answers it.
#[test]
fn a_request_from_inside_the_first_poll_reaches_the_innermost() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let outer = catch_cancelled(async {
            let middle = catch_cancelled(async {
                let inner = catch_cancelled(async {
                    me().cancel_with("m");
                    pause(1).await;
                })
                .await;
                stage.tell(format!("inner {}", message(&inner)));
            })
            .await;
            stage.tell(format!("middle {}", message(&middle)));
        })
        .await;
        stage.tell(format!("outer {}", message(&outer)));
    });
    stage.settle();
    assert_eq!(
        stage.log(),
        [
            "2 inner m",
            "2 middle not cancelled",
            "2 outer not cancelled"
        ]
    );
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// It is undelivered where the scope ends, and so the next wait's, further out.
#[test]
fn a_request_from_inside_a_body_that_is_ready_goes_outwards() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let caught = catch_cancelled(async {
            let inner = catch_cancelled(async {
                me().cancel_with("m");
            })
            .await;
            stage.tell(format!("inner {}", message(&inner)));
            pause(1).await;
            stage.say("never");
        })
        .await;
        stage.tell(message(&caught));
    });
    stage.settle();
    assert_eq!(stage.log(), ["1 inner not cancelled", "2 m"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn what_is_raised_in_the_first_poll_ends_the_scope_around_it() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let outer = catch_cancelled(async {
            let inner = catch_cancelled(raise_cancelled("raised")).await;
            stage.tell(message(&inner));
            raise_cancelled("again").await;
        })
        .await;
        stage.tell(message(&outer));
    });
    stage.turn();
    assert_eq!(stage.log(), ["1 raised", "1 again"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// The eager task begins with no scope current, and what it opens is its own.
#[test]
fn an_eager_task_in_a_first_poll_is_in_a_tree_of_its_own() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let caught = catch_cancelled(catch_cancelled(async {
            let said = stage.clone();
            let eager = spawner().build_task().eager(true).spawn(async move {
                let caught = catch_cancelled(async {
                    assert_eq!(requests_around(), 0);
                    me().cancel_with("eager");
                    pause(1).await;
                })
                .await;
                said.tell(message(&caught));
            });
            assert_eq!(me().cancelling(), 0);
            eager.await.unwrap();
            pending::<()>().await;
        }))
        .await;
        stage.tell(message(&caught.unwrap()));
    });
    stage.turns(3);
    assert_eq!(stage.log(), ["2 eager"]);
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["4 m"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// A claim, and a wait that may be passed over, are leaves: they have to know where they are.
#[test]
fn a_claim_in_a_first_poll_is_inside_its_scopes() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let said = stage.clone();
        let awaited = spawner().create_task(async move {
            let caught = catch_cancelled(pause(9)).await;
            said.tell(message(&caught));
            7
        });
        let caught = catch_cancelled(catch_cancelled(awaited.into_future())).await;
        stage.tell(format!("{:?}", caught.unwrap().unwrap().unwrap()));
    });
    stage.turns(2);
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["3 m", "4 7"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn a_place_in_a_first_poll_is_its_scopes() {
    let stage = Stage::new();
    let place = Rc::new(RefCell::new(WaitPlace::default()));
    let slot = place.clone();
    let task = stage.spawn(async move |_| {
        let wait = poll_fn(move |_| {
            *slot.borrow_mut() = WaitPlace::here();
            Poll::<()>::Pending
        });
        let beside = catch_cancelled(pending::<()>());
        let _ = zip(catch_cancelled(wait), beside).await;
        pending::<()>().await;
    });
    stage.turn();
    task.cancel();
    assert!(place.borrow().is_requested());
    stage.turn();
    assert!(!place.borrow().is_requested());
    task.cancel();
    assert!(!place.borrow().is_requested(), "that scope has ended");
    stage.settle();
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

/// With and without somebody below who has had the levels opened.
#[test]
fn a_panic_in_a_first_poll_leaves_nothing_behind() {
    for waits in [false, true] {
        let stage = Stage::new();
        let task = stage.spawn(async move |_| {
            let panics = async {
                if waits {
                    let mut open = pin!(shielded(pending::<()>()));
                    assert!(poll_once(open.as_mut()).await.is_none());
                }
                panic!("of the body");
            };
            let nested = catch_cancelled(catch_cancelled(catch_cancelled(panics)));
            let caught = AssertUnwindSafe(nested).catch_unwind().await;
            assert!(caught.is_err());
            let left = open();
            let after = catch_cancelled(catch_cancelled(async {
                me().cancel_with("m");
                pause(1).await;
            }));
            let after = after.await.unwrap();
            (left, message(&after).to_owned())
        });
        stage.settle();
        let left = usize::from(waits); // the task's root
        assert_eq!(outcome(task), format!("({left}, \"m\")"));
        stage.assert_clean();
    }
}

/// A future of a nested executor is not in the scopes of the task that runs it.
#[test]
fn another_executor_inside_a_first_poll_has_its_own_tree() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let caught = catch_cancelled(async {
            let other = asyncio_executor::Executor::new();
            let inner = other.create_task(catch_cancelled(pending::<()>()));
            let run = catch_unwind(AssertUnwindSafe(|| other.run_until_stalled()));
            assert!(run.is_err(), "an executor runs already");
            inner.cancel();
            pause(1).await;
            assert!(!inner.done());
        })
        .await;
        stage.tell(message(&caught));
    });
    stage.settle();
    assert_eq!(stage.log(), ["2 not cancelled"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// An open scope comes into the first poll of another one: it is inside that from then on.
#[test]
fn an_open_scope_that_moves_into_a_first_poll_is_inside() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let mut inner: Pin<Box<dyn Future<Output = _>>> =
            Box::pin(catch_cancelled(pending::<()>()));
        assert!(poll_once(inner.as_mut()).await.is_none());
        let outer = catch_cancelled(catch_cancelled(async {
            let caught = inner.await;
            stage.tell(message(&caught));
            pending::<()>().await;
        }));
        stage.tell(message(&outer.await.unwrap()));
    });
    stage.turn();
    task.cancel_with("one");
    stage.turn();
    task.cancel_with("two");
    stage.settle();
    assert_eq!(stage.log(), ["2 one", "3 two"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// The task that polled it first has ended, and its place is another's: the number is the same, and
/// the scope has moved nevertheless.
#[test]
fn a_scope_that_changes_task_is_found_by_the_new_ones_requests() {
    type Kept = Rc<RefCell<Option<Pin<Box<dyn Future<Output = String>>>>>>;
    let stage = Stage::new();
    let kept = Kept::default();
    for (round, by) in ["first", "second", "third"].into_iter().enumerate() {
        let slot = kept.clone();
        let task = stage.spawn(async move |_| {
            let scope = slot.take().unwrap_or_else(|| {
                Box::pin(async {
                    let caught = catch_cancelled(pending::<()>()).await;
                    message(&caught).to_owned()
                })
            });
            let mut scope = scope;
            if round < 2 {
                assert!(poll_once(scope.as_mut()).await.is_none());
                slot.replace(Some(scope));
                return String::new();
            }
            scope.await
        });
        stage.turn();
        if round == 2 {
            task.cancel_with(by);
        }
        stage.settle();
        let expected = if round == 2 { "\"third\"" } else { "\"\"" };
        assert_eq!(outcome(task), expected);
    }
    stage.assert_clean();
}

/// What a scope hands to the one around it is taken over by the scopes that are opened there then.
#[test]
fn a_request_that_comes_in_a_first_poll_is_taken_over() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let mut cleaning = Some(Box::pin(finally(pending::<()>(), || pause(9))));
        if let Some(cleaning) = &mut cleaning {
            assert!(poll_once(cleaning.as_mut()).await.is_none());
            let mut twice = pin!(zip(cleaning.as_mut(), pause(2)));
            assert!(poll_once(twice.as_mut()).await.is_none());
            pause(1).await;
            assert!(poll_once(twice).await.is_none(), "it cleans up now");
        }
        let caught = catch_cancelled(async {
            drop(cleaning.take());
            pause(2).await;
            stage.say("never");
        })
        .await;
        stage.tell(message(&caught));
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["3 m"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}
