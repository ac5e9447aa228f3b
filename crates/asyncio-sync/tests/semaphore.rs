//! So many at a time, in order of arrival; no permit is lost or made.

mod stage;

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use asyncio_executor::Task;
use asyncio_sync::{
    BoundedSemaphore, OwnedSemaphorePermit, Semaphore, SemaphoreClosed, TooManyPermitsError,
    TryAcquireError,
};
use stage::{Stage, take, yields};

/// A task that takes `amount` permits, and leaves them taken.
fn taker(stage: &Stage, semaphore: &Rc<Semaphore>, name: &'static str, amount: usize) -> Task<()> {
    let semaphore = Rc::clone(semaphore);
    stage.task(move |stage| async move {
        semaphore.acquire_many(amount).await.unwrap().forget();
        stage.tell(name);
    })
}

#[test]
fn a_free_permit_is_taken_without_giving_way() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::default());
    let _a = taker(&stage, &semaphore, "a", 1);
    let b = taker(&stage, &semaphore, "b", 1);
    stage.settle();
    assert_eq!(stage.log(), ["1 a"]);
    assert!(semaphore.locked() && !b.done());
}

#[test]
fn several_releases_in_a_turn_wake_several_in_order_h2() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(0));
    let _tasks = ["a", "b", "c"].map(|name| taker(&stage, &semaphore, name, 1));
    stage.turn();
    semaphore.release().unwrap();
    semaphore.release().unwrap();
    assert_eq!(
        semaphore.available_permits(),
        0,
        "they are those of the woken"
    );
    stage.settle();
    assert_eq!(stage.log(), ["2 a", "2 b"]);
}

#[test]
fn nobody_who_comes_later_gets_ahead_of_the_one_that_was_woken_h2() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(0));
    let _a = taker(&stage, &semaphore, "a", 1);
    stage.turn();
    semaphore.add_permits(2).unwrap();
    assert_eq!(semaphore.available_permits(), 1);
    assert!(semaphore.locked(), "a has not run");
    assert_eq!(
        semaphore.try_acquire().err(),
        Some(TryAcquireError::NoPermits)
    );
    // It comes in a's turn, before a, and waits behind it: one turn more, as in asyncio.
    let late = pin!(semaphore.acquire());
    let mut late = late;
    let waker = Waker::noop();
    assert!(
        late.as_mut()
            .poll(&mut Context::from_waker(waker))
            .is_pending()
    );
    stage.settle();
    assert_eq!(stage.log(), ["2 a"]);
    assert!(
        late.as_mut()
            .poll(&mut Context::from_waker(waker))
            .is_ready()
    );
}

#[test]
fn a_permit_of_one_that_is_cancelled_goes_on_h1() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(0));
    let tasks = ["a", "b", "c"].map(|name| taker(&stage, &semaphore, name, 1));
    stage.turn();
    semaphore.release().unwrap();
    tasks[0].cancel(); // it was woken
    stage.settle();
    assert_eq!(stage.log(), ["3 b"]);
    assert!(tasks[0].cancelled());

    tasks[2].cancel(); // it was not
    semaphore.release().unwrap();
    stage.settle();
    assert_eq!(semaphore.available_permits(), 1);
    assert!(!semaphore.locked());
}

/// asyncio knows by `future.cancelled()` whom it need not wake; so the next comes no turn later.
#[test]
fn one_that_is_being_cancelled_is_passed_over_h1() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(0));
    let tasks = ["a", "b"].map(|name| taker(&stage, &semaphore, name, 1));
    stage.turn();
    tasks[0].cancel();
    semaphore.release().unwrap();
    stage.settle();
    assert_eq!(stage.log(), ["2 b"]);
}

#[test]
fn one_that_was_passed_over_and_goes_on_is_served_h1() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(0));
    let task = taker(&stage, &semaphore, "a", 1);
    stage.turn();
    task.cancel();
    semaphore.release().unwrap();
    assert_eq!(semaphore.available_permits(), 1);
    assert!(!semaphore.locked(), "all who wait leave");
    task.uncancel();
    stage.settle();
    assert_eq!(stage.log(), ["2 a"]);
    assert_eq!(semaphore.available_permits(), 0);
}

