//! Scopes around a wait that another thread ends, while the one who waits is cancelled.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use asyncio_executor::{Executor, catch_cancelled, finally, yield_now};
use asyncio_testkit::Watchdog;

/// A value that comes from another thread once.
#[derive(Clone, Default)]
struct Slot(Arc<Mutex<State>>);

type State = (Option<Arc<()>>, Option<Waker>);

impl Slot {
    fn put(&self, value: Arc<()>) {
        let waker = {
            let mut slot = self.0.lock().unwrap();
            slot.0 = Some(value);
            slot.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn take(&self) -> Arc<()> {
        poll_fn(|cx| {
            let mut slot = self.0.lock().unwrap();
            match slot.0.take() {
                Some(value) => Poll::Ready(value),
                None => {
                    slot.1 = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// A thread is in the middle of waking the task when it is cancelled: the request waits for the scope
/// that is to answer it, however long that takes.
#[test]
fn a_wake_up_under_way_in_another_thread_does_not_make_a_request_go_outwards_w3() {
    let executor = Executor::new();
    let slot = Slot::default();
    let task = executor.create_task(catch_cancelled(finally(
        {
            let slot = slot.clone();
            async move { drop(slot.take().await) }
        },
        async || (),
    )));
    executor.run_until_stalled();
    let waker = slot.0.lock().unwrap().1.take().unwrap();
    thread::spawn(move || waker.wake()).join().unwrap();
    task.cancel();
    for _ in 0..10 {
        // A turn, but for what has come from other threads.
        executor.run_ready(executor.ready_len(), None);
        executor.end_turn();
    }
    let ended = executor.run_until_complete(task).unwrap();
    assert!(ended.expect("the task was not cancelled").is_err());
}

/// The body has the value, or its clean-up waits for it and has it: once, in every order.
#[test]
fn a_value_that_comes_while_its_scope_is_cancelled_is_had_once_w3() {
    let _watchdog = Watchdog::start("scopes_threads", Duration::from_secs(60));
    const ROUNDS: usize = 300;
    let executor = Executor::new();
    let value = Arc::new(());
    for round in 0..ROUNDS {
        let slot = Slot::default();
        let (giver, taker, late) = (slot.clone(), slot.clone(), slot.clone());
        let had = Arc::new(Mutex::new(0_u32));
        let (by_body, by_clean_up) = (Arc::clone(&had), Arc::clone(&had));
        let task = executor.create_task(catch_cancelled(finally(
            async move {
                drop(taker.take().await);
                *by_body.lock().unwrap() += 1;
            },
            async move || {
                if *by_clean_up.lock().unwrap() == 0 {
                    drop(late.take().await);
                    *by_clean_up.lock().unwrap() += 1;
                }
            },
        )));
        let given = Arc::clone(&value);
        let thread = thread::spawn(move || {
            for _ in 0..round % 7 {
                thread::yield_now();
            }
            giver.put(given);
        });
        let canceller = task.task_ref();
        let ended = executor.run_until_complete(async move {
            for _ in 0..round % 5 {
                yield_now().await;
            }
            canceller.cancel();
            task.await
        });
        // A task that was cancelled before its first step never begins.
        let never_began = ended.unwrap().is_err();
        thread.join().unwrap();
        let had = *had.lock().unwrap();
        assert_eq!(had, u32::from(!never_began), "round {round}");
        drop(slot);
        assert_eq!(Arc::strong_count(&value), 1, "round {round}");
    }
    assert_eq!(executor.spawner().scope_count(), 0);
}
