//! Awaiting what can be cancelled itself: a request goes down through awaited tasks at once, and
//! comes up one turn a level.

mod stage;

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use asyncio_executor::{
    Cancellation, Claim, Claimed, Message, Settled, Task, TaskError, TaskRef, catch_cancelled,
    yield_now,
};
use futures_lite::future::{or, poll_once, zip};
use stage::{Stage, finally, me, message, outcome, pause, spawner};

/// Awaits a task inside `finally`s that say what they see.
async fn level(stage: Stage, name: &'static str, below: impl Future<Output = ()>) {
    let caught = catch_cancelled(below).await;
    stage.tell(format!("{name} {}", message(&caught)));
    if let Err(cancelled) = caught {
        cancelled.reraise().await;
    }
}

async fn value<T>(task: Task<T>) -> T {
    task.await.unwrap()
}

#[test]
fn leaf_mid_and_top_see_a_request_one_turn_after_the_other() {
    let stage = Stage::new();
    let leaf = stage.spawn(|stage| level(stage, "leaf", pending()));
    let mid = stage.spawn(|stage| level(stage, "mid", value(leaf)));
    let top = stage.spawn(|stage| level(stage, "top", value(mid)));
    stage.settle();
    stage.reset();
    assert!(top.cancel_with("m"));
    assert_eq!(top.cancelling(), 1);
    stage.settle();
    assert_eq!(stage.log(), ["1 leaf m", "2 mid m", "3 top m"]);
    assert_eq!(outcome(top), "cancelled: m");
    stage.assert_clean();
}

#[test]
fn an_awaited_task_that_swallows_saves_those_who_wait() {
    let stage = Stage::new();
    let leaf = stage.spawn(async move |_| {
        let caught = catch_cancelled(pending::<()>()).await;
        pause(2).await;
        message(&caught).to_owned()
    });
    let top = stage.spawn(async move |_| {
        let seen = catch_cancelled(value(leaf)).await.ok();
        pause(2).await;
        format!("{seen:?} {}", me().cancelling())
    });
    stage.settle();
    top.cancel_with("m");
    stage.settle();
    assert_eq!(outcome(top), r#""Some(\"m\") 1""#);
    stage.assert_clean();
}

#[test]
fn somebody_elses_cancellation_is_a_value() {
    let stage = Stage::new();
    let leaf = stage.spawn(async move |_| pending::<()>().await);
    let cancels = leaf.task_ref();
    let top = stage.spawn(async move |_| match leaf.await {
        Err(TaskError::Cancelled(message)) => message.unwrap().to_string(),
        other => format!("{other:?}"),
    });
    stage.settle();
    cancels.cancel_with("not for you");
    stage.settle();
    assert_eq!(outcome(top), "\"not for you\"");
    stage.assert_clean();
}

#[test]
fn whoever_waits_with_a_clean_up_below_waits_for_it() {
    let stage = Stage::new();
    let leaf = stage.spawn(async move |stage| {
        let cleanup = async {
            stage.tell("cleaning");
            pause(4).await;
            stage.tell("cleaned");
        };
        finally(pending::<()>(), cleanup).await;
    });
    let top = stage.spawn(|stage| level(stage, "top", value(leaf)));
    stage.settle();
    stage.reset();
    top.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["1 cleaning", "5 cleaned", "6 top m"]);
    assert_eq!(outcome(top), "cancelled: m");
    stage.assert_clean();
}

#[test]
fn a_second_request_goes_down_too_and_interrupts_the_clean_up() {
    let stage = Stage::new();
    let leaf = stage.spawn(async move |stage| {
        let cleanup = async {
            stage.tell("cleaning");
            pending::<()>().await;
        };
        finally(pending::<()>(), cleanup).await;
    });
    let leaf_ref = leaf.task_ref();
    let top = stage.spawn(|stage| level(stage, "top", value(leaf)));
    stage.settle();
    stage.reset();
    top.cancel_with("one");
    stage.turns(3);
    assert!(!top.done());
    top.cancel_with("two");
    assert_eq!((top.cancelling(), leaf_ref.cancelling()), (2, 2));
    stage.settle();
    assert_eq!(stage.log(), ["1 cleaning", "5 top two"]);
    assert_eq!(outcome(top), "cancelled: two");
    stage.assert_clean();
}

