//! One FIFO: in which order tasks, callbacks, wakes and done-callbacks run, and in which turn.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;

use asyncio_executor::{Entry, Executor, RunError, Spawner, current_task, yield_now};

/// A log that tasks and callbacks share.
#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    fn say(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// Runs exactly one turn.
fn turn(executor: &Executor) {
    executor.drain();
    executor.run_ready(executor.ready_len(), None);
    executor.end_turn();
}

#[test]
fn tasks_and_callbacks_share_one_fifo() {
    let executor = Executor::new();
    let log = Log::default();
    for round in 0..2 {
        let (task, callback) = (log.clone(), log.clone());
        executor
            .create_task(async move { task.say(format!("task {round}")) })
            .detach();
        executor.call_soon(move || callback.say(format!("callback {round}")));
        let pushed = log.clone();
        executor.push(Entry::call(move || pushed.say(format!("entry {round}"))));
    }
    turn(&executor);
    let expected = [
        "task 0",
        "callback 0",
        "entry 0",
        "task 1",
        "callback 1",
        "entry 1",
    ];
    assert_eq!(log.take(), expected);
}

#[test]
fn a_turn_runs_what_was_ready_when_it_began_w14() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    let log = Log::default();
    let seen = log.clone();
    executor.call_soon(move || {
        seen.say("first");
        let next = seen.clone();
        spawner.call_soon(move || next.say("made in the first turn"));
    });
    let seen = log.clone();
    executor
        .create_task(async move {
            seen.say("task");
            yield_now().await;
            seen.say("task again");
        })
        .detach();
    turn(&executor);
    assert_eq!(log.take(), ["first", "task"]);
    turn(&executor);
    assert_eq!(log.take(), ["made in the first turn", "task again"]);
    assert_eq!(executor.ready_len(), 0);
}

/// A task that always makes itself ready starves nobody: each has one step a turn.
#[test]
fn a_task_that_never_waits_takes_one_step_a_turn_w14() {
    let executor = Executor::new();
    let (greedy, other) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let count = greedy.clone();
    executor
        .create_task(async move {
            loop {
                count.set(count.get() + 1);
                yield_now().await;
            }
        })
        .detach();
    for _ in 0..100 {
        let count = other.clone();
        executor.call_soon(move || count.set(count.get() + 1));
        turn(&executor);
    }
    assert_eq!((greedy.get(), other.get()), (100, 100));
}

#[test]
fn what_other_threads_hand_over_comes_after_what_was_ready() {
    let executor = Executor::new();
    let door = executor.door();
    let (sender, receiver) = std::sync::mpsc::channel();
    for id in 0..2 {
        let local = sender.clone();
        executor.call_soon(move || local.send(format!("local {id}")).unwrap());
    }
    std::thread::spawn(move || {
        for id in 0..2 {
            let sender = sender.clone();
            door.call_soon_threadsafe(move || sender.send(format!("remote {id}")).unwrap())
                .unwrap();
        }
    })
    .join()
    .unwrap();
    turn(&executor);
    let seen: Vec<_> = receiver.try_iter().collect();
    assert_eq!(seen, ["local 0", "local 1", "remote 0", "remote 1"]);
}

#[test]
fn wakes_run_tasks_in_the_order_of_the_wakes() {
    let executor = Executor::new();
    let log = Log::default();
    let wakers = Rc::new(RefCell::new(Vec::new()));
    for id in 0..4 {
        let (log, wakers) = (log.clone(), wakers.clone());
        executor
            .create_task(async move {
                let mut first = true;
                poll_fn(|cx| {
                    if std::mem::take(&mut first) {
                        wakers.borrow_mut().push(cx.waker().clone());
                        return Poll::Pending;
                    }
                    Poll::Ready(())
                })
                .await;
                log.say(id.to_string());
            })
            .detach();
    }
    turn(&executor);
    for id in [2, 0, 3, 1] {
        wakers.borrow()[id].wake_by_ref();
        wakers.borrow()[id].wake_by_ref(); // one step, however often it is woken
    }
    assert_eq!(executor.ready_len(), 4);
    turn(&executor);
    assert_eq!(log.take(), ["2", "0", "3", "1"]);
}

#[test]
fn done_callbacks_come_a_turn_later_in_order() {
    let executor = Executor::new();
    let log = Log::default();
    let task = executor.create_task(async {});
    for id in 0..3 {
        let log = log.clone();
        task.add_done_callback(move |task| log.say(format!("{id} {}", task.done())));
    }
    turn(&executor);
    assert!(task.done());
    assert!(log.take().is_empty(), "never synchronous");
    turn(&executor);
    assert_eq!(log.take(), ["0 true", "1 true", "2 true"]);
}