#[test]
fn many_at_once_wait_for_all_of_them_and_hold_up_those_behind_h2() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(2));
    let _big = taker(&stage, &semaphore, "big", 3);
    let _small = taker(&stage, &semaphore, "small", 1);
    stage.settle();
    assert_eq!(stage.log(), [""; 0]);
    assert_eq!(
        semaphore.try_acquire().err(),
        Some(TryAcquireError::NoPermits)
    );
    semaphore.add_permits(2).unwrap();
    stage.settle();
    assert_eq!(stage.log(), ["2 big", "2 small"]);
}

#[test]
fn who_gives_up_waiting_for_many_lets_those_behind_go_h1() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(2));
    let big = taker(&stage, &semaphore, "big", 3);
    let _small = taker(&stage, &semaphore, "small", 1);
    stage.settle();
    big.cancel();
    stage.settle();
    assert_eq!(stage.log(), ["3 small"]);
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn permits_give_themselves_back_whole_split_and_owned() {
    let semaphore = Rc::new(Semaphore::new(5));
    let mut permit = semaphore.try_acquire_many(4).unwrap();
    let part = permit.split(3).unwrap();
    assert!(permit.split(2).is_none());
    assert_eq!((permit.amount(), part.amount()), (1, 3));
    drop(permit);
    assert_eq!(semaphore.available_permits(), 2);
    part.forget();
    assert_eq!(semaphore.available_permits(), 2);

    let stage = Stage::new();
    let task = stage.task(|_| Rc::clone(&semaphore).acquire_many_owned(2));
    stage.settle();
    let owned: OwnedSemaphorePermit = take(task).unwrap();
    assert!(semaphore.locked());
    drop(owned);
    assert!(!semaphore.locked());
    assert_eq!(semaphore.try_acquire_many(0).unwrap().amount(), 0);
}

#[test]
fn more_permits_than_can_be_counted_are_an_error_h8() {
    let semaphore = Semaphore::new(Semaphore::PERMITS_MAX - 1);
    assert_eq!(semaphore.add_permits(2), Err(TooManyPermitsError));
    assert_eq!(semaphore.add_permits(usize::MAX), Err(TooManyPermitsError));
    assert_eq!(semaphore.available_permits(), usize::MAX - 1);
    assert_eq!(semaphore.release(), Ok(()));
    assert_eq!(semaphore.release(), Err(TooManyPermitsError));
    assert_eq!(semaphore.available_permits(), usize::MAX);

    let all = semaphore.try_acquire_many(usize::MAX).unwrap();
    semaphore.release().unwrap(); // one that nobody has taken
    drop(all); // there is room for all but one of them
    assert!(semaphore.available_permits() >= 1);
}

#[test]
fn waiting_for_more_than_there_can_be_waits_and_harms_nobody_h8() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(1));
    let never = taker(&stage, &semaphore, "never", usize::MAX);
    stage.settle();
    never.cancel();
    stage.settle();
    assert!(never.cancelled());
    assert!(semaphore.try_acquire().is_ok());
}

