//! Panics of foreign code (W11): each is caught where it happens and told to whoever should know,
//! and everything else goes on.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::pending;
use std::panic::panic_any;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Wake, Waker};

use asyncio_executor::{
    ContextVar, Dispatch, Entry, ErrorContext, Executor, Spawner, Task, catch_cancelled, yield_now,
};
use asyncio_testkit::in_child;

/// An executor whose reports are collected, with a hundred bystanders who must not notice.
struct Scene {
    executor: Executor,
    reports: Rc<RefCell<Vec<String>>>,
    bystanders: Vec<Task<u32>>,
}

impl Scene {
    fn new() -> Self {
        let executor = Executor::new();
        let reports = Rc::new(RefCell::new(Vec::new()));
        let seen = reports.clone();
        executor.spawner().set_exception_handler(Some(Rc::new(
            move |context: &ErrorContext<'_>| {
                let line = context.to_string();
                // The place is this file's business.
                let line = line.split("; created at").next().unwrap().to_owned();
                seen.borrow_mut().push(line);
            },
        )));
        let bystanders = (0..100)
            .map(|id| {
                executor.create_task(async move {
                    for _ in 0..5 {
                        yield_now().await;
                    }
                    id
                })
            })
            .collect();
        Self {
            executor,
            reports,
            bystanders,
        }
    }

    /// Runs everything; what was reported. Nothing is left, and the bystanders have their values.
    #[track_caller]
    fn finish(self) -> Vec<String> {
        let Self {
            executor,
            reports,
            bystanders,
        } = self;
        executor.run_until_stalled();
        for (id, task) in (0..).zip(bystanders) {
            assert_eq!(task.into_result().unwrap().unwrap(), id);
        }
        assert_eq!(executor.task_count(), 0);
        assert_eq!(executor.ready_len(), 0);
        drop(executor);
        reports.take()
    }
}

/// Panics in its destructor.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("{}", self.0);
        }
    }
}

#[test]
fn of_a_poll_goes_to_whoever_awaits_w11() {
    let scene = Scene::new();
    let task = scene.executor.create_task(async { panic!("in poll") });
    let waits = scene.executor.create_task(task.into_future());
    scene.executor.run_until_stalled();
    let outcome: Result<(), _> = waits.into_result().unwrap().unwrap();
    assert!(outcome.unwrap_err().is_panic());
    assert!(scene.finish().is_empty(), "somebody was told");
}

#[test]
fn of_a_detached_task_is_reported_once_when_it_happens_w11() {
    let scene = Scene::new();
    let named = scene.executor.build_task().name("lone");
    named.spawn(async { panic!("in poll") }).detach();
    scene.executor.run_until_stalled();
    assert_eq!(scene.reports.borrow().len(), 1);
    let expected = "panic of a task was never retrieved: panicked: in poll; task: lone";
    assert_eq!(scene.finish(), [expected]);
}

#[test]
fn that_nobody_looked_at_is_reported_when_the_handle_goes_w11() {
    let scene = Scene::new();
    let named = || scene.executor.build_task().name("held");
    let looked_at = named().spawn(async { panic!("seen") });
    let unseen = named().spawn(async { panic!("unseen") });
    let asked = named().spawn(async { panic!("only asked whether it is over") });
    scene.executor.run_until_stalled();
    assert!(looked_at.exception().unwrap().is_some());
    assert!(asked.done() && !asked.cancelled() && format!("{asked:?}").contains("Panicked"));
    assert!(scene.reports.borrow().is_empty());
    drop((looked_at, unseen, asked));
    let expected =
        |why| format!("panic of a task was never retrieved: panicked: {why}; task: held");
    assert_eq!(
        scene.finish(),
        [
            expected("unseen"),
            expected("only asked whether it is over")
        ]
    );
}

#[test]
fn of_a_futures_destructor_is_reported_and_the_value_kept_w11() {
    let scene = Scene::new();
    // Dropped at the end of the future, and dropped by a cancellation.
    let keeps = scene.executor.create_task(std::future::poll_fn({
        let bomb = Bomb("after the end");
        move |_| {
            let _ = &bomb;
            std::task::Poll::Ready(5)
        }
    }));
    let cancelled = scene.executor.create_task(async {
        let _bomb = Bomb("while cancelled");
        pending::<()>().await;
    });
    scene.executor.run_ready(scene.executor.ready_len(), None);
    cancelled.cancel();
    scene.executor.run_until_stalled();
    assert_eq!(keeps.into_result().unwrap().unwrap(), 5);
    assert!(cancelled.cancelled());
    let message = "panic in a task's destructor: panicked:";
    let expected = [
        format!("{message} after the end"),
        format!("{message} while cancelled"),
    ];
    assert_eq!(scene.finish(), expected);
}

