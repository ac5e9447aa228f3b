//! What groups and timeouts allocate.

mod turns;

use std::time::Duration;

use asyncio_executor::Executor;
use asyncio_futures::{
    TaskGroup, gather, gather_on, join, move_on_after, race, select, task_group, timeout, try_join,
    wait_for,
};
use asyncio_loop::{EventLoop, get_running_loop};
use asyncio_testkit::heap::{self, CountingAllocator};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Allocations of a warm second call.
fn allocations(mut code: impl FnMut()) -> u64 {
    code();
    heap::on_this_thread(code).1.allocations
}

#[test]
fn a_child_of_a_group_costs_no_allocation_but_its_task() {
    const CHILDREN: u32 = 1000;
    let executor = Executor::new();
    let spawner = executor.spawner();
    let tasks = allocations(|| {
        let tasks: Vec<_> = (0..CHILDREN)
            .map(|n| spawner.create_task(async move { n }))
            .collect();
        executor.run_until_stalled();
        drop(tasks);
    });
    let group = allocations(|| {
        let group = gather_on(&spawner, (0..CHILDREN).map(|n| async move { n }));
        executor.run_until_stalled();
        assert_eq!(group.into_result().unwrap().unwrap().len(), 1000);
    });
    // The group, its lists, and the growth of the list of what has ended.
    assert!(
        group <= tasks + 24,
        "{group} with the group, {tasks} without"
    );
}

#[test]
fn a_timeout_that_is_ready_at_once_allocates_nothing() {
    let event_loop = EventLoop::new().unwrap();
    let used = event_loop.run_until_complete(async {
        let before = get_running_loop().metrics().timers;
        let used = std::future::poll_fn(|cx| {
            let ready = || {
                let future = std::pin::pin!(timeout(Duration::from_secs(1), async { 1 }));
                assert!(future.poll(cx).is_ready());
            };
            std::task::Poll::Ready(heap::on_this_thread(ready).1.allocations)
        })
        .await;
        assert_eq!(get_running_loop().metrics().timers, before);
        assert_eq!(get_running_loop().spawner().scope_count(), 0);
        used
    });
    assert_eq!(used, Ok(0));
}

#[test]
fn a_timeout_that_waits_allocates_nothing_when_warm() {
    let event_loop = EventLoop::new().unwrap();
    let used = event_loop.run_until_complete(async {
        let before = get_running_loop().metrics().timers;
        let used = std::future::poll_fn(|cx| {
            let mut waits = || {
                let mut inner = std::pin::pin!(timeout(
                    Duration::from_secs(1),
                    timeout(Duration::from_secs(2), std::future::pending::<()>())
                ));
                assert!(inner.as_mut().poll(cx).is_pending());
                assert!(inner.as_mut().poll(cx).is_pending());
                assert_eq!(get_running_loop().metrics().timers, before + 2);
            };
            std::task::Poll::Ready(allocations(&mut waits))
        })
        .await;
        assert_eq!(get_running_loop().metrics().timers, before);
        used
    });
    assert_eq!(used, Ok(0));
}

#[test]
fn a_group_leaves_nothing_behind() {
    let executor = Executor::new();
    let round = || {
        let done = executor.run_until_complete(async {
            let group = gather((0..100).map(|n| async move { vec![n] }));
            let cancelled = gather((0..100).map(|_| std::future::pending::<Vec<i32>>()));
            cancelled.cancel();
            assert!(cancelled.await.is_err());
            group.await.unwrap().len()
        });
        assert_eq!(done, Ok(100));
        executor.run_until_stalled();
    };
    round();
    round();
    let ((), used) = heap::on_this_thread(round);
    assert_eq!(used.live_bytes, 0);
}

#[test]
fn timeouts_races_and_joins_hold_their_futures_once() {
    const LARGE: usize = 4096;
    let future = || async {
        let large = [1_u8; LARGE];
        asyncio_executor::yield_now().await;
        large.len()
    };
    let limit = Duration::from_secs(1);
    let own = size_of_val(&future());
    assert!(own >= LARGE);
    assert!(size_of_val(&timeout(limit, future())) < own + 256);
    assert!(size_of_val(&wait_for(future(), limit)) < own + 256);
    assert!(size_of_val(&move_on_after(limit, future())) < own + 256);
    assert!(size_of_val(&race((future(), future()))) < own * 2 + 256);
    let select = async {
        select! {
            length = future() => length,
            length = future() => length,
        }
    };
    assert!(size_of_val(&select) < own * 2 + 256);
    assert!(size_of_val(&async { join!(future(), future()) }) < own * 2 + 256);
    let try_join = async { try_join!(async { Ok::<_, ()>(future().await) }, async { Ok(1) }) };
    assert!(size_of_val(&try_join) < own + 256);
}

/// As what its body captures, and where that is awaited; not once for each function around it.
#[test]
fn a_task_group_has_room_for_its_body_twice() {
    const LARGE: usize = 4096;
    let large = [1_u8; LARGE];
    let body = async move |_: TaskGroup<()>| {
        asyncio_executor::yield_now().await;
        Ok(large.len())
    };
    assert_eq!(size_of_val(&body), LARGE);
    assert!(size_of_val(&task_group(body)) < LARGE * 2 + 512);
    Executor::new()
        .run_until_complete(async {
            let group = TaskGroup::new();
            assert!(size_of_val(&group.run(body)) < LARGE * 2 + 512);
        })
        .unwrap();
}
