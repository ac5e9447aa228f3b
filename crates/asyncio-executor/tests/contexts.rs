//! Context variables: values that follow the flow of work.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc;

use asyncio_executor::{
    Context, ContextVar, Executor, SendContext, Spawner, TokenError, yield_now,
};

static NUMBER: ContextVar<u32> = ContextVar::new("number");
static TEXT: ContextVar<String> = ContextVar::new("text");
static SHARED: ContextVar<u32> = ContextVar::shared("shared");

/// Sets without the token: the value stays.
fn set<T: Clone + 'static>(var: &ContextVar<T>, value: T) {
    drop(var.set(value));
}

/// Runs in an empty context, so that tests of one thread do not see each other.
fn clean<R>(f: impl FnOnce() -> R) -> R {
    Context::new().run(f)
}

#[test]
fn set_get_reset() {
    clean(|| {
        assert_eq!(NUMBER.get(), None);
        let first = NUMBER.set(1);
        let second = NUMBER.set(2);
        assert_eq!(NUMBER.get(), Some(2));
        NUMBER.reset(second).unwrap();
        assert_eq!(NUMBER.get(), Some(1));
        NUMBER.reset(first).unwrap();
        assert_eq!(NUMBER.get(), None);
        assert_eq!(NUMBER.name(), "number");
        assert!(format!("{NUMBER:?}").contains("number"));
    });
}

#[test]
fn variables_are_told_apart_by_declaration_not_by_name() {
    clean(|| {
        let twins = [
            ContextVar::<u32>::new("twin"),
            ContextVar::<u32>::new("twin"),
        ];
        set(&twins[0], 1);
        assert_eq!(twins[1].get(), None);
        set(&twins[1], 2);
        assert_eq!((twins[0].get(), twins[1].get()), (Some(1), Some(2)));
    });
}

#[test]
fn a_token_of_another_variable_is_refused() {
    clean(|| {
        let twins = [
            ContextVar::<u32>::new("one"),
            ContextVar::<u32>::new("other"),
        ];
        let token = twins[0].set(1);
        set(&twins[1], 2);
        assert_eq!(twins[1].reset(token), Err(TokenError::OtherVariable));
        assert_eq!((twins[0].get(), twins[1].get()), (Some(1), Some(2)));
        let text = TokenError::OtherVariable.to_string();
        assert_eq!(text, "token was created by a different variable");
    });
}

#[test]
fn a_token_of_another_context_is_refused() {
    clean(|| {
        let token = NUMBER.set(1);
        Context::copy_current().run(|| {
            assert_eq!(NUMBER.reset(token), Err(TokenError::OtherContext));
            assert_eq!(NUMBER.get(), Some(1));
        });
        assert_eq!(NUMBER.get(), Some(1));
    });
}

#[test]
fn what_is_set_in_a_copy_stays_there() {
    clean(|| {
        set(&NUMBER, 1);
        let copy = Context::copy_current();
        let copy_of_copy = copy.copy();
        let same = copy.clone();
        copy.run(|| {
            set(&NUMBER, 2);
            set(&TEXT, "two".into());
        });
        assert_eq!((NUMBER.get(), TEXT.get()), (Some(1), None));
        assert_eq!(
            (copy.get(&NUMBER), copy.get(&TEXT)),
            (Some(2), Some("two".into()))
        );
        assert_eq!((same.len(), copy_of_copy.len()), (2, 1));
        assert_eq!(copy_of_copy.get(&NUMBER), Some(1));
        assert!(Context::new().is_empty() && !copy.is_empty());
    });
}

#[test]
fn a_run_restores_the_context_also_when_it_panics() {
    clean(|| {
        set(&NUMBER, 1);
        let inner = Context::new();
        let run = || {
            inner.run(|| {
                assert_eq!(NUMBER.get(), None);
                set(&NUMBER, 2);
                Context::new().run(|| assert_eq!(NUMBER.get(), None));
                assert_eq!(NUMBER.get(), Some(2));
                inner.run(|| set(&NUMBER, 3)); // entered again
                panic!("inside");
            });
        };
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert_eq!(NUMBER.get(), Some(1));
        assert_eq!(inner.get(&NUMBER), Some(3));
    });
}