#[test]
fn a_done_callback_of_a_task_that_is_over_comes_through_the_queue() {
    let executor = Executor::new();
    let task = executor.create_task(async {});
    turn(&executor);
    let called = Rc::new(Cell::new(false));
    let calls = called.clone();
    task.add_done_callback(move |_| calls.set(true));
    assert!(!called.get(), "never synchronous");
    turn(&executor);
    assert!(called.get());
}

#[test]
fn a_done_callback_can_be_taken_away() {
    let executor = Executor::new();
    let log = Log::default();
    let task = executor.create_task(async {});
    let add = |name: &'static str| {
        let log = log.clone();
        task.add_done_callback(move |_| log.say(name))
    };
    let (_first, second, _third) = (add("first"), add("second"), add("third"));
    assert!(task.remove_done_callback(second));
    assert!(!task.remove_done_callback(second));
    turn(&executor);
    assert!(
        !task.remove_done_callback(_first),
        "too late: it is in the queue"
    );
    turn(&executor);
    assert_eq!(log.take(), ["first", "third"]);
}

/// Numbers of callbacks belong to their task: one of another task's removes nothing.
#[test]
fn a_callbacks_number_is_of_no_use_with_another_task() {
    let executor = Executor::new();
    let log = Log::default();
    let (one, other) = (
        executor.create_task(async {}),
        executor.create_task(async {}),
    );
    let seen = log.clone();
    let id = one.add_done_callback(move |_| seen.say("one"));
    let seen = log.clone();
    other.add_done_callback(move |_| seen.say("other"));
    assert!(!other.remove_done_callback(id));
    executor.run_until_stalled();
    assert_eq!(log.take(), ["one", "other"]);
}

#[test]
fn a_done_callback_may_add_and_take_away_others() {
    let executor = Executor::new();
    let log = Log::default();
    let task = executor.create_task(async {});
    let seen = log.clone();
    let last = Rc::new(Cell::new(None));
    let take = last.clone();
    task.add_done_callback(move |task| {
        seen.say("first");
        let later = seen.clone();
        task.add_done_callback(move |_| later.say("added by the first"));
        seen.say(format!(
            "removed {}",
            task.remove_done_callback(take.take().unwrap())
        ));
    });
    let seen = log.clone();
    last.set(Some(task.add_done_callback(move |_| seen.say("second"))));
    executor.run_until_stalled();
    // Both were in the queue already, as CPython's are.
    let expected = ["first", "removed false", "second", "added by the first"];
    assert_eq!(log.take(), expected);
}

/// In asyncio, waiting for a task is a done-callback of it: one that was added before the wait
/// began is called before the code after it goes on, one added later is called later.
#[test]
fn callbacks_and_waits_share_one_order() {
    let executor = Executor::new();
    let log = Log::default();
    let mut task = executor.create_task(async { yield_now().await });
    let task_ref = task.task_ref();
    let seen = log.clone();
    task.add_done_callback(move |_| seen.say("before"));
    let seen = log.clone();
    executor
        .create_task(async move {
            (&mut task).await.unwrap();
            seen.say("waited by handle");
        })
        .detach();
    let (seen, waits) = (log.clone(), task_ref.clone());
    executor
        .create_task(async move {
            waits.wait().await;
            seen.say("waited by reference");
        })
        .detach();
    turn(&executor);
    let seen = log.clone();
    task_ref.add_done_callback(move |_| seen.say("after"));
    executor.run_until_stalled();
    let expected = ["before", "waited by handle", "waited by reference", "after"];
    assert_eq!(log.take(), expected);
}

#[test]
fn a_wait_that_began_first_goes_on_first() {
    let executor = Executor::new();
    let log = Log::default();
    let task = executor.create_task(async {
        yield_now().await;
        yield_now().await;
    });
    let task_ref = task.task_ref();
    let seen = log.clone();
    executor
        .create_task(async move {
            task.await.unwrap();
            seen.say("waited");
        })
        .detach();
    turn(&executor);
    let seen = log.clone();
    task_ref.add_done_callback(move |_| seen.say("callback"));
    executor.run_until_stalled();
    assert_eq!(log.take(), ["waited", "callback"]);
}

/// CPython's figure: the value of a task that returns at once is there two turns later.
#[test]
fn awaiting_a_new_task_takes_two_turns() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    let turns = Rc::new(Cell::new(0));
    let (at, counts) = (Rc::new(Cell::new((0, 0))), turns.clone());
    let seen = at.clone();
    executor
        .create_task(async move {
            let before = counts.get();
            spawner.create_task(async {}).await.unwrap();
            seen.set((before, counts.get()));
        })
        .detach();
    while executor.ready_len() != 0 {
        turns.set(turns.get() + 1);
        turn(&executor);
    }
    assert_eq!(at.get(), (1, 3));
}

