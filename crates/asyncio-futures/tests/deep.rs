//! Depth costs no stack: long chains run, are cancelled and are dropped on a small one.

use std::cell::RefCell;
use std::future::Future as StdFuture;
use std::pin::Pin;
use std::rc::Rc;

use asyncio_executor::Executor;
use asyncio_futures::{Future, gather, shield, task_group};
use asyncio_testkit::run_with_stack;

const STACK: usize = 256 * 1024;
const GROUPS: u32 = 100_000;
const FUTURES: u32 = 1_000_000;

/// A task that waits for a group of one task, which waits for a group of one task, which …
fn nest(depth: u32, at_the_bottom: Future<u32>) -> Pin<Box<dyn StdFuture<Output = u32>>> {
    Box::pin(async move {
        if depth == 0 {
            return at_the_bottom.await.unwrap_or(7);
        }
        match gather([nest(depth - 1, at_the_bottom)]).await {
            Ok(values) => values[0] + 1,
            Err(_) => unreachable!("the cancellation goes on outwards"),
        }
    })
}

#[test]
fn nested_groups_end_one_after_the_other_w12() {
    let value = run_with_stack(STACK, || {
        let executor = Executor::new();
        let bottom = Future::new_on(&executor.spawner());
        let top = executor.create_task(nest(GROUPS, bottom.clone()));
        executor.run_until_stalled();
        bottom.set_result(1).unwrap();
        executor.run_until_complete(top).unwrap().unwrap()
    });
    assert_eq!(value, GROUPS + 1);
}

#[test]
fn a_request_goes_through_nested_groups_at_once_w12() {
    run_with_stack(STACK, || {
        let executor = Executor::new();
        let bottom = Future::<u32>::new_on(&executor.spawner());
        let top = executor.create_task(nest(GROUPS, bottom.clone()));
        executor.run_until_stalled();
        top.cancel();
        assert!(bottom.cancelled());
        assert!(
            executor
                .run_until_complete(top)
                .unwrap()
                .unwrap_err()
                .is_cancelled()
        );
    });
}

#[test]
fn nested_groups_are_dropped_with_their_executor_w12() {
    run_with_stack(STACK, || {
        let executor = Executor::new();
        let bottom = Future::<u32>::new_on(&executor.spawner());
        let _top = executor.create_task(nest(GROUPS, bottom.clone()));
        executor.run_until_stalled();
        drop(executor);
        assert!(!bottom.done());
    });
}

/// A task group of one child, which runs a task group of one child, which …
fn nest_task_groups(
    depth: u32,
    at_the_bottom: Future<u32>,
) -> Pin<Box<dyn StdFuture<Output = u32>>> {
    Box::pin(async move {
        if depth == 0 {
            return at_the_bottom.await.unwrap_or(7);
        }
        let child = task_group(async |group| {
            let inner = nest_task_groups(depth - 1, at_the_bottom);
            let child = group
                .create_task(async { Ok::<_, ()>(inner.await) })
                .unwrap();
            Ok(child.await.unwrap().unwrap())
        });
        child.await.unwrap() + 1
    })
}

/// Each child is a task, so that nothing nests on the stack.
#[test]
fn nested_task_groups_end_one_after_the_other_w12() {
    let value = run_with_stack(STACK, || {
        let executor = Executor::new();
        let bottom = Future::new_on(&executor.spawner());
        let top = executor.create_task(nest_task_groups(GROUPS, bottom.clone()));
        executor.run_until_stalled();
        bottom.set_result(1).unwrap();
        executor.run_until_complete(top).unwrap().unwrap()
    });
    assert_eq!(value, GROUPS + 1);
}

#[test]
fn nested_task_groups_are_cancelled_one_after_the_other_w12() {
    run_with_stack(STACK, || {
        let executor = Executor::new();
        let bottom = Future::<u32>::new_on(&executor.spawner());
        let top = executor.create_task(nest_task_groups(GROUPS, bottom.clone()));
        executor.run_until_stalled();
        top.cancel();
        executor.run_until_stalled();
        assert!(top.cancelled() && bottom.cancelled());
        assert_eq!(executor.task_count(), 0);
    });
}