#[test]
fn a_task_has_a_copy_from_when_it_was_made() {
    clean(|| {
        let executor = Executor::new();
        set(&NUMBER, 1);
        let task = executor.create_task(async {
            let first = NUMBER.get();
            set(&NUMBER, 10);
            yield_now().await;
            (first, NUMBER.get())
        });
        set(&NUMBER, 2);
        let other = executor.create_task(async {
            yield_now().await;
            NUMBER.get()
        });
        set(&NUMBER, 3);
        executor.run_until_stalled();
        assert_eq!(task.into_result().unwrap().unwrap(), (Some(1), Some(10)));
        assert_eq!(other.into_result().unwrap().unwrap(), Some(2));
        assert_eq!(NUMBER.get(), Some(3));
    });
}

#[test]
fn a_context_given_to_the_builder_is_used_as_it_is() {
    clean(|| {
        let executor = Executor::new();
        let context = Context::new();
        let task = |value| {
            let builder = executor.build_task().context(context.clone());
            builder.spawn(async move {
                let seen = NUMBER.get();
                set(&NUMBER, value);
                seen
            })
        };
        let tasks = [task(1), task(2)];
        executor.run_until_stalled();
        let seen = tasks.map(|task| task.into_result().unwrap().unwrap());
        assert_eq!(seen, [None, Some(1)]);
        assert_eq!(context.get(&NUMBER), Some(2));
        assert_eq!(NUMBER.get(), None);
    });
}

#[test]
fn callbacks_and_done_callbacks_run_in_copies_of_their_own() {
    clean(|| {
        let executor = Executor::new();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let task = executor.create_task(async {});
        for value in 1..=2 {
            set(&NUMBER, value);
            for _ in 0..2 {
                let (soon, done) = (seen.clone(), seen.clone());
                executor.call_soon(move || {
                    soon.borrow_mut().push(NUMBER.get());
                    set(&NUMBER, 70);
                });
                task.add_done_callback(move |_| {
                    done.borrow_mut().push(NUMBER.get());
                    set(&NUMBER, 80);
                });
            }
        }
        set(&NUMBER, 3);
        executor.run_until_stalled();
        let expected: Vec<_> = [1, 1, 2, 2, 1, 1, 2, 2].map(Some).into();
        assert_eq!(*seen.borrow(), expected);
        assert_eq!(NUMBER.get(), Some(3));
    });
}

/// Also where nothing was set when they were made: what one sets, the next does not see.
#[test]
fn callbacks_made_in_an_empty_context_do_not_share_one() {
    clean(|| {
        let executor = Executor::new();
        let seen = Rc::new(RefCell::new(Vec::new()));
        for value in 0..3 {
            let seen = seen.clone();
            executor.call_soon(move || {
                seen.borrow_mut().push(NUMBER.get());
                set(&NUMBER, value);
            });
        }
        let task = executor.create_task(async { NUMBER.get() });
        executor.run_until_stalled();
        assert_eq!(*seen.borrow(), [None, None, None]);
        assert_eq!(task.into_result().unwrap().unwrap(), None);
        assert_eq!(executor.enter(|| NUMBER.get()), None);
    });
}

#[test]
fn a_callback_can_be_given_a_context() {
    clean(|| {
        let executor = Executor::new();
        let context = Context::new();
        context.run(|| set(&NUMBER, 5));
        let handle = executor
            .spawner()
            .call_soon_with_context(&context, || set(&NUMBER, NUMBER.get().unwrap() + 1));
        assert_eq!(handle.get_context().unwrap().get(&NUMBER), Some(5));
        executor.run_until_stalled();
        assert_eq!(context.get(&NUMBER), Some(6));
        assert!(handle.get_context().is_none(), "called");
    });
}

#[test]
fn a_future_polled_in_another_task_sees_that_tasks_variables() {
    clean(|| {
        let executor = Executor::new();
        let mut moved = Box::pin(async {
            yield_now().await;
            NUMBER.get()
        });
        set(&NUMBER, 1);
        futures_lite::future::block_on(futures_lite::future::poll_once(&mut moved));
        let task = executor.create_task(async move {
            set(&NUMBER, 9);
            moved.await
        });
        executor.run_until_stalled();
        assert_eq!(task.into_result().unwrap().unwrap(), Some(9));
    });
}

#[test]
fn the_main_future_runs_in_a_copy() {
    clean(|| {
        set(&NUMBER, 1);
        let executor = Executor::new();
        let seen = executor.run_until_complete(async {
            let seen = NUMBER.get();
            set(&NUMBER, 2);
            yield_now().await;
            (seen, NUMBER.get())
        });
        assert_eq!(seen, Ok((Some(1), Some(2))));
        assert_eq!(NUMBER.get(), Some(1));
    });
}

