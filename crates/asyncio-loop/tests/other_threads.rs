//! The door for other threads: calls, coroutines, and wake-ups, also while the loop closes.

mod scene;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use asyncio_blocking::{JobError, ResultError};
use asyncio_executor::{ContextVar, TaskRef, catch_cancelled, current_task};
use asyncio_loop::{EventLoop, get_running_loop, sleep};
use asyncio_testkit::{Watchdog, guarded};
use scene::{Log, leave_waker, note_errors, simulated};

on_every_selector! {
    eight_hundred_thousand_calls_of_eight_threads_all_come_p9,
    a_busy_loop_takes_a_flood_in_a_few_turns_p9,
    a_call_wakes_a_loop_that_sleeps,
}

/// P9. The order of each thread is kept.
fn eight_hundred_thousand_calls_of_eight_threads_all_come_p9(event_loop: &EventLoop) {
    const THREADS: usize = 8;
    const CALLS: usize = 100_000;
    let _watchdog = Watchdog::start("a flood", Duration::from_secs(60));
    let next: Arc<[AtomicUsize; THREADS]> = Arc::default();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (handle, next) = (event_loop.handle(), next.clone());
            thread::spawn(move || {
                for call in 0..CALLS {
                    let next = next.clone();
                    let check = move || {
                        // Loop thread only: the counters need no order of their own.
                        assert_eq!(next[thread].fetch_add(1, Ordering::Relaxed), call);
                    };
                    handle.call_soon_threadsafe(check).unwrap();
                }
            })
        })
        .collect();
    event_loop
        .run_until_complete(async {
            while next.iter().any(|next| next.load(Ordering::Relaxed) < CALLS) {
                sleep(Duration::from_millis(1)).await;
            }
        })
        .unwrap();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

/// P9: what comes while the loop is busy does not wake it for each call.
fn a_busy_loop_takes_a_flood_in_a_few_turns_p9(event_loop: &EventLoop) {
    let count = Arc::new(AtomicUsize::new(0));
    let before = event_loop.metrics();
    let handle = event_loop.handle();
    let flooded = count.clone();
    event_loop.call_soon(move || {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10_000 {
                        let count = flooded.clone();
                        let call = move || _ = count.fetch_add(1, Ordering::Relaxed);
                        handle.call_soon_threadsafe(call).unwrap();
                    }
                });
            }
        });
    });
    event_loop
        .run_until_complete(sleep(Duration::from_millis(1)))
        .unwrap();
    let after = event_loop.metrics();
    assert_eq!(count.load(Ordering::Relaxed), 80_000);
    assert!(
        after.polls - before.polls < 20,
        "{} polls",
        after.polls - before.polls
    );
}

fn a_call_wakes_a_loop_that_sleeps(event_loop: &EventLoop) {
    let _watchdog = Watchdog::start("a sleeping loop", Duration::from_secs(30));
    let handle = event_loop.handle();
    let thread = thread::spawn(move || handle.stop().unwrap());
    event_loop.run_forever().unwrap();
    thread.join().unwrap();
}

#[test]
fn a_call_can_be_cancelled_until_it_runs() {
    let (event_loop, _clock) = simulated();
    let handle = event_loop.handle();
    let call = handle.call_soon_threadsafe(|| panic!("cancelled")).unwrap();
    let done = handle.call_soon_threadsafe(|| ()).unwrap();
    assert!(thread::spawn(move || call.cancel()).join().unwrap());
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    assert!(!done.cancel());
}

#[test]
fn a_call_that_was_accepted_is_dropped_on_the_loops_thread_when_it_closes() {
    struct Where(mpsc::Sender<thread::ThreadId>);
    impl Drop for Where {
        fn drop(&mut self) {
            self.0.send(thread::current().id()).unwrap();
        }
    }
    let (event_loop, _clock) = simulated();
    let (sender, receiver) = mpsc::channel();
    let handle = event_loop.handle();
    let held = Where(sender);
    thread::spawn(move || {
        let call = move || panic!("called, {}", size_of_val(&held));
        handle.call_soon_threadsafe(call).unwrap();
    })
    .join()
    .unwrap();
    event_loop.close();
    assert_eq!(receiver.recv(), Ok(thread::current().id()));
}

#[test]
fn context_variables_that_are_shared_come_along() {
    static REQUEST: ContextVar<u32> = ContextVar::shared("request");
    let (event_loop, _clock) = simulated();
    let (sender, receiver) = mpsc::channel();
    let handle = event_loop.handle();
    thread::spawn(move || {
        let _ = REQUEST.set(7);
        handle
            .call_soon_threadsafe(move || sender.send(REQUEST.get()).unwrap())
            .unwrap();
    })
    .join()
    .unwrap();
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    assert_eq!(receiver.recv(), Ok(Some(7)));
    assert_eq!(REQUEST.get(), None);
}

