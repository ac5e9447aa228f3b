//! Scopes in several branches of one task, polled by combinators that know nothing of them; scopes
//! that move, and scopes that are kept and not polled.

mod stage;

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use asyncio_executor::{
    Executor, Scope, ScopeRef, Task, catch_cancelled, raise_cancelled, requests_around,
};
use futures_lite::future::{or, poll_once, zip};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use stage::{Drops, Gate, Stage, finally, me, message, outcome, pause};

/// A clean-up that takes some turns and says so.
async fn cleanup(stage: Stage, name: &'static str, turns: u32) {
    let _drops = Drops(stage.clone(), name);
    stage.tell(format!("{name} cleans"));
    pause(turns).await;
    stage.tell(format!("{name} cleaned"));
}

/// A clean-up after `catch_cancelled` is code like any other: it is dropped when a sibling has
/// let the cancellation through and no scope of the branch is open.
#[test]
fn every_branch_answers_and_the_first_to_reraise_ends_the_task() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let branch = |name, turns| finally(pending::<()>(), cleanup(stage.clone(), name, turns));
        zip(branch("a", 1), branch("b", 4)).await;
        stage.say("never");
    });
    stage.turn();
    task.cancel();
    stage.settle();
    let expected = [
        "2 a cleans",
        "2 b cleans",
        "3 a cleaned",
        "3 drop a",
        "3 drop b",
    ];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

/// With a scope around it, it runs to its end: the same request does not come twice.
#[test]
fn a_clean_up_inside_a_scope_is_not_disturbed_by_a_sibling_that_reraises() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let branch = |name, turns| {
            let clean_up = cleanup(stage.clone(), name, turns);
            let clean_up = async move {
                clean_up.await;
                catch_cancelled(pause(1)).await.unwrap(); // nor one opened since
            };
            catch_cancelled(finally(pending::<()>(), clean_up))
        };
        let reraises = async { branch("a", 1).await.unwrap_err().reraise().await };
        drop(zip(reraises, branch("b", 4)).await);
        stage.say("never");
    });
    stage.turn();
    task.cancel();
    stage.settle();
    let expected = [
        "2 a cleans",
        "2 b cleans",
        "3 a cleaned",
        "3 drop a",
        "6 b cleaned",
        "6 drop b",
    ];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn both_branches_may_swallow() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let (a, b) = zip(
            catch_cancelled(pending::<()>()),
            catch_cancelled(pending::<()>()),
        )
        .await;
        stage.tell(format!("{} {}", message(&a), message(&b)));
        pause(3).await;
        "went on"
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["2 m m"]);
    assert_eq!(outcome(task), "\"went on\"");
    stage.assert_clean();
}

/// One branch has a scope and swallows, the other has none: the request counts as answered, and
/// the plain branch goes on.
#[test]
fn a_plain_branch_goes_on_beside_one_that_swallows() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let swallows = async {
            let caught = catch_cancelled(pending::<()>()).await;
            stage.tell(message(&caught));
        };
        zip(swallows, pause(6)).await;
        stage.tell("both");
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["2 m", "7 both"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// A combinator that polls only the branches that were woken reaches every scope all the same.
#[test]
fn a_combinator_that_polls_only_what_was_woken_reaches_every_branch_w9() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let mut branches: FuturesUnordered<_> = ["x", "y", "z"]
            .into_iter()
            .zip(1..)
            .map(|(name, turns)| finally(pending::<()>(), cleanup(stage.clone(), name, turns)))
            .collect();
        while branches.next().await.is_some() {}
        stage.say("never");
    });
    stage.turn();
    task.cancel();
    stage.settle();
    let log = stage.log();
    for name in ["x cleans", "y cleans", "z cleans", "x cleaned"] {
        assert!(log.iter().any(|line| line.ends_with(name)), "{log:?}");
    }
    assert!(log.iter().all(|line| !line.contains("never")));
    assert_eq!(outcome(task), "cancelled");
    stage.assert_clean();
}

