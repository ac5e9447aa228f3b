//! Tasks and their handles: results, names, detaching, and waiting by value, `&mut` and reference.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::rc::Rc;

use asyncio_executor::{
    Executor, InvalidStateError, PanicPayload, RunError, TaskError, TaskRef, current_task,
    yield_now,
};
use futures_lite::future::{self, FutureExt};

#[test]
fn the_result_stays_in_the_handle() {
    let executor = Executor::new();
    let task = executor.create_task(async { String::from("bobby") });
    assert!(!task.done());
    assert_eq!(task.result().unwrap_err(), InvalidStateError::NotDone);
    assert_eq!(task.exception().unwrap_err(), InvalidStateError::NotDone);
    let task = task.into_result().expect_err("gives the handle back");
    executor.run_until_stalled();
    assert!(task.done() && !task.cancelled());
    for _ in 0..2 {
        assert_eq!(task.result().unwrap().unwrap(), "bobby");
        assert!(task.exception().unwrap().is_none());
    }
    assert_eq!(task.into_result().unwrap().unwrap(), "bobby");
}

#[test]
fn a_panic_is_the_tasks_failure() {
    let executor = Executor::new();
    let task = executor.create_task(async { panic!("oh {}", "no") });
    executor.run_until_stalled();
    assert!(task.done() && !task.cancelled() && task.task_ref().panicked());
    let failure: TaskError = task.result().unwrap().unwrap_err();
    assert!(failure.is_panic() && !failure.is_cancelled());
    assert_eq!(failure.to_string(), "task panicked: oh no");
    assert_eq!(
        task.exception().unwrap().unwrap().to_string(),
        "task panicked: oh no"
    );
    let Err(TaskError::Panicked(payload)) = task.into_result().unwrap() else {
        panic!("panicked");
    };
    assert_eq!(payload.message().as_deref(), Some("oh no"));
    let again = catch_unwind(|| payload.resume()).unwrap_err();
    assert_eq!(*again.downcast_ref::<&str>().unwrap(), "oh no");
}

#[test]
fn a_shown_failure_leaves_a_function_that_owns_the_task() {
    fn page(cancelled: bool) -> Result<usize, Box<dyn Error + Send + Sync>> {
        let executor = Executor::new();
        let task = executor.create_task(async { "page" });
        if cancelled {
            task.cancel_with("no time");
        }
        executor.run_until_stalled();
        Ok(task.result()??.len())
    }
    assert_eq!(page(false).unwrap(), 4);
    let error = page(true).unwrap_err();
    assert_eq!(error.to_string(), "task was cancelled: no time");
}

#[test]
fn clones_of_a_failure_share_what_the_task_panicked_with() {
    let executor = Executor::new();
    let task = executor.create_task(async { panic_any(42_u64) });
    let texts = executor.create_task(async { panic!("text") });
    executor.run_until_stalled();
    let shown = |result: Result<_, TaskError>| match result {
        Err(TaskError::Panicked(payload)) => payload,
        Err(TaskError::Cancelled(_)) | Ok(()) => panic!("panicked"),
    };
    let first = shown(task.result().unwrap().copied());
    let second = shown(task.into_result().map_err(drop).unwrap());
    assert_eq!(first.into_inner().downcast_ref(), Some(&42_u64));
    assert_eq!(second.message(), None);
    assert!(second.into_inner().is::<()>());

    let first = shown(texts.result().unwrap().copied());
    let second = shown(texts.into_result().map_err(drop).unwrap());
    assert_eq!(first.into_inner().downcast_ref(), Some(&"text"));
    assert_eq!(second.message().as_deref(), Some("text"));
    let text = second.into_inner();
    assert_eq!(text.downcast_ref(), Some(&String::from("text")));
}

#[test]
fn awaiting_by_value_gives_the_result() {
    let executor = Executor::new();
    let task = executor.create_task(async { 2 });
    let twice = executor.create_task(async move { task.await.unwrap() * 2 });
    assert_eq!(executor.run_until_complete(twice).unwrap().unwrap(), 4);
}

#[test]
fn awaiting_by_reference_takes_the_result_and_leaves_the_handle() {
    let executor = Executor::new();
    let outcome = executor.run_until_complete(async {
        let spawner = asyncio_executor::Spawner::current().unwrap();
        let mut task = spawner.create_task(async {
            yield_now().await;
            3
        });
        // An await that is given up leaves the task alone.
        let given_up = future::or(async { Some((&mut task).await) }, async {
            yield_now().await;
            None
        });
        assert!(given_up.await.is_none());
        let value = (&mut task).await.unwrap();
        (value, task.done(), task.result().unwrap_err())
    });
    assert_eq!(outcome, Ok((3, true, InvalidStateError::Taken)));
}

