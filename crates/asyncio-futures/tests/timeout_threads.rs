//! A deadline and a completion in another thread, at the same moment, many times: it is one or the
//! other, the value is had once, no wake-up is lost, and nothing is left over.

use std::future::poll_fn;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use asyncio_executor::catch_cancelled;
use asyncio_futures::{Timeout, TimeoutError, timeout, wait_for};
use asyncio_loop::{EventLoop, create_task, get_running_loop};
use asyncio_testkit::Watchdog;

/// Of each way to wait.
const ROUNDS: u32 = if cfg!(debug_assertions) {
    2_000
} else {
    20_000
};

/// What a body is given to wait.
const LIMIT: Duration = Duration::from_micros(60);

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

    async fn take(self) -> Arc<()> {
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

/// Puts a value into a slot, so long after the barrier.
struct Order {
    slot: Slot,
    value: Arc<()>,
    after: Duration,
}

/// Another thread, which completes what this one waits for.
struct Completer {
    orders: SyncSender<Order>,
    start: Arc<Barrier>,
    /// It comes the later the more often it came in time, so that it comes with the deadline.
    after: Duration,
    in_time: u32,
    late: u32,
}

impl Completer {
    fn order(&self, value: &Arc<()>) -> Slot {
        let slot = Slot::default();
        let order = Order {
            slot: slot.clone(),
            value: Arc::clone(value),
            after: self.after,
        };
        self.orders.send(order).unwrap();
        self.start.wait();
        slot
    }

    fn was_in_time(&mut self, in_time: bool) {
        let step = Duration::from_nanos(500);
        if in_time {
            self.in_time += 1;
            self.after += step;
        } else {
            self.late += 1;
            self.after = self.after.saturating_sub(step);
        }
    }
}

/// How a wait has ended.
struct Outcome {
    in_time: bool,
    value: Option<Arc<()>>,
}

impl From<Result<Arc<()>, TimeoutError>> for Outcome {
    fn from(outcome: Result<Arc<()>, TimeoutError>) -> Self {
        Self {
            in_time: outcome.is_ok(),
            value: outcome.ok(),
        }
    }
}

/// Waits for the value of each order in `wait`, many times, on a loop in real time.
#[track_caller]
fn against_the_clock<R: Into<Outcome>>(name: &str, wait: impl AsyncFn(Slot) -> R) {
    let _watchdog = Watchdog::start(name, Duration::from_secs(120));
    let (orders, ordered) = sync_channel::<Order>(1);
    let start = Arc::new(Barrier::new(2));
    let mut completer = Completer {
        orders,
        start: Arc::clone(&start),
        after: LIMIT,
        in_time: 0,
        late: 0,
    };
    let other = thread::spawn(move || {
        for order in ordered {
            start.wait();
            let begun = Instant::now();
            while begun.elapsed() < order.after {
                std::hint::spin_loop();
            }
            order.slot.put(order.value);
        }
    });
    let event_loop = EventLoop::new().unwrap();
    let value = Arc::new(());
    event_loop
        .run_until_complete(async {
            let this = get_running_loop();
            for round in 0..ROUNDS {
                let slot = completer.order(&value);
                let outcome = wait(slot.clone()).await.into();
                completer.was_in_time(outcome.in_time);
                // The time was over: then the value is still to be had, and comes, or has come.
                // (It hangs here if it was taken by the body that has lost, or if the wake-up went
                // with it.)
                let value = match outcome.value {
                    Some(value) => value,
                    None => slot.clone().take().await,
                };
                assert_eq!(Arc::strong_count(&value), 2, "{name}, round {round}");
                assert!(slot.0.lock().unwrap().0.is_none());
                assert_eq!(this.metrics().timers, 0, "{name}, round {round}");
                assert_eq!(this.metrics().tasks, 1, "{name}, round {round}");
                // The root of this task, once it has waited in a scope.
                let scopes = this.spawner().scope_count();
                assert!(scopes <= 1, "{name}, round {round}: {scopes}");
            }
        })
        .unwrap();
    assert_eq!(event_loop.spawner().scope_count(), 0);
    assert_eq!(event_loop.metrics().tasks, 0);
    let (in_time, late) = (completer.in_time, completer.late);
    drop(completer); // and with it what the other thread waits for
    other.join().unwrap();
    assert_eq!(Arc::strong_count(&value), 1);
    assert!(
        in_time > 0 && late > 0,
        "{name}: {in_time} in time, {late} late"
    );
}

#[test]
fn a_timeout_and_a_completion_in_another_thread_have_one_winner_w3() {
    against_the_clock("timeout", async |slot| timeout(LIMIT, slot.take()).await);
}

#[test]
fn a_timeout_that_can_be_moved_and_a_completion_in_another_thread_have_one_winner_w3() {
    against_the_clock("Timeout", async |slot| {
        let deadline = Timeout::after(LIMIT * 2);
        let mover = deadline.clone();
        let sooner = get_running_loop().time() + LIMIT;
        let body = deadline.run(async move {
            mover.reschedule(sooner).unwrap();
            slot.take().await
        });
        let outcome = body.await;
        assert_eq!(deadline.expired(), outcome.is_err());
        outcome
    });
}

#[test]
fn a_wait_and_a_completion_in_another_thread_have_one_winner_w3() {
    against_the_clock("wait_for a future", async |slot| {
        wait_for(slot.take(), LIMIT).await
    });
}

/// The task is cancelled by the deadline and waited for, unless it has ended in the turn before: then
/// its handle has the value.
#[test]
fn a_wait_for_a_task_that_another_thread_wakes_has_one_outcome_w3() {
    against_the_clock("wait_for a task", async |slot| {
        let mut task = create_task(slot.take());
        match wait_for(&mut task, LIMIT).await {
            Ok(ended) => Outcome {
                in_time: true,
                value: Some(ended.expect("nobody has cancelled it")),
            },
            Err(TimeoutError) => Outcome {
                in_time: false,
                value: task.into_result().expect("it was waited for").ok(),
            },
        }
    });
}

/// Timeouts around a timeout, all with the same moment: the request is answered once.
#[test]
fn nested_timeouts_and_a_completion_in_another_thread_have_one_winner_w3() {
    against_the_clock("nested timeouts", async |slot| {
        let inner = timeout(LIMIT, timeout(LIMIT, slot.take()));
        timeout(LIMIT, inner).await?.and_then(|inner| inner)
    });
}

/// The body answers the deadline, and waits on for the value: in a scope that is asked to end it is
/// woken all the same.
#[test]
fn a_clean_up_that_waits_for_another_thread_is_woken_w3() {
    against_the_clock("clean-up", async |slot| {
        let deadline = Timeout::after(LIMIT);
        let body = async {
            match catch_cancelled(slot.clone().take()).await {
                Ok(value) => value,
                Err(_) => slot.take().await,
            }
        };
        let value = deadline.run(body).await;
        Outcome {
            in_time: !deadline.expired(),
            value: Some(value.expect("the deadline was answered")),
        }
    });
}
