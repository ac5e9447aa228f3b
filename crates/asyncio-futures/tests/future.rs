//! `Future<T>`: set once, awaited by many, told in order.

mod turns;

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use asyncio_executor::{
    ContextVar, ErrorContext, InvalidStateError, Spawner, TaskError, yield_now,
};
use asyncio_futures::{Future, create_future};
use turns::{Log, Turns};

fn spawn<F: std::future::Future<Output: 'static> + 'static>(
    future: F,
) -> asyncio_executor::Task<F::Output> {
    Spawner::current().unwrap().create_task(future)
}

#[test]
fn a_result_is_set_once() {
    let turns = Turns::new();
    let future = Future::new_on(&turns.spawner());
    assert!(!future.done());
    assert_eq!(future.result().unwrap_err(), InvalidStateError::NotDone);
    assert_eq!(future.set_result("one"), Ok(()));
    assert_eq!(future.set_result("two"), Err(InvalidStateError::Done));
    assert_eq!(future.try_set_result("three"), Err("three"));
    assert!(!future.cancel());
    assert!(future.done() && !future.cancelled());
    assert_eq!(*future.result().unwrap().unwrap(), "one");
}

#[test]
fn a_cancelled_future_takes_no_result() {
    let turns = Turns::new();
    let future = Future::new_on(&turns.spawner());
    assert!(future.cancel_with("no more"));
    assert!(!future.cancel());
    assert!(future.cancelled());
    assert_eq!(future.set_result(1), Err(InvalidStateError::Done));
    assert_eq!(
        future.result().unwrap().unwrap_err().to_string(),
        "task was cancelled: no more"
    );
}

/// asyncio: two iterations from `call_soon(future.set_result, …)` to the line after the `await`.
#[test]
fn a_waiting_task_goes_on_one_turn_after_the_result_was_set() {
    let turns = Turns::new();
    let turn = turns.turn();
    let took = turns.run(async move {
        let future = create_future();
        let setter = future.clone();
        let before = turn.now();
        Spawner::current()
            .unwrap()
            .call_soon(move || setter.set_result(()).unwrap());
        future.await.unwrap();
        turn.now() - before
    });
    assert_eq!(took, 2);
}

#[test]
fn awaiting_a_done_future_takes_no_turn() {
    let turns = Turns::new();
    let turn = turns.turn();
    turns.run(async move {
        let future = Future::new();
        future.set_result(5).unwrap();
        let before = turn.now();
        assert_eq!((&future).await.unwrap() + future.await.unwrap(), 10);
        assert_eq!(turn.now(), before);
    });
}

#[test]
fn waiting_tasks_and_callbacks_are_told_in_the_order_in_which_they_came() {
    let turns = Turns::new();
    let log = Log::default();
    let future = Future::new_on(&turns.spawner());
    let waiter = |name: &'static str| {
        let (log, future) = (log.clone(), future.clone());
        turns.spawner().create_task(async move {
            log.add(format!("{name} {}", future.await.unwrap()));
        })
    };
    let callback = |name: &'static str| {
        let log = log.clone();
        future.add_done_callback(move |future| {
            log.add(format!("{name} {}", future.result().unwrap().unwrap()));
        })
    };
    waiter("a").detach();
    turns.settle();
    callback("b");
    waiter("c").detach();
    turns.settle();
    let removed = callback("never");
    callback("d");
    assert!(future.remove_done_callback(removed));
    assert!(!future.remove_done_callback(removed));
    future.set_result(1).unwrap();
    assert!(log.take().is_empty(), "nothing is called synchronously");
    turns.settle();
    assert_eq!(log.take(), ["a 1", "b 1", "c 1", "d 1"]);
    callback("late");
    assert!(log.take().is_empty());
    turns.settle();
    assert_eq!(log.take(), ["late 1"]);
}

#[test]
fn a_callback_runs_in_the_context_of_its_registration() {
    static NAME: ContextVar<&str> = ContextVar::new("name");
    let turns = Turns::new();
    let log = Log::default();
    let future = Future::new_on(&turns.spawner());
    for name in ["a", "b"] {
        let (log, future) = (log.clone(), future.clone());
        turns.run(async move {
            let _token = NAME.set(name);
            future.add_done_callback(move |_| log.add(NAME.get().unwrap_or("none")));
        });
    }
    let inner = log.clone();
    future.add_done_callback(move |_| inner.add(NAME.get().unwrap_or("none")));
    turns.run(async move {
        let _token = NAME.set("setter");
        future.set_result(()).unwrap();
    });
    assert_eq!(log.take(), ["a", "b", "none"]);
}