#[test]
fn a_bounded_semaphore_is_never_released_too_often() {
    let semaphore = BoundedSemaphore::new(2);
    assert_eq!(semaphore.release(), Err(TooManyPermitsError));
    semaphore.try_acquire().unwrap().forget();
    drop(semaphore.try_acquire().unwrap());
    assert_eq!(semaphore.release(), Ok(()));
    assert_eq!(semaphore.release(), Err(TooManyPermitsError));
    assert_eq!(semaphore.available_permits(), 2);

    let semaphore = Rc::new(semaphore);
    let owned = [(); 3].map(|()| semaphore.clone().try_acquire_owned());
    assert_eq!(owned.map(|permit| permit.is_ok()), [true, true, false]);
    assert_eq!(semaphore.available_permits(), 2);

    // A permit whose place was filled meanwhile does not make one more.
    let permit = semaphore.try_acquire().unwrap();
    semaphore.release().unwrap();
    drop(permit);
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn a_semaphore_that_is_closed_tells_who_waits_and_who_comes() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(0));
    let woken = stage.task(|_| Rc::clone(&semaphore).acquire_owned());
    let waits = stage.task(|_| Rc::clone(&semaphore).acquire_owned());
    stage.turn();
    semaphore.release().unwrap();
    semaphore.close();
    stage.settle();
    assert!(take(woken).is_ok(), "the permit was its own");
    assert_eq!(take(waits).err(), Some(SemaphoreClosed));
    assert_eq!(semaphore.try_acquire().err(), Some(TryAcquireError::Closed));
    let owned = semaphore.clone().try_acquire_many_owned(1);
    assert_eq!(owned.err(), Some(TryAcquireError::Closed));
    let late = stage.task(|_| Rc::clone(&semaphore).acquire_owned());
    stage.settle();
    assert_eq!(take(late).err(), Some(SemaphoreClosed));
    assert!(semaphore.is_closed());
}

#[test]
fn never_more_than_there_are_permits_run_at_once() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(3));
    let (running, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let (semaphore, running, most) = (semaphore.clone(), running.clone(), most.clone());
            stage.task(|_| async move {
                let _permit = semaphore.acquire().await.unwrap();
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                yields(n % 3).await;
                running.set(running.get() - 1);
            })
        })
        .collect();
    stage.turn();
    tasks.iter().step_by(7).for_each(|task| {
        task.cancel();
    });
    stage.settle();
    assert!(tasks.iter().all(Task::done));
    assert_eq!(most.get(), 3);
    assert_eq!(semaphore.available_permits(), 3);
}

#[test]
fn a_wait_in_a_foreign_poll_may_be_polled_again() {
    let semaphore = Semaphore::new(0);
    let mut cx = Context::from_waker(Waker::noop());
    let mut wait = pin!(semaphore.acquire());
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    semaphore.release().unwrap();
    let Poll::Ready(Ok(permit)) = wait.as_mut().poll(&mut cx) else {
        panic!("the permit is there");
    };
    drop(permit);
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn a_permit_that_is_given_back_after_the_close_is_nobodys_who_waited() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(1));
    let permit = semaphore.try_acquire().unwrap();
    let waits = stage.task(|_| Rc::clone(&semaphore).acquire_owned());
    stage.turn();
    semaphore.close();
    drop(permit);
    assert_eq!(semaphore.available_permits(), 1);
    stage.settle();
    assert_eq!(take(waits).err(), Some(SemaphoreClosed));
}

#[test]
fn a_permit_of_one_that_is_cancelled_after_the_close_is_not_lost_h1() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(0));
    let woken = stage.task(|_| Rc::clone(&semaphore).acquire_owned());
    stage.turn();
    semaphore.release().unwrap();
    semaphore.close();
    woken.cancel();
    stage.settle();
    assert!(woken.cancelled());
    assert_eq!(semaphore.available_permits(), 1);
}

/// Two that were passed over, and whose requests were withdrawn, are where they were before.
#[test]
fn who_is_passed_over_and_goes_on_is_not_overtaken_h2() {
    let stage = Stage::new();
    let semaphore = Rc::new(Semaphore::new(0));
    let tasks = ["a", "b", "c", "d"].map(|name| taker(&stage, &semaphore, name, 1));
    stage.turn();
    tasks[..3].iter().for_each(|task| {
        task.cancel();
    });
    semaphore.release().unwrap(); // d's
    tasks[..3].iter().for_each(|task| {
        task.uncancel();
    });
    stage.settle();
    semaphore.add_permits(3).unwrap();
    stage.settle();
    assert_eq!(stage.log(), ["2 d", "3 a", "3 b", "3 c"]);
}