#[test]
fn a_request_to_one_scope_among_many_wakes_that_one_only() {
    let stage = Stage::new();
    let scopes: Rc<RefCell<Vec<ScopeRef>>> = Rc::default();
    let (kept, gate) = (scopes.clone(), Gate::default());
    let wait = gate.wait();
    let task = stage.spawn(async move |stage| {
        let branches: FuturesUnordered<_> = (0..3)
            .map(|id| {
                let (stage, kept) = (stage.clone(), kept.clone());
                async move {
                    let body = async {
                        pending::<()>().await;
                    };
                    let caught = Named::new(body, kept).await;
                    stage.tell(format!("{id} {caught}"));
                }
            })
            .collect();
        let all = async {
            let mut branches = branches;
            while branches.next().await.is_some() {}
        };
        or(all, wait).await;
        format!("{}", me().cancelling())
    });
    stage.turn();
    let second = scopes.borrow()[1].clone();
    assert!(second.cancel_with("only you"));
    stage.settle();
    assert_eq!(stage.log(), ["2 1 only you"]);
    assert!(!second.cancel(), "it has closed");
    assert!(!task.done());
    gate.open();
    stage.settle();
    assert_eq!(outcome(task), "\"0\"", "a scope's requests go with it");
    stage.assert_clean();
}

/// A body in a [`Scope`] of its own, which gives its reference away at the first poll.
struct Named {
    body: Option<Pin<Box<dyn Future<Output = ()>>>>,
    scope: Scope,
    slot: Option<Rc<RefCell<Vec<ScopeRef>>>>,
}

impl Named {
    fn new(body: impl Future<Output = ()> + 'static, slot: Rc<RefCell<Vec<ScopeRef>>>) -> Self {
        Self {
            body: Some(Box::pin(body)),
            scope: Scope::new(),
            slot: Some(slot),
        }
    }
}

impl Future for Named {
    type Output = String;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<String> {
        let this = &mut *self;
        let polled = this.scope.poll(Pin::new(&mut this.body), cx);
        if let Some(slot) = this.slot.take() {
            slot.borrow_mut().extend(this.scope.reference());
        }
        polled.map(|ended| message(&ended).to_owned())
    }
}

#[test]
fn a_scope_knows_its_own_cancellation_from_that_of_the_task() {
    let cancelled_by = |cancel: fn(&ScopeRef, &Task<bool>)| {
        let stage = Stage::new();
        let slot: Rc<RefCell<Option<ScopeRef>>> = Rc::default();
        let reference = slot.clone();
        let task = stage.executor.create_task(async move {
            let mut body = std::pin::pin!(Some(pending::<()>()));
            let mut scope = Scope::new();
            assert!(!scope.was_requested());
            let ended = poll_fn(|cx| {
                let polled = scope.poll(body.as_mut(), cx);
                *reference.borrow_mut() = scope.reference();
                polled
            });
            assert!(ended.await.is_err());
            scope.was_requested()
        });
        stage.turn();
        let scope = slot.borrow().clone().expect("an open scope");
        cancel(&scope, &task);
        stage.turn();
        task.into_result().expect("it has ended").unwrap()
    };
    assert!(cancelled_by(|scope, _| _ = scope.cancel()));
    assert!(!cancelled_by(|_, task| _ = task.cancel()));
    assert!(cancelled_by(|scope, task| {
        task.cancel();
        scope.cancel();
    }));
}

#[test]
fn a_scopes_reference_is_there_while_it_is_open() {
    let stage = Stage::new();
    let scope = Scope::new();
    assert!(scope.reference().is_none());
    let slot: Rc<RefCell<Vec<ScopeRef>>> = Rc::default();
    let task = stage
        .executor
        .create_task(Named::new(pending(), slot.clone()));
    stage.turn();
    let scope = slot.borrow()[0].clone();
    assert!(format!("{scope:?}").contains("ScopeRef"));
    stage.executor.close();
    assert!(!scope.cancel());
    drop(task);
    drop(stage);
    assert!(!scope.cancel(), "the executor has gone");
}

