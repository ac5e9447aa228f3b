//! So many borrowers at a time, each once, and a number that changes.

mod stage;

use std::rc::Rc;

use asyncio_executor::Task;
use asyncio_sync::{AlreadyBorrowsError, Borrower, CapacityLimiter, TryBorrowError};
use stage::{Stage, take, yields};

fn borrower(stage: &Stage, limiter: &Rc<CapacityLimiter>, name: &'static str) -> Task<()> {
    let limiter = Rc::clone(limiter);
    stage.task(|log| async move {
        let _token = limiter.acquire().await.unwrap();
        log.tell(format!("{name} in"));
        yields(1).await;
    })
}

#[test]
fn no_more_borrow_than_there_are_tokens_in_order_h2() {
    let stage = Stage::new();
    let limiter = Rc::new(CapacityLimiter::new(2));
    let _tasks = ["a", "b", "c", "d"].map(|name| borrower(&stage, &limiter, name));
    stage.turn();
    assert_eq!((limiter.borrowed_tokens(), limiter.tasks_waiting()), (2, 2));
    stage.settle();
    assert_eq!(stage.log(), ["1 a in", "1 b in", "3 c in", "3 d in"]);
    assert_eq!((limiter.available_tokens(), limiter.total_tokens()), (2, 2));
}

#[test]
fn a_borrower_has_one_token_at_most() {
    let stage = Stage::new();
    let limiter = Rc::new(CapacityLimiter::new(5));
    let task = stage.task(|_| {
        let limiter = limiter.clone();
        async move {
            let _token = limiter.acquire().await.unwrap();
            limiter.acquire().await.map(drop)
        }
    });
    stage.settle();
    assert_eq!(take(task), Err(AlreadyBorrowsError));
    let someone = Borrower::Other(7);
    let token = limiter.try_acquire_on_behalf_of(someone.clone());
    let token = token.unwrap();
    assert_eq!(token.borrower(), &someone);
    assert!(limiter.borrows(&someone));
    assert_eq!(
        limiter.try_acquire_on_behalf_of(someone).err(),
        Some(TryBorrowError::AlreadyBorrows)
    );
}

#[test]
fn more_tokens_wake_who_waits_and_fewer_hold_them_up() {
    let stage = Stage::new();
    let limiter = Rc::new(CapacityLimiter::new(0));
    let _tasks = ["a", "b", "c"].map(|name| borrower(&stage, &limiter, name));
    stage.settle();
    limiter.set_total_tokens(2);
    assert_eq!(limiter.available_tokens(), 0, "they are on their way");
    assert_eq!(
        limiter.try_acquire_on_behalf_of(Borrower::Other(1)).err(),
        Some(TryBorrowError::NoTokens)
    );
    stage.turn();
    assert_eq!(stage.log(), ["2 a in", "2 b in"]);
    limiter.set_total_tokens(0);
    stage.settle();
    assert_eq!((limiter.borrowed_tokens(), stage.log().len()), (0, 0));
    limiter.set_total_tokens(usize::MAX);
    stage.settle();
    assert_eq!(stage.log().len(), 1);
    assert_eq!(limiter.available_tokens(), usize::MAX);
}

#[test]
fn a_token_for_one_that_is_cancelled_goes_on_h1() {
    let stage = Stage::new();
    let limiter = Rc::new(CapacityLimiter::new(0));
    let tasks = ["a", "b", "c"].map(|name| borrower(&stage, &limiter, name));
    stage.turn();
    limiter.set_total_tokens(1);
    tasks[0].cancel(); // it was woken
    stage.settle();
    assert_eq!(stage.log(), ["3 b in", "5 c in"]);
    assert_eq!(limiter.available_tokens(), 1);
}

#[test]
fn two_waits_for_the_same_borrower_give_one_token() {
    let stage = Stage::new();
    let limiter = Rc::new(CapacityLimiter::new(0));
    let tasks = [(); 2].map(|()| {
        let limiter = limiter.clone();
        stage.task(|_| async move {
            let token = limiter.acquire_on_behalf_of(Borrower::Other(1)).await;
            yields(2).await;
            token.map(drop)
        })
    });
    let _third = borrower(&stage, &limiter, "third");
    stage.settle();
    limiter.set_total_tokens(2);
    stage.settle();
    assert_eq!(tasks.map(take), [Ok(()), Err(AlreadyBorrowsError)]);
    assert_eq!(stage.log(), ["3 third in"], "the second's token went on");
}

/// Each executor counts its tasks from 1.
#[test]
fn tasks_of_two_executors_are_two_borrowers_h7() {
    let stages = [Stage::new(), Stage::new()];
    let limiter = Rc::new(CapacityLimiter::new(2));
    let tasks = stages.each_ref().map(|stage| {
        let limiter = limiter.clone();
        stage.task(|_| async move {
            let token = limiter.acquire().await;
            yields(1).await;
            token.map(drop)
        })
    });
    for _ in 0..3 {
        stages.iter().for_each(|stage| {
            stage.turn();
        });
    }
    assert_eq!(tasks.map(take), [Ok(()), Ok(())]);
}