#[test]
fn awaiting_a_task_that_is_over_does_not_yield() {
    let executor = Executor::new();
    let task = executor.create_task(async { 7 });
    turn(&executor);
    let waits = executor.create_task(task.into_future());
    turn(&executor);
    assert_eq!(waits.into_result().unwrap().unwrap().unwrap(), 7);
}

#[test]
fn a_cancelled_callback_is_dropped_at_once_and_not_called() {
    let executor = Executor::new();
    let token = Rc::new(());
    let held = token.clone();
    let handle = executor.call_soon(move || {
        let _held = held;
        unreachable!("cancelled")
    });
    assert!(!handle.cancelled());
    handle.cancel();
    assert_eq!(Rc::strong_count(&token), 1);
    let again = handle.clone();
    again.cancel();
    assert!(handle.cancelled());
    assert_eq!(
        executor.run_until_stalled(),
        1,
        "it keeps its place in the turn"
    );
}

#[test]
fn cancelling_a_callback_that_was_called_only_shows() {
    let executor = Executor::new();
    let called = Rc::new(Cell::new(0));
    let calls = called.clone();
    let handle = executor.call_soon(move || calls.set(calls.get() + 1));
    executor.run_until_stalled();
    assert!(!handle.cancelled());
    handle.cancel();
    executor.run_until_stalled();
    assert_eq!((handle.cancelled(), called.get()), (true, 1));
}

#[test]
fn a_callback_may_cancel_one_that_is_ready_in_the_same_turn() {
    let executor = Executor::new();
    let slot = Rc::new(RefCell::new(None::<asyncio_executor::Handle>));
    let cancels = slot.clone();
    executor.call_soon(move || cancels.take().unwrap().cancel());
    *slot.borrow_mut() = Some(executor.call_soon(|| unreachable!("cancelled")));
    executor.run_until_stalled();
}

#[test]
fn a_callback_may_cancel_itself() {
    let executor = Executor::new();
    let slot = Rc::new(RefCell::new(None::<asyncio_executor::Handle>));
    let (cancels, called) = (slot.clone(), Rc::new(Cell::new(false)));
    let calls = called.clone();
    *slot.borrow_mut() = Some(executor.call_soon(move || {
        cancels.take().unwrap().cancel();
        calls.set(true);
    }));
    executor.run_until_stalled();
    assert!(called.get());
}

#[test]
fn an_entry_can_wait_before_it_is_pushed() {
    let executor = Executor::new();
    let spawner = executor.spawner();
    let called = Rc::new(Cell::new(false));
    let calls = called.clone();
    let (entry, handle) = spawner.callback(move || calls.set(true));
    executor.run_until_stalled();
    assert!(!called.get());
    spawner.push(entry);
    executor.run_until_stalled();
    assert!(called.get() && !handle.cancelled());
    let (entry, _handle) = spawner.callback(|| unreachable!("dropped"));
    assert!(format!("{entry:?}").contains("order.rs"));
    drop(entry);
}

#[test]
fn a_dispatch_runs_again_and_again_without_moving() {
    struct Counts(Cell<u32>, RefCell<Option<Spawner>>);
    impl asyncio_executor::Dispatch for Counts {
        fn run(self: Rc<Self>) {
            self.0.set(self.0.get() + 1);
            if self.0.get() < 3 {
                let spawner = self.1.borrow().clone().unwrap();
                spawner.push(Entry::dispatch(self));
            }
        }
    }
    let executor = Executor::new();
    let work = Rc::new(Counts(Cell::new(0), RefCell::new(Some(executor.spawner()))));
    executor.push(Entry::dispatch(work.clone()));
    assert_eq!(executor.run_until_stalled(), 3);
    assert_eq!(work.0.get(), 3);
    assert_eq!(Rc::strong_count(&work), 1);
}

