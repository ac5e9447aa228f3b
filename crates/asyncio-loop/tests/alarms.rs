//! Entries with a deadline.

mod scene;

use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use asyncio_executor::{Dispatch, Entry, Scope, ScopeRef};
use asyncio_loop::{Alarm, AlarmPlace, get_running_loop, sleep};

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
    assert!(AlarmPlace::reserve().is_none(), "there is no running loop");
    let (event_loop, _clock) = scene::simulated();
    event_loop
        .run_until_complete(async {
            let bell = Rc::new(Bell::default());
            let here = get_running_loop();
            let tie = here.time() + SECOND;
            let place = AlarmPlace::reserve().expect("a running loop");
            let (rung, heard) = (Rc::clone(&bell), Rc::new(Cell::new(0)));
            let since = Rc::clone(&heard);
            here.call_at(tie, move || since.set(rung.0.get()));
            let _alarm = place.alarm_at(Some(tie), Entry::dispatch(Rc::clone(&bell)));
            sleep(SECOND).await;
            assert_eq!(heard.get(), 1, "when the callback ran it had rung");
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
async fn limited(limit: impl FnOnce(AlarmPlace, ScopeRef) -> Alarm) -> Instant {
    let here = get_running_loop();
    let mut body = pin!(Some(pending::<()>()));
    let mut scope = Scope::new();
    let mut rest = Some((here.reserve_alarm(), limit));
    let mut alarm = None;
    let ended = poll_fn(|cx| {
        let polled = scope.poll(body.as_mut(), cx);
        if let Some((place, limit)) = rest.take() {
            alarm = Some(limit(place, scope.reference().expect("an open scope")));
        }
        polled
    });
    assert!(ended.await.is_err());
    assert!(scope.was_requested());
    assert!(!alarm.expect("it has waited").is_set());
    here.time()
}

#[test]
fn an_alarm_cancels_a_scope_at_its_time_and_leaves_the_task() {
    let (event_loop, _clock) = scene::simulated();
    event_loop
        .run_until_complete(async {
            let start = get_running_loop().time();
            let at = Some(start + SECOND);
            let end = limited(|place, scope| place.cancel_scope_at(at, scope)).await;
            assert_eq!(end, start + SECOND);
            let end = limited(AlarmPlace::cancel_scope_soon).await;
            assert_eq!(end, start + SECOND, "no time has passed");
            assert_eq!(get_running_loop().metrics().timers, 0);
        })
        .unwrap();
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
                if let Some(scope) = scope.reference() {
                    let place = here.reserve_alarm();
                    let at = Some(place.time() + SECOND * 2);
                    alarms.push(place.cancel_scope_at(at, scope.clone()));
                    let place = here.reserve_alarm();
                    alarms.push(place.cancel_scope_at(None, scope));
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
