//! Task groups and cancellation: from outside, by themselves, and by what drops them.

mod turns;

use std::future::pending;
use std::rc::Rc;

use asyncio_executor::{TaskError, catch_cancelled, yield_now};
use asyncio_futures::{ErrorGroup, TaskGroup, TimeoutError, task_group, timeout};
use asyncio_loop::{EventLoop, create_task, get_running_loop, sleep};
use turns::{Log, SECOND, cleans_up, me, run, simulated, since, texts};

type Group<T> = Result<T, ErrorGroup<&'static str>>;

/// As `cleans_up`, and fails then.
async fn fails_late(seconds: u32, error: &'static str) -> Result<(), &'static str> {
    let _swallowed = catch_cancelled(pending::<()>()).await;
    sleep(SECOND * seconds).await;
    Err(error)
}

#[test]
fn a_cancelled_group_drops_its_body_cancels_its_children_and_waits_h4() {
    run(async {
        let (log, start) = (Log::default(), get_running_loop().time());
        let inner = log.clone();
        let task = create_task(async move {
            let group: Group<()> = task_group(async |group| {
                group.start_soon(cleans_up(inner.clone(), "a", 2)).unwrap();
                group.start_soon(cleans_up(inner.clone(), "b", 1)).unwrap();
                cleans_up(inner, "body", 0).await
            })
            .await;
            group.unwrap();
        });
        yield_now().await;
        yield_now().await;
        task.cancel_with("outside");
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "task was cancelled: outside");
        assert_eq!(log.take(), ["body", "b", "a"]);
        assert_eq!(since(start), 2);
    });
}

/// While it waits for children, after its body has ended.
#[test]
fn a_group_is_cancelled_while_it_waits_h4() {
    run(async {
        let log = Log::default();
        let inner = log.clone();
        let task = create_task(async move {
            let _never: Group<()> = task_group(async |group| {
                group.start_soon(cleans_up(inner, "child", 1)).unwrap();
                Ok(())
            })
            .await;
            unreachable!("the cancellation goes on outwards");
        });
        sleep(SECOND).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["child"]);
    });
}

/// gh-155433: also when the request comes while the group waits for what it has cancelled itself.
#[test]
fn a_cancellation_of_a_group_that_is_failing_is_made_anew_h4() {
    run(async {
        let log = Log::default();
        let inner = log.clone();
        let task = create_task(async move {
            let outcome: Group<()> = task_group(async |group| {
                group
                    .start_soon(cleans_up(inner.clone(), "child", 2))
                    .unwrap();
                group.start_soon(async { Err("broken") }).unwrap();
                Ok(())
            })
            .await;
            assert_eq!(texts(outcome), ["broken"]);
            assert_eq!(me().cancelling(), 1);
            inner.add("after");
            yield_now().await;
            unreachable!("the request is answered at the next await");
        });
        sleep(SECOND).await;
        task.cancel_with("outside");
        let error = task.await.unwrap_err();
        assert_eq!(error.to_string(), "task was cancelled: outside");
        assert_eq!(log.take(), ["child", "after"]);
    });
}

#[test]
fn a_child_that_fails_when_the_group_is_cancelled_replaces_the_cancellation_h4() {
    run(async {
        let task = create_task(async {
            let outcome: Group<()> = task_group(async |group| {
                group.start_soon(fails_late(1, "late")).unwrap();
                pending().await
            })
            .await;
            assert_eq!(texts(outcome), ["late"]);
            assert_eq!(me().cancelling(), 1);
            let caught = catch_cancelled(sleep(SECOND)).await;
            assert_eq!(caught.unwrap_err().message(), Some("outside"));
            "goes on"
        });
        yield_now().await;
        yield_now().await;
        task.cancel_with("outside");
        assert_eq!(task.await.unwrap(), "goes on");
    });
}