/// What a timeout is made of: it converts its own request, and never somebody else's.
#[test]
fn a_request_of_ones_own_is_told_apart_by_counting() {
    async fn limited(stage: Stage, slot: Rc<RefCell<Vec<ScopeRef>>>) -> &'static str {
        let before = requests_around();
        let ended = Named::new(pending(), slot).await;
        stage.tell(format!("{ended} {before} {}", requests_around()));
        if requests_around() > before {
            "foreign"
        } else {
            "mine"
        }
    }
    for foreign in [false, true] {
        let stage = Stage::new();
        let slot: Rc<RefCell<Vec<ScopeRef>>> = Rc::default();
        let given = slot.clone();
        let task = stage.spawn(|stage| limited(stage, given));
        stage.turn();
        if foreign {
            task.cancel_with("task");
        }
        slot.borrow()[0].cancel_with("scope");
        stage.settle();
        assert_eq!(
            outcome(task),
            if foreign { "\"foreign\"" } else { "\"mine\"" }
        );
        stage.assert_clean();
    }
}

#[test]
fn a_branch_that_raises_takes_its_siblings_along() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let raises = async {
            pause(2).await;
            raise_cancelled("raised").await;
        };
        let sibling = async {
            let caught = catch_cancelled(pending::<()>()).await;
            stage.tell(format!("sibling {}", message(&caught)));
        };
        zip(sibling, raises).await;
        stage.say("never");
    });
    stage.settle();
    assert_eq!(
        stage.log(),
        ["4 sibling raised"],
        "waited for, a turn later"
    );
    assert_eq!(outcome(task), "cancelled: raised");
    stage.assert_clean();
}

