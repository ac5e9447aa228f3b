//! Numbers and sizes that overflow stacks: a million tasks, long chains, huge futures.
//!
//! Each test runs on a thread with a stack of 256 KiB (2 MiB for futures of 1 MiB), and in linear
//! time: what is quadratic in a million does not end within the watchdog's time.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::hint::black_box;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use asyncio_executor::{
    Executor, Spawner, Task, TaskRef, catch_cancelled, current_task, finally, yield_now,
};
use asyncio_testkit::{Watchdog, run_with_stack};

const SMALL_STACK: usize = 256 << 10;
/// Unoptimized code gets a fifth, to save time: a stack of this size holds a thousand frames.
const MANY: usize = if cfg!(debug_assertions) {
    200_000
} else {
    1_000_000
};

fn deep(name: &str, code: impl FnOnce() + Send) {
    let _watchdog = Watchdog::start(name, Duration::from_secs(120));
    run_with_stack(SMALL_STACK, code);
}

#[test]
fn a_million_tasks_are_dropped_at_once_w12() {
    deep("a million tasks", || {
        let executor = Executor::new();
        let dropped = Rc::new(Cell::new(0_usize));
        struct Counts(Rc<Cell<usize>>);
        impl Drop for Counts {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        for _ in 0..MANY {
            let counts = Counts(dropped.clone());
            executor
                .create_task(async move {
                    let _counts = counts;
                    pending::<()>().await;
                })
                .detach();
        }
        // Half of them wait, half have never run.
        executor.run_ready(MANY / 2, None);
        executor.close();
        assert_eq!(dropped.get(), MANY);
    });
}

/// Every task owns the handle of the next; none has ended.
#[test]
fn a_chain_of_handles_is_dropped_without_recursion_w12() {
    deep("chain of handles", || {
        let executor = Executor::new();
        let mut next: Option<Task<()>> = None;
        for _ in 0..MANY {
            let owned = next.take();
            next = Some(executor.create_task(async move {
                pending::<()>().await;
                drop(owned);
            }));
        }
        executor.run_until_stalled();
        drop(next);
        executor.close();
    });
}

/// Every task has ended, and its result is the handle of the next.
#[test]
fn a_chain_of_results_is_dropped_without_recursion_w12() {
    struct Link(#[expect(dead_code, reason = "it is what is dropped")] Option<Box<Task<Link>>>);
    deep("chain of results", || {
        let executor = Executor::new();
        let mut next: Option<Box<Task<Link>>> = None;
        for _ in 0..MANY {
            let owned = next.take();
            next = Some(Box::new(executor.create_task(async move { Link(owned) })));
        }
        executor.run_until_stalled();
        assert_eq!(executor.task_count(), 0);
        drop(next);
    });
}

/// Each done-callback ends the next task, and owns the rest of the chain.
#[test]
fn a_million_done_callbacks_chained_run_without_recursion_w12() {
    deep("chain of done-callbacks", || {
        let executor = Executor::new();
        let ended = Rc::new(Cell::new(0_usize));
        let tasks: Vec<TaskRef> = (0..MANY)
            .map(|_| executor.create_task(pending::<()>()).task_ref())
            .collect();
        for pair in tasks.windows(2) {
            let (next, ended) = (pair[1].clone(), ended.clone());
            pair[0].add_done_callback(move |_| {
                ended.set(ended.get() + 1);
                next.cancel();
            });
        }
        executor.run_until_stalled();
        tasks[0].cancel();
        drop(tasks);
        executor.run_until_stalled();
        assert_eq!(ended.get(), MANY - 1);
        assert_eq!(executor.task_count(), 0);
    });
}

/// A callback that owns the next callback, never run.
#[test]
fn a_chain_of_callbacks_is_dropped_without_recursion_w12() {
    deep("chain of callbacks", || {
        let executor = Executor::new();
        let spawner = executor.spawner();
        let (first, handle) = spawner.callback(|| {});
        let mut chain = (first, handle);
        for _ in 0..MANY {
            let rest = chain;
            chain = spawner.callback(move || drop(rest));
        }
        let (entry, handle) = chain;
        drop(handle);
        drop(entry);

        let (first, handle) = spawner.callback(|| {});
        let mut chain = (first, handle);
        for _ in 0..MANY {
            let rest = chain;
            chain = spawner.callback(move || drop(rest));
        }
        chain.1.cancel();
    });
}

/// A task awaits a task that awaits a task: a request goes down a million of them, and comes up
/// one turn a level.
#[test]
fn a_chain_of_a_million_awaits_is_cancelled_without_recursion_w12() {
    deep("chain of awaits", || {
        let executor = Executor::new();
        let mut last: Task<()> = executor.create_task(pending::<()>());
        for _ in 0..MANY {
            let next = last;
            last = executor.create_task(async move {
                let _ = next.await;
            });
        }
        executor.run_until_stalled();
        last.cancel_with("all of you");
        let turns = executor.run_until_stalled();
        assert!((MANY..MANY + 10).contains(&turns), "{turns}");
        assert!(last.cancelled());
        assert_eq!(
            (executor.task_count(), executor.spawner().scope_count()),
            (0, 0)
        );
    });
}

/// The same with a scope and a clean-up around each await: every one of them runs, on the way up.
#[test]
fn a_chain_of_clean_ups_is_cancelled_without_recursion_w12() {
    deep("chain of clean-ups", || {
        let chain = MANY / 10;
        let executor = Executor::new();
        let cleaned_up = Rc::new(Cell::new(0));
        let mut last: Task<()> = executor.create_task(pending::<()>());
        for _ in 0..chain {
            let (next, cleaned_up) = (last, cleaned_up.clone());
            let body = async move {
                let _ = next.await;
            };
            last = executor.create_task(finally(body, async move || {
                yield_now().await;
                cleaned_up.set(cleaned_up.get() + 1);
            }));
        }
        executor.run_until_stalled();
        last.cancel();
        executor.run_until_stalled();
        assert!(last.cancelled());
        assert_eq!(cleaned_up.get(), chain);
        assert_eq!(
            (executor.task_count(), executor.spawner().scope_count()),
            (0, 0)
        );
    });
}

#[test]
fn of_a_hundred_nested_scopes_the_innermost_answers() {
    // Not more: each poll goes through all of these futures, by recursion of their own.
    deep("nested scopes", || {
        fn nested(depth: usize) -> Pin<Box<dyn Future<Output = bool>>> {
            Box::pin(async move {
                match depth {
                    0 => catch_cancelled(pending::<()>()).await.is_err(),
                    _ => catch_cancelled(nested(depth - 1)).await.unwrap_or(false),
                }
            })
        }
        let executor = Executor::new();
        let task = executor.create_task(nested(100));
        executor.run_until_stalled();
        assert_eq!(executor.spawner().scope_count(), 102);
        task.cancel();
        executor.run_until_stalled();
        assert!(
            task.into_result().unwrap().unwrap(),
            "the innermost one answered"
        );
    });
}

/// Many waiters of one task, most of whom give up: linear, in any order.
#[test]
fn a_hundred_thousand_waits_for_one_task_are_given_up_in_linear_time() {
    deep("many waits", || {
        let executor = Executor::new();
        let target = executor.create_task(pending::<()>()).task_ref();
        let waits = |count: usize| -> Vec<Task<()>> {
            (0..count)
                .map(|_| executor.create_task(target.wait()))
                .collect()
        };
        let (forwards, backwards) = (waits(100_000), waits(100_000));
        let stay = waits(10);
        executor.run_until_stalled();
        for task in forwards.iter().chain(backwards.iter().rev()) {
            task.cancel();
        }
        executor.run_until_stalled();
        target.cancel();
        executor.run_until_stalled();
        assert!(stay.iter().all(|task| task.done() && !task.cancelled()));
    });
}

/// Unoptimized code copies a future at each call that it is passed through, before any of ours can
/// put it on the heap, so it gets 4 MiB; the caller alone needs two and a half.
#[test]
fn a_future_of_a_mebibyte_fits_a_small_stack_w17() {
    const STACK: usize = if cfg!(debug_assertions) {
        4 << 20
    } else {
        2 << 20
    };
    async fn huge() -> u8 {
        let mut buffer = [1_u8; 1 << 20];
        yield_now().await;
        black_box(&mut buffer)[77]
    }
    fn spawned() {
        let executor = Executor::new();
        let task = executor.create_task(huge());
        assert_eq!(executor.run_until_complete(task).unwrap().unwrap(), 1);
    }
    fn run() {
        let executor = Executor::new();
        assert_eq!(executor.run_until_complete(huge()).unwrap(), 1);
    }
    fn eager() {
        async fn spawns() -> u8 {
            let eager = Spawner::current().unwrap().build_task().eager(true);
            eager.spawn(huge()).await.unwrap()
        }
        let executor = Executor::new();
        assert_eq!(executor.run_until_complete(spawns()).unwrap(), 1);
    }
    let _watchdog = Watchdog::start("huge future", Duration::from_secs(60));
    for scenario in [spawned as fn(), run, eager] {
        run_with_stack(STACK, scenario);
    }
}

/// Requests made and taken back a million times leave nothing behind.
#[test]
fn a_million_requests_to_one_task_cost_no_memory() {
    deep("many requests", || {
        let executor = Executor::new();
        let rounds = Rc::new(RefCell::new(0));
        let task = executor.create_task(pending::<()>());
        executor.run_until_stalled();
        for _ in 0..MANY {
            assert!(task.cancel());
            assert_eq!(task.uncancel(), 0);
            *rounds.borrow_mut() += 1;
        }
        executor.run_until_stalled();
        assert!(!task.done());
        assert!(!executor.has_unanswered());
    });
}

/// Scopes nest by polling each other, so their number has the stack's limit and no other.
fn nested(
    scopes: u32,
    innermost: Pin<Box<dyn Future<Output = ()>>>,
) -> Pin<Box<dyn Future<Output = ()>>> {
    if scopes == 0 {
        return innermost;
    }
    Box::pin(async move { drop(catch_cancelled(nested(scopes - 1, innermost)).await) })
}

/// No scope answers: they return, or are dropped. With every look outwards that is quadratic, but small.
#[test]
fn a_request_goes_outwards_through_thousands_of_scopes_w12() {
    const SCOPES: u32 = 4000;
    let _watchdog = Watchdog::start("nested scopes", Duration::from_secs(120));
    run_with_stack(256 << 20, || {
        let executor = Executor::new();
        let innermost = Box::pin(async {
            yield_now().await;
            current_task().unwrap().cancel();
        });
        let returns = executor.create_task(nested(SCOPES, innermost));
        executor.run_until_stalled();
        assert!(returns.task_ref().cancelled());
        let dropped = executor.create_task(nested(SCOPES, Box::pin(pending())));
        executor.run_until_stalled();
        assert_eq!(executor.spawner().scope_count(), SCOPES as usize + 1);
        dropped.cancel();
        executor.close();
        assert_eq!(executor.spawner().scope_count(), 0);
    });
}