#[test]
fn of_an_outputs_destructor_is_reported_w11() {
    let scene = Scene::new();
    scene
        .executor
        .create_task(async { Bomb("detached") })
        .detach();
    let held = scene.executor.create_task(async { Bomb("held") });
    let cancelled_at_the_end = scene.executor.create_task(async {
        asyncio_executor::current_task().unwrap().cancel();
        Bomb("value lost to a cancellation")
    });
    scene.executor.run_until_stalled();
    drop(held);
    assert!(cancelled_at_the_end.cancelled());
    let message = "panic in the destructor of a task's result: panicked:";
    let expected = ["detached", "value lost to a cancellation", "held"];
    assert_eq!(
        scene.finish(),
        expected.map(|why| format!("{message} {why}"))
    );
}

#[test]
fn of_a_destructor_while_closing_is_reported_w11() {
    let scene = Scene::new();
    for why in ["first", "second"] {
        let bomb = Bomb(why);
        let task = scene.executor.create_task(async move {
            let _bomb = bomb;
            pending::<()>().await;
        });
        task.detach();
    }
    scene.executor.run_until_stalled();
    let bomb = Bomb("callback");
    scene.executor.call_soon(move || {
        let _bomb = bomb;
        unreachable!("closed")
    });
    for bystander in &scene.bystanders {
        assert!(bystander.done());
    }
    scene.executor.close();
    let mut reports = scene.finish();
    reports.sort();
    assert_eq!(
        reports,
        [
            "panic in a destructor while closing: panicked: callback",
            "panic in a task's destructor: panicked: first",
            "panic in a task's destructor: panicked: second",
        ]
    );
}

#[test]
fn of_a_callback_is_reported_and_names_it_w11() {
    let scene = Scene::new();
    scene.executor.call_soon(|| panic!("in a callback"));
    let line = line!() - 1;
    let reports = scene.finish();
    assert_eq!(reports.len(), 1);
    assert!(
        reports[0].starts_with("exception in callback: panicked: in a callback; handle: callback")
    );
    // The handle's own description has the place, which `finish` cuts.
    let scene = Scene::new();
    let place = Rc::new(RefCell::new(String::new()));
    let seen = place.clone();
    scene.executor.spawner().set_exception_handler(Some(Rc::new(
        move |context: &ErrorContext<'_>| {
            *seen.borrow_mut() = context.handle.clone().unwrap();
        },
    )));
    scene.executor.call_soon(|| panic!("in a callback"));
    scene.finish();
    assert!(place.borrow().contains("panics.rs:"), "{place:?}");
    assert!(line > 0);
}

#[test]
fn of_a_done_callback_is_reported_and_the_others_run_w11() {
    let scene = Scene::new();
    let task = scene.executor.create_task(async {});
    let called = Rc::new(Cell::new(0));
    for id in 0..3 {
        let called = called.clone();
        task.add_done_callback(move |_| {
            called.set(called.get() + 1);
            assert_ne!(id, 1, "the second one");
        });
    }
    let reports = scene.finish();
    assert_eq!(called.get(), 3);
    assert_eq!(reports.len(), 1);
    assert!(reports[0].contains("the second one"), "{reports:?}");
}

#[test]
fn of_a_dispatch_its_description_and_its_destructor_w11() {
    struct Work(&'static str, Cell<bool>);
    impl Dispatch for Work {
        fn run(self: Rc<Self>) {
            assert_ne!(self.0, "runs badly", "run");
        }
        fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {
                "runs badly" if self.1.replace(true) => panic!("described twice"),
                "runs badly" => {
                    formatter.write_str("half a")?;
                    Err(fmt::Error)
                }
                name => formatter.write_str(name),
            }
        }
    }
    impl Drop for Work {
        fn drop(&mut self) {
            assert_ne!(self.0, "drops badly", "drop");
        }
    }
    let scene = Scene::new();
    for name in ["runs badly", "drops badly", "works"] {
        let work = Rc::new(Work(name, Cell::new(false)));
        scene.executor.push(Entry::dispatch(work));
    }
    let reports = scene.finish();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert!(reports[0].ends_with("handle: half a"), "{reports:?}");
    assert!(
        reports[1].starts_with("panic in the destructor of a callback"),
        "{reports:?}"
    );
}