#[test]
fn awaiting_again_after_the_result_was_taken_panics() {
    let executor = Executor::new();
    let mut task = executor.create_task(async {});
    let again = executor.create_task(async move {
        (&mut task).await.unwrap();
        (&mut task).await.unwrap();
    });
    executor.run_until_stalled();
    let text = again.into_result().unwrap().unwrap_err().to_string();
    assert_eq!(
        text,
        "task panicked: the result of the task was taken before"
    );
}

#[test]
fn running_until_a_borrowed_task_leaves_the_value_in_its_handle() {
    let executor = Executor::new();
    let mut task = executor.create_task(async {
        yield_now().await;
        [1, 2]
    });
    assert_eq!(*executor.run_until_complete(&mut task).unwrap(), [1, 2]);
    assert_eq!(*executor.run_until_complete(&mut task).unwrap(), [1, 2]);
    assert_eq!(task.into_result().unwrap().unwrap(), [1, 2]);

    let mut panics = executor.create_task(async { panic!("no value") });
    let ran = executor.run_until_complete(&mut panics);
    assert_eq!(ran, Err(RunError::Panicked("no value".into())));

    let mut cancelled = executor.create_task(pending::<()>());
    cancelled.cancel_with("enough");
    let ran = executor.run_until_complete(&mut cancelled);
    assert_eq!(ran, Err(RunError::Cancelled(Some("enough".into()))));
}

#[test]
fn a_task_is_detached_by_dropping_its_handle() {
    let executor = Executor::new();
    let done = Rc::new(Cell::new(0));
    for detach in [true, false] {
        let done = done.clone();
        let task = executor.create_task(async move {
            yield_now().await;
            done.set(done.get() + 1);
        });
        if detach { task.detach() } else { drop(task) }
    }
    executor.run_until_stalled();
    assert_eq!(done.get(), 2);
}

#[test]
fn a_detached_tasks_value_is_dropped_on_the_spot() {
    let executor = Executor::new();
    let token = Rc::new(());
    let value = token.clone();
    executor.create_task(async move { value }).detach();
    executor.run_until_stalled();
    assert_eq!(Rc::strong_count(&token), 1);

    let value = token.clone();
    let kept = executor.create_task(async move { value });
    executor.run_until_stalled();
    assert_eq!(Rc::strong_count(&token), 2);
    drop(kept);
    assert_eq!(Rc::strong_count(&token), 1);
}

#[test]
fn the_main_future_may_borrow_and_its_panic_goes_on() {
    let executor = Executor::new();
    let words = ["a", "b"];
    assert_eq!(executor.run_until_complete(async { words.len() }), Ok(2));
    let run = || executor.run_until_complete(async { panic!("main {}", words.len()) });
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(payload.downcast_ref::<String>().unwrap(), "main 2");
    assert!(!executor.is_running());
    assert_eq!(executor.task_count(), 0);
    assert_eq!(executor.run_until_complete(async { 1 }), Ok(1));
}

#[test]
fn the_main_future_is_a_task_that_can_be_cancelled() {
    let executor = Executor::new();
    let ran = executor.run_until_complete(async {
        let me = current_task().unwrap();
        let spawner = asyncio_executor::Spawner::current().unwrap();
        assert!(spawner.all_tasks() == [me.clone()]);
        spawner.call_soon(move || {
            me.cancel_with("from a callback");
        });
        pending::<()>().await;
    });
    assert_eq!(
        ran,
        Err(RunError::Cancelled(Some("from a callback".into())))
    );
    assert_eq!(
        ran.unwrap_err().to_string(),
        "main task was cancelled: from a callback"
    );
}

#[test]
fn names_numbers_and_places() {
    let executor = Executor::new();
    let first = executor.create_task(async {});
    let line = line!() - 1;
    let named = executor.build_task().name("worker").spawn(async {});
    let third = executor.create_task(async {});
    assert_eq!(first.get_name(), "Task-1");
    assert_eq!(named.get_name(), "worker");
    assert_eq!((named.task_ref().id(), third.task_ref().id()), (2, 3));
    let place = first.task_ref().spawn_location();
    assert!(place.file().ends_with("tasks.rs"));
    assert_eq!(place.line(), line);
    first.set_name("renamed");
    assert_eq!(first.task_ref().get_name(), "renamed");
    assert!(format!("{:?}", first.task_ref()).contains("renamed"));
}

