//! Entries with a deadline.

mod scene;

use std::cell::{Cell, OnceCell, RefCell};
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use asyncio_executor::{Dispatch, Entry, Scope, WaitPlace, yield_now};
use asyncio_loop::{Alarm, AlarmPlace, LoopRef, get_running_loop, sleep};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Bell(Cell<u32>);

impl Dispatch for Bell {
    fn run(self: Rc<Self>) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn an_alarm_rings_once_at_its_time_and_can_be_moved_until_then() {
    let (event_loop, _clock) = scene::simulated();
    event_loop
        .run_until_complete(async {
            let bell = Rc::new(Bell::default());
            let here = get_running_loop();
            let now = here.time();
            let alarm = here.alarm_at(Some(now + SECOND), Entry::dispatch(Rc::clone(&bell)));
            assert!(alarm.reschedule(Some(now + SECOND * 3)));
            sleep(SECOND * 2).await;
            assert!(alarm.is_set());
            assert_eq!(bell.0.get(), 0);
            sleep(SECOND * 2).await;
            assert!(!alarm.is_set());
            assert!(!alarm.reschedule(None));
            assert_eq!(bell.0.get(), 1);
        })
        .unwrap();
}

#[test]
fn an_alarm_in_a_reserved_place_rings_before_timers_of_its_moment_set_since() {
    let (event_loop, _clock) = scene::simulated();
    event_loop
        .run_until_complete(async {
            let here = get_running_loop();
            let tie = here.time() + SECOND;
            let reserved = AlarmPlace::reserve();
            let wait = Rc::new(OnceCell::new());
            let (heard, seen) = (Rc::new(Cell::new(false)), Rc::clone(&wait));
            let since = Rc::clone(&heard);
            here.call_at(tie, move || {
                since.set(seen.get().is_some_and(WaitPlace::is_requested));
            });
            let mut body = pin!(Some(poll_fn(|_| {
                wait.get_or_init(WaitPlace::here);
                Poll::<()>::Pending
            })));
            let mut scope = Scope::new();
            let mut rest = Some(reserved);
            let mut alarm = None;
            let ended = poll_fn(|cx| {
                let polled = scope.poll(body.as_mut(), cx);
                if let Some(place) = rest.take() {
                    alarm = Some(here.clone().cancel_scope_at(place, Some(tie), &scope));
                }
                polled
            });
            assert!(ended.await.is_err());
            assert!(heard.get(), "when the callback ran it had rung");
        })
        .unwrap();
}

#[test]
fn dropping_an_alarm_takes_its_timer_away_and_drops_its_entry() {
    let (event_loop, _clock) = scene::simulated();
    let bell = Rc::new(Bell::default());
    let entry = || Entry::dispatch(Rc::clone(&bell));
    let never = event_loop.alarm_at(None, entry());
    assert_eq!(event_loop.metrics().timers, 1);
    drop(never);
    assert_eq!(event_loop.metrics().timers, 0);
    assert_eq!(Rc::strong_count(&bell), 1);
}

#[test]
fn an_alarm_of_a_closed_loop_never_rings() {
    let (event_loop, _clock) = scene::simulated();
    let bell = Rc::new(Bell::default());
    let early = event_loop.alarm_at(None, Entry::dispatch(Rc::clone(&bell)));
    event_loop.close();
    let late = event_loop.alarm_at(None, Entry::dispatch(Rc::clone(&bell)));
    assert!(!early.is_set() && !late.is_set());
    assert_eq!(Rc::strong_count(&bell), 1);
}

/// Waits for ever in a scope, which is given to `limit` once it is open. Returns when it was cancelled.
async fn limited(limit: impl FnOnce(LoopRef, &Scope) -> Option<Alarm>) -> Instant {
    let here = get_running_loop();
    let mut body = pin!(Some(pending::<()>()));
    let mut scope = Scope::new();
    let mut rest = Some(limit);
    let mut alarm = None;
    let ended = poll_fn(|cx| {
        let polled = scope.poll(body.as_mut(), cx);
        if let Some(limit) = rest.take() {
            alarm = limit(here.clone(), &scope);
        }
        polled
    });
    assert!(ended.await.is_err());
    assert!(scope.was_requested());
    assert!(alarm.is_none_or(|alarm| !alarm.is_set()));
    here.time()
}

fn ring(here: LoopRef, at: Option<Instant>, scope: &Scope) -> Option<Alarm> {
    Some(here.cancel_scope_at(AlarmPlace::reserve(), at, scope))
}

#[test]
fn an_alarm_cancels_a_scope_at_its_time_and_leaves_the_task() {
    let (event_loop, _clock) = scene::simulated();
    event_loop
        .run_until_complete(async {
            let start = get_running_loop().time();
            let at = Some(start + SECOND);
            let end = limited(|here, scope| ring(here, at, scope)).await;
            assert_eq!(end, start + SECOND);
            assert_eq!(get_running_loop().metrics().timers, 0);
        })
        .unwrap();
}

#[test]
fn an_alarm_of_another_loop_cancels_a_scope_when_that_loop_runs() {
    let (event_loop, _clock) = scene::simulated();
    let (other, _others_clock) = scene::simulated();
    let there = LoopRef::clone(&other);
    let at = Some(there.time() + SECOND);
    let limited = event_loop.create_task(async move {
        limited(|_, scope| ring(there, at, scope)).await;
    });
    event_loop.run_until_complete(yield_now()).unwrap();
    other.run_until_complete(sleep(SECOND)).unwrap();
    other.run_until_complete(yield_now()).unwrap();
    event_loop.run_until_complete(limited).unwrap().unwrap();
}

#[test]
fn an_alarm_for_a_scope_of_a_closed_loop_is_not_set() {
    let (event_loop, _clock) = scene::simulated();
    let here = LoopRef::clone(&event_loop);
    let scope = Rc::new(RefCell::new(Scope::new()));
    let inside = Rc::clone(&scope);
    let task = event_loop.create_task(async move {
        let mut body = pin!(Some(pending::<()>()));
        let _ = poll_fn(|cx| inside.borrow_mut().poll(body.as_mut(), cx)).await;
    });
    event_loop.run_until_complete(yield_now()).unwrap();
    event_loop.close();
    let alarm = ring(here.clone(), Some(here.time() + SECOND), &scope.borrow());
    assert!(!alarm.unwrap().is_set());
    assert_eq!(here.metrics().timers, 0);
    drop(task);
}

#[test]
fn an_alarm_for_a_scope_that_has_closed_or_is_never_cancelled_does_nothing() {
    let (event_loop, _clock) = scene::simulated();
    event_loop
        .run_until_complete(async {
            let here = get_running_loop();
            let mut body = pin!(Some(sleep(SECOND)));
            let mut scope = Scope::new();
            let mut alarms = Vec::new();
            let ended = poll_fn(|cx| {
                let polled = scope.poll(body.as_mut(), cx);
                if polled.is_pending() {
                    for at in [Some(here.time() + SECOND * 2), None] {
                        alarms.push(here.clone().cancel_scope_at(
                            AlarmPlace::reserve(),
                            at,
                            &scope,
                        ));
                    }
                }
                polled
            });
            assert!(ended.await.is_ok());
            assert!(alarms[0].is_set() && !alarms[1].is_set());
            sleep(SECOND * 2).await;
            assert!(!alarms[0].is_set());
            assert!(!scope.was_requested());
        })
        .unwrap();
}
