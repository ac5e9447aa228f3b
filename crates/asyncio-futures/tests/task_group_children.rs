//! Children of task groups that begin eagerly, in turn, or say when they are ready, and what
//! they leave to be done.

mod turns;

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use asyncio_executor::{ErrorContext, Task, catch_cancelled, finally, yield_now};
use asyncio_futures::{
    ErrorGroup, Ready, ReturnWhen, StartError, TaskGroup, as_completed, gather, shield, task_group,
    wait,
};
use asyncio_loop::{create_task, get_running_loop, sleep};
use turns::{Log, SECOND, run, simulated, texts};

type Group<T> = Result<T, ErrorGroup<&'static str>>;

/// gh-128550, gh-128588: it must not cancel the body in the middle of `create_task`.
#[test]
fn an_eager_child_that_fails_at_once_fails_the_group_a_turn_later() {
    run(async {
        let log = Log::default();
        let outcome: Group<()> = task_group(async |group| {
            let builder = group.build_task().eager(true);
            let child: Task<Result<(), _>> = builder.spawn(async { Err("at once") }).unwrap();
            assert!(child.done());
            group.start_soon(pending()).unwrap(); // not refused yet
            log.add("body goes on");
            yield_now().await;
            unreachable!("cancelled by now");
        })
        .await;
        assert_eq!(texts(outcome), ["at once"]);
        assert_eq!(log.take(), ["body goes on"]);
    });
}

#[test]
fn eager_children_that_end_at_once_leave_nothing_to_wait_for() {
    run(async {
        get_running_loop().spawner().set_eager(true);
        let before = get_running_loop().metrics().turns;
        let outcome: Group<_> =
            task_group(async |group| Ok(group.create_task(async { Ok(1) }).unwrap())).await;
        assert_eq!(get_running_loop().metrics().turns, before);
        assert_eq!(outcome.unwrap().await.unwrap(), Ok(1));
    });
}

/// gh-155418: it cancels the group before that knows it.
#[test]
fn an_eager_child_that_cancels_the_group_is_cancelled_with_it() {
    run(async {
        let outcome = TaskGroup::<&str>::new();
        let outcome = outcome.run(async |group| {
            let stop = group.clone();
            let child = group.build_task().eager(true).spawn(async move {
                stop.cancel();
                sleep(SECOND).await;
                unreachable!("cancelled here");
                #[expect(unreachable_code, reason = "says the type")]
                Ok(())
            });
            Ok(child.unwrap())
        });
        let child = outcome.await.unwrap().unwrap();
        assert!(child.cancelled());
    });
}

/// A combinator that watches children, or watched them and was dropped, does not take them from
/// their group.
#[test]
fn the_handles_of_children_can_be_combined() {
    run(async {
        let child = async |seconds: u32| {
            sleep(SECOND * seconds).await;
            Ok(seconds)
        };
        let outcome: Group<_> = task_group(async |group| {
            let create = |seconds| group.create_task(child(seconds)).unwrap();
            assert_eq!(gather([1, 2].map(create)).await.unwrap(), [Ok(1), Ok(2)]);
            let waited = wait([1, 5].map(create)).return_when(ReturnWhen::FirstCompleted);
            let (done, pending) = waited.await.unwrap();
            assert_eq!((done.len(), pending.len()), (1, 1));
            let mut results = as_completed([2, 1].map(create));
            assert_eq!(results.next().await.unwrap().unwrap(), Ok(1));
            drop(results);
            drop(gather([4, 4].map(create)));
            assert_eq!(shield(create(1)).await.unwrap(), Ok(1));
            Ok(get_running_loop().time())
        })
        .await;
        // Those that nobody waits for any more are waited for by the group.
        let waited = get_running_loop().time() - outcome.unwrap();
        assert_eq!(waited, SECOND * 3);
        let failed: Group<()> = task_group(async |group| {
            let fails = group
                .create_task(async { Err::<u32, _>("broken") })
                .unwrap();
            let _never = gather([fails]).await;
            unreachable!("the group cancels its body first");
        })
        .await;
        assert_eq!(texts(failed), ["broken"]);
    });
}

