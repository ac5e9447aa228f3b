//! Task groups: children, failures, and what the group returns. After CPython's `TestTaskGroup`.

mod turns;

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use asyncio_executor::{Task, catch_cancelled, yield_now};
use asyncio_futures::{
    ChildFailed, ErrorGroup, GroupError, TaskGroup, TaskGroupClosed, task_group,
};
use asyncio_loop::sleep;
use turns::{Log, SECOND, me, run, simulated, texts, turn};

async fn fails(error: &'static str) -> Result<(), &'static str> {
    Err(error)
}

#[test]
fn children_run_and_are_waited_for() {
    run(async {
        let log = Log::default();
        let (first, second) = (log.clone(), log.clone());
        let outcome = task_group(async |group| {
            let one = group.create_task(async move {
                sleep(SECOND * 2).await;
                first.add("one");
                Ok(1)
            });
            let two = group.create_task(async move {
                sleep(SECOND).await;
                second.add("two");
                Ok("2")
            });
            log.add("body ends");
            Ok::<_, &str>((one.unwrap(), two.unwrap()))
        });
        let (one, two) = outcome.await.unwrap();
        assert!(one.done() && two.done());
        assert_eq!((one.await.unwrap(), two.await.unwrap()), (Ok(1), Ok("2")));
        assert_eq!(log.take(), ["body ends", "two", "one"]);
    });
}

/// SPEC 0.6: a group without children costs no turn, one with a child that is ready three.
#[test]
fn a_group_takes_as_many_turns_as_in_asyncio() {
    run(async {
        let before = turn();
        task_group(async |_| Ok::<_, &str>(())).await.unwrap();
        assert_eq!(turn() - before, 0);
        task_group(async |group| {
            group.start_soon(async { Ok::<_, &str>(()) }).unwrap();
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(turn() - before, 3);
    });
}

#[test]
fn a_failing_child_cancels_the_others_in_their_order_then_the_body() {
    run(async {
        let log = Log::default();
        let outcome = task_group(async |group| {
            for name in ["a", "b", "c"] {
                let log = log.clone();
                let child = async move {
                    let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
                    log.add(name);
                    cancelled.reraise().await
                };
                group.start_soon(child).unwrap();
            }
            group.start_soon(fails("broken")).unwrap();
            let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
            log.add("body");
            assert_eq!(me().cancelling(), 1);
            cancelled.reraise().await
        });
        let outcome: Result<(), _> = outcome.await;
        assert_eq!(texts(outcome), ["broken"]);
        assert_eq!(log.take(), ["a", "b", "c", "body"]);
        assert_eq!(me().cancelling(), 0);
        yield_now().await; // no request is left behind
    });
}

#[test]
fn errors_come_in_the_order_of_the_failures_and_the_bodys_last() {
    run(async {
        let outcome: Result<(), _> = task_group(async |group| {
            let late = async |seconds: u32, error| {
                let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
                sleep(SECOND * seconds).await;
                drop(cancelled);
                Err(error)
            };
            group.start_soon(late(2, "second")).unwrap();
            group.start_soon(late(1, "first")).unwrap();
            yield_now().await;
            Err("body")
        })
        .await;
        assert_eq!(texts(outcome), ["first", "second", "body"]);
    });
}

#[test]
fn an_error_of_the_body_alone_cancels_the_children() {
    run(async {
        let child = Rc::new(Cell::new(None));
        let outcome: Result<(), _> = task_group(async |group| {
            child.set(Some(group.create_task(pending::<Result<(), _>>()).unwrap()));
            sleep(SECOND).await;
            Err("body")
        })
        .await;
        assert_eq!(texts(outcome), ["body"]);
        assert!(child.take().unwrap().cancelled());
    });
}

#[test]
fn a_child_that_is_cancelled_is_no_failure() {
    run(async {
        let outcome = task_group(async |group| {
            let child = group.create_task(pending::<Result<(), &str>>()).unwrap();
            let other = group.create_task(async {
                sleep(SECOND).await;
                Ok("goes on")
            });
            yield_now().await;
            child.cancel();
            Ok((child, other.unwrap()))
        });
        let (child, other) = outcome.await.unwrap();
        assert!(child.cancelled());
        assert_eq!(other.await.unwrap(), Ok("goes on"));
    });
}

#[test]
fn a_failing_child_whose_cancellation_is_undelivered_fails_the_group() {
    run(async {
        let outcome: Result<(), _> = task_group(async |group| {
            group
                .start_soon(async {
                    me().cancel();
                    Err("wins")
                })
                .unwrap();
            Ok(())
        })
        .await;
        assert_eq!(texts(outcome), ["wins"]);
    });
}

#[test]
fn a_panic_of_a_child_is_an_error_of_the_group() {
    run(async {
        let outcome = task_group(async |group| {
            let task = group
                .create_task::<(), _>(async { panic!("broken") })
                .unwrap();
            let _value = task.await;
            Ok::<_, &str>(())
        });
        let errors = outcome.await.unwrap_err().into_errors();
        let [GroupError::Panicked(payload)] = &errors[..] else {
            panic!("{errors:?}");
        };
        assert_eq!(payload.message().as_deref(), Some("broken"));
    });
}

/// asyncio: a base error of the body is raised bare, once every child has ended.
#[test]
fn a_panic_of_the_body_goes_on_when_every_child_has_ended() {
    let (event_loop, _clock) = simulated();
    let log = Log::default();
    let inner = log.clone();
    let main = event_loop.create_task(async move {
        let _never = task_group(async |group| {
            group
                .start_soon(async move {
                    let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
                    sleep(SECOND).await;
                    inner.add("cleaned up");
                    cancelled.reraise().await
                })
                .unwrap();
            yield_now().await;
            panic!("body");
            #[expect(unreachable_code, reason = "says the type")]
            Ok::<(), &str>(())
        })
        .await;
    });
    let error = event_loop.run_until_complete(main).unwrap().unwrap_err();
    assert!(error.to_string().contains("body"));
    assert_eq!(log.take(), ["cleaned up"]);
}

#[test]
fn errors_that_lose_against_a_panic_are_reported() {
    let (event_loop, _clock) = simulated();
    let log = Log::default();
    let told = log.clone();
    event_loop.set_exception_handler(Some(Rc::new(move |context| {
        told.add(context.to_string());
    })));
    let main = event_loop.create_task(async {
        let _never = task_group(async |group| {
            group.start_soon(fails("lost")).unwrap();
            let _swallowed = catch_cancelled(pending::<()>()).await;
            panic!("body");
            #[expect(unreachable_code, reason = "says the type")]
            Ok::<(), &str>(())
        })
        .await;
    });
    assert!(event_loop.run_until_complete(main).unwrap().is_err());
    let told = log.take();
    let expected = "a child of a task group failed, and a panic of the group's body goes on";
    assert!(told[0].starts_with(expected), "{told:?}");
    assert!(told[0].contains("an error of type `&str`"), "{told:?}");
    assert_eq!(told.len(), 1);
}

/// asyncio: the body that awaits the child that fails is cancelled there, and does not see the
/// error.
#[test]
fn a_body_that_awaits_the_failing_child_is_cancelled() {
    run(async {
        let outcome: Result<(), _> = task_group(async |group| {
            let child = group.create_task(fails("broken")).unwrap();
            let _never = child.await;
            unreachable!("the request comes first");
        })
        .await;
        assert_eq!(texts(outcome), ["broken"]);
    });
}

#[test]
fn the_handle_of_a_failed_child_says_that_the_group_has_the_error() {
    run(async {
        let mut kept = None;
        let outcome: Result<(), _> = task_group(async |group| {
            kept = Some(group.create_task(fails("broken")).unwrap());
            Ok(())
        })
        .await;
        assert_eq!(texts(outcome), ["broken"]);
        let child = kept.unwrap();
        assert!(!child.cancelled());
        assert_eq!(child.await.unwrap(), Err(ChildFailed));
    });
}

#[test]
fn a_body_may_swallow_the_groups_cancellation_but_not_its_errors() {
    run(async {
        let outcome = task_group(async |group| {
            group.start_soon(fails("broken")).unwrap();
            let _swallowed = catch_cancelled(pending::<()>()).await;
            assert_eq!(me().cancelling(), 1);
            sleep(SECOND).await; // goes on undisturbed
            Ok("value")
        });
        assert_eq!(texts(outcome.await), ["broken"]);
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn a_child_may_make_children_also_while_the_group_waits() {
    run(async {
        let log = Log::default();
        task_group(async |group: TaskGroup<&str>| {
            let (log, inner) = (log.clone(), group.clone());
            group
                .start_soon(async move {
                    sleep(SECOND).await;
                    inner
                        .start_soon(async move {
                            sleep(SECOND).await;
                            log.add("grandchild");
                            Ok(())
                        })
                        .unwrap();
                    Ok(())
                })
                .unwrap();
            Ok(())
        })
        .await
        .unwrap();
        assert_eq!(log.take(), ["grandchild"]);
    });
}

/// Counts how many futures were dropped.
struct Dropped(Rc<Cell<u32>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_child_is_refused_before_after_and_while_the_group_fails() {
    run(async {
        let dropped = Rc::new(Cell::new(0));
        let child = || {
            let dropped = Dropped(Rc::clone(&dropped));
            async move {
                drop(dropped);
                unreachable!("never runs")
            }
        };
        let group = TaskGroup::<&str>::new();
        assert_eq!(group.start_soon(child()), Err(TaskGroupClosed));
        let late = group.clone();
        let outcome: Result<Option<()>, _> = group
            .run(async |group| {
                group.start_soon(fails("broken")).unwrap();
                let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
                assert_eq!(group.start_soon(child()), Err(TaskGroupClosed));
                cancelled.reraise().await
            })
            .await;
        assert_eq!(texts(outcome), ["broken"]);
        assert_eq!(late.start_soon(child()), Err(TaskGroupClosed));
        assert_eq!(dropped.get(), 3);
    });
}

#[test]
#[should_panic(expected = "once only")]
fn a_group_runs_once() {
    let (event_loop, _clock) = simulated();
    let main = event_loop.create_task(async {
        let group = TaskGroup::<&str>::new();
        group.run(async |_| Ok(())).await.unwrap();
        let _panics = group.run(async |_| Ok(())).await;
    });
    let error = event_loop.run_until_complete(main).unwrap().unwrap_err();
    panic!("{error}");
}

#[test]
fn nested_groups_fail_from_inside_out() {
    run(async {
        let outcome: Result<(), ErrorGroup<String>> = task_group(async |outer| {
            outer.start_soon(pending()).unwrap();
            let inner: Result<(), ErrorGroup<&str>> = task_group(async |group| {
                group.start_soon(fails("inner")).unwrap();
                pending().await
            })
            .await;
            Err(inner.unwrap_err().to_string())
        })
        .await;
        let text = outcome.unwrap_err().to_string();
        assert_eq!(text, "task group failed: task group failed: inner");
    });
}

#[test]
fn an_outer_failure_ends_the_inner_group_first() {
    run(async {
        let log = Log::default();
        let outcome: Result<(), _> = task_group(async |outer| {
            outer
                .start_soon(async {
                    sleep(SECOND).await;
                    Err("outer")
                })
                .unwrap();
            let inner = task_group(async |group| {
                let log = log.clone();
                group
                    .start_soon(async move {
                        let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
                        sleep(SECOND).await;
                        log.add("inner child");
                        cancelled.reraise().await
                    })
                    .unwrap();
                Ok::<_, &str>(())
            });
            let _never = inner.await;
            unreachable!("the outer group's request goes through");
        })
        .await;
        assert_eq!(texts(outcome), ["outer"]);
        assert_eq!(log.take(), ["inner child"]);
        assert_eq!(me().cancelling(), 0);
    });
}

#[test]
fn a_thousand_children_fail_at_once() {
    run(async {
        let outcome: Result<(), _> = task_group(async |group| {
            for _ in 0..1000 {
                group.start_soon(fails("x")).unwrap();
            }
            Ok(())
        })
        .await;
        // All were in the same turn; those whose turn had come failed, as in asyncio.
        let group = outcome.unwrap_err();
        assert_eq!(group.errors().len(), 1000);
        assert!(group.to_string().ends_with("and 992 more"));
    });
}

#[test]
fn memory_is_that_of_the_children_alive() {
    run(async {
        task_group(async |group: TaskGroup<&str>| {
            for _ in 0..1000 {
                group.start_soon(async { Ok(()) }).unwrap();
                sleep(SECOND).await;
                assert!(group.is_empty());
            }
            Ok(())
        })
        .await
        .unwrap();
    });
}

#[test]
fn children_have_names_and_contexts() {
    use asyncio_executor::{Context, ContextVar};
    static NAME: ContextVar<&str> = ContextVar::new("name");
    run(async {
        let context = Context::new();
        context.run(|| NAME.set("given"));
        let outcome = task_group(async |group| {
            let task: Task<Result<&str, _>> = group
                .build_task()
                .name("child")
                .context(context)
                .spawn(async { Ok::<_, &str>(NAME.get().unwrap()) })
                .unwrap();
            assert_eq!(task.get_name(), "child");
            Ok(task)
        });
        assert_eq!(outcome.await.unwrap().await.unwrap(), Ok("given"));
    });
}

/// In a group of `io::Error` every error that a group makes passes a `?`.
#[test]
fn in_a_group_of_io_errors_every_question_mark_works() {
    use std::io;
    let outcome: Result<u32, ErrorGroup<io::Error>> = run(task_group(async |group| {
        let child = group.create_task(async { Ok(42) })?;
        Ok(child.await??)
    }));
    assert_eq!(outcome.unwrap(), 42);
}
