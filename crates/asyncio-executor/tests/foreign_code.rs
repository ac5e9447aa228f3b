//! Foreign code that misbehaves at the wrong moment harms nobody but itself: destructors while an
//! executor closes, wakers that panic, what closes or fills a closed executor.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context as PollContext, Wake, Waker};

use asyncio_executor::{ContextVar, Entry, Executor, InvalidStateError, RunError, catch_cancelled};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a destructor");
    }
}

/// Counts what reaches the exception handler.
fn reports(executor: &Executor) -> Rc<Cell<usize>> {
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    let handler = Rc::new(move |_: &asyncio_executor::ErrorContext<'_>| {
        counted.set(counted.get() + 1);
    });
    executor.spawner().set_exception_handler(Some(handler));
    count
}

#[test]
fn closing_survives_every_done_callback_of_a_task_and_tells_who_waits_w11() {
    let executor = Executor::new();
    let count = reports(&executor);
    let task = executor.create_task(pending::<()>()).task_ref();
    for _ in 0..3 {
        let bomb = Bomb;
        task.add_done_callback(move |_| drop(bomb));
    }
    let woken = Arc::new(Flag::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut wait = pin!(task.wait());
    executor.run_until_stalled();
    assert!(
        wait.as_mut()
            .poll(&mut PollContext::from_waker(&waker))
            .is_pending()
    );
    executor.close();
    assert_eq!(count.get(), 3, "each destructor is reported");
    assert!(woken.is_set(), "the waiter behind them is told");
    assert!(task.done());
}

#[test]
fn a_waker_that_panics_keeps_no_other_scope_from_its_request_w11() {
    let executor = Executor::new();
    let count = reports(&executor);
    // Its inner scope is polled with a waker that panics.
    let task = executor.create_task(async {
        let waker = Waker::from(Arc::new(Panics));
        let mut first = pin!(catch_cancelled(pending::<()>()));
        let mut second = pin!(catch_cancelled(pending::<()>()));
        poll_fn(move |cx| {
            let mut foreign = PollContext::from_waker(&waker);
            let _ = first.as_mut().poll(&mut foreign);
            second.as_mut().poll(cx).map(|caught| caught.is_err())
        })
        .await
    });
    executor.run_until_stalled();
    assert!(task.cancel(), "and the panic stays where it was");
    executor.run_until_stalled();
    assert_eq!(count.get(), 1);
    assert!(
        task.into_result().unwrap().unwrap(),
        "the second scope has answered"
    );
}

#[test]
fn a_closed_executor_keeps_nothing_that_it_is_given() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    executor.close();
    let alive: Rc<()> = Rc::default();
    let (one, two, three) = (Rc::clone(&alive), Rc::clone(&alive), Rc::clone(&alive));
    spawner.set_exception_handler(Some(Rc::new(move |_| drop(Rc::clone(&one)))));
    spawner.set_task_factory(Some(Rc::new(move |builder| {
        drop(Rc::clone(&two));
        builder
    })));
    executor.push(Entry::call(move || drop(three)));
    assert_eq!(Rc::strong_count(&alive), 1);
}

#[test]
fn what_was_set_outside_tasks_goes_with_the_executor() {
    static HELD: ContextVar<Rc<()>> = ContextVar::new("held");
    let alive: Rc<()> = Rc::default();
    let executor = Executor::new();
    executor.enter(|| drop(HELD.set(Rc::clone(&alive))));
    assert_eq!(Rc::strong_count(&alive), 2);
    executor.close();
    assert_eq!(Rc::strong_count(&alive), 1);
}

#[test]
fn an_executor_dropped_by_its_own_task_does_not_hang_w16() {
    let executor = Rc::new(Executor::new());
    let weak: Weak<Executor> = Rc::downgrade(&executor);
    let count = reports(&executor);
    let held = Rc::new(RefCell::new(Some(Rc::clone(&executor))));
    let taken = Rc::clone(&held);
    let spawner = executor.spawner();
    let task = executor.create_task(async move { drop(taken.take()) });
    // The last owner but the one in `held` goes: a raw step stands for a driver that does not own
    // the executor.
    let mut main = Box::pin(executor.main_task(async move {
        spawner
            .build_task()
            .eager(true)
            .spawn(async move { drop(held.take()) })
            .detach();
    }));
    drop(executor);
    main.as_mut().step();
    assert!(weak.upgrade().is_none(), "it was dropped by the eager task");
    assert_eq!(count.get(), 1, "and that is reported");
    assert_eq!(task.result().unwrap_err(), InvalidStateError::NotDone);
}

#[test]
fn the_number_of_an_error_of_the_system_is_kept() {
    let error = RunError::from(std::io::Error::from_raw_os_error(24));
    assert!(
        matches!(
            error,
            RunError::Io {
                os_error: Some(24),
                ..
            }
        ),
        "{error:?}"
    );
}

#[derive(Default)]
struct Flag(std::sync::atomic::AtomicBool);

impl Flag {
    fn is_set(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker");
    }
}
