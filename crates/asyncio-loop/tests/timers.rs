//! Deadlines: `call_later`, `call_at`, sleeps and intervals.

mod scene;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use asyncio_loop::{MissedTicks, TimerHandle, interval, interval_at, sleep, sleep_until};
use scene::{Log, simulated, stopped_clock};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn callbacks_come_in_order_of_deadline_and_never_early() {
    let (event_loop, clock) = simulated();
    let log = Log::new();
    let start = clock.now();
    for seconds in [3, 1, 2] {
        let (log, clock) = (log.clone(), clock.clone());
        let when = start + SECOND * seconds;
        let timer = event_loop.call_at(when, move || {
            assert!(clock.now() >= when);
            log.note(seconds.to_string());
        });
        assert_eq!(timer.when(), Some(when));
    }
    event_loop.run_until_complete(sleep(SECOND * 4)).unwrap();
    log.expect(&["1", "2", "3"]);
}

#[test]
fn a_deadline_that_has_passed_is_due_in_the_next_turn() {
    let (event_loop, clock) = stopped_clock();
    clock.advance(SECOND);
    let log = Log::new();
    event_loop.call_at(clock.now() - SECOND, log.entry("past"));
    event_loop.call_later(Duration::ZERO, log.entry("now"));
    assert_eq!(event_loop.run_once(Some(Duration::ZERO)).unwrap().timers, 2);
    log.expect(&["past", "now"]);
}

/// P7: no magnitude of a delay panics, spins or changes the order.
#[test]
fn delays_of_every_magnitude_keep_their_order_p7() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let day = SECOND * 86_400;
    let never = event_loop.call_later(Duration::MAX, || panic!("never"));
    assert_eq!(never.when(), None);
    let delays = [
        ("100 years", day * 36_500),
        (
            "24.9 days",
            Duration::from_millis(u64::from(u32::MAX >> 1) + 1),
        ),
        ("50 days", Duration::from_millis(u64::from(u32::MAX) + 1)),
        ("1 ns", Duration::from_nanos(1)),
        ("999 us", Duration::from_micros(999)),
        ("0", Duration::ZERO),
    ];
    for (name, delay) in delays {
        event_loop.call_later(delay, log.entry(name));
    }
    // Past what a queue can hold, 584 years from its beginning: never, like the longest.
    event_loop.call_later(Duration::from_nanos(u64::MAX), || panic!("never"));
    event_loop
        .run_until_complete(sleep(day * 365 * 500))
        .unwrap();
    log.expect(&["0", "1 ns", "999 us", "24.9 days", "50 days", "100 years"]);
    // Each jump is a turn of the loop or two.
    assert!(event_loop.metrics().turns < 30);
    assert_eq!(event_loop.metrics().timers, 2);
    never.cancel();
    never.cancel();
    assert_eq!(event_loop.metrics().timers, 1);
}

#[test]
fn a_cancelled_timer_is_gone_at_once_and_its_callback_with_it() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let held = scene::NoteDrop(log.clone(), "dropped");
    let timer = event_loop.call_later(SECOND, move || {
        let _held = &held;
        panic!("cancelled");
    });
    assert_eq!(event_loop.metrics().timers, 1);
    timer.cancel();
    log.expect(&["dropped"]);
    assert!(timer.cancelled());
    assert_eq!(event_loop.metrics().timers, 0);
    timer.cancel();
    event_loop.run_until_complete(sleep(SECOND * 2)).unwrap();
}

#[test]
fn a_cancelled_timer_is_gone_also_when_its_callbacks_destructor_panics() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("in a destructor");
        }
    }
    let (event_loop, _clock) = simulated();
    let panics = Panics;
    let timer = event_loop.call_later(Duration::MAX, move || drop(panics));
    let cancel = AssertUnwindSafe(|| timer.cancel());
    assert!(catch_unwind(cancel).is_err());
    assert!(timer.cancelled());
    assert_eq!(event_loop.metrics().timers, 0);
}

#[test]
fn cancelling_a_timer_that_has_fired_only_says_so() {
    let (event_loop, _clock) = simulated();
    let log = Log::new();
    let timer = event_loop.call_later(SECOND, log.entry("fired"));
    event_loop.run_until_complete(sleep(SECOND * 2)).unwrap();
    assert!(!timer.cancelled());
    timer.cancel();
    assert!(timer.cancelled(), "as in CPython");
    // It does nothing to the timer that has its place in the queue now.
    let other = event_loop.call_later(SECOND, log.entry("other"));
    timer.cancel();
    event_loop.run_until_complete(sleep(SECOND * 2)).unwrap();
    log.expect(&["fired", "other"]);
    assert!(!other.cancelled());
}