#[test]
fn a_panicking_callback_is_reported_and_the_others_run() {
    let turns = Turns::new();
    let log = Log::default();
    let reports = log.clone();
    turns
        .spawner()
        .set_exception_handler(Some(Rc::new(move |context| {
            reports.add(context.cause.clone().unwrap_or_default());
        })));
    let future = Future::new_on(&turns.spawner());
    future.add_done_callback(|_| panic!("boom"));
    let after = log.clone();
    future.add_done_callback(move |_| after.add("after"));
    future.set_result(()).unwrap();
    turns.settle();
    assert_eq!(log.take(), ["panicked: boom", "after"]);
}

#[test]
fn callbacks_run_although_every_handle_is_gone() {
    let turns = Turns::new();
    let log = Log::default();
    let inner = log.clone();
    let future = Future::new_on(&turns.spawner());
    future.add_done_callback(move |future: &Future<i32>| {
        inner.add(format!("{:?}", future.result().unwrap().unwrap()));
    });
    future.set_result(3).unwrap();
    drop(future);
    turns.settle();
    assert_eq!(log.take(), ["3"]);
}

#[test]
fn a_pending_future_and_its_callbacks_are_freed_with_the_last_handle() {
    struct Noted(Log);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    let turns = Turns::new();
    let log = Log::default();
    let noted = Noted(log.clone());
    let future = Future::<()>::new_on(&turns.spawner());
    future.add_done_callback(move |_| drop(noted));
    drop(future);
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn cancelling_an_awaiting_task_cancels_the_future_and_other_waiters_see_that_as_a_value() {
    let turns = Turns::new();
    let future = Future::<()>::new_on(&turns.spawner());
    let first = turns.executor().create_task(future.clone().into_future());
    let second = turns.executor().create_task(future.clone().into_future());
    turns.settle();
    assert!(first.cancel_with("why"));
    assert!(future.cancelled());
    turns.settle();
    assert!(first.cancelled());
    let seen = second.into_result().unwrap().unwrap();
    assert!(matches!(seen, Err(TaskError::Cancelled(Some(why))) if &*why == "why"));
}

#[test]
fn dropping_an_await_leaves_the_future_and_no_waiter_behind() {
    let turns = Turns::new();
    turns.run(async {
        let future = Future::<()>::new();
        assert!(
            futures_lite::future::poll_once((&future).into_future())
                .await
                .is_none()
        );
        assert!(format!("{future:?}").contains("waiting: 0"));
        assert!(!future.done());
    });
}

/// asyncio's `_set_result_unless_cancelled`: a timer or a thread that comes too late.
#[test]
fn a_late_result_is_given_back() {
    let turns = Turns::new();
    let future = Future::new_on(&turns.spawner());
    future.cancel();
    assert_eq!(
        future.try_set_result(String::from("late")),
        Err("late".into())
    );
}

#[test]
fn an_exception_that_nobody_retrieved_is_reported_when_the_future_goes() {
    let turns = Turns::new();
    let log = Log::default();
    let reports = log.clone();
    turns
        .spawner()
        .set_exception_handler(Some(Rc::new(move |context| {
            assert!(context.location.is_some());
            reports.add(context.cause.clone().unwrap_or_default());
        })));
    let new = || Future::<Result<u8, &str>>::new_on(&turns.spawner());

    let lost = new();
    lost.set_exception("lost").unwrap();
    assert_eq!(lost.set_exception("again"), Err(InvalidStateError::Done));
    drop(lost);
    assert_eq!(log.take(), ["lost"]);

    let seen = new();
    seen.set_exception("seen").unwrap();
    assert_eq!(seen.exception(), Ok(Some(&"seen")));
    drop(seen);

    let awaited = new();
    awaited.set_exception("awaited").unwrap();
    assert_eq!(turns.run(async { awaited.await.unwrap() }), Err("awaited"));

    let value = new();
    value.set_result(Err("a value")).unwrap();
    drop(value);
    assert!(log.take().is_empty());
}

#[test]
fn a_foreign_waker_that_sets_another_future_finds_no_borrow() {
    struct Chain(Cell<Option<(Future<()>, Future<()>)>>);
    let turns = Turns::new();
    let spawner = turns.spawner();
    let first = Future::new_on(&spawner);
    let second = Future::new_on(&spawner);
    let chain = Chain(Cell::new(Some((first.clone(), second.clone()))));
    first.add_done_callback(move |_| {
        let (first, second) = chain.0.take().unwrap();
        first.add_done_callback(move |_| second.set_result(()).unwrap());
    });
    first.set_result(()).unwrap();
    turns.settle();
    assert!(second.done());
}

#[test]
fn a_clone_that_asks_for_the_result_finds_no_borrow() {
    struct Curious(Rc<RefCell<Option<Future<Curious>>>>);
    impl Clone for Curious {
        fn clone(&self) -> Self {
            let future = self.0.borrow();
            assert!(future.as_ref().unwrap().result().is_ok());
            assert!(!future.as_ref().unwrap().cancel());
            Self(Rc::clone(&self.0))
        }
    }
    let turns = Turns::new();
    turns.run(async {
        let slot = Rc::new(RefCell::new(None));
        let future = Future::new();
        *slot.borrow_mut() = Some(future.clone());
        let waiting = spawn(future.clone().into_future());
        yield_now().await;
        assert!(future.set_result(Curious(Rc::clone(&slot))).is_ok());
        assert!(waiting.await.unwrap().is_ok());
        slot.take();
    });
}

/// A waker of a foreign executor that panics.
struct Bad;

impl Wake for Bad {
    fn wake(self: Arc<Self>) {
        panic!("in a waker");
    }
}

fn poll_badly<F: std::future::Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::new(Bad));
    future.poll(&mut Context::from_waker(&waker))
}