/// Both in one turn: the failure is the outcome, and the request is not lost.
#[test]
fn a_failure_and_a_cancellation_in_one_turn_h4() {
    run(async {
        let task = create_task(async {
            let outcome: Group<()> = task_group(async |group| {
                group
                    .start_soon(async {
                        sleep(SECOND).await;
                        Err("broken")
                    })
                    .unwrap();
                pending().await
            })
            .await;
            assert_eq!(texts(outcome), ["broken"]);
            assert_eq!(me().cancelling(), 1);
            sleep(SECOND).await;
            unreachable!("the request is answered at the next await");
        });
        let reference = task.task_ref();
        yield_now().await;
        yield_now().await;
        let soon = get_running_loop().time() + SECOND;
        get_running_loop().call_at(soon, move || {
            reference.cancel();
        });
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

/// asyncio: the group waits for what it cancels on account of the error, and a cancellation that
/// comes meanwhile is made anew.
#[test]
fn a_bodys_error_is_not_lost_to_a_cancellation_that_comes_after_it_h4() {
    run(async {
        let log = Log::default();
        let inner = log.clone();
        let task = create_task(async move {
            let failed: Group<()> = task_group(async |group| {
                group
                    .start_soon(cleans_up(inner.clone(), "child", 2))
                    .unwrap();
                yield_now().await;
                Err("body")
            })
            .await;
            inner.add(texts(failed).concat());
            sleep(SECOND).await;
            unreachable!("the cancellation is made anew");
        });
        sleep(SECOND).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["child", "body"]);
    });
}

/// The body catches the cancellation and goes on: then the group does, too.
#[test]
fn a_body_that_swallows_a_cancellation_goes_on_h4() {
    run(async {
        let task = create_task(async {
            let outcome: Group<_> = task_group(async |group| {
                let child = group.create_task(async {
                    sleep(SECOND * 2).await;
                    Ok("child")
                });
                assert!(catch_cancelled(pending::<()>()).await.is_err());
                assert_eq!(me().cancelling(), 1);
                assert_eq!(me().uncancel(), 0);
                Ok(child.unwrap())
            })
            .await;
            outcome.unwrap().await.unwrap().unwrap()
        });
        sleep(SECOND).await;
        task.cancel();
        assert_eq!(task.await.unwrap(), "child");
    });
}

#[test]
fn nested_groups_are_both_cancelled_and_both_fail_h4() {
    run(async {
        let task = create_task(async {
            let outer: Group<()> = task_group(async |group| {
                group.start_soon(fails_late(2, "outer")).unwrap();
                let inner: Group<()> = task_group(async |group| {
                    group.start_soon(fails_late(1, "inner")).unwrap();
                    pending().await
                })
                .await;
                assert_eq!(texts(inner), ["inner"]);
                // What the inner group has made anew ends this body.
                pending().await
            })
            .await;
            assert_eq!(texts(outer), ["outer"]);
            assert_eq!(me().cancelling(), 1);
            me().uncancel();
            yield_now().await; // withdrawn
        });
        yield_now().await;
        yield_now().await;
        task.cancel();
        task.await.unwrap();
    });
}

/// gh-116720: a failing child of a group inside a cancelled one leaves the counts as they were.
#[test]
fn the_counts_are_what_they_were_h4() {
    run(async {
        let task = create_task(async {
            let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(me().cancelling(), 1);
            // In the clean-up of a cancelled task.
            let outcome: Group<()> = task_group(async |group| {
                group.start_soon(async { Err("broken") }).unwrap();
                pending().await
            })
            .await;
            assert_eq!(texts(outcome), ["broken"]);
            assert_eq!(me().cancelling(), 1);
            yield_now().await; // nothing was made anew: the old request had been answered
            let group = TaskGroup::<&str>::new();
            let outcome = group.run(async |group| {
                group.cancel();
                pending::<Result<(), _>>().await
            });
            assert_eq!(outcome.await.unwrap(), None);
            assert_eq!(me().cancelling(), 1);
            cancelled.reraise().await;
        });
        yield_now().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_timeout_around_a_group_converts_its_own_request_h4() {
    run(async {
        let (log, start) = (Log::default(), get_running_loop().time());
        let outcome = timeout(
            SECOND,
            task_group(async |group: TaskGroup<&str>| {
                group
                    .start_soon(cleans_up(log.clone(), "child", 2))
                    .unwrap();
                pending::<Result<(), _>>().await
            }),
        )
        .await;
        assert!(matches!(outcome, Err(TimeoutError)));
        assert_eq!((log.take(), since(start)), (vec!["child".to_owned()], 3));
        assert_eq!(me().cancelling(), 0);
    });
}

/// The group's error replaces the cancellation, and comes through the timeout as a value.
#[test]
fn an_error_comes_through_a_timeout_that_has_expired_h4() {
    run(async {
        let outcome = timeout(
            SECOND,
            task_group(async |group| {
                group.start_soon(fails_late(1, "late")).unwrap();
                pending::<Result<(), _>>().await
            }),
        )
        .await;
        assert_eq!(texts(outcome.unwrap()), ["late"]);
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn a_group_that_cancels_itself_inside_a_timeout_that_expires_h4() {
    run(async {
        // The group first, and then the timeout, while the clean-up runs.
        let log = Log::default();
        let body = async {
            let _never: Group<()> = task_group(async |group| {
                group
                    .start_soon(cleans_up(log.clone(), "child", 3))
                    .unwrap();
                yield_now().await;
                group.cancel();
                pending().await
            })
            .await;
            unreachable!("the timeout's request is not the group's");
        };
        assert_eq!(timeout(SECOND, body).await, Err(TimeoutError));
        assert_eq!(log.take(), ["child"]);
        assert_eq!(me().cancelling(), 0);

        // Both in one turn.
        let group = TaskGroup::<&str>::new();
        let stop = group.clone();
        get_running_loop().call_later(SECOND, move || stop.cancel());
        let body = group.run(async |_| pending::<Result<(), _>>().await);
        assert!(timeout(SECOND, body).await.is_err());
        assert_eq!(me().cancelling(), 0);
        sleep(SECOND).await;
    });
}

#[test]
fn a_group_can_be_cancelled_from_its_body_a_child_and_outside_h4() {
    run(async {
        let start = get_running_loop().time();
        let outcome: Group<()> = task_group(async |group| {
            group.start_soon(pending()).unwrap();
            group.cancel();
            group.cancel();
            sleep(SECOND).await;
            unreachable!("the body is cancelled here");
        })
        .await;
        assert!(outcome.unwrap_err().is_cancelled());

        let group = TaskGroup::<&str>::new();
        let outcome = group.run(async |group| {
            let stop = group.clone();
            group
                .start_soon(async move {
                    stop.cancel();
                    Ok(())
                })
                .unwrap();
            group.start_soon(pending()).unwrap();
            Ok("body")
        });
        assert_eq!(outcome.await.unwrap(), Some("body"));

        let group = TaskGroup::<&str>::new();
        let stop = group.clone();
        let stopper = create_task(async move {
            yield_now().await;
            stop.cancel();
        });
        let outcome = group.run(async |_| pending::<Result<(), _>>().await).await;
        assert_eq!(outcome.unwrap(), None);
        stopper.await.unwrap();
        group.cancel(); // after the end: nothing
        assert_eq!((since(start), me().cancelling()), (0, 0));
        yield_now().await;
    });
}

/// asyncio: the body runs to its first wait then.
#[test]
fn a_group_can_be_cancelled_before_it_runs_h4() {
    run(async {
        let log = Log::default();
        let group = TaskGroup::<&str>::new();
        group.cancel();
        let outcome = group.run(async |group| {
            log.add("begins");
            assert!(group.start_soon(pending()).is_err());
            yield_now().await;
            log.add("never");
            Ok(())
        });
        assert_eq!(outcome.await.unwrap(), None);
        assert_eq!(log.take(), ["begins"]);

        let group = TaskGroup::<&str>::new();
        group.cancel();
        assert_eq!(
            group.run(async |_| Ok("at once")).await.unwrap(),
            Some("at once")
        );
        yield_now().await; // nothing is left of the request
    });
}

/// A body that cancels its group and then returns without a wait has its value returned.
#[test]
fn a_request_of_the_group_that_its_body_never_meets_is_withdrawn_h4() {
    run(async {
        let outcome: Group<_> = task_group(async |group| {
            yield_now().await;
            group.cancel();
            Ok("value")
        })
        .await;
        assert_eq!(outcome.unwrap(), "value");
        assert_eq!(me().cancelling(), 0);
        yield_now().await;
    });
}

#[test]
fn a_task_cancelled_before_its_group_waits_is_cancelled_h4() {
    run(async {
        let task = create_task(async {
            let _never: Group<()> = task_group(async |group| {
                group.start_soon(pending()).unwrap();
                me().cancel();
                Ok(())
            })
            .await;
            unreachable!("answered while the group waits");
        });
        assert!(matches!(task.await, Err(TaskError::Cancelled(_))));
    });
}

/// Several requests while it waits: the children are cancelled once.
#[test]
fn repeated_requests_do_not_disturb_the_clean_up_of_children_h4() {
    run(async {
        let log = Log::default();
        let inner = log.clone();
        let task = create_task(async move {
            let _never: Group<()> = task_group(async |group| {
                group.start_soon(cleans_up(inner, "child", 5)).unwrap();
                pending().await
            })
            .await;
        });
        for count in 1..=3 {
            sleep(SECOND).await;
            task.cancel();
            assert_eq!(task.cancelling(), count);
        }
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["child"]);
    });
}

/// A foreign combinator cannot wait: the children are cancelled, and end by themselves.
#[test]
fn a_group_that_is_dropped_cancels_its_children() {
    let (event_loop, _clock) = simulated();
    let log = Log::default();
    let told = log.clone();
    event_loop.set_exception_handler(Some(Rc::new(move |context| {
        told.add(context.to_string());
    })));
    let inner = log.clone();
    event_loop
        .run_until_complete(async {
            let group = task_group(async |group| {
                group.start_soon(cleans_up(inner, "cleaned up", 1)).unwrap();
                group.start_soon(fails_late(2, "late")).unwrap();
                pending::<Result<(), &str>>().await
            });
            let mut group = Box::pin(group);
            assert!(futures_lite::future::poll_once(&mut group).await.is_none());
            yield_now().await;
            drop(group);
            sleep(SECOND * 3).await;
        })
        .unwrap();
    let told = log.take();
    assert_eq!(told[0], "cleaned up");
    assert!(told[1].contains("nobody waits for the group any more"));
    assert_eq!((told.len(), event_loop.spawner().scope_count()), (2, 0));
}

#[test]
fn a_loop_closes_with_a_group_in_it() {
    let event_loop = EventLoop::new().unwrap();
    let log = Log::default();
    let inner = log.clone();
    let task = event_loop.create_task(async move {
        let _never: Group<()> = task_group(async |group| {
            group.start_soon(cleans_up(inner, "never", 1)).unwrap();
            pending().await
        })
        .await;
    });
    event_loop.run_until_complete(yield_now()).unwrap();
    event_loop.close();
    assert!(task.cancelled());
    assert_eq!(log.take(), [""; 0]);
}

/// As in asyncio the exception is stronger.
#[test]
fn a_child_that_fails_with_a_request_undelivered_has_failed_h4() {
    run(async {
        let failed: Group<()> = task_group(async |group| {
            let child = group.create_task(async {
                me().cancel();
                Err::<(), _>("stronger")
            });
            let child = child.unwrap().await;
            assert!(matches!(child, Ok(Err(_))), "{child:?}");
            Ok(())
        })
        .await;
        assert_eq!(texts(failed), ["stronger"]);
    });
}

/// The request that was there before the group is made anew as well.
#[test]
fn a_group_that_fails_lets_an_earlier_request_be_answered_after_it_h4() {
    run(async {
        let task = create_task(async {
            me().cancel();
            let failed: Group<()> = task_group(async |group| {
                group.start_soon(async { Err("child") }).unwrap();
                Ok(())
            })
            .await;
            assert_eq!(texts(failed), ["child"]);
            sleep(SECOND).await;
            unreachable!("cancelled here");
        });
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

/// asyncio: it cancels the wait, which looks again in the next turn.
#[test]
fn a_failure_while_the_group_waits_lets_it_look_again_h4() {
    run(async {
        let log = Log::default();
        let inner = log.clone();
        let failed: Group<()> = task_group(async |group| {
            group
                .start_soon(async move {
                    yield_now().await;
                    get_running_loop().call_soon(move || {
                        let later = move || inner.add("two turns after the last child");
                        get_running_loop().call_soon(later);
                    });
                    Ok(())
                })
                .unwrap();
            group.start_soon(async { Err("first") }).unwrap();
            Ok(())
        })
        .await;
        log.add(texts(failed).concat());
        sleep(SECOND).await;
        assert_eq!(log.take(), ["first", "two turns after the last child"]);
    });
}
