//! Tasks that wait for themselves, which is refused, or for each other.

mod stage;

use std::cell::RefCell;
use std::future::IntoFuture;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use asyncio_executor::{Executor, Task, catch_cancelled};
use futures_lite::FutureExt;
use stage::{Stage, me};

/// asyncio: "Task cannot await on itself". By value, in a scope, through `&mut`, by reference, and
/// the main future.
#[test]
fn a_task_that_awaits_itself_is_told_so() {
    for way in 0..4 {
        let stage = Stage::new();
        let slot = Rc::new(RefCell::new(None::<Task<()>>));
        let taken = slot.clone();
        let said = Rc::new(RefCell::new(String::new()));
        let says = said.clone();
        let task = stage.spawn(async move |_| {
            let mut me = taken.take().unwrap();
            let wait = AssertUnwindSafe(async {
                match way {
                    0 => drop(me.await),
                    1 => drop(catch_cancelled(me.into_future()).await),
                    2 => drop((&mut me).await),
                    _ => me.task_ref().wait().await,
                }
            });
            let payload = wait.catch_unwind().await.unwrap_err();
            says.replace(payload.downcast_ref::<String>().unwrap().clone());
        });
        task.set_name("snake");
        let task_ref = task.task_ref();
        slot.replace(Some(task));
        stage.settle();
        let said = said.take();
        assert!(said.starts_with("snake, created at "), "{said}");
        assert!(said.contains("waits for itself"), "{said}");
        assert!(task_ref.done() && !task_ref.panicked(), "it may go on");
        stage.assert_clean();
    }
    let executor = Executor::new();
    let main = || executor.run_until_complete(async { me().wait().await });
    assert!(catch_unwind(AssertUnwindSafe(main)).is_err());
}

/// Nobody looks for rings of several, in asyncio neither.
#[test]
fn tasks_that_await_each_other_can_be_cancelled() {
    let stage = Stage::new();
    let slot = Rc::new(RefCell::new(None::<Task<()>>));
    let taken = slot.clone();
    let one = stage.spawn(async move |_| {
        let other = taken.take().unwrap();
        drop(other.await);
    });
    let one_ref = one.task_ref();
    let other = stage.spawn(async move |_| drop(one.await));
    let other_ref = other.task_ref();
    slot.replace(Some(other));
    stage.settle();
    assert!(!one_ref.done() && !other_ref.done());
    one_ref.cancel();
    stage.settle();
    assert!(one_ref.cancelled() && other_ref.done());
    stage.assert_clean();
}
