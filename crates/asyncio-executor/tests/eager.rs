//! Eager start: the first step runs inside `spawn`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use asyncio_executor::{ContextVar, Executor, Spawner, catch_cancelled, current_task, yield_now};

fn spawner() -> Spawner {
    Spawner::current().expect("inside a run")
}

#[test]
fn the_first_step_runs_inside_spawn() {
    let executor = Executor::new();
    let log = Rc::new(RefCell::new(Vec::new()));
    let seen = log.clone();
    executor
        .run_until_complete(async move {
            let inside = seen.clone();
            let task = spawner().build_task().eager(true).spawn(async move {
                inside.borrow_mut().push("first step");
                yield_now().await;
                inside.borrow_mut().push("second step");
            });
            seen.borrow_mut().push("spawned");
            task.await.unwrap();
            seen.borrow_mut().push("awaited");
        })
        .unwrap();
    let expected = ["first step", "spawned", "second step", "awaited"];
    assert_eq!(*log.borrow(), expected);
}

#[test]
fn one_that_finishes_at_once_is_done_when_spawn_returns() {
    let executor = Executor::new();
    let turns = Rc::new(Cell::new(0));
    let counts = turns;
    executor
        .run_until_complete(async move {
            let eager = || spawner().build_task().eager(true);
            let task = eager().spawn(async { 5 });
            assert!(task.done());
            assert_eq!(*task.result().unwrap().unwrap(), 5);
            let soon = counts.clone();
            spawner().call_soon(move || soon.set(1));
            assert_eq!(task.await.unwrap(), 5);
            assert_eq!(counts.get(), 0, "awaiting it does not yield");
            let failed = eager().spawn(async { panic!("at once") });
            assert!(failed.result().unwrap().unwrap_err().is_panic());
            let token = Rc::new(());
            let value = token.clone();
            eager().spawn(async move { value }).detach();
            assert_eq!(Rc::strong_count(&token), 1);
            assert_eq!(spawner().all_tasks().len(), 1, "only the main task");
        })
        .unwrap();
}

#[test]
fn eager_tasks_nest() {
    fn nested(depth: u32) -> std::pin::Pin<Box<dyn Future<Output = u32>>> {
        Box::pin(async move {
            let me = current_task().unwrap();
            let below = match depth {
                0 => 0,
                _ => {
                    let eager = spawner().build_task().eager(true);
                    eager.spawn(nested(depth - 1)).await.unwrap()
                }
            };
            assert_eq!(current_task().unwrap(), me);
            below + 1
        })
    }
    let executor = Executor::new();
    assert_eq!(executor.run_until_complete(nested(50)), Ok(51));
}

#[test]
fn only_a_running_executor_starts_eagerly() {
    let executor = Executor::new();
    let other = Executor::new();
    let started = Rc::new(Cell::new(false));
    let starts = started.clone();
    let task = executor
        .build_task()
        .eager(true)
        .spawn(async move { starts.set(true) });
    assert!(!started.get());
    executor.run_until_stalled();
    assert!(started.get() && task.done());

    started.set(false);
    let (starts, spawner) = (started.clone(), executor.spawner());
    other
        .run_until_complete(async move {
            let eager = spawner.build_task().eager(true);
            eager.spawn(async move { starts.set(true) }).detach();
        })
        .unwrap();
    assert!(!started.get(), "another executor was running");
    executor.run_until_stalled();
    assert!(started.get());
}

#[test]
fn the_executors_default_holds_unless_the_builder_says() {
    let executor = Executor::new();
    assert!(!executor.spawner().eager());
    executor.spawner().set_eager(true);
    executor
        .run_until_complete(async {
            assert!(spawner().create_task(async {}).done());
            assert!(!spawner().build_task().eager(false).spawn(async {}).done());
            spawner().set_eager(false);
            assert!(!spawner().create_task(async {}).done());
        })
        .unwrap();
}

/// A task polled inside another's poll begins with no scope around: a request to the outer task
/// is not the inner one's.
#[test]
fn an_eager_task_is_in_no_scope_of_its_creator() {
    let executor = Executor::new();
    let inner = Rc::new(RefCell::new(None));
    let slot = inner.clone();
    let outer = executor.create_task(async move {
        catch_cancelled(async {
            let eager = spawner().build_task().eager(true);
            let task = eager.spawn(async { catch_cancelled(std::future::pending::<()>()).await });
            *slot.borrow_mut() = Some(task);
            std::future::pending::<()>().await;
        })
        .await
        .is_err()
    });
    executor.run_until_stalled();
    outer.cancel();
    executor.run_until_stalled();
    assert!(outer.into_result().unwrap().unwrap());
    let inner = inner.take().unwrap();
    assert!(!inner.done() && inner.cancelling() == 0);
}

#[test]
fn an_eager_task_runs_in_a_copy_of_the_context() {
    static VAR: ContextVar<u32> = ContextVar::new("var");
    let executor = Executor::new();
    executor
        .run_until_complete(async {
            let _ = VAR.set(1);
            let eager = spawner().build_task().eager(true);
            let task = eager.spawn(async {
                let seen = VAR.get();
                let _ = VAR.set(2);
                seen
            });
            assert_eq!(VAR.get(), Some(1));
            assert_eq!(task.await.unwrap(), Some(1));
            assert_eq!(VAR.get(), Some(1));
        })
        .unwrap();
}

#[test]
fn a_request_from_inside_the_first_step_is_delivered_at_the_first_wait() {
    let executor = Executor::new();
    executor
        .run_until_complete(async {
            let eager = spawner().build_task().eager(true);
            let task = eager.spawn(async {
                current_task().unwrap().cancel();
                yield_now().await;
                unreachable!("cancelled")
            });
            assert!(!task.done());
            assert!(task.await.unwrap_err().is_cancelled());
        })
        .unwrap();
}