#[test]
fn shared_variables_come_through_the_door_and_others_do_not() {
    clean(|| {
        let executor = Executor::new();
        let door = executor.door();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            set(&NUMBER, 1);
            set(&SHARED, 2);
            let first = sender.clone();
            door.call_soon_threadsafe(move || {
                first.send((NUMBER.get(), SHARED.get())).unwrap();
                set(&SHARED, 70);
            })
            .unwrap();
            door.call_soon_threadsafe(move || sender.send((NUMBER.get(), SHARED.get())).unwrap())
                .unwrap();
        })
        .join()
        .unwrap();
        set(&NUMBER, 8);
        set(&SHARED, 9);
        executor.run_until_stalled();
        let seen: Vec<_> = receiver.iter().collect();
        assert_eq!(seen, [(None, Some(2)), (None, Some(2))]);
        assert_eq!(SHARED.get(), Some(9));
    });
}

#[test]
fn shared_variables_can_be_carried_by_hand() {
    clean(|| {
        assert!(SendContext::current().is_none());
        set(&NUMBER, 1);
        assert!(SendContext::current().is_none(), "nothing that may cross");
        set(&SHARED, 2);
        let carried = SendContext::current().unwrap();
        let seen = std::thread::spawn(move || {
            let inside = carried.run(|| {
                let seen = (NUMBER.get(), SHARED.get());
                set(&SHARED, 3);
                seen
            });
            let again = carried.run(|| SHARED.get());
            (inside, again, SHARED.get())
        });
        assert_eq!(seen.join().unwrap(), ((None, Some(2)), Some(2), None));
    });
}

/// `clone` and destructors of values are foreign code, and may use variables themselves.
#[test]
fn values_may_use_variables_when_they_are_cloned_and_dropped() {
    static NOSY: ContextVar<Nosy> = ContextVar::new("nosy");
    struct Nosy(Rc<Cell<u32>>);
    impl Nosy {
        fn look(&self) {
            assert_eq!(NUMBER.get(), Some(1), "the context is there meanwhile");
            set(&TEXT, "set inside".into());
            self.0.set(self.0.get() + 1);
        }
    }
    impl Clone for Nosy {
        fn clone(&self) -> Self {
            self.look();
            Self(self.0.clone())
        }
    }
    impl Drop for Nosy {
        fn drop(&mut self) {
            self.look();
        }
    }
    clean(|| {
        set(&NUMBER, 1);
        let looks = Rc::new(Cell::new(0));
        let token = NOSY.set(Nosy(looks.clone()));
        drop(NOSY.get());
        assert_eq!(looks.get(), 2);
        assert_eq!(TEXT.get().as_deref(), Some("set inside"));
        drop(Context::copy_current().get(&NOSY));
        assert_eq!(looks.get(), 4);
        set(&NOSY, Nosy(looks.clone()));
        NOSY.reset(token).unwrap();
        assert!(NOSY.get().is_none());
        assert_eq!(looks.get(), 6);
    });
}

#[test]
fn variables_work_while_the_thread_is_destroyed_w6() {
    static HELD: ContextVar<Rc<AsksInDrop>> = ContextVar::new("held");
    struct AsksInDrop(mpsc::Sender<Option<u32>>);
    impl Drop for AsksInDrop {
        fn drop(&mut self) {
            set(&NUMBER, 7);
            let _ = self.0.send(NUMBER.get());
        }
    }
    thread_local! {
        static LATE: RefCell<Option<AsksInDrop>> = const { RefCell::new(None) };
    }
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        // One of them is destroyed after the thread's own context, the other with it.
        LATE.with(|late| *late.borrow_mut() = Some(AsksInDrop(sender.clone())));
        set(&HELD, Rc::new(AsksInDrop(sender)));
    })
    .join()
    .unwrap();
    assert_eq!(receiver.iter().count(), 2, "neither aborted");
}

#[test]
fn eager_and_nested_contexts_come_back_in_order() {
    clean(|| {
        let executor = Executor::new();
        set(&NUMBER, 1);
        executor
            .run_until_complete(async {
                set(&NUMBER, 2);
                let eager = Spawner::current().unwrap().build_task().eager(true);
                let task = eager.spawn(async {
                    set(&NUMBER, 3);
                    Context::new().run(|| assert_eq!(NUMBER.get(), None));
                    yield_now().await;
                    NUMBER.get()
                });
                assert_eq!(NUMBER.get(), Some(2));
                assert_eq!(task.await.unwrap(), Some(3));
                assert_eq!(NUMBER.get(), Some(2));
            })
            .unwrap();
        assert_eq!(NUMBER.get(), Some(1));
    });
}
