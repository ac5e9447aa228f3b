//! `join!` and `try_join!`: several futures in one task.

mod turns;

use std::cell::Cell;

use asyncio_executor::{Spawner, catch_cancelled, yield_now};
use asyncio_futures::{Future, join, try_join};
use turns::{Log, Turns};

async fn after<T>(turns: u32, value: T) -> T {
    for _ in 0..turns {
        yield_now().await;
    }
    value
}

#[test]
fn all_outputs_come_in_order_in_one_task() {
    let turns = Turns::new();
    turns.run(async {
        let borrowed = Cell::new(0);
        let count = async {
            borrowed.set(borrowed.get() + 1);
            after(2, 'c').await
        };
        assert_eq!(join!(after(3, 1)), (1,));
        assert_eq!(join!(after(3, 1), after(1, "b"), count), (1, "b", 'c'));
        assert_eq!(borrowed.get(), 1);
        assert_eq!(Spawner::current().unwrap().all_tasks().len(), 1);
    });
}

#[test]
fn each_branch_runs_in_every_turn() {
    let turns = Turns::new();
    let log = Log::default();
    let inner = log.clone();
    turns.run(async move {
        let branch = async |name: &str| {
            for step in 0..2 {
                inner.add(format!("{name}{step}"));
                yield_now().await;
            }
        };
        join!(branch("a"), branch("b"), branch("c"));
    });
    assert_eq!(log.take(), ["a0", "b0", "c0", "a1", "b1", "c1"]);
}

#[test]
fn handles_are_joined_like_futures() {
    let turns = Turns::new();
    turns.run(async {
        let spawner = Spawner::current().unwrap();
        let mut lent = spawner.create_task(after(1, 1));
        let owned = spawner.create_task(after(2, 2));
        let future = Future::new();
        future.set_result(3).unwrap();
        let (a, b, c) = join!(&mut lent, owned, &future);
        assert_eq!((a.unwrap(), b.unwrap(), c.unwrap()), (1, 2, 3));
    });
}

#[test]
fn twelve_futures_can_be_joined() {
    let turns = Turns::new();
    turns.run(async {
        let f = |n: u32| after(12 - n, n);
        let all = join!(
            f(0),
            f(1),
            f(2),
            f(3),
            f(4),
            f(5),
            f(6),
            f(7),
            f(8),
            f(9),
            f(10),
            f(11)
        );
        assert_eq!(all, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    });
}

#[test]
fn the_first_error_drops_the_others() {
    struct Noted(Log);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.add("dropped");
        }
    }
    let turns = Turns::new();
    let log = Log::default();
    let noted = Noted(log.clone());
    let outcome = turns.run(async move {
        let slow = async {
            let _noted = noted;
            std::future::pending::<Result<u8, &str>>().await
        };
        try_join!(slow, async { Err::<u8, _>(after(2, "bad").await) })
    });
    assert_eq!(outcome, Err("bad"));
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn values_without_errors_come_as_a_tuple() {
    let turns = Turns::new();
    let sum = turns.run(async {
        let (a, b) = try_join!(async { Ok::<_, ()>(40) }, async { Ok(after(2, 2).await) })?;
        Ok::<_, ()>(a + b)
    });
    assert_eq!(sum, Ok(42));
}

#[test]
fn a_cancellation_reaches_the_clean_up_of_every_branch() {
    let turns = Turns::new();
    let log = Log::default();
    let inner = log.clone();
    let task = turns.executor().create_task(async move {
        let branch = async |name: &str| {
            let caught = catch_cancelled(std::future::pending::<()>()).await;
            inner.add(name);
            caught.unwrap_err().reraise().await;
        };
        join!(branch("a"), branch("b"));
    });
    turns.settle();
    task.cancel();
    turns.settle();
    assert!(task.cancelled());
    assert_eq!(log.take(), ["a", "b"]);
}
