//! Clean-ups whose `finally` was dropped: they go on as tasks, somebody waits for them, and closing
//! says which ones it gave up.

mod stage;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use asyncio_executor::{
    Cancelled, End, Observer, Scope, Task, TaskRef, catch_cancelled, finally, finally_with,
};
use asyncio_testkit::Watchdog;
use futures_lite::future::{or, poll_once};
use stage::{Gate, Stage, me, outcome, pause, spawner};

fn watchdog() -> Watchdog {
    Watchdog::start("orphans", Duration::from_secs(30))
}

/// A clean-up that takes some turns, and says so, and in which task.
fn cleans(stage: &Stage, name: &'static str, turns: u32) -> impl AsyncFnOnce() + 'static + use<> {
    let stage = stage.clone();
    async move || {
        stage.tell(format!("{name} cleans in {}", me().get_name()));
        pause(turns).await;
        stage.tell(format!("{name} cleaned"));
    }
}

/// The names of the executor's clean-ups.
fn listed(stage: &Stage) -> Vec<String> {
    let tasks = stage.executor.spawner().clean_ups();
    tasks.iter().map(TaskRef::get_name).collect()
}

/// A body that loses against a foreign combinator's other branch.
#[test]
fn the_clean_up_of_a_branch_that_lost_becomes_a_task() {
    let stage = Stage::new();
    let task = stage.executor.build_task().name("worker").spawn({
        let stage = stage.clone();
        async move {
            let clean_up = cleans(&stage, "x", 1);
            or(finally(pending::<()>(), || clean_up()), pause(1)).await;
            stage.tell("won");
            assert_eq!(listed(&stage), ["clean-up of worker"]);
        }
    });
    stage.settle();
    let expected = ["2 won", "3 x cleans in clean-up of worker", "4 x cleaned"];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "()");
    assert!(listed(&stage).is_empty());
    stage.assert_clean();
}

#[test]
fn a_clean_up_that_has_started_goes_on_where_it_was() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 4);
        or(finally(async {}, || clean_up()), pause(1)).await;
        stage.tell("won");
    });
    stage.settle();
    let expected = ["1 x cleans in Task-1", "2 won", "5 x cleaned"];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// It was answered inside and had not gone outwards yet: now the scope around answers it.
#[test]
fn the_request_that_it_held_goes_to_the_scope_around() {
    let stage = Stage::new();
    let gate = Gate::default();
    let wait = gate.wait();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 9);
        let caught = catch_cancelled(async {
            or(finally(pending::<()>(), || clean_up()), wait).await;
            stage.tell("won");
            pause(1).await;
            stage.say("never");
        })
        .await;
        stage.tell(caught.unwrap_err().message().unwrap_or_default());
    });
    stage.turn();
    task.cancel_with("m");
    stage.turn();
    gate.open();
    stage.turns(2);
    assert_eq!(stage.log(), ["2 x cleans in Task-1", "3 won", "4 m"]);
    stage.settle();
    assert_eq!(stage.log(), ["11 x cleaned"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// The scope around drops it because it has answered this very request: that is one request.
#[test]
fn a_request_that_the_scope_around_has_answered_is_not_given_back() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 3);
        let kept: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = RefCell::default();
        let caught = catch_cancelled(async {
            let mut cleaning: Pin<Box<dyn Future<Output = ()>>> =
                Box::pin(finally(pending::<()>(), || clean_up()));
            assert!(poll_once(cleaning.as_mut()).await.is_none());
            *kept.borrow_mut() = Some(cleaning);
            pending::<()>().await;
        })
        .await;
        stage.tell(caught.unwrap_err().message().unwrap_or_default());
        kept.take(); // not polled any more, so the mark has gone to the scope around
        pause(5).await;
        "went on"
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    let expected = ["5 m", "6 x cleans in clean-up of Task-1", "9 x cleaned"];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "\"went on\"");
    stage.assert_clean();
}

