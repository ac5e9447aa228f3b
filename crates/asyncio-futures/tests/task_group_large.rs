//! Task groups of very many children, in linear time: what is quadratic does not end within the
//! watchdog's time.

mod turns;

use std::future::pending;
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_futures::{ErrorGroup, TaskGroup, task_group};
use asyncio_testkit::Watchdog;
use turns::simulated;

const MANY: u32 = 200_000;

fn in_linear_time<F: Future>(name: &str, main: F) -> F::Output {
    let _watchdog = Watchdog::start(name, Duration::from_secs(120));
    let (event_loop, _clock) = simulated();
    event_loop.run_until_complete(main).unwrap()
}

/// Half of the children fail in one turn; the others return in it, or are cancelled.
#[test]
fn children_may_fail_all_in_the_same_turn_w12() {
    let errors = in_linear_time("failing children", async {
        let outcome: Result<(), ErrorGroup<u32>> = task_group(async |group| {
            for number in 0..MANY {
                let child = async move {
                    match number * 2 / MANY {
                        0 => Err(number),
                        _ if number % 2 == 0 => Ok(()),
                        _ => pending().await,
                    }
                };
                group.start_soon(child).unwrap();
            }
            pending().await
        })
        .await;
        outcome.unwrap_err().into_errors()
    });
    assert_eq!(errors.len(), MANY as usize / 2);
}

/// In the order that a search from the front is worst at.
#[test]
fn children_that_wait_for_their_turn_may_be_cancelled_in_any_order_w12() {
    let left = in_linear_time("waiting children", async {
        let group = TaskGroup::<()>::new().limit(1);
        let outcome = group.run(async |group| {
            let first = group.create_task(pending::<Result<(), ()>>()).unwrap();
            let child = || group.create_task(async { Ok(()) }).unwrap();
            let waiting: Vec<_> = (0..MANY).map(|_| child()).collect();
            yield_now().await;
            for task in waiting[1..].iter().rev() {
                task.cancel();
            }
            yield_now().await;
            let left = group.len();
            first.cancel(); // the one that still waits begins
            let mut waiting = waiting.into_iter();
            assert!(waiting.next().unwrap().await.is_ok());
            assert!(waiting.all(|task| task.cancelled()));
            Ok(left)
        });
        outcome.await.unwrap()
    });
    assert_eq!(left, Some(2));
}