/// A group may be polled by a foreign combinator, with wakers of its own.
#[test]
fn a_waker_that_panics_takes_no_failure_from_the_group() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("woken");
        }
    }
    run(async {
        get_running_loop().set_exception_handler(Some(Rc::new(|context: &ErrorContext<'_>| {
            assert_eq!(context.cause.as_deref(), Some("panicked: woken"));
        })));
        let mut group = pin!(task_group(async |group| {
            group
                .start_soon(async {
                    yield_now().await;
                    Err("broken")
                })
                .unwrap();
            Ok(())
        }));
        let outcome: Group<()> = loop {
            let waker = Waker::from(Arc::new(Panics));
            match group.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(outcome) => break outcome,
                Poll::Pending => yield_now().await,
            }
        };
        assert_eq!(texts(outcome), ["broken"]);
    });
}

#[test]
fn children_beyond_the_limit_wait_for_their_turn_in_order() {
    run(async {
        let (log, running) = (Log::default(), Rc::new(Cell::new(0)));
        let group = TaskGroup::<&str>::new().limit(2);
        let outcome = group.run(async |group| {
            for number in 0..6 {
                let (log, running) = (log.clone(), Rc::clone(&running));
                let child = async move {
                    log.add(format!("{number}"));
                    running.set(running.get() + 1);
                    assert!(running.get() <= 2);
                    sleep(SECOND * (number % 3)).await;
                    running.set(running.get() - 1);
                    Ok(())
                };
                group.start_soon(child).unwrap();
            }
            Ok(())
        });
        outcome.await.unwrap();
        assert_eq!(log.take(), ["0", "1", "2", "3", "4", "5"]);
    });
}

#[test]
fn a_child_that_is_cancelled_while_it_waits_for_its_turn_never_begins() {
    run(async {
        let log = Log::default();
        let group = TaskGroup::<&str>::new().limit(1);
        let outcome = group.run(async |group| {
            let child = |name: &'static str| {
                let log = log.clone();
                async move {
                    log.add(name);
                    sleep(SECOND).await;
                    Ok(())
                }
            };
            group.start_soon(child("first")).unwrap();
            let second = group.create_task(child("second")).unwrap();
            let third = group.create_task(child("third")).unwrap();
            group.start_soon(child("fourth")).unwrap();
            yield_now().await;
            second.cancel(); // in the queue
            yield_now().await;
            sleep(SECOND * 3 / 4).await;
            get_running_loop().call_later(SECOND / 4, move || {
                third.cancel(); // in the turn in which it is called, or before
            });
            Ok(())
        });
        outcome.await.unwrap();
        assert_eq!(log.take(), ["first", "fourth"]);
    });
}

#[test]
fn a_group_with_a_limit_that_fails_never_begins_the_rest() {
    run(async {
        let log = Log::default();
        let group = TaskGroup::<&str>::new().limit(1);
        let outcome: Group<Option<()>> = group
            .run(async |group| {
                group.start_soon(async { Err("broken") }).unwrap();
                let other = log.clone();
                group
                    .start_soon(async move {
                        yield_now().await;
                        other.add("the second begins, and is cancelled");
                        Ok(())
                    })
                    .unwrap();
                for _ in 0..100 {
                    group
                        .start_soon(async { unreachable!("never begins") })
                        .unwrap();
                }
                Ok(())
            })
            .await;
        assert_eq!(texts(outcome), ["broken"]);
        assert_eq!(log.take(), [""; 0]);
    });
}

#[test]
#[should_panic(expected = "limit of 0")]
fn a_limit_of_nothing_is_refused() {
    let (event_loop, _clock) = simulated();
    let main = event_loop.create_task(async { drop(TaskGroup::<&str>::new().limit(0)) });
    let error = event_loop.run_until_complete(main).unwrap().unwrap_err();
    panic!("{error}");
}

#[test]
#[should_panic(expected = "gets its limit before it runs")]
fn a_limit_comes_too_late_for_children_that_have_begun() {
    run(async {
        let outcome: Group<()> = task_group(async |group| {
            let _too_late = group.clone().limit(1);
            Ok(())
        })
        .await;
        outcome.unwrap();
    });
}