#[test]
fn a_resource_goes_with_its_clean_up() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let said = stage.clone();
        let talk = finally_with(
            String::from("a"),
            async |text: &mut String| {
                text.push('b');
                pending::<()>().await;
            },
            async move |text: String| {
                pause(1).await;
                said.tell(text);
            },
        );
        or(talk, pause(1)).await;
    });
    stage.settle();
    assert_eq!(stage.log(), ["4 ab"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn orphans_of_orphans_run_too_under_the_same_name() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let inner = stage.clone();
        let body = finally(pending::<()>(), || async move {
            let clean_up = cleans(&inner, "inner", 1);
            or(finally(pending::<()>(), || clean_up()), pause(1)).await;
            inner.tell("outer cleaned");
        });
        or(body, pause(1)).await;
    });
    stage.settle();
    let expected = [
        "4 outer cleaned",
        "5 inner cleans in clean-up of Task-1",
        "6 inner cleaned",
    ];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn a_panic_that_was_to_go_on_after_the_clean_up_is_reported() {
    let stage = Stage::new();
    let reports = stage.reports();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 2);
        let panics = finally(async { panic!("of the body") }, || clean_up());
        or(panics, pause(1)).await;
    });
    stage.settle();
    assert_eq!(stage.log(), ["1 x cleans in Task-1", "3 x cleaned"]);
    assert_eq!(outcome(task), "()");
    let reports = reports.take();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(reports[0].contains("panicked: of the body"), "{reports:?}");
    stage.assert_clean();
}

#[test]
fn a_panic_of_an_orphan_is_reported_with_its_name_and_place() {
    let stage = Stage::new();
    let reports = stage.reports();
    let task = stage.spawn(async move |_| {
        let panics = finally(pending::<()>(), || async { panic!("of the clean-up") });
        or(panics, pause(1)).await;
    });
    stage.settle();
    assert_eq!(outcome(task), "()");
    let reports = reports.take();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert!(
        reports[0].contains("task: clean-up of Task-1"),
        "{reports:?}"
    );
    assert!(reports[0].contains("tests/orphans.rs"), "{reports:?}");
}

/// Wraps a body in a scope whose orphans a list adopts.
struct Adopting<F> {
    body: Pin<Box<Option<F>>>,
    scope: Scope,
    adopter: Rc<Adopter>,
}

impl<F: Future> Future for Adopting<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let adopter = this.adopter.clone();
        this.scope
            .poll_adopting(this.body.as_mut(), cx, move || adopter)
    }
}

fn adopting<F: Future>(adopter: &Rc<Adopter>, body: F) -> Adopting<F> {
    Adopting {
        body: Box::pin(Some(body)),
        scope: Scope::new(),
        adopter: adopter.clone(),
    }
}

/// Adopts, or refuses to.
struct Adopter {
    name: &'static str,
    stage: Stage,
    accepts: Cell<bool>,
}

impl Adopter {
    fn new(stage: &Stage, name: &'static str) -> Rc<Self> {
        Rc::new(Self {
            name,
            stage: stage.clone(),
            accepts: Cell::new(true),
        })
    }
}

impl Observer for Adopter {
    fn ended(self: Rc<Self>, index: u32, end: End) {
        self.stage.say(format!("{} {index} {end:?}", self.name));
    }

    fn adopt(self: Rc<Self>, clean_up: &TaskRef) -> bool {
        let line = format!("{} is asked for {}", self.name, clean_up.get_name());
        self.stage.say(line);
        if self.accepts.get() {
            clean_up.observe(self.clone(), 7);
        }
        self.accepts.get()
    }
}

#[test]
fn the_innermost_adopter_that_accepts_has_it() {
    let stage = Stage::new();
    let (inner, outer) = (Adopter::new(&stage, "inner"), Adopter::new(&stage, "outer"));
    inner.accepts.set(false);
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 0);
        let body = async { or(finally(pending::<()>(), || clean_up()), pause(1)).await };
        let body = catch_cancelled(adopting(&inner, catch_cancelled(body)));
        drop(adopting(&outer, body).await);
    });
    stage.settle();
    let expected = [
        "inner is asked for clean-up of Task-1",
        "outer is asked for clean-up of Task-1",
        "3 x cleans in clean-up of Task-1",
        "3 x cleaned",
        "outer 7 Returned",
    ];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// The whole body goes: the scope is still there while it does.
