//! What things cost on the heap, counted.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use asyncio_executor::{
    ContextVar, Executor, Task, TaskRef, catch_cancelled, current_task, yield_now,
};
use asyncio_testkit::heap::{self, CountingAllocator};
use asyncio_testkit::{Pack, exclusive};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Allocations of this thread in `code`, per round, after a round to warm up.
#[track_caller]
fn allocations_per_round(rounds: u64, mut code: impl FnMut()) -> u64 {
    code();
    let ((), used) = heap::on_this_thread(|| {
        for _ in 0..rounds {
            code();
        }
    });
    assert_eq!(used.live_bytes, 0, "something is left");
    assert_eq!(used.allocations % rounds, 0, "not the same in every round");
    used.allocations / rounds
}

#[test]
fn a_task_is_one_allocation() {
    let _alone = exclusive();
    let executor = Executor::new();
    let detached = allocations_per_round(100, || {
        executor.create_task(async { yield_now().await }).detach();
        executor.run_until_stalled();
    });
    assert_eq!(detached, 1);
    let awaited = allocations_per_round(100, || {
        let task = executor.create_task(async { 5 });
        executor.run_until_stalled();
        assert_eq!(*task.result().unwrap().unwrap(), 5);
    });
    assert_eq!(awaited, 1);
    let waiting = allocations_per_round(100, || {
        let inner = executor.create_task(async {
            yield_now().await;
            5
        });
        executor
            .create_task(async move { assert_eq!(inner.await.unwrap(), 5) })
            .detach();
        executor.run_until_stalled();
    });
    assert_eq!(waiting, 2, "one each: waiting costs none");
}

/// The measure of the issue: a task that waits for ever, with everything that it makes others
/// keep.
#[test]
fn a_waiting_task_takes_no_more_than_112_bytes() {
    const TASKS: usize = if cfg!(debug_assertions) {
        200_000
    } else {
        1_000_000
    };
    let _alone = exclusive();
    let executor = Executor::new();
    // The vectors that hold tasks grow by doubling; measured is what a full one takes, as it
    // would be measured at any power of two.
    let tasks = TASKS.next_power_of_two();
    let ((), used) = heap::on_this_thread(|| {
        for _ in 0..tasks {
            executor.create_task(pending::<()>()).detach();
        }
        executor.run_until_stalled();
        executor.shrink();
    });
    let bytes = used.live_bytes as f64 / tasks as f64;
    println!("{bytes:.1} bytes a waiting task");
    assert!(bytes <= 112.0, "{bytes:.1} bytes a waiting task");
    let allocations = used.allocations as f64 / tasks as f64;
    assert!(
        (1.0..1.001).contains(&allocations),
        "{allocations} allocations a task"
    );
}

#[test]
fn a_callback_is_one_allocation() {
    let _alone = exclusive();
    let executor = Executor::new();
    let called = Rc::new(Cell::new(0_u64));
    let soon = allocations_per_round(100, || {
        let called = called.clone();
        let captured = [1_u64; 8];
        executor.call_soon(move || called.set(called.get() + captured[3]));
        executor.run_until_stalled();
    });
    assert_eq!(soon, 1);
    let cancelled = allocations_per_round(100, || {
        executor.call_soon(|| unreachable!()).cancel();
        executor.run_until_stalled();
    });
    assert_eq!(cancelled, 1);
    assert_eq!(called.get(), 101);
}

#[test]
fn a_wake_and_a_turn_cost_nothing() {
    let _alone = exclusive();
    let executor = Executor::new();
    let go_on = Rc::new(Cell::new(true));
    let flag = go_on.clone();
    executor
        .create_task(async move {
            while flag.get() {
                yield_now().await;
            }
        })
        .detach();
    let turns = allocations_per_round(100, || {
        executor.run_ready(1, None);
        executor.end_turn();
        executor.drain();
    });
    assert_eq!(turns, 0);
    go_on.set(false);
    executor.run_until_stalled();
}