/// The sibling waits for a task: unwinding passes the request on to it, and waits for it.
#[test]
fn a_branch_that_raises_waits_for_the_task_that_its_sibling_awaits() {
    let stage = Stage::new();
    let awaited = stage.spawn(async move |stage| {
        finally(pending::<()>(), cleanup(stage, "awaited", 3)).await;
    });
    let task = stage.spawn(async move |stage| {
        let raises = async {
            pause(1).await;
            raise_cancelled("raised").await;
        };
        let caught = catch_cancelled(zip(awaited.into_future(), raises)).await;
        stage.tell(message(&caught.map(|_| ())));
    });
    stage.settle();
    let expected = [
        "3 awaited cleans",
        "6 awaited cleaned",
        "6 drop awaited",
        "7 raised",
    ];
    assert_eq!(stage.log(), expected);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn unwinding_wins_over_a_body_that_becomes_ready_in_the_same_poll() {
    let stage = Stage::new();
    let gate = Gate::default();
    let wait = gate.wait();
    let task = stage.spawn(async move |stage| {
        let unwinds = finally(pending::<()>(), async {});
        let caught = catch_cancelled(or(unwinds, wait)).await;
        stage.tell(message(&caught));
    });
    stage.turn();
    task.cancel_with("m");
    gate.open();
    stage.settle();
    assert_eq!(stage.log(), ["2 m"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// Where one task leaves a future for another.
type Slot<T> = Rc<RefCell<Option<Pin<Box<dyn Future<Output = T>>>>>>;

#[test]
fn a_scope_moved_to_another_task_is_that_tasks() {
    let stage = Stage::new();
    let slot: Slot<String> = Rc::default();
    let given = slot.clone();
    let first = stage.spawn(async move |_| {
        let mut scope: Pin<Box<dyn Future<Output = String>>> = Box::pin(async {
            let caught = catch_cancelled(pending::<()>()).await;
            format!("{} {}", message(&caught), me().get_name())
        });
        assert!(poll_once(&mut scope).await.is_none());
        *given.borrow_mut() = Some(scope);
        pause(4).await;
    });
    stage.turn();
    let moved = slot.take().unwrap();
    let second = stage.executor.build_task().name("second").spawn(moved);
    stage.turns(2);
    first.cancel_with("not you");
    stage.turns(2);
    assert!(first.done() && !second.done());
    second.cancel_with("you");
    stage.settle();
    assert_eq!(outcome(first), "cancelled: not you");
    assert_eq!(outcome(second), "\"you second\"");
    stage.assert_clean();
}

#[test]
fn a_scope_moved_to_another_executor_opens_anew_there() {
    let stage = Stage::new();
    let away = Executor::new();
    let slot: Slot<bool> = Rc::default();
    let given = slot.clone();
    let first = stage.spawn(async move |_| {
        let mut scope: Pin<Box<dyn Future<Output = bool>>> =
            Box::pin(async { catch_cancelled(pending::<()>()).await.is_err() });
        assert!(poll_once(&mut scope).await.is_none());
        *given.borrow_mut() = Some(scope);
    });
    stage.settle();
    let moved = slot.take().unwrap();
    let second = away.create_task(moved);
    away.run_until_stalled();
    stage.assert_clean();
    second.cancel();
    away.run_until_stalled();
    assert_eq!(outcome(second), "true");
    assert!(first.done());
    // Outside of every executor it goes on without a scope.
    let third: Pin<Box<dyn Future<Output = _>>> = Box::pin(catch_cancelled(pause(1)));
    let slot = Rc::new(RefCell::new(Some(third)));
    let given = slot.clone();
    let polls = stage.spawn(async move |_| {
        let mut scope = given.take().unwrap();
        assert!(poll_once(&mut scope).await.is_none());
        *given.borrow_mut() = Some(scope);
    });
    stage.settle();
    assert!(polls.done());
    let left = slot.take().unwrap();
    assert!(futures_lite::future::block_on(left).is_ok());
    stage.assert_clean();
}

/// A scope that is kept, but that nobody polls any more (the loser of a select): after two turns
/// its request is its parent's.
#[test]
fn a_request_to_a_scope_that_is_no_longer_polled_goes_to_the_scope_around() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let mut kept = Box::pin(finally(pending::<()>(), async {}));
        assert!(poll_once(&mut kept).await.is_none());
        let _drops = Drops(stage.clone(), "task");
        pending::<()>().await;
        drop(kept);
    });
    stage.turn();
    stage.reset();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(outcome(task), "cancelled: m");
    let log = stage.log();
    assert_eq!(log, ["4 drop task"], "two further turns, then the parent");
    stage.assert_clean();
}

#[test]
fn a_scope_that_is_kept_while_others_run_does_not_stop_them() {
    let stage = Stage::new();
    let task = stage.spawn(async move |stage| {
        let mut kept = Box::pin(catch_cancelled(pending::<()>()));
        assert!(poll_once(&mut kept).await.is_none());
        let outer = catch_cancelled(pending::<()>()).await;
        stage.tell(format!("outer {}", message(&outer)));
        // It is in the tree still, and polled again it answers its own copy of the request.
        let kept = kept.await;
        stage.tell(format!("kept {}", message(&kept)));
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["2 outer m", "2 kept m"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn scopes_in_a_foreign_executor_inside_a_task_are_the_tasks() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        // A foreign executor with wakers of its own, which a task of ours polls.
        let foreign = Rc::new(RefCell::new(Box::pin(catch_cancelled(pending::<()>()))));
        let caught = poll_fn(|cx| {
            let waker = std::task::Waker::from(std::sync::Arc::new(Forwards(cx.waker().clone())));
            let mut cx = Context::from_waker(&waker);
            foreign.borrow_mut().as_mut().poll(&mut cx)
        });
        message(&caught.await).to_owned()
    });
    stage.turn();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(outcome(task), "\"m\"");
    stage.assert_clean();
}

/// A waker that is another one in disguise.
struct Forwards(std::task::Waker);

impl std::task::Wake for Forwards {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.wake_by_ref();
    }
}

/// A self-cancelled task that opens two scopes: the first to wait takes the request.
#[test]
fn of_two_new_scopes_under_a_mark_the_first_takes_it_over() {
    let stage = Stage::new();
    let task = stage.spawn(async move |_| {
        me().cancel_with("m");
        let (a, b) = zip(catch_cancelled(pause(3)), catch_cancelled(pause(3))).await;
        format!("{} / {}", message(&a), message(&b))
    });
    stage.settle();
    assert_eq!(outcome(task), "\"m / not cancelled\"");
    stage.assert_clean();
}