/// Both expire in one turn, and the first one cancels the second: it is ready already, and passed
/// over.
#[test]
fn a_timer_may_cancel_one_that_expired_with_it() {
    let (event_loop, _clock) = simulated();
    let second = Rc::new(RefCell::new(None::<TimerHandle>));
    let victim = second.clone();
    event_loop.call_later(SECOND, move || victim.take().unwrap().cancel());
    *second.borrow_mut() = Some(event_loop.call_later(SECOND, || panic!("cancelled")));
    event_loop.run_until_complete(sleep(SECOND * 2)).unwrap();
}

#[test]
fn a_timer_may_cancel_itself() {
    let (event_loop, _clock) = simulated();
    let own = Rc::new(RefCell::new(None::<TimerHandle>));
    let timer = own.clone();
    let handle = event_loop.call_later(SECOND, move || timer.take().unwrap().cancel());
    *own.borrow_mut() = Some(handle.clone());
    event_loop.run_until_complete(sleep(SECOND * 2)).unwrap();
    assert!(handle.cancelled());
}

#[test]
fn a_sleep_of_zero_waits_for_one_turn() {
    let (event_loop, clock) = stopped_clock();
    let log = Log::new();
    let task_log = log.clone();
    event_loop
        .create_task(async move {
            task_log.note("before");
            sleep(Duration::ZERO).await;
            task_log.note("after");
            sleep_until(clock.now() - SECOND).await;
            task_log.note("after the past");
        })
        .detach();
    for expected in ["before", "after", "after the past"] {
        event_loop.run_once(Some(Duration::ZERO)).unwrap();
        log.expect(&[expected]);
    }
    assert_eq!(event_loop.metrics().timers, 0);
}

#[test]
fn a_sleep_counts_from_its_first_poll_and_sets_nothing_before() {
    let (event_loop, clock) = simulated();
    event_loop
        .run_until_complete(async {
            let nap = sleep(SECOND);
            assert_eq!(event_loop.metrics().timers, 0);
            sleep(SECOND * 10).await;
            let start = clock.now();
            nap.await;
            assert_eq!(clock.now() - start, SECOND);
        })
        .unwrap();
}

#[test]
fn sleeping_for_ever_costs_no_turns() {
    let (event_loop, _clock) = simulated();
    let for_ever = event_loop.create_task(sleep(Duration::MAX));
    let turns = event_loop.metrics().turns;
    event_loop.run_until_complete(sleep(SECOND * 1000)).unwrap();
    assert!(event_loop.metrics().turns - turns < 10);
    assert!(!for_ever.done());
}

#[test]
fn dropped_sleeps_leave_nothing_behind() {
    let (event_loop, _clock) = simulated();
    event_loop
        .run_until_complete(async {
            for n in 0..100_000u64 {
                let mut nap = pin!(sleep(Duration::from_nanos(n + 1)));
                let mut cx = Context::from_waker(Waker::noop());
                assert!(nap.as_mut().poll(&mut cx).is_pending());
            }
            assert_eq!(event_loop.metrics().timers, 0);
        })
        .unwrap();
}

/// Counts how often it was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_sleep_that_moves_to_another_task_wakes_that_one_w9() {
    let (event_loop, clock) = stopped_clock();
    let (first, second) = (Arc::new(Count::default()), Arc::new(Count::default()));
    event_loop
        .run_until_complete(async {
            let mut nap = pin!(sleep(SECOND));
            for waker in [first.clone(), second.clone()].map(Waker::from) {
                let polled = nap.as_mut().poll(&mut Context::from_waker(&waker));
                assert!(polled.is_pending());
            }
            clock.advance(SECOND);
            while !nap.is_done() {
                asyncio_executor::yield_now().await;
            }
            asyncio_executor::yield_now().await;
        })
        .unwrap();
    let woken = |count: &Count| count.0.load(Ordering::SeqCst);
    assert_eq!((woken(&first), woken(&second)), (0, 1));
}

/// C3: a clock that jumps fires everything that is late, once, in order.
#[test]
fn a_jump_of_the_clock_fires_what_is_late_once_and_in_order_c3() {
    let (event_loop, clock) = stopped_clock();
    let log = Log::new();
    for seconds in [5u32, 1, 4, 2, 3] {
        event_loop.call_later(SECOND * seconds, log.entry(&seconds.to_string()));
    }
    let before = event_loop.time();
    clock.advance(SECOND * 3600);
    assert!(event_loop.time() > before);
    assert_eq!(event_loop.run_once(Some(Duration::ZERO)).unwrap().timers, 5);
    log.expect(&["1", "2", "3", "4", "5"]);
    assert_eq!(event_loop.run_once(Some(Duration::ZERO)).unwrap().timers, 0);
}

/// C4: what is due runs in the turn after it has become due, however much is ready.
#[test]
fn a_timer_that_becomes_due_among_ten_thousand_callbacks_runs_in_the_next_turn_c4() {
    let (event_loop, clock) = stopped_clock();
    let fired_in = Rc::new(Cell::new(0));
    let (fired, here) = (fired_in.clone(), event_loop.clone());
    event_loop.call_later(SECOND, move || fired.set(here.metrics().turns));
    let start = event_loop.metrics().turns;
    for n in 0..10_000 {
        let clock = clock.clone();
        event_loop.call_soon(move || {
            if n == 5_000 {
                clock.advance(SECOND);
            }
        });
    }
    event_loop.run_once(None).unwrap();
    event_loop.call_soon(|| ());
    event_loop.run_once(None).unwrap();
    // The count is that of the turns that were complete then.
    assert_eq!(fired_in.get() - start, 1);
}