/// W6: wakers fire on four threads before, while and after their loop closes. The future, which
/// holds an `Rc`, is dropped on its own thread, whoever comes first.
#[test]
fn wake_ups_during_and_after_a_close_are_harmless_w6() {
    const ROUNDS: usize = 2_000;
    const THREADS: usize = 4;
    scene::alone();
    let _watchdog = Watchdog::start("wake-ups during a close", Duration::from_secs(60));
    let go = Arc::new(Barrier::new(THREADS + 1));
    let (senders, threads): (Vec<_>, Vec<_>) = (0..THREADS)
        .map(|_| {
            let (sender, wakers) = mpsc::channel::<Waker>();
            let go = go.clone();
            let thread = thread::spawn(move || {
                for waker in wakers {
                    go.wait();
                    waker.wake_by_ref();
                    waker.wake_by_ref();
                    drop(waker);
                }
            });
            (sender, thread)
        })
        .unzip();
    for round in 0..ROUNDS {
        let (event_loop, _clock) = simulated();
        let place = Rc::new(RefCell::new(None));
        let held = Rc::new(());
        let (task_place, task_held) = (place.clone(), held.clone());
        event_loop
            .create_task(async move {
                leave_waker(task_place).await;
                drop(task_held);
            })
            .detach();
        event_loop.run_once(Some(Duration::ZERO)).unwrap();
        let waker = place.take().unwrap();
        for sender in &senders {
            sender.send(waker.clone()).unwrap();
        }
        drop(waker);
        go.wait();
        if round % 2 == 0 {
            event_loop.run_once(Some(Duration::ZERO)).unwrap();
        }
        event_loop.close();
        assert_eq!(Rc::strong_count(&held), 1);
    }
    drop(senders);
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_waker_outlives_its_loop_w6() {
    guarded(|| {
        let (event_loop, _clock) = simulated();
        let place = Rc::new(RefCell::new(None));
        event_loop.create_task(leave_waker(place.clone())).detach();
        event_loop.run_once(Some(Duration::ZERO)).unwrap();
        let waker = place.take().unwrap();
        drop(event_loop);
        let there = waker.clone();
        thread::spawn(move || there.wake()).join().unwrap();
        waker.wake();
    });
}

/// Runs `event_loop` until `thread` has ended, and gives its value.
fn run_for<T: Send + 'static>(
    event_loop: &EventLoop,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let _watchdog = Watchdog::start("a coroutine of another thread", Duration::from_secs(30));
    let handle = event_loop.handle();
    let thread = thread::spawn(move || {
        let value = work();
        handle.stop().unwrap();
        value
    });
    event_loop.run_forever().unwrap();
    thread.join().unwrap()
}

#[test]
fn a_thread_gets_the_value_of_a_coroutine() {
    let event_loop = scene::real();
    let handle = event_loop.handle();
    let value = run_for(&event_loop, move || {
        let coroutine = || async {
            // Made and run on the loop's thread: it need not be `Send`.
            let here = Rc::new(get_running_loop());
            sleep(Duration::from_millis(1)).await;
            (here.metrics().tasks, here.all_tasks().len())
        };
        handle
            .run_coroutine_threadsafe(coroutine)
            .unwrap()
            .result(None)
            .unwrap()
    });
    // Its own task, and no other: asyncio's `all_tasks` shows one.
    assert_eq!(value, (1, 1));
    assert_eq!(event_loop.metrics().tasks, 0);
    assert_eq!(event_loop.create_task(async {}).task_ref().id(), 2);
}

#[test]
fn a_thread_gets_the_panic_of_a_coroutine_wherever_it_happens() {
    let event_loop = scene::real();
    let errors = note_errors(&event_loop);
    let handle = event_loop.handle();
    let outcomes = run_for(&event_loop, move || {
        let later = handle.run_coroutine_threadsafe(|| async { panic!("later") });
        let made = handle.run_coroutine_threadsafe(|| -> std::future::Ready<()> { panic!("made") });
        [later, made].map(|future| match future.map(|mut it| it.result(None)) {
            Ok(Err(ResultError::Job(JobError::Panicked(payload)))) => {
                payload.into_inner().downcast::<&str>().map(|it| *it).ok()
            }
            other => panic!("{other:?}"),
        })
    });
    assert_eq!(outcomes, [Some("later"), Some("made")]);
    errors.expect(&[]);
}