#[test]
fn an_interrupt_ends_the_run_and_leaves_what_is_ready() {
    let executor = Executor::new();
    let log = Log::default();
    let spawner = executor.spawner();
    let seen = log.clone();
    executor.call_soon(move || {
        seen.say("before");
        spawner.interrupt(Box::new(17));
    });
    let seen = log.clone();
    executor.call_soon(move || seen.say("after"));
    assert_eq!(executor.run_until_stalled(), 1);
    assert_eq!(log.take(), ["before"]);
    assert_eq!(
        *executor
            .take_interrupt()
            .unwrap()
            .downcast::<i32>()
            .unwrap(),
        17
    );
    assert!(executor.take_interrupt().is_none());
    executor.run_until_stalled();
    assert_eq!(log.take(), ["after"]);

    let spawner = executor.spawner();
    executor.call_soon(move || spawner.interrupt(Box::new(())));
    let ran = executor.run_until_complete(pending::<()>());
    assert_eq!(ran, Err(RunError::Interrupted));
    assert_eq!(
        executor.run_until_complete(async { 1 }),
        Ok(1),
        "and can run again"
    );
}

#[test]
fn the_main_future_has_its_place_in_the_order() {
    let executor = Executor::new();
    let log = Log::default();
    let seen = log.clone();
    executor.call_soon(move || seen.say("ready before"));
    let (seen, spawner) = (log.clone(), executor.spawner());
    executor
        .run_until_complete(async move {
            seen.say("main");
            let after = seen.clone();
            spawner.call_soon(move || after.say("callback"));
            yield_now().await;
            seen.say("main again");
        })
        .unwrap();
    let expected = ["ready before", "main", "callback", "main again"];
    assert_eq!(log.take(), expected);
}

/// W16: a run inside a run is an error, whichever executor it is of.
#[test]
fn a_run_inside_a_run_is_refused_w16() {
    let outer = Rc::new(Executor::new());
    let inner = Rc::new(Executor::new());
    let (same, other) = (outer.clone(), inner.clone());
    outer
        .run_until_complete(async move {
            assert_eq!(
                same.run_until_complete(async {}),
                Err(RunError::AlreadyRunning)
            );
            assert_eq!(
                other.run_until_complete(async {}),
                Err(RunError::OtherRunning)
            );
            assert_eq!(same.begin_run().err(), Some(RunError::AlreadyRunning));
            assert!(same.is_running() && !other.is_running());
        })
        .unwrap();
    assert!(!outer.is_running());
    assert_eq!(inner.run_until_complete(async { 1 }), Ok(1));
    let same = outer.clone();
    outer.enter(|| assert_eq!(same.begin_run().err(), Some(RunError::AlreadyRunning)));
}

#[test]
fn run_until_stalled_inside_a_run_panics_w16() {
    let executor = Rc::new(Executor::new());
    let inside = executor.clone();
    let task = executor.create_task(async move { inside.run_until_stalled() });
    executor.run_until_stalled();
    let outcome = task.into_result().unwrap();
    assert!(outcome.unwrap_err().to_string().contains("already running"));
}

/// A driver may be inside one executor when it runs the entries of another: each task is polled
/// with its own executor as the current one.
#[test]
fn an_executor_run_inside_anothers_enter_is_itself() {
    let (one, other) = (Executor::new(), Executor::new());
    let task = one.create_task(async {
        yield_now().await;
        let spawner = Spawner::current().unwrap();
        let name = current_task().unwrap().get_name();
        (spawner.create_task(async { 5 }).await.unwrap(), name)
    });
    other.enter(|| {
        while one.ready_len() != 0 {
            one.run_ready(one.ready_len(), None);
        }
    });
    assert_eq!(
        task.into_result().unwrap().unwrap(),
        (5, "Task-1".to_owned())
    );
    assert_eq!((one.task_count(), other.task_count()), (0, 0));
    // Outside every `enter`, too.
    let task = one.create_task(async { 6 });
    one.run_ready(1, None);
    assert_eq!(task.into_result().unwrap().unwrap(), 6);
}

/// As in asyncio, where both append to the same list.
#[test]
fn on_its_own_thread_the_door_keeps_the_order_with_call_soon() {
    use std::sync::{Arc, Mutex};
    let executor = Executor::new();
    let log: Arc<Mutex<Vec<u8>>> = Arc::default();
    let say = |number: u8| {
        let log = Arc::clone(&log);
        move || log.lock().unwrap().push(number)
    };
    let (spawner, door) = (executor.spawner(), executor.door());
    door.call_soon_threadsafe(say(1)).unwrap();
    spawner.call_soon(say(2));
    let inside = (say(4), say(5));
    let (inner_spawner, inner_door) = (spawner.clone(), door.clone());
    spawner.call_soon(move || {
        inner_door.call_soon_threadsafe(inside.0).unwrap();
        inner_spawner.call_soon(inside.1);
    });
    door.call_soon_threadsafe(say(3)).unwrap();
    executor.run_until_stalled();
    assert_eq!(*log.lock().unwrap(), [1, 2, 3, 4, 5]);
}