/// P8, in real time: never early, and the last part of a millisecond is slept, not spun.
#[test]
fn short_sleeps_are_exact_and_do_not_spin_p8() {
    let event_loop = scene::real();
    let polls = event_loop.metrics().polls;
    event_loop
        .run_until_complete(async {
            for _ in 0..20 {
                let start = Instant::now();
                sleep(Duration::from_micros(1300)).await;
                assert!(start.elapsed() >= Duration::from_micros(1300));
            }
        })
        .unwrap();
    let polls = event_loop.metrics().polls - polls;
    assert!(polls < 20 * 8, "{polls} polls for 20 sleeps");
}

#[test]
fn an_interval_makes_up_for_missed_ticks() {
    let (event_loop, clock) = simulated();
    event_loop
        .run_until_complete(async {
            let start = clock.now();
            let mut ticks = interval(SECOND);
            assert_eq!(ticks.period(), SECOND);
            assert_eq!(ticks.tick().await, start);
            assert_eq!(ticks.tick().await, start + SECOND);
            sleep(SECOND * 3 + SECOND / 2).await;
            for n in 2..=5 {
                assert_eq!(ticks.tick().await, start + SECOND * n);
            }
            assert_eq!(clock.now(), start + SECOND * 5);
        })
        .unwrap();
}

#[test]
fn an_interval_can_leave_missed_ticks_out_or_go_on_from_now() {
    let (event_loop, clock) = simulated();
    event_loop
        .run_until_complete(async {
            let start = clock.now();
            let mut skip = interval_at(start, SECOND).missed(MissedTicks::Skip);
            let mut delay = interval_at(start, SECOND).missed(MissedTicks::Delay);
            sleep(SECOND * 7 / 2).await;
            assert_eq!(skip.tick().await, start);
            assert_eq!(delay.tick().await, start);
            assert_eq!(skip.tick().await, start + SECOND * 4);
            assert_eq!(delay.tick().await, start + SECOND * 9 / 2);
            // Exactly on a tick: the one after it is next.
            sleep_until(start + SECOND * 8).await;
            assert_eq!(skip.tick().await, start + SECOND * 5);
            assert_eq!(skip.tick().await, start + SECOND * 9);
        })
        .unwrap();
}

/// More than 2^32 periods: two hours of suspend and a period of a microsecond.
#[test]
fn an_interval_leaves_out_any_number_of_missed_ticks() {
    const PERIOD: Duration = Duration::from_micros(1);
    let (event_loop, clock) = simulated();
    event_loop
        .run_until_complete(async {
            let start = clock.now();
            let mut ticks = interval(PERIOD).missed(MissedTicks::Skip);
            assert_eq!(ticks.tick().await, start);
            let late = Duration::from_secs(2 * 3600) + PERIOD / 2;
            clock.advance(late);
            assert_eq!(ticks.tick().await, start + PERIOD);
            // The next one of the rhythm, half a period from now. A pending tick would let the
            // clock of this loop run to the timeout.
            let mut limit = pin!(sleep(SECOND));
            let mut next = pin!(ticks.tick());
            let tick = std::future::poll_fn(|cx| match next.as_mut().poll(cx) {
                Poll::Ready(tick) => Poll::Ready(Some(tick)),
                Poll::Pending => limit.as_mut().poll(cx).map(|()| None),
            });
            assert_eq!(tick.await, Some(start + late + PERIOD / 2));
        })
        .unwrap();
}

#[test]
fn an_interval_past_the_end_of_time_waits_for_ever() {
    let (event_loop, clock) = simulated();
    event_loop
        .run_until_complete(async {
            let mut ticks = interval(Duration::MAX);
            assert_eq!(ticks.tick().await, clock.now());
            let mut next = pin!(ticks.tick());
            let polled = Pin::as_mut(&mut next).poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
        })
        .unwrap();
    assert_eq!(event_loop.metrics().timers, 0);
}

#[test]
fn a_tick_that_was_given_up_comes_with_the_next_call() {
    let (event_loop, clock) = simulated();
    event_loop
        .run_until_complete(async {
            let start = clock.now();
            let mut ticks = interval_at(start + SECOND, SECOND);
            {
                let mut tick = pin!(ticks.tick());
                let polled = tick.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert!(matches!(polled, Poll::Pending));
            }
            assert_eq!(ticks.tick().await, start + SECOND);
        })
        .unwrap();
}

#[test]
#[should_panic(expected = "an interval needs a period")]
fn an_interval_without_a_period_is_refused() {
    let _ = interval_at(Instant::now(), Duration::ZERO);
}