#[test]
fn of_the_exception_handler_goes_to_stderr_w11() {
    in_child("of_the_exception_handler_goes_to_stderr_w11", || {
        let scene = Scene::new();
        let spawner = scene.executor.spawner();
        spawner.set_exception_handler(Some(Rc::new(|_| panic!("in the handler"))));
        for _ in 0..3 {
            scene.executor.call_soon(|| panic!("in a callback"));
        }
        // One that replaces itself, and so drops itself while it runs.
        let bomb = Bomb("the handler itself");
        let replaces = spawner;
        scene.executor.call_soon(move || {
            let inside = replaces.clone();
            replaces.set_exception_handler(Some(Rc::new(move |_| {
                let _ = &bomb;
                inside.set_exception_handler(None);
            })));
        });
        scene
            .executor
            .call_soon(|| panic!("told to the handler that goes"));
        assert!(scene.finish().is_empty());
    });
}

#[test]
fn of_a_debug_in_a_report_goes_no_further_w11() {
    in_child("of_a_debug_in_a_report_goes_no_further_w11", || {
        struct Bad;
        impl fmt::Debug for Bad {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                panic!("in Debug");
            }
        }
        let executor = Executor::new();
        let context = ErrorContext::new("with a bad source").with_source(&Bad);
        executor.spawner().call_exception_handler(&context);
    });
}

#[test]
fn of_a_display_of_an_error_that_nobody_took_w11() {
    struct Bad;
    impl fmt::Display for Bad {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("in Display");
        }
    }
    let scene = Scene::new();
    let reporting = || scene.executor.build_task().report_errors();
    reporting().spawn(async { Err::<(), _>(Bad) }).detach();
    let held = reporting().spawn(async { Err::<(), _>(Bad) });
    scene.executor.run_until_stalled();
    drop(held);
    let expected = "panic in the `Display` of a task's error: panicked: in Display";
    assert_eq!(scene.finish(), [expected, expected]);
}

#[test]
fn of_a_context_variables_destructor_is_reported_w11() {
    static VAR: ContextVar<Rc<Bomb>> = ContextVar::new("bomb");
    let scene = Scene::new();
    scene
        .executor
        .create_task(async {
            drop(VAR.set(Rc::new(Bomb("of a task that ends"))));
        })
        .detach();
    let waits = scene.executor.create_task(async {
        drop(VAR.set(Rc::new(Bomb("of a task that is cancelled"))));
        pending::<()>().await;
    });
    scene
        .executor
        .call_soon(|| drop(VAR.set(Rc::new(Bomb("of a callback")))));
    scene.executor.run_until_stalled();
    waits.cancel();
    let reports = scene.finish();
    let message = "panic in the destructor of a context variable's value: panicked:";
    assert_eq!(reports.len(), 3, "{reports:?}");
    assert_eq!(reports[0], format!("{message} of a task that ends"));
    assert!(reports[1].ends_with("of a callback"), "{reports:?}");
    assert_eq!(reports[2], format!("{message} of a task that is cancelled"));
}

/// A panic's payload is a value, whose destructor may panic as well, and so on.
#[test]
fn whose_payload_panics_when_dropped_w11() {
    struct Payload(u32);
    impl Drop for Payload {
        fn drop(&mut self) {
            if self.0 > 0 {
                panic_any(Self(self.0 - 1));
            }
        }
    }
    let scene = Scene::new();
    scene.executor.call_soon(|| panic_any(Payload(3)));
    scene
        .executor
        .create_task(async { panic_any(Payload(3)) })
        .detach();
    let held = scene.executor.create_task(async { panic_any(Payload(3)) });
    let task = scene.executor.create_task(async {});
    task.add_done_callback(|_| panic_any(Payload(1)));
    scene.executor.run_until_stalled();
    drop(held);
    let reports = scene.finish();
    assert!(reports.len() >= 4, "{reports:?}");
    assert!(
        reports.iter().all(|line| line.contains("(no message)")),
        "{reports:?}"
    );
}