/// The awaited task has ended, the awaiting one has not been resumed: the request wins, and the
/// value is lost (row 10).
#[test]
fn a_request_between_the_end_and_the_resumption_wins() {
    let stage = Stage::new();
    let leaf = stage.spawn(async move |_| {
        yield_now().await;
        5
    });
    let leaf_ref = leaf.task_ref();
    let top = stage.spawn(async move |_| value(leaf).await);
    stage.turn();
    stage.turn();
    assert!(leaf_ref.done() && !top.done());
    top.cancel_with("m");
    stage.settle();
    assert_eq!(outcome(top), "cancelled: m");
    stage.assert_clean();
}

#[test]
fn a_self_cancelled_task_cancels_the_task_that_it_awaits_next() {
    let stage = Stage::new();
    let leaf = stage.spawn(|stage| level(stage, "leaf", pending()));
    let top = stage.spawn(async move |_| {
        pause(1).await;
        me().cancel_with("m");
        value(leaf).await;
    });
    stage.settle();
    assert_eq!(stage.log(), ["3 leaf m"]);
    assert_eq!(outcome(top), "cancelled: m");
    stage.assert_clean();
}

/// The same in its very first step, with a task that has not started.
#[test]
fn a_task_awaited_with_a_request_pending_may_never_start() {
    let stage = Stage::new();
    let top = stage.spawn(async move |stage| {
        me().cancel_with("m");
        let leaf = spawner().create_task(async move { stage.say("never runs") });
        value(leaf).await;
    });
    stage.settle();
    assert!(stage.log().is_empty());
    assert_eq!(outcome(top), "cancelled: m");
    stage.assert_clean();
}

#[test]
fn a_task_that_awaits_a_task_that_is_over_does_not_wait_and_is_not_interrupted_there() {
    let stage = Stage::new();
    let leaf = stage.spawn(async move |_| 5);
    stage.turn();
    let top = stage.spawn(async move |stage| {
        me().cancel_with("m");
        stage.tell(format!("{}", value(leaf).await));
        pending::<()>().await;
    });
    stage.settle();
    assert_eq!(stage.log(), ["2 5"]);
    assert_eq!(outcome(top), "cancelled: m");
    stage.assert_clean();
}

#[test]
fn a_cycle_of_waits_can_be_cancelled() {
    let stage = Stage::new();
    let slot = Rc::new(RefCell::new(None::<Task<()>>));
    let taken = slot.clone();
    let a = stage.spawn(async move |_| {
        pause(1).await;
        let b = taken.take().unwrap();
        let _ = b.await;
    });
    let (a_ref, a) = (a.task_ref(), a);
    let b = stage.spawn(async move |_| {
        let _ = a.await;
    });
    let b_ref = b.task_ref();
    *slot.borrow_mut() = Some(b);
    stage.settle();
    assert!(!a_ref.done() && !b_ref.done());
    a_ref.cancel();
    stage.settle();
    assert!(a_ref.done() && b_ref.done());
    stage.assert_clean();
}

struct PassesTo(TaskRef);

impl Claimed for PassesTo {
    fn pass_on(&self, cancellation: &mut Cancellation) -> bool {
        cancellation.task(&self.0)
    }
}

/// One of many who await a task.
async fn shares(task: TaskRef) -> bool {
    let mut claim = Claim::new();
    let mut wait = task.wait();
    let target = || Rc::new(PassesTo(task.clone())) as Rc<dyn Claimed>;
    poll_fn(|cx| {
        claim.poll(cx, target, |cx| {
            Pin::new(&mut wait).poll(cx).map(|()| Settled {
                value: task.cancelled(),
                cancelled: task.cancelled().then_some(None),
            })
        })
    })
    .await
}

/// A request that comes to a task by two ways has gone in no circle.
#[test]
fn a_task_that_two_await_saves_both_from_the_same_request() {
    let stage = Stage::new();
    let shared = stage.spawn(async move |_| {
        assert!(catch_cancelled(pending::<()>()).await.is_err());
        pause(2).await;
    });
    let watch = shared.task_ref();
    let [one, other] = [watch.clone(), watch.clone()].map(|task| {
        let waits = stage.executor.create_task(shares(task));
        (waits.task_ref(), waits)
    });
    stage.settle();
    let taken = Cancellation::request(None, |request| {
        // The second time it is on its way already.
        request.task(&one.0) && request.task(&other.0) && request.task(&one.0)
    });
    assert!(taken);
    assert_eq!((watch.cancelling(), one.0.cancelling()), (2, 2));
    stage.settle();
    assert_eq!(
        (outcome(one.1), outcome(other.1)),
        ("false".into(), "false".into())
    );
    assert_eq!(outcome(shared), "()");
    stage.assert_clean();
}