#[test]
fn a_group_is_empty_when_it_has_no_children() {
    run(async {
        let outcome: Group<_> = task_group(async |group| {
            assert!(group.is_empty());
            group.start_soon(async { Ok(()) }).unwrap();
            let mut lengths = Vec::new();
            for _ in 0..3 {
                lengths.push((group.len(), group.is_empty()));
                yield_now().await;
            }
            Ok(lengths)
        })
        .await;
        assert_eq!(outcome.unwrap(), [(1, false), (0, true), (0, true)]);
    });
}

#[test]
fn a_child_is_started_when_it_says_so() {
    run(async {
        let log = Log::default();
        let start = get_running_loop().time();
        let outcome: Group<()> = task_group(async |group| {
            let log = log.clone();
            let serve = async move |ready: Ready<u16>| {
                sleep(SECOND).await;
                ready.set(80);
                log.add("told");
                sleep(SECOND).await;
                log.add("served");
                Ok(())
            };
            assert_eq!(group.start(serve).await, Ok(80));
            assert_eq!(get_running_loop().time() - start, SECOND);
            Ok(())
        })
        .await;
        outcome.unwrap();
        assert_eq!(log.take(), ["told", "served"]);
    });
}

#[test]
fn a_child_that_ends_or_gives_up_before_it_is_ready_is_not_started() {
    run(async {
        let outcome: Group<()> = task_group(async |group| {
            let ends = async |_: Ready<()>| Ok(());
            assert_eq!(group.start(ends).await, Err(StartError::NeverReady));
            let gives_up = async |ready: Ready<()>| {
                drop(ready);
                sleep(SECOND).await;
                Ok(())
            };
            assert_eq!(group.start(gives_up).await, Err(StartError::NeverReady));
            Ok(())
        })
        .await;
        outcome.unwrap();
        let closed = TaskGroup::<&str>::new();
        let never = async |_: Ready<()>| Ok(());
        assert_eq!(closed.start(never).await, Err(StartError::Closed));
    });
}

/// The starter is cancelled by the group, before it could make an error of its own of it.
#[test]
fn a_child_that_fails_before_it_is_ready_fails_the_group_alone() {
    run(async {
        let outcome: Group<()> = task_group(async |group| {
            let fails = async |_: Ready<()>| Err("no port");
            let started = group.start(fails).await;
            started.map_err(|_| "not started")
        })
        .await;
        assert_eq!(texts(outcome), ["no port"]);
    });
}

#[test]
fn a_start_that_is_cancelled_cancels_the_child() {
    run(async {
        let log = Log::default();
        let inner = log.clone();
        let task = create_task(async move {
            let _never: Group<()> = task_group(async |group| {
                let never_ready = async move |ready: Ready<()>| {
                    let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
                    sleep(SECOND).await;
                    inner.add("cleaned up");
                    drop(ready);
                    cancelled.reraise().await
                };
                let caught = catch_cancelled(group.start(never_ready)).await;
                assert!(caught.is_err());
                sleep(SECOND * 2).await;
                Ok(())
            })
            .await;
        });
        sleep(SECOND).await;
        task.cancel();
        task.await.unwrap();
        assert_eq!(log.take(), ["cleaned up"]);
    });
}

/// What is orphaned in a body or a child is waited for, and not cancelled.
#[test]
fn a_group_waits_for_orphaned_clean_ups() {
    run(async {
        let (log, start) = (Log::default(), get_running_loop().time());
        let orphans = async |log: Log, name| {
            let clean_up = finally(pending::<()>(), move || async move {
                sleep(SECOND).await;
                log.add(name);
            });
            // The loser is dropped with its clean-up to do.
            futures_lite::future::or(clean_up, yield_now()).await;
        };
        let outcome: Group<()> = task_group(async |group| {
            let child = log.clone();
            group
                .start_soon(async move {
                    orphans(child, "of a child").await;
                    Ok(())
                })
                .unwrap();
            orphans(log.clone(), "of the body").await;
            yield_now().await;
            assert_eq!(get_running_loop().spawner().clean_ups().len(), 2);
            Err("the children are cancelled now")
        })
        .await;
        assert_eq!(texts(outcome).len(), 1);
        assert_eq!(log.take(), ["of the body", "of a child"]);
        assert_eq!(get_running_loop().time() - start, SECOND);
    });
}
