//! A result, a deadline and a cancellation in one turn, in every order.

mod turns;

use asyncio_executor::{TaskError, current_task, yield_now};
use asyncio_futures::{Future, TimeoutError, timeout, wait_for};
use asyncio_loop::{create_task, get_running_loop, sleep};
use turns::{SECOND, simulated};

/// What happens in the turn that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The future that is awaited gets its result.
    Result,
    /// The deadline passes.
    Deadline,
    /// The task is cancelled.
    Cancel,
}

use Event::{Cancel, Deadline, Result as Value};

/// How the awaiting task limits its time.
#[derive(Clone, Copy, Debug)]
enum Form {
    Timeout,
    WaitFor,
    /// The deadline is that of an outer one, with the same moment.
    Nested,
}

/// Runs a task that waits for a future, has `events` happen in one turn in their order, and says how
/// the task ended, and whether the future kept its result.
fn outcome(form: Form, events: &[Event]) -> (Result<Result<u32, TimeoutError>, TaskError>, bool) {
    let (event_loop, _clock) = simulated();
    let outcome = event_loop.run_until_complete(async {
        let future = Future::<u32>::new();
        let awaited = future.clone();
        let limit = if events.contains(&Deadline) {
            SECOND
        } else {
            SECOND * 9
        };
        let waits = async move {
            let value = async { awaited.await.unwrap() };
            let outcome = match form {
                Form::Timeout => timeout(limit, value).await,
                Form::WaitFor => wait_for(value, limit).await,
                Form::Nested => timeout(limit, timeout(limit, value))
                    .await
                    .and_then(|it| it),
            };
            assert_eq!(current_task().unwrap().cancelling(), 0);
            yield_now().await; // no request is left behind
            outcome
        };
        let mut waits = Some(waits);
        let mut task = None;
        let reference = std::rc::Rc::new(std::cell::OnceCell::new());
        // Timers of one moment fire in the order in which they were set.
        for event in events.iter().chain(&[Deadline]) {
            let (set, cancelled) = (future.clone(), std::rc::Rc::clone(&reference));
            match event {
                Deadline => {
                    if let Some(waits) = waits.take() {
                        let made = create_task(waits);
                        reference.set(made.task_ref()).unwrap();
                        task = Some(made);
                        yield_now().await; // it waits, and its timer is set
                        yield_now().await;
                    }
                }
                Value => {
                    get_running_loop().call_later(SECOND, move || {
                        // Refused where the future was cancelled before.
                        let _ = set.set_result(1);
                    });
                }
                Cancel => {
                    get_running_loop().call_later(SECOND, move || {
                        cancelled.get().unwrap().cancel();
                    });
                }
            }
        }
        sleep(SECOND * 2).await;
        let kept = matches!(future.result(), Ok(Ok(1)));
        (task.unwrap().await, kept)
    });
    assert_eq!(event_loop.spawner().scope_count(), 0);
    outcome.unwrap()
}

const FORMS: [Form; 3] = [Form::Timeout, Form::WaitFor, Form::Nested];

/// gh-86296, gh-107547: it is not swallowed, whatever else happens with it.
#[test]
fn a_cancellation_wins_in_every_order_h3() {
    for form in FORMS {
        for events in [
            &[Value, Deadline, Cancel][..],
            &[Value, Cancel, Deadline],
            &[Deadline, Value, Cancel],
            &[Deadline, Cancel, Value],
            &[Cancel, Value, Deadline],
            &[Cancel, Deadline, Value],
            &[Value, Cancel],
            &[Cancel, Value],
            &[Deadline, Cancel],
            &[Cancel, Deadline],
        ] {
            let (outcome, kept) = outcome(form, events);
            let what = format!("{form:?} {events:?}: {outcome:?}");
            assert!(matches!(outcome, Err(TaskError::Cancelled(None))), "{what}");
            // The result that was there first is not lost: it is the future's.
            assert_eq!(kept, events[0] == Value, "{what}");
        }
    }
}

#[test]
fn a_deadline_wins_over_a_result_and_leaves_it_to_the_future_h3() {
    for form in FORMS {
        for events in [[Value, Deadline], [Deadline, Value]] {
            let (outcome, kept) = outcome(form, &events);
            assert_eq!(outcome.unwrap(), Err(TimeoutError), "{form:?} {events:?}");
            assert_eq!(kept, events[0] == Value, "{form:?} {events:?}");
        }
        assert_eq!(outcome(form, &[Value]).0.unwrap(), Ok(1));
        assert_eq!(outcome(form, &[Deadline]).0.unwrap(), Err(TimeoutError));
    }
}