/// asyncio's programs print the names of tasks that have ended.
#[test]
fn names_outlive_the_task() {
    let executor = Executor::new();
    let plain = executor.create_task(async {});
    let named = executor.build_task().name("worker").spawn(async {});
    let renamed = executor.create_task(async { current_task().unwrap().set_name("by itself") });
    let line = line!() - 1;
    let before = named.task_ref();
    executor.run_until_stalled();
    assert_eq!(plain.get_name(), "Task-1");
    assert_eq!(named.get_name(), "worker");
    assert_eq!(renamed.get_name(), "by itself");
    assert_eq!(renamed.task_ref().spawn_location().line(), line);
    assert_eq!(before, named.task_ref());
    assert_eq!(plain.task_ref(), plain.task_ref());
    assert_ne!(plain.task_ref(), named.task_ref());
    plain.set_name("afterwards");
    assert_eq!(plain.get_name(), "afterwards");
    assert_eq!(plain.task_ref().id(), 1);
    assert!(plain.task_ref().done() && !plain.task_ref().cancelled());
}

#[test]
fn all_tasks_are_those_that_have_not_ended_oldest_first() {
    let executor = Executor::new();
    let names = |tasks: Vec<TaskRef>| tasks.iter().map(TaskRef::get_name).collect::<Vec<_>>();
    let waits = executor.build_task().name("a").spawn(pending::<()>());
    let ends = executor.build_task().name("b").spawn(async {});
    executor
        .build_task()
        .name("c")
        .spawn(pending::<()>())
        .detach();
    assert_eq!(names(executor.all_tasks()), ["a", "b", "c"]);
    executor.run_until_stalled();
    assert_eq!(names(executor.all_tasks()), ["a", "c"]);
    executor
        .build_task()
        .name("d")
        .spawn(pending::<()>())
        .detach();
    assert_eq!(names(executor.all_tasks()), ["a", "c", "d"]);
    waits.cancel();
    executor.run_until_stalled();
    assert_eq!(names(executor.all_tasks()), ["c", "d"]);
    assert!(ends.done());
    assert_eq!(executor.task_count(), 2);
}

#[test]
fn the_current_task_is_the_one_being_polled() {
    let executor = Executor::new();
    assert!(current_task().is_none());
    let spawner = executor.spawner();
    let names = Rc::new(RefCell::new(Vec::new()));
    let seen = names.clone();
    executor.call_soon({
        let seen = seen.clone();
        move || {
            seen.borrow_mut()
                .push(current_task().map(|task| task.get_name()));
        }
    });
    let outer = executor.build_task().name("outer").spawn(async move {
        let name = || current_task().map(|task| task.get_name());
        seen.borrow_mut().push(name());
        let inside = seen.clone();
        let eager = spawner.build_task().name("inner").eager(true);
        eager
            .spawn(async move { inside.borrow_mut().push(name()) })
            .detach();
        seen.borrow_mut().push(name());
        yield_now().await;
        seen.borrow_mut().push(name());
    });
    executor.run_until_stalled();
    assert!(outer.done());
    let some = |name: &str| Some(name.to_owned());
    let expected = [
        None,
        some("outer"),
        some("inner"),
        some("outer"),
        some("outer"),
    ];
    assert_eq!(*names.borrow(), expected);
    assert!(current_task().is_none());
}

#[test]
fn a_reference_waits_without_passing_cancellation_on() {
    let executor = Executor::new();
    let task = executor.create_task(pending::<()>());
    let watched = task.task_ref();
    let waits = executor.create_task({
        let watched = watched.clone();
        async move { watched.wait().await }
    });
    executor.run_until_stalled();
    waits.cancel();
    executor.run_until_stalled();
    assert!(waits.cancelled());
    assert!(!watched.done());
    let waits = executor.create_task(async move { watched.wait().await });
    executor.run_until_stalled();
    task.cancel();
    executor.run_until_stalled();
    assert!(task.cancelled());
    assert!(waits.done() && !waits.cancelled());
}