#[test]
fn a_warm_scope_costs_nothing() {
    let _alone = exclusive();
    let executor = Executor::new();
    let scopes = Rc::new(Cell::new(0));
    let count = scopes.clone();
    let task = executor.create_task(async move {
        loop {
            let nested = catch_cancelled(catch_cancelled(yield_now()));
            nested.await.unwrap().unwrap();
            count.set(count.get() + 1);
        }
    });
    let opened = allocations_per_round(100, || {
        executor.run_ready(1, None);
    });
    assert_eq!(opened, 0);
    assert_eq!(scopes.get(), 100);
    drop::<Task<()>>(task);
}

/// A request goes through scopes that were there before without growing anything.
#[test]
fn memory_is_flat_over_a_million_small_lives() {
    const LIVES: u32 = if cfg!(debug_assertions) {
        10_000
    } else {
        1_000_000
    };
    static VAR: ContextVar<u32> = ContextVar::new("var");
    let executor = Executor::new();
    let life = |id: u32| {
        let task = executor.create_task(async move {
            drop(VAR.set(id));
            let _ = catch_cancelled(pending::<()>()).await;
            current_task().unwrap().set_name("cleaning");
        });
        let done = Rc::new(Cell::new(false));
        let calls = done.clone();
        task.add_done_callback(move |_| calls.set(true));
        let reference: TaskRef = task.task_ref();
        let waits = executor.create_task(async move { reference.wait().await });
        executor.run_until_stalled();
        task.cancel_with("enough");
        executor.run_until_stalled();
        assert!(done.get() && waits.done());
    };
    Pack::new().run(|| {
        for id in 0..LIVES / 10 {
            life(id);
        }
    });
    assert_eq!(executor.spawner().scope_count(), 0);
}

/// A burst of ready entries does not stay in memory.
#[test]
fn the_queue_gives_a_bursts_memory_back() {
    let _alone = exclusive();
    let executor = Executor::new();
    let ((), used) = heap::on_this_thread(|| {
        for _ in 0..100_000 {
            executor.call_soon(|| {});
        }
        executor.run_until_stalled();
        executor.shrink();
    });
    assert!(
        used.live_bytes <= 16 * 1024,
        "{} bytes left",
        used.live_bytes
    );
}

#[test]
fn an_executor_leaves_nothing_behind() {
    Pack::new().run(|| {
        let executor = Executor::new();
        let task = executor.create_task(async {
            let _ = catch_cancelled(pending::<()>()).await;
        });
        let reference = task.task_ref();
        task.add_done_callback(|_| {});
        let kept = executor.spawner();
        executor.run_until_stalled();
        executor.call_soon(|| {});
        executor.create_task(async move { task.await }).detach();
        executor.run_until_stalled();
        drop(executor);
        reference.add_done_callback(|_| {});
        drop(kept);
        assert!(reference.done());
    });
}

/// Handles that outlive their executor, in every order, and names that they ask for.
#[test]
fn handles_that_outlive_their_executor_leave_nothing_behind() {
    Pack::new().run(|| {
        for order in 0..2 {
            let executor = Executor::new();
            let ended = executor.build_task().name("ended").spawn(async { 1 });
            let waits = executor.create_task(pending::<()>());
            executor.run_until_stalled();
            let reference = ended.task_ref();
            waits.set_name("waits");
            if order == 0 {
                drop(executor);
                assert_eq!(ended.get_name(), "ended");
                assert_eq!(waits.get_name(), "waits");
                drop((reference, waits, ended));
            } else {
                drop((ended, waits));
                assert_eq!(reference.get_name(), "ended");
                drop(executor);
            }
        }
    });
}

#[test]
fn what_a_burst_of_tasks_and_scopes_took_is_given_back() {
    let _alone = exclusive();
    let executor = Executor::new();
    let burst = || {
        let tasks: Vec<_> = (0..20_000)
            .map(|_| {
                let waits = executor.create_task(pending::<()>());
                executor.create_task(async move {
                    let _ = catch_cancelled(waits.into_future()).await;
                })
            })
            .collect();
        executor.run_until_stalled();
        for task in &tasks {
            task.cancel();
        }
        executor.run_until_stalled();
        drop(tasks);
        executor.shrink();
    };
    burst();
    let ((), used) = heap::on_this_thread(burst);
    assert_eq!(used.live_bytes, 0);
    let (_, kept) = heap::on_this_thread(|| drop(executor));
    assert!(
        kept.live_bytes > -200_000,
        "{} bytes were kept",
        -kept.live_bytes
    );
}
