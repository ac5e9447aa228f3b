//! Wakers that come back to the executor while they are woken or dropped: they cancel, spawn, wake
//! others, drop futures and run turns, and find everything in order.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use asyncio_executor::{Executor, Spawner, Task, TaskError, catch_cancelled, yield_now};

thread_local! {
    /// What the wakers of this thread do, one deed each time.
    static DEEDS: RefCell<VecDeque<Box<dyn FnOnce()>>> = RefCell::default();
    static DONE: Cell<usize> = const { Cell::new(0) };
}

/// Does the next deed, whenever it is woken, and when the last of its clones is dropped.
struct Meddler(Waker);

fn meddle() {
    let deed = DEEDS.try_with(|deeds| deeds.borrow_mut().pop_front());
    if let Ok(Some(deed)) = deed {
        DONE.set(DONE.get() + 1);
        deed();
    }
}

impl Wake for Meddler {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        meddle();
        self.0.wake_by_ref();
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        meddle();
    }
}

fn deed(deed: impl FnOnce() + 'static) {
    DEEDS.with(|deeds| deeds.borrow_mut().push_back(Box::new(deed)));
}

/// Polls `body` with a new meddler each time.
async fn meddled<F: Future>(body: F) -> F::Output {
    let mut body = Box::pin(body);
    poll_fn(move |cx| {
        let waker = Waker::from(Arc::new(Meddler(cx.waker().clone())));
        body.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

type Kept = Rc<RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>>;

/// The ways in which a task waits here.
fn waits(executor: &Executor, kept: &Kept) -> Vec<Task<()>> {
    let other = executor.create_task(pending::<()>());
    let watched = executor.create_task(async {
        yield_now().await;
        yield_now().await;
    });
    let reference = watched.task_ref();
    let keeps = Rc::clone(kept);
    vec![
        executor.create_task(meddled(async {
            drop(catch_cancelled(pending::<()>()).await);
        })),
        executor.create_task(async move { drop(meddled(other.into_future()).await) }),
        executor.create_task(async move { meddled(reference.wait()).await }),
        executor.create_task(async move { drop(meddled(watched.into_future()).await) }),
        executor.create_task(async move {
            keeps.replace(Some(Box::pin(meddled(async {
                drop(catch_cancelled(pending::<()>()).await);
            }))));
            poll_fn(|cx| match keeps.take() {
                None => Poll::Ready(()),
                Some(mut body) => {
                    let polled = body.as_mut().poll(cx);
                    keeps.replace(Some(body));
                    polled
                }
            })
            .await;
        }),
    ]
}

/// Each deed at each of the moments that there are: the first wake or drop, the second, and so on.
#[test]
fn a_waker_may_do_anything_while_it_is_woken_or_dropped() {
    type Deed = fn(&Rc<Executor>, &Rc<Vec<Task<()>>>, &Kept);
    let deeds: [Deed; 6] = [
        |_, tasks, _| {
            for task in &**tasks {
                task.cancel_with("meddled");
            }
        },
        |_, tasks, _| {
            for task in &**tasks {
                task.uncancel();
            }
        },
        |executor, _, _| executor.create_task(async { yield_now().await }).detach(),
        |_, _, kept| drop(kept.take()),
        |executor, _, _| drop(executor.run_until_complete(yield_now())), // refused inside a run
        |_, tasks, _| {
            let spawner = Spawner::current();
            let eager = spawner.map(|spawner| spawner.build_task().eager(true).spawn(async {}));
            drop((eager, tasks[2].task_ref().wait()));
        },
    ];
    for (number, act) in deeds.into_iter().enumerate() {
        let mut moment = 0;
        loop {
            let executor = Rc::new(Executor::new());
            let kept = Kept::default();
            let tasks = Rc::new(waits(&executor, &kept));
            DONE.set(0);
            for _ in 0..moment {
                deed(|| ());
            }
            let (runs, all, keeps) = (Rc::downgrade(&executor), Rc::clone(&tasks), kept.clone());
            deed(move || {
                if let Some(executor) = runs.upgrade() {
                    act(&executor, &all, &keeps);
                }
            });
            executor.run_until_stalled();
            for task in &*tasks {
                task.cancel();
            }
            executor.run_until_stalled();
            // One whose request was withdrawn has another.
            for task in &*tasks {
                task.cancel();
            }
            executor.run_until_stalled();
            for task in &*tasks {
                let end = task.result();
                let expected = matches!(end, Ok(Ok(()) | Err(TaskError::Cancelled(_))));
                assert!(expected, "deed {number} at {moment}: {end:?}");
            }
            drop(kept.take());
            assert_eq!(executor.task_count(), 0, "deed {number} at {moment}");
            assert_eq!(
                executor.spawner().scope_count(),
                0,
                "deed {number} at {moment}"
            );
            let was_done = DONE.get() > moment;
            DEEDS.take().clear();
            if !was_done {
                break;
            }
            moment += 1;
        }
        assert!(moment > 4, "the wakers were woken and dropped");
    }
}