#[test]
fn a_request_to_several_awaited_tasks_waits_for_all() {
    let stage = Stage::new();
    let cleans = |name: &'static str, turns: u32| {
        stage.spawn(async move |stage| {
            finally(pending::<()>(), pause(turns)).await;
            stage.say(name);
        })
    };
    let (x, y) = (cleans("x", 1), cleans("y", 4));
    let top = stage.spawn(async move |stage| {
        let both = catch_cancelled(zip(value(x), value(y))).await;
        stage.tell(format!("both {}", message(&both.map(|_| ()))));
    });
    stage.settle();
    stage.reset();
    top.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["6 both m"]);
    assert_eq!(outcome(top), "()");
    stage.assert_clean();
}

/// The claim is dropped after it has passed the request on: the scope around answers in its place.
#[test]
fn a_claim_dropped_by_somebody_else_leaves_its_request_to_the_scope_around() {
    let stage = Stage::new();
    let leaf = stage.spawn(async move |_| finally(pending::<()>(), pause(6)).await);
    let leaf_ref = leaf.task_ref();
    let top = stage.spawn(async move |stage| {
        let gives_up = async {
            pause(3).await;
            stage.tell("gave up");
        };
        or(
            async {
                let _ = leaf.await;
            },
            gives_up,
        )
        .await;
        stage.tell("goes on");
        pause(5).await;
        stage.say("never");
    });
    stage.turn();
    top.cancel_with("m");
    stage.turns(3);
    assert_eq!(stage.log(), ["4 gave up", "4 goes on"]);
    stage.settle();
    assert!(stage.log().is_empty());
    assert_eq!(outcome(top), "cancelled: m");
    assert!(leaf_ref.cancelled(), "its own request stays its own");
    stage.assert_clean();
}

#[test]
fn two_waits_for_one_task_are_cancelled_separately() {
    let stage = Stage::new();
    let leaf = stage.spawn(async move |_| pending::<()>().await);
    let reference = leaf.task_ref();
    let by_reference = stage.spawn(async move |_| {
        reference.wait().await;
        reference.cancelled()
    });
    let by_handle = stage.spawn(async move |_| value(leaf).await);
    stage.settle();
    by_handle.cancel();
    stage.settle();
    assert_eq!(outcome(by_handle), "cancelled");
    assert_eq!(outcome(by_reference), "true");
    stage.assert_clean();
}

/// A claim that waits in one task, and is moved into another whose requests are its own: it has
/// passed nothing on there.
#[test]
fn a_wait_moved_to_another_task_forgets_nothing_and_invents_nothing() {
    let stage = Stage::new();
    let leaf = stage.spawn(async move |_| pending::<()>().await);
    let leaf_ref = leaf.task_ref();
    let slot = Rc::new(RefCell::new(None));
    let given = slot.clone();
    let first = stage.spawn(async move |_| {
        // The root has answered a request before the wait begins, so the wait inherits its number.
        let _ = catch_cancelled(pending::<()>()).await;
        let mut wait = Box::pin(leaf.into_future());
        assert!(poll_once(&mut wait).await.is_none());
        *given.borrow_mut() = Some(wait);
    });
    stage.turn();
    first.cancel();
    stage.settle();
    let wait = slot.take().unwrap();
    let second = stage.spawn(async move |_| wait.await.unwrap_err().to_string());
    stage.settle();
    leaf_ref.cancel_with("by somebody else");
    stage.settle();
    assert_eq!(outcome(second), "\"task was cancelled: by somebody else\"");
    assert_eq!(outcome(first), "()");
    stage.assert_clean();
}

/// A future that completes once and can be cancelled, as another crate would make it on [`Claim`].
#[derive(Default)]
struct Cell1 {
    end: RefCell<Option<Result<u32, Option<Message>>>>,
    waker: RefCell<Option<Waker>>,
    refuses: Cell<bool>,
}

impl Cell1 {
    fn complete(&self, end: Result<u32, Option<Message>>) -> bool {
        if self.end.borrow().is_some() {
            return false;
        }
        *self.end.borrow_mut() = Some(end);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        true
    }
}

impl Claimed for Cell1 {
    fn pass_on(&self, cancellation: &mut Cancellation) -> bool {
        !self.refuses.get() && self.complete(Err(cancellation.message().cloned()))
    }
}