#[test]
fn cancelling_from_the_thread_cancels_the_task() {
    let event_loop = scene::real();
    let handle = event_loop.handle();
    let (sender, started) = mpsc::channel();
    let dropped = Arc::new(AtomicBool::new(false));
    struct Told(Arc<AtomicBool>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let told = dropped.clone();
    run_for(&event_loop, move || {
        let told = Told(told);
        let coroutine = move || async move {
            let _told = told;
            sender.send(()).unwrap();
            sleep(Duration::MAX).await;
        };
        let mut future = handle.run_coroutine_threadsafe(coroutine).unwrap();
        started.recv().unwrap();
        assert!(future.cancel());
        assert!(matches!(
            future.result(None),
            Err(ResultError::Job(JobError::Cancelled))
        ));
        // The loop hears of it through its queue: a coroutine behind it sees the end.
        while !dropped.load(Ordering::SeqCst) {
            handle
                .run_coroutine_threadsafe(|| sleep(Duration::ZERO))
                .unwrap()
                .result(None)
                .unwrap();
        }
    });
    assert_eq!(event_loop.metrics().tasks, 0);
}

#[test]
fn a_coroutine_that_nobody_waits_for_any_more_is_not_begun() {
    let (event_loop, _clock) = simulated();
    let begun = Arc::new(AtomicBool::new(false));
    let told = begun.clone();
    let coroutine = move || async move { told.store(true, Ordering::SeqCst) };
    let future = event_loop.handle().run_coroutine_threadsafe(coroutine);
    assert!(future.unwrap().cancel());
    event_loop
        .run_until_complete(sleep(Duration::from_secs(1)))
        .unwrap();
    assert!(!begun.load(Ordering::SeqCst));
}

/// The answer to the cancellation is the task's own; nobody hears of it.
#[test]
fn a_task_may_clean_up_when_the_thread_has_cancelled() {
    let (event_loop, _clock) = simulated();
    let cleaned_up = Arc::new(AtomicUsize::new(0));
    let told = cleaned_up.clone();
    let future = event_loop
        .handle()
        .run_coroutine_threadsafe(move || async move {
            let caught = catch_cancelled(sleep(Duration::MAX)).await;
            assert!(caught.is_err());
            // Cancelled once: this is not disturbed.
            sleep(Duration::from_secs(1)).await;
            told.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
    event_loop
        .run_until_complete(sleep(Duration::from_secs(1)))
        .unwrap();
    assert!(future.cancel());
    event_loop
        .run_until_complete(sleep(Duration::from_secs(2)))
        .unwrap();
    assert_eq!(cleaned_up.load(Ordering::SeqCst), 1);
    assert_eq!(event_loop.metrics().tasks, 0);
}

#[test]
fn cancelling_the_task_cancels_the_threads_future() {
    let event_loop = scene::real();
    let handle = event_loop.handle();
    run_for(&event_loop, move || {
        let coroutine = || async {
            current_task().as_ref().map(TaskRef::cancel);
            sleep(Duration::MAX).await;
        };
        let outcome = handle
            .run_coroutine_threadsafe(coroutine)
            .unwrap()
            .result(None);
        assert!(matches!(
            outcome,
            Err(ResultError::Job(JobError::Cancelled))
        ));
    });
}

#[test]
fn closing_the_loop_cancels_what_threads_wait_for() {
    let _watchdog = Watchdog::start("closing the loop", Duration::from_secs(30));
    let (event_loop, _clock) = simulated();
    let handle = event_loop.handle();
    let mut started = handle
        .run_coroutine_threadsafe(|| sleep(Duration::MAX))
        .unwrap();
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    let mut waiting = handle.run_coroutine_threadsafe(|| async {}).unwrap();
    let thread = thread::spawn(move || {
        [started.result(None), waiting.result(None)]
            .map(|outcome| matches!(outcome, Err(ResultError::Job(JobError::Cancelled))))
    });
    event_loop.close();
    assert_eq!(thread.join().unwrap(), [true, true]);
    assert!(handle.run_coroutine_threadsafe(|| async {}).is_err());
}

#[test]
fn a_panic_of_a_call_reaches_the_handler() {
    let (event_loop, _clock) = simulated();
    let errors = note_errors(&event_loop);
    let log = Log::new();
    event_loop
        .handle()
        .call_soon_threadsafe(|| panic!("from afar"))
        .unwrap();
    event_loop.run_once(Some(Duration::ZERO)).unwrap();
    log.expect(&[]);
    let [error] = errors.take().try_into().unwrap();
    assert!(error.contains("from afar"), "{error}");
}