/// An error whose `Display` panics, as its destructor does.
struct BadError;

impl std::fmt::Display for BadError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("in Display");
    }
}

impl Drop for BadError {
    fn drop(&mut self) {
        panic!("in a destructor");
    }
}

fn note_messages(turns: &Turns) -> Log {
    let log = Log::default();
    let reports = log.clone();
    let handler = move |context: &ErrorContext<'_>| reports.add(context.message);
    turns
        .spawner()
        .set_exception_handler(Some(Rc::new(handler)));
    log
}

#[test]
fn a_foreign_waker_that_panics_costs_the_others_nothing() {
    let turns = Turns::new();
    let errors = note_messages(&turns);
    let future = Future::new_on(&turns.spawner());
    let mut foreign = pin!(future.clone().into_future());
    assert!(poll_badly(foreign.as_mut()).is_pending());
    let task = turns.executor().create_task(future.clone().into_future());
    turns.settle();
    assert_eq!(future.set_result(1), Ok(()));
    turns.settle();
    assert_eq!(turns::take(task).unwrap(), 1);
    assert_eq!(errors.take(), ["panic in a waker"]);
}

#[test]
fn an_error_that_cannot_be_shown_harms_nobody() {
    let turns = Turns::new();
    let errors = note_messages(&turns);
    let future = Future::<Result<(), BadError>>::new_on(&turns.spawner());
    assert_eq!(future.set_exception(BadError), Ok(()));
    drop(future);
    assert_eq!(
        errors.take(),
        [
            "panic in the `Display` of a future's error",
            "panic in the destructor of what a future held",
        ]
    );
}

#[test]
fn callbacks_whose_destructors_panic_are_dropped_each_by_itself() {
    let turns = Turns::new();
    let errors = note_messages(&turns);
    let future = Future::<()>::new_on(&turns.spawner());
    for _ in 0..2 {
        let bad = BadError;
        future.add_done_callback(move |_| drop(bad));
    }
    drop(future);
    assert_eq!(errors.take().len(), 2);
}

/// Each holds the future that holds it: a circle, unless the close opens it.
#[test]
fn a_callback_that_the_close_of_the_executor_overtakes_is_dropped() {
    struct Noted(Log);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    let log = Log::default();
    let add_callback = |future: &Future<()>| {
        let held = (future.clone(), Noted(log.clone()));
        future.add_done_callback(move |_| drop(held));
    };
    let turns = Turns::new();
    let spawner = turns.spawner();
    let future = Future::new_on(&spawner);
    add_callback(&future);
    assert_eq!(future.set_result(()), Ok(()));
    drop((turns, future));
    assert_eq!(log.take(), ["dropped"]);

    let future = Future::new_on(&spawner);
    add_callback(&future);
    assert_eq!(future.set_result(()), Ok(()));
    add_callback(&future);
    drop(future);
    assert_eq!(log.take(), ["dropped", "dropped"]);
}

#[test]
#[should_panic(expected = "or use `Future::new_on(event_loop.spawner())`")]
fn a_future_needs_a_running_loop() {
    let _future = Future::<()>::new();
}

#[test]
fn a_run_can_be_given_a_future() {
    let turns = Turns::new();
    let future = Future::new_on(&turns.spawner());
    future.set_result(1).unwrap();
    assert_eq!(
        turns
            .executor()
            .run_until_complete(future)
            .unwrap()
            .unwrap(),
        1
    );
}