struct Wait {
    claim: Claim,
    cell: Rc<Cell1>,
}

impl Future for Wait {
    type Output = Result<u32, Option<Message>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let cell = &this.cell;
        this.claim.poll(
            cx,
            || cell.clone(),
            |cx| match &*cell.end.borrow() {
                Some(end) => Poll::Ready(Settled {
                    value: end.clone(),
                    cancelled: end.clone().err(),
                }),
                None => {
                    *cell.waker.borrow_mut() = Some(cx.waker().clone());
                    Poll::Pending
                }
            },
        )
    }
}

fn wait(cell: &Rc<Cell1>) -> Wait {
    Wait {
        claim: Claim::new(),
        cell: cell.clone(),
    }
}

#[test]
fn a_future_of_ones_own_is_cancelled_through_its_claim() {
    let stage = Stage::new();
    let cell = Rc::new(Cell1::default());
    let waits = wait(&cell);
    let task = stage.spawn(async move |stage| {
        let caught = catch_cancelled(waits).await;
        stage.tell(message(&caught.map(|_| ())));
    });
    stage.turn();
    task.cancel_with("m");
    assert!(
        matches!(&*cell.end.borrow(), Some(Err(Some(m))) if &**m == "m"),
        "at once"
    );
    stage.settle();
    assert_eq!(stage.log(), ["2 m"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

#[test]
fn a_future_of_ones_own_gives_its_value_and_others_cancellations() {
    let stage = Stage::new();
    let cells = [Rc::new(Cell1::default()), Rc::new(Cell1::default())];
    let waits = cells.each_ref().map(wait);
    let task = stage.spawn(async move |_| {
        let [first, second] = waits;
        (first.await, second.await)
    });
    stage.turn();
    cells[0].complete(Ok(3));
    stage.turn();
    cells[1].complete(Err(None));
    stage.settle();
    assert_eq!(outcome(task), "(Ok(3), Err(None))");
    stage.assert_clean();
}

#[test]
fn a_claim_that_is_refused_is_answered_when_the_wait_ends() {
    let stage = Stage::new();
    let cell = Rc::new(Cell1::default());
    let waits = wait(&cell);
    let task = stage.spawn(async move |_| waits.await);
    stage.turn();
    // Done, and its waker is on the way: the request wins.
    cell.complete(Ok(1));
    task.cancel_with("m");
    stage.settle();
    assert_eq!(outcome(task), "cancelled: m");
    stage.assert_clean();
}

#[test]
fn a_claim_outside_every_executor_just_waits() {
    let cell = Rc::new(Cell1::default());
    let mut waits = wait(&cell);
    assert!(futures_lite::future::block_on(poll_once(&mut waits)).is_none());
    cell.complete(Ok(9));
    assert_eq!(futures_lite::future::block_on(waits), Ok(9));
    assert!(format!("{:?}", Claim::new()).contains("Claim"));
}

/// Polled again after its cancellation has gone on outwards, a wait stays pending.
#[test]
fn a_wait_that_was_unwound_stays_pending() {
    let stage = Stage::new();
    let leaf = stage.spawn(async move |_| pending::<()>().await);
    let task = stage.spawn(async move |stage| {
        let mut waits = Box::pin(leaf.into_future());
        let polled = Rc::new(Cell::new(0));
        let counts = polled.clone();
        let caught = catch_cancelled(poll_fn(|cx| {
            for _ in 0..2 {
                counts.set(counts.get() + u32::from(waits.as_mut().poll(cx).is_pending()));
            }
            Poll::<()>::Pending
        }));
        let caught = caught.await;
        stage.tell(format!("{} {}", message(&caught), polled.get()));
    });
    stage.settle();
    stage.reset();
    task.cancel_with("m");
    stage.settle();
    assert_eq!(stage.log(), ["2 m 4"]);
    assert_eq!(outcome(task), "()");
    stage.assert_clean();
}

/// CPython: a value that the awaited task returns in spite of the request is the value.
#[test]
fn a_task_that_returns_in_spite_of_a_request_gives_its_value() {
    let stage = Stage::new();
    let leaf = stage.spawn(async move |_| {
        let _ = catch_cancelled(pending::<()>()).await;
        "all the same"
    });
    let top = stage.spawn(async move |_| value(leaf).await);
    stage.settle();
    top.cancel();
    stage.settle();
    assert_eq!(outcome(top), "\"all the same\"");
    stage.assert_clean();
}
