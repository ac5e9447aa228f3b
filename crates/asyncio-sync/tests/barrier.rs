//! Tasks that wait for each other, round after round.

mod stage;

use std::rc::Rc;

use asyncio_executor::Task;
use asyncio_sync::{Barrier, BrokenBarrierError};
use stage::{Stage, take, yields};

type Place = Result<usize, BrokenBarrierError>;

fn party(stage: &Stage, barrier: &Rc<Barrier>, name: &'static str) -> Task<Place> {
    let barrier = Rc::clone(barrier);
    stage.task(|stage| async move {
        let place = barrier.wait().await;
        stage.tell(format!("{name} {place:?}"));
        place
    })
}

#[test]
fn the_last_goes_on_at_once_and_the_others_a_turn_later_in_order() {
    let stage = Stage::new();
    let barrier = Rc::new(Barrier::new(3));
    let _tasks = ["a", "b", "c"].map(|name| party(&stage, &barrier, name));
    stage.settle();
    assert_eq!(stage.log(), ["1 c Ok(2)", "2 a Ok(0)", "2 b Ok(1)"]);
    assert_eq!((barrier.n_waiting(), barrier.parties()), (0, 3));
}

#[test]
fn a_barrier_for_one_holds_nobody_up() {
    let stage = Stage::new();
    let barrier = Rc::new(Barrier::new(1));
    let _tasks = ["a", "b"].map(|name| party(&stage, &barrier, name));
    stage.settle();
    assert_eq!(stage.log(), ["1 a Ok(0)", "1 b Ok(0)"]);
}

#[test]
#[should_panic(expected = "at least one party")]
fn a_barrier_for_nobody_is_refused() {
    let _ = Barrier::new(0);
}

#[test]
fn who_comes_for_the_next_round_waits_until_the_last_one_has_left() {
    let stage = Stage::new();
    let barrier = Rc::new(Barrier::new(2));
    let _tasks = ["a", "b", "c", "d"].map(|name| party(&stage, &barrier, name));
    stage.turn();
    assert_eq!(stage.log(), ["1 b Ok(1)"]);
    assert_eq!(barrier.n_waiting(), 0, "the first round drains");
    stage.settle();
    // Recorded from asyncio.
    assert_eq!(stage.log(), ["2 a Ok(0)", "3 d Ok(1)", "4 c Ok(0)"]);
}

#[test]
fn one_that_is_cancelled_leaves_and_breaks_nothing_h1() {
    let stage = Stage::new();
    let barrier = Rc::new(Barrier::new(2));
    let a = party(&stage, &barrier, "a");
    stage.turn();
    assert_eq!(barrier.n_waiting(), 1);
    a.cancel();
    stage.settle();
    assert_eq!(barrier.n_waiting(), 0);
    assert!(a.cancelled() && !barrier.broken());
    let _tasks = ["b", "c"].map(|name| party(&stage, &barrier, name));
    stage.settle();
    assert_eq!(stage.log(), ["3 c Ok(1)", "4 b Ok(0)"]);
}

#[test]
fn one_that_is_cancelled_when_the_barrier_opens_still_leaves_h1() {
    let stage = Stage::new();
    let barrier = Rc::new(Barrier::new(2));
    let a = party(&stage, &barrier, "a");
    stage.turn();
    a.cancel();
    let b = party(&stage, &barrier, "b");
    stage.settle();
    // a has left before b came in.
    assert!(a.cancelled() && !b.done());
    let c = party(&stage, &barrier, "c");
    stage.settle();
    assert_eq!((take(b), take(c)), (Ok(0), Ok(1)));

    let d = party(&stage, &barrier, "d");
    stage.turn();
    let e = party(&stage, &barrier, "e");
    stage.turn(); // d was woken
    d.cancel();
    let _late = ["f", "g"].map(|name| party(&stage, &barrier, name));
    stage.settle();
    assert!(d.cancelled());
    assert_eq!(take(e), Ok(1));
    assert_eq!(barrier.n_waiting(), 0);
}

#[test]
fn a_reset_breaks_who_waits_and_starts_anew() {
    let stage = Stage::new();
    let barrier = Rc::new(Barrier::new(3));
    let broken = ["a", "b"].map(|name| party(&stage, &barrier, name));
    stage.turn();
    barrier.reset();
    let _next = ["c", "d", "e"].map(|name| party(&stage, &barrier, name));
    stage.settle();
    for task in broken {
        assert_eq!(take(task), Err(BrokenBarrierError));
    }
    let log = stage.log();
    assert_eq!(log.len(), 5);
    assert_eq!(
        log[..2],
        ["2 a Err(BrokenBarrierError)", "2 b Err(BrokenBarrierError)"]
    );
    assert!(log[2..].iter().all(|line| line.contains("Ok(")));
    barrier.reset(); // nobody waits
    assert!(!barrier.broken());
}

#[test]
fn an_abort_breaks_who_waits_and_who_comes_until_a_reset() {
    let stage = Stage::new();
    let barrier = Rc::new(Barrier::new(2));
    let a = party(&stage, &barrier, "a");
    stage.turn();
    barrier.abort();
    assert!(barrier.broken() && barrier.n_waiting() == 0);
    stage.settle();
    let b = party(&stage, &barrier, "b");
    stage.settle();
    assert_eq!(
        (take(a), take(b)),
        (Err(BrokenBarrierError), Err(BrokenBarrierError))
    );
    barrier.reset();
    let _tasks = ["c", "d"].map(|name| party(&stage, &barrier, name));
    stage.reset();
    stage.log();
    stage.settle();
    assert_eq!(stage.log(), ["1 d Ok(1)", "2 c Ok(0)"]);
}

#[test]
fn many_rounds_of_many_give_each_number_once() {
    let stage = Stage::new();
    let barrier = Rc::new(Barrier::new(5));
    let tasks: Vec<_> = (0..5)
        .map(|n| {
            let barrier = barrier.clone();
            stage.task(|_| async move {
                let mut places = Vec::new();
                for round in 0..10 {
                    places.push(barrier.wait().await.unwrap());
                    yields((n + round) % 4).await;
                }
                places
            })
        })
        .collect();
    stage.settle();
    let places: Vec<Vec<usize>> = tasks.into_iter().map(take).collect();
    for round in 0..10 {
        let mut seen: Vec<_> = places.iter().map(|places| places[round]).collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    }
    assert!(format!("{barrier:?}").contains("Filling"));
}
