//! A value is made once; who makes it may fail, be cancelled, or panic.

mod stage;

use std::cell::Cell;
use std::rc::Rc;

use asyncio_executor::{Task, yield_now};
use asyncio_sync::OnceCell;
use stage::{Stage, take};

fn maker(
    stage: &Stage,
    cell: &Rc<OnceCell<u32>>,
    made: &Rc<Cell<u32>>,
    value: Result<u32, &'static str>,
) -> Task<Result<u32, &'static str>> {
    let (cell, made) = (Rc::clone(cell), Rc::clone(made));
    stage.task(move |_| async move {
        let make = async || {
            made.set(made.get() + 1);
            yield_now().await;
            value
        };
        cell.get_or_try_init(make).await.copied()
    })
}

#[test]
fn the_first_makes_it_and_the_others_wait() {
    let stage = Stage::new();
    let (cell, made) = (Rc::new(OnceCell::new()), Rc::default());
    let tasks = [1, 2, 3].map(|n| maker(&stage, &cell, &made, Ok(n)));
    stage.turn();
    assert_eq!(
        (cell.get(), cell.set(9)),
        (None, Err(9)),
        "somebody makes it"
    );
    stage.settle();
    assert_eq!(tasks.map(take), [Ok(1); 3]);
    assert_eq!((made.get(), cell.set(9)), (1, Err(9)));
    let mut cell = Rc::into_inner(cell).unwrap();
    *cell.get_mut().unwrap() += 1;
    assert_eq!(cell.into_inner(), Some(2));
}

#[test]
fn the_next_tries_when_one_fails_or_is_cancelled_h1() {
    let stage = Stage::new();
    let (cell, made) = (Rc::new(OnceCell::new()), Rc::default());
    let fails = maker(&stage, &cell, &made, Err("no"));
    let cancelled = maker(&stage, &cell, &made, Ok(2));
    let makes = maker(&stage, &cell, &made, Ok(3));
    stage.turn();
    stage.turn();
    stage.turn(); // the second makes it now
    assert_eq!(made.get(), 2);
    cancelled.cancel();
    stage.settle();
    assert_eq!((take(fails), take(makes)), (Err("no"), Ok(3)));
    assert_eq!(made.get(), 3);
}

#[test]
fn the_next_tries_when_one_panics() {
    let stage = Stage::new();
    stage
        .executor()
        .spawner()
        .set_exception_handler(Some(Rc::new(|_| ())));
    let cell = Rc::new(OnceCell::<u32>::new());
    let panics = stage.task(|_| {
        let cell = cell.clone();
        async move {
            cell.get_or_init(async || std::panic::resume_unwind(Box::new("made badly")))
                .await;
        }
    });
    stage.settle();
    assert!(panics.task_ref().panicked());
    assert_eq!(cell.set(4), Ok(()));
    assert_eq!(cell.get(), Some(&4));
    assert_eq!(OnceCell::from(5).get(), Some(&5));
}

#[test]
fn all_who_wait_go_on_in_the_turn_after_it_is_made() {
    let stage = Stage::new();
    let cell = Rc::new(OnceCell::new());
    let tasks: Vec<_> = (0..5)
        .map(|n| {
            let cell = cell.clone();
            stage.task(move |log| async move {
                let make = async || {
                    yield_now().await;
                    n
                };
                let value = *cell.get_or_init(make).await;
                (log.now(), value)
            })
        })
        .collect();
    stage.settle();
    let seen: Vec<_> = tasks.into_iter().map(take).collect();
    assert_eq!(seen, [(2, 0), (3, 0), (3, 0), (3, 0), (3, 0)]);
}