#[test]
fn an_adopter_has_what_its_own_scope_drops() {
    let stage = Stage::new();
    let adopter = Adopter::new(&stage, "group");
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 0);
        let body = async {
            let mut never_again = Box::pin(finally(pending::<()>(), || clean_up()));
            assert!(poll_once(never_again.as_mut()).await.is_none());
        };
        drop(adopting(&adopter, body).await);
    });
    stage.settle();
    let expected = [
        "group is asked for clean-up of Task-1",
        "2 x cleans in clean-up of Task-1",
        "2 x cleaned",
        "group 7 Returned",
    ];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn who_observes_the_task_is_asked_last() {
    for by_handle in [true, false] {
        let stage = Stage::new();
        let adopter = Adopter::new(&stage, "observer");
        let task: Task<()> = stage.spawn(async move |stage| {
            let clean_up = cleans(&stage, "x", 0);
            or(finally(pending::<()>(), || clean_up()), pause(1)).await;
        });
        if by_handle {
            task.observe(adopter, 1);
        } else {
            task.task_ref().observe(adopter, 1);
        }
        stage.settle();
        let expected = [
            "observer is asked for clean-up of Task-1",
            "observer 1 Returned",
            "3 x cleans in clean-up of Task-1",
            "3 x cleaned",
            "observer 7 Returned",
        ];
        assert_eq!(stage.log(), expected);
        assert_eq!(outcome(task), "()");
        stage.assert_clean();
    }
}

/// What adopted it has its orphans, too.
#[test]
fn the_orphans_of_an_adopted_orphan_have_the_same_adopter() {
    let stage = Stage::new();
    let adopter = Adopter::new(&stage, "group");
    let task = stage.spawn(async move |stage| {
        let inner = stage.clone();
        let body = finally(pending::<()>(), || async move {
            let clean_up = cleans(&inner, "inner", 0);
            or(finally(pending::<()>(), || clean_up()), pause(1)).await;
        });
        let _ = adopting(&adopter, or(body, pause(1))).await;
    });
    stage.settle();
    let log = stage.log();
    let asked = log.iter().filter(|line| line.starts_with("group is asked"));
    assert_eq!(asked.count(), 2, "{log:?}");
    let ended = log.iter().filter(|line| line.starts_with("group 7"));
    assert_eq!(ended.count(), 2, "{log:?}");
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// A cancelled task with nothing that polls the branch any more: its clean-up is saved.
#[test]
fn a_clean_up_that_nobody_polls_is_saved_when_its_task_is_cancelled() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 1);
        let mut kept = Box::pin(finally(pending::<()>(), || clean_up()));
        assert!(poll_once(kept.as_mut()).await.is_none());
        pending::<()>().await;
    });
    stage.turn();
    task.cancel();
    stage.settle();
    assert_eq!(
        stage.log(),
        ["6 x cleans in clean-up of Task-1", "7 x cleaned"]
    );
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn an_orphan_can_be_cancelled_like_any_task() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 9);
        or(finally(pending::<()>(), || clean_up()), pause(1)).await;
    });
    stage.turns(3);
    let orphans = stage.executor.spawner().clean_ups();
    assert!(orphans[0].cancel());
    stage.settle();
    assert!(orphans[0].cancelled());
    assert_eq!(stage.log(), ["3 x cleans in clean-up of Task-1"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// The task factory, the default of eager start: an orphan is nobody's new task.
#[test]
fn an_orphan_does_not_start_in_the_destructor_nor_pass_the_factory() {
    let stage = Stage::new();
    let made = Rc::new(Cell::new(0));
    let counted = made.clone();
    let spawner = stage.executor.spawner();
    spawner.set_eager(true);
    spawner.set_task_factory(Some(Rc::new(move |builder| {
        counted.set(counted.get() + 1);
        builder.eager(true)
    })));
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 0);
        or(finally(pending::<()>(), || clean_up()), pause(1)).await;
        stage.tell("won");
    });
    stage.settle();
    assert_eq!(made.get(), 1);
    let expected = ["2 won", "3 x cleans in clean-up of Task-1", "3 x cleaned"];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "()");
    spawner.set_task_factory(None);
}