/// A wait that was given up wakes nobody later.
#[test]
fn a_wait_that_is_given_up_leaves_no_waker_behind() {
    let executor = Executor::new();
    let polls = Rc::new(Cell::new(0));
    let count = polls.clone();
    let (release, mut wait) = (Rc::new(Cell::new(None)), None);
    let parked = release.clone();
    let task = executor.create_task(async move {
        std::future::poll_fn(|cx| {
            if parked.take().is_some() || wait.replace(()).is_some() {
                return std::task::Poll::Ready(());
            }
            parked.set(Some(cx.waker().clone()));
            std::task::Poll::Pending
        })
        .await;
    });
    let mut handle = executor.create_task(task.into_future());
    let reference = handle.task_ref();
    executor
        .create_task(async move {
            let by_handle = async {
                let _ = (&mut handle).await;
            };
            by_handle.or(yield_now()).await;
            reference.wait().or(yield_now()).await;
            std::future::poll_fn(|_| {
                count.set(count.get() + 1);
                std::task::Poll::<()>::Pending
            })
            .await;
        })
        .detach();
    executor.run_until_stalled();
    assert_eq!(polls.get(), 1);
    release.take().unwrap().wake();
    executor.run_until_stalled();
    assert_eq!(polls.get(), 1, "not polled for a wait that it gave up");
}

/// Nobody runs a task's executor while the thread is inside another one: asyncio's "attached to a
/// different loop". By value, through `&mut`, by reference, as the main future, and when the wait
/// began at home.
#[test]
fn a_task_of_another_executor_of_the_thread_is_refused_h7() {
    let (home, away) = (Executor::new(), Executor::new());
    let refused = |outcome: Result<(), TaskError>| {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("far off, created at"), "{error}");
        assert!(error.contains("belongs to another event loop"), "{error}");
    };
    let far = |value: u8| {
        let task = home.create_task(async move {
            pending::<()>().await;
            value
        });
        task.set_name("far off");
        task
    };
    let wait_away = |wait: Pin<Box<dyn Future<Output = ()>>>| {
        let task = away.create_task(wait);
        away.run_until_stalled();
        task.into_result().unwrap()
    };
    let by_value = far(1);
    let reference = by_value.task_ref();
    refused(wait_away(Box::pin(async { drop(by_value.await) })));
    refused(wait_away(Box::pin(reference.wait())));
    let mut by_reference = far(2);
    refused(wait_away(Box::pin(async move {
        drop((&mut by_reference).await);
    })));
    let mut main = far(3);
    let run = catch_unwind(AssertUnwindSafe(|| {
        away.run_until_complete(&mut main).map(drop)
    }));
    refused(Err(TaskError::Panicked(PanicPayload::new(
        run.unwrap_err(),
    ))));

    let mut begun = Box::pin(far(4).into_future());
    let begun = home.run_until_complete(async move {
        assert!(future::poll_once(&mut begun).await.is_none());
        (begun,)
    });
    refused(wait_away(Box::pin(async move {
        drop(begun.unwrap().0.await);
    })));
    // The tasks and their executor are none the worse for it.
    assert_eq!(home.spawner().all_tasks().len(), 4);
    reference.cancel();
    home.run_until_stalled();
    assert!(reference.cancelled());
}

#[test]
fn a_task_that_has_ended_gives_its_value_to_any_executor() {
    let (home, away) = (Executor::new(), Executor::new());
    let task = home.create_task(async { 9 });
    let reference = task.task_ref();
    home.run_until_stalled();
    let value = away.run_until_complete(async move {
        reference.wait().await;
        task.await.unwrap()
    });
    assert_eq!(value, Ok(9));
}

#[test]
fn a_task_may_be_awaited_outside_every_executor() {
    let executor = Executor::new();
    let task = executor.create_task(async { 4 });
    let mut waits = task.into_future();
    assert!(future::block_on(future::poll_once(&mut waits)).is_none());
    executor.run_until_stalled();
    assert_eq!(future::block_on(waits).unwrap(), 4);
}

#[test]
fn debug_never_panics_and_names_the_status() {
    let executor = Executor::new();
    let task = executor.build_task().name("seen").spawn(async { 1 });
    assert!(format!("{task:?}").contains("Pending"));
    executor.run_until_stalled();
    assert!(format!("{task:?}").contains("Returned"));
    assert!(
        format!(
            "{executor:?} {:?} {:?}",
            executor.spawner(),
            executor.door()
        )
        .len()
            > 10
    );
    assert!(format!("{:?}", executor.build_task().name("x").report_errors()).contains('x'));
}
