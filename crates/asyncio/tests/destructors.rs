//! A destructor in the body of a scope, run because the body is cancelled, that makes a task, wakes
//! one, calls back, and takes and releases locks: all of that happens, or is refused by a loop that
//! closes, and nothing is borrowed.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use asyncio::locks::OwnedLockGuard;
use asyncio::{
    EventLoop, Lock, LoopRef, catch_cancelled, create_task, current_task, get_running_loop, sleep,
    task_group, timeout, yield_now,
};
use asyncio_testkit::Watchdog;

/// What a destructor works on.
#[derive(Default)]
struct Stage {
    log: RefCell<Vec<&'static str>>,
    /// Held by the body, and waited for by a task.
    held: Rc<Lock<()>>,
    /// Free.
    other: Rc<Lock<()>>,
    /// Of a task that waits for nothing else.
    waker: RefCell<Option<Waker>>,
    dropped: Cell<bool>,
}

impl Stage {
    fn tell(&self, line: &'static str) {
        self.log.borrow_mut().push(line);
    }
}

struct Meddles {
    stage: Rc<Stage>,
    event_loop: LoopRef,
    guard: Option<OwnedLockGuard<()>>,
}

impl Drop for Meddles {
    fn drop(&mut self) {
        let told = Rc::clone(&self.stage);
        let task = self
            .event_loop
            .create_task(async move { told.tell("task") });
        if task.cancelled() {
            self.stage.tell("task refused");
        }
        let told = Rc::clone(&self.stage);
        if self
            .event_loop
            .call_soon(move || told.tell("call"))
            .cancelled()
        {
            self.stage.tell("call refused");
        }
        if let Some(waker) = self.stage.waker.take() {
            waker.wake();
        }
        self.guard = None; // the one who waits for it has it next
        let other = self.stage.other.try_acquire().expect("it is free");
        drop(other);
        self.stage.dropped.set(true);
    }
}

/// Holds a lock, and waits for ever in a scope; another task waits for the lock, and one for a wake-up.
async fn body(stage: Rc<Stage>) {
    let meddles = Meddles {
        stage: Rc::clone(&stage),
        event_loop: get_running_loop(),
        guard: Some(Rc::clone(&stage.held).acquire_owned().await),
    };
    let waits = Rc::clone(&stage);
    create_task(async move {
        let _guard = waits.held.acquire().await;
        waits.tell("lock");
    })
    .detach();
    let waits = Rc::clone(&stage);
    create_task(async move {
        poll_fn(|cx| match waits.dropped.get() {
            true => Poll::Ready(()),
            false => {
                *waits.waker.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        })
        .await;
        waits.tell("woken");
    })
    .detach();
    let ended = catch_cancelled(async move {
        let _meddles = meddles;
        pending::<()>().await;
    });
    let cancelled = ended.await.unwrap_err();
    assert!(
        stage.dropped.get(),
        "the body is gone when its scope answers"
    );
    cancelled.reraise().await;
}

/// Runs `end` with a body, on a loop in real time; everything that its destructor began must end.
#[track_caller]
fn all_is_done<F: Future<Output = ()>>(end: impl FnOnce(Rc<Stage>) -> F) {
    let _watchdog = Watchdog::start("destructors", Duration::from_secs(60));
    let event_loop = EventLoop::new().unwrap();
    let stage = Rc::new(Stage::default());
    event_loop
        .run_until_complete(async {
            end(Rc::clone(&stage)).await;
            for _ in 0..4 {
                yield_now().await;
            }
            let mut log = stage.log.take();
            log.sort_unstable();
            assert_eq!(log, ["call", "lock", "task", "woken"]);
            assert_eq!(get_running_loop().metrics().tasks, 1);
            assert_eq!(current_task().unwrap().cancelling(), 0);
        })
        .unwrap();
    assert_eq!(event_loop.spawner().scope_count(), 0);
    assert!(stage.held.try_acquire().is_ok());
}

#[test]
fn destructors_in_a_scope_of_a_cancelled_task_may_use_everything_w13() {
    all_is_done(async |stage| {
        let task = create_task(body(stage));
        for _ in 0..3 {
            yield_now().await;
        }
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn destructors_in_a_scope_that_a_timeout_ends_may_use_everything_w13() {
    all_is_done(async |stage| {
        assert!(
            timeout(Duration::from_millis(1), body(stage))
                .await
                .is_err()
        );
    });
}

#[test]
fn destructors_in_a_scope_that_a_task_group_ends_may_use_everything_w13() {
    all_is_done(async |stage| {
        let outcome = task_group(async |group| {
            let child = async move {
                body(stage).await;
                Ok(())
            };
            group.start_soon(child).unwrap();
            sleep(Duration::from_millis(1)).await;
            Err::<(), _>("the others are to end")
        });
        assert_eq!(outcome.await.unwrap_err().into_errors().len(), 1);
    });
}

/// The waits for the lock and for the wake-up are dropped as well, before the body or after it.
#[test]
fn destructors_in_a_scope_that_closing_ends_are_refused_w13() {
    let _watchdog = Watchdog::start("destructors", Duration::from_secs(60));
    for in_timeout in [false, true] {
        let event_loop = EventLoop::new().unwrap();
        let stage = Rc::new(Stage::default());
        let main = async {
            let body = body(Rc::clone(&stage));
            if in_timeout {
                let limit = Duration::from_secs(3600);
                create_task(timeout(limit, body)).detach();
            } else {
                let group = task_group(async move |group| {
                    let child = async move {
                        body.await;
                        Ok::<_, ()>(())
                    };
                    group.start_soon(child).unwrap();
                    Ok(())
                });
                create_task(async move { drop(group.await) }).detach();
            }
            for _ in 0..4 {
                yield_now().await;
            }
        };
        event_loop.run_until_complete(main).unwrap();
        let spawner = event_loop.spawner().clone();
        event_loop.close();
        assert_eq!(stage.log.take(), ["task refused", "call refused"]);
        assert!(stage.dropped.get());
        assert_eq!(spawner.scope_count(), 0);
        assert!(stage.held.try_acquire().is_ok());
        assert!(stage.other.try_acquire().is_ok());
    }
}