/// Outside every poll, between two turns.
#[test]
fn a_finally_that_is_dropped_between_turns_is_saved() {
    type Kept = Rc<RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>>;
    let stage = Stage::new();
    let kept = Kept::default();
    let slot = kept.clone();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 0);
        let mut body: Pin<Box<dyn Future<Output = ()>>> =
            Box::pin(finally(pending::<()>(), || clean_up()));
        assert!(poll_once(body.as_mut()).await.is_none());
        *slot.borrow_mut() = Some(body);
    });
    stage.settle();
    assert_eq!(outcome(task), "()");
    kept.take();
    assert_eq!(listed(&stage), ["clean-up"], "its task has ended");
    stage.settle();
    assert_eq!(stage.log(), ["2 x cleans in clean-up", "2 x cleaned"]);
    stage.assert_clean();
}

/// What closing drops can run no more: it is given up, and named, and nothing loops.
#[test]
fn closing_gives_up_and_says_so_w13() {
    let _watchdog = watchdog();
    let stage = Stage::new();
    let reports = stage.reports();
    let spawn = |name: &str| {
        let (inner, outer) = (cleans(&stage, "x", 1), cleans(&stage, "y", 1));
        let body = finally(finally(pending::<()>(), || inner()), || outer());
        stage.executor.build_task().name(name).spawn(body).detach();
    };
    spawn("one");
    spawn("other");
    let clean_up = cleans(&stage, "z", 9);
    let task = stage.executor.build_task().name("lost").spawn(async move {
        or(finally(pending::<()>(), || clean_up()), pause(1)).await;
    });
    task.detach();
    stage.turns(3);
    stage.executor.close();
    let mut reports = reports.take();
    reports.sort();
    assert_eq!(reports.len(), 5, "{reports:#?}");
    for (report, name) in reports
        .iter()
        .zip(["clean-up of lost", "one", "one", "other", "other"])
    {
        let expected = format!("clean-up was given up: its event loop is closed; task: {name}; ");
        assert!(report.starts_with(&expected), "{report}");
        assert!(report.contains("tests/orphans.rs"), "{report}");
    }
    stage.assert_clean();
    assert!(listed(&stage).is_empty());
}

/// A destructor that drops another `finally`, whose destructor does it again.
#[test]
fn a_finally_that_holds_another_is_given_up_whole_w13() {
    let _watchdog = watchdog();
    let stage = Stage::new();
    let reports = stage.reports();
    let mut body: Pin<Box<dyn Future<Output = ()>>> = Box::pin(pending());
    for _ in 0..100 {
        body = Box::pin(finally(body, || async {}));
    }
    stage.executor.create_task(body).detach();
    stage.turn();
    stage.executor.close();
    assert_eq!(reports.borrow().len(), 100);
    stage.assert_clean();
}

/// As long as it is open, an executor that is dropped closes.
#[test]
fn a_finally_that_outlives_its_executor_is_given_up() {
    type Kept = Rc<RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>>;
    let stage = Stage::new();
    let kept = Kept::default();
    let slot = kept.clone();
    let task = stage.spawn(async move |stage| {
        let clean_up = cleans(&stage, "x", 0);
        let mut body: Pin<Box<dyn Future<Output = ()>>> =
            Box::pin(finally(pending::<()>(), || clean_up()));
        assert!(poll_once(body.as_mut()).await.is_none());
        *slot.borrow_mut() = Some(body);
    });
    stage.settle();
    drop(task);
    let log = stage.clone();
    drop(stage);
    log.executor.close();
    kept.take();
    assert!(log.log().is_empty());
}

#[test]
fn a_thousand_orphans_are_listed_while_they_run_and_no_longer() {
    let _watchdog = watchdog();
    let stage = Stage::new();
    for round in 0..3 {
        let task = stage.spawn(async move |_| {
            for _ in 0..1000 {
                or(finally(pending::<()>(), || pause(3)), async {}).await;
                let body = finally(pending::<()>(), || pause(3));
                assert!(poll_once(body).await.is_none());
            }
            spawner().clean_ups().len()
        });
        stage.settle();
        assert_eq!(outcome(task), "2000", "round {round}");
        assert!(listed(&stage).is_empty());
        stage.assert_clean();
    }
}