#[test]
fn of_a_waker_wakes_the_others_all_the_same_w11() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("in a waker");
        }
    }
    let scene = Scene::new();
    let task = scene.executor.create_task(yield_now());
    let mut wait = task.task_ref().wait();
    let waker = Waker::from(Arc::new(Bad));
    let mut cx = std::task::Context::from_waker(&waker);
    assert!(std::pin::Pin::new(&mut wait).poll(&mut cx).is_pending());
    let reference = task.task_ref();
    let other = scene
        .executor
        .create_task(async move { reference.wait().await });
    scene.executor.run_until_stalled();
    assert!(other.done() && task.done());
    assert_eq!(scene.finish(), ["panic in a waker: panicked: in a waker"]);
}

/// A panic inside scopes: they close, and the current scope is again what it was.
#[test]
fn inside_scopes_leaves_the_tree_as_it_was_w11() {
    let scene = Scene::new();
    let task = scene.executor.create_task(async {
        let caught = std::panic::AssertUnwindSafe(catch_cancelled(catch_cancelled(async {
            yield_now().await;
            panic!("inside two scopes");
        })));
        let caught: Result<Result<Result<(), _>, _>, Box<dyn Any + Send>> =
            futures_lite::FutureExt::catch_unwind(caught).await;
        assert!(caught.is_err());
        catch_cancelled(pending::<()>()).await.is_err()
    });
    scene.executor.run_until_stalled();
    assert_eq!(
        scene.executor.spawner().scope_count(),
        2,
        "its root, and one scope"
    );
    task.cancel();
    scene.executor.run_until_stalled();
    assert!(task.into_result().unwrap().unwrap());
    assert!(scene.finish().is_empty());
}

/// A user's own handler gets the error with everything that is known.
#[test]
fn an_error_that_nobody_took_is_reported_with_its_task() {
    let executor = Executor::new();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let sees = seen.clone();
    let handler = move |context: &ErrorContext<'_>| {
        let task = context.task.as_ref().unwrap();
        let place = context.location.unwrap();
        sees.borrow_mut().push((
            context.message.to_owned(),
            context.cause.clone().unwrap(),
            task.get_name(),
            place.file().ends_with("panics.rs"),
        ));
    };
    executor
        .spawner()
        .set_exception_handler(Some(Rc::new(handler)));
    let reporting = |name| executor.build_task().name(name).report_errors();
    let fails = || async { Err::<u32, _>("disk full") };
    reporting("detached").spawn(fails()).detach();
    let dropped = reporting("dropped").spawn(fails());
    let looked_at = reporting("looked at").spawn(fails());
    let awaited = reporting("awaited").spawn(fails());
    let fine = reporting("fine").spawn(async { Ok::<_, &str>(1) });
    let plain = executor.create_task(fails());
    assert_eq!(
        executor.run_until_complete(awaited).unwrap().unwrap(),
        Err("disk full")
    );
    executor.run_until_stalled();
    assert!(looked_at.result().unwrap().unwrap().is_err());
    drop((dropped, looked_at, fine, plain));
    let expected = |name: &str| {
        let message = "error of a task was never retrieved".to_owned();
        (message, "disk full".to_owned(), name.to_owned(), true)
    };
    assert_eq!(*seen.borrow(), [expected("detached"), expected("dropped")]);
}

#[test]
fn spawning_in_the_exception_handler_works() {
    let executor = Executor::new();
    let made = Rc::new(Cell::new(false));
    let makes = made.clone();
    executor
        .spawner()
        .set_exception_handler(Some(Rc::new(move |_| {
            let makes = makes.clone();
            Spawner::current()
                .unwrap()
                .create_task(async move { makes.set(true) })
                .detach();
        })));
    executor.call_soon(|| panic!("once"));
    executor.run_until_stalled();
    assert!(made.get());
}

/// Also when the callback's panic would still be unwinding: two at once abort the process.
#[test]
fn a_call_from_a_thread_may_panic_and_so_may_what_its_context_holds_w11() {
    struct Always;
    impl Drop for Always {
        fn drop(&mut self) {
            panic!("context");
        }
    }
    static LAST: ContextVar<Arc<Always>> = ContextVar::shared("last");
    let scene = Scene::new();
    let door = scene.executor.door();
    let call = move || {
        LAST.set(Arc::new(Always));
        drop(door.call_soon_threadsafe(|| panic!("callback")).unwrap());
    };
    std::thread::spawn(call).join().unwrap();
    assert_eq!(
        scene.finish(),
        [
            "exception in callback: panicked: callback; handle: callback of another thread",
            "panic in the destructor of a callback: panicked: context",
        ]
    );
}