/// Not as deep: each group that is dropped cancels all that are inside of it, anew.
#[test]
fn nested_task_groups_are_dropped_with_their_executor_w12() {
    run_with_stack(STACK, || {
        let executor = Executor::new();
        let bottom = Future::<u32>::new_on(&executor.spawner());
        let _top = executor.create_task(nest_task_groups(GROUPS / 200, bottom.clone()));
        executor.run_until_stalled();
        drop(executor);
        assert!(
            bottom.cancelled(),
            "a group that is dropped cancels its children"
        );
    });
}

/// A future whose callback sets a future whose callback sets a future …
fn chain(executor: &Executor, length: u32) -> (Future<u32>, Future<u32>) {
    let spawner = executor.spawner();
    let last = Future::new_on(&spawner);
    let mut first = last.clone();
    for _ in 1..length {
        let future = Future::new_on(&spawner);
        let next = std::mem::replace(&mut first, future.clone());
        future.add_done_callback(move |done: &Future<u32>| {
            let value = *done.result().unwrap().unwrap();
            next.set_result(value + 1).unwrap();
        });
    }
    (first, last)
}

#[test]
fn futures_chained_by_callbacks_are_set_one_after_the_other_w12() {
    run_with_stack(STACK, || {
        let executor = Executor::new();
        let (first, last) = chain(&executor, FUTURES);
        first.set_result(1).unwrap();
        executor.run_until_stalled();
        assert_eq!(last.result().unwrap().unwrap(), &FUTURES);
    });
}

#[test]
fn pending_futures_chained_by_callbacks_are_dropped_w12() {
    run_with_stack(STACK, || {
        let executor = Executor::new();
        let (first, last) = chain(&executor, FUTURES);
        drop((first, last));
    });
}

#[test]
fn futures_that_hold_futures_are_dropped_w12() {
    struct Link(#[expect(dead_code, reason = "owned, to be dropped")] Option<Future<Link>>);
    run_with_stack(STACK, || {
        let executor = Executor::new();
        let spawner = executor.spawner();
        let mut chain = None;
        for _ in 0..FUTURES {
            let future = Future::new_on(&spawner);
            assert!(future.set_result(Link(chain)).is_ok());
            chain = Some(future);
        }
        drop(chain);
    });
}

#[test]
fn many_waiters_of_one_future_are_dropped_in_linear_time() {
    run_with_stack(STACK, || {
        let executor = Executor::new();
        let future = Future::<()>::new_on(&executor.spawner());
        for _ in 0..200_000 {
            executor.create_task(future.clone().into_future()).detach();
        }
        executor.run_until_stalled();
        drop(executor);
        assert!(format!("{future:?}").contains("waiting: 0"));
    });
}

#[test]
fn shields_around_tasks_that_wait_for_shields_end_one_after_the_other() {
    fn deep(depth: u32) -> Pin<Box<dyn StdFuture<Output = u32>>> {
        Box::pin(async move {
            if depth == 0 {
                return 0;
            }
            shield(deep(depth - 1)).await.unwrap() + 1
        })
    }
    let value = run_with_stack(STACK, || {
        let executor = Executor::new();
        executor.run_until_complete(deep(20_000)).unwrap()
    });
    assert_eq!(value, 20_000);
}

#[test]
fn a_group_whose_children_drop_it_is_dropped_once() {
    let executor = Executor::new();
    let slot = Rc::new(RefCell::new(None));
    let held = Rc::clone(&slot);
    let group = asyncio_futures::gather_on(
        &executor.spawner(),
        [async move {
            drop(held.borrow_mut().take());
        }],
    );
    *slot.borrow_mut() = Some(group);
    executor.run_until_stalled();
    assert!(slot.borrow().is_none());
}
