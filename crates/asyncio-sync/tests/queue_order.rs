//! A comparison that panics leaves the queue counting right: nobody waits for ever.

mod stage;

use std::cell::Cell;
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use asyncio_sync::{PriorityQueue, TaskDoneError};
use stage::{Stage, take};

/// An item whose comparisons panic while its switch is on.
struct Touchy {
    rank: u32,
    panics: Rc<Cell<bool>>,
}

impl Ord for Touchy {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.panics.get() {
            resume_unwind(Box::new("not comparable"));
        }
        self.rank.cmp(&other.rank)
    }
}

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Touchy {}

/// A queue of the items 1 to `count`, and the switch of them all.
fn filled(maxsize: usize, count: u32) -> (Rc<PriorityQueue<Touchy>>, Rc<Cell<bool>>) {
    let queue = Rc::new(PriorityQueue::new(maxsize));
    let panics = Rc::new(Cell::new(false));
    for rank in 1..=count {
        assert!(queue.put_nowait(item(rank, &panics)).is_ok());
    }
    (queue, panics)
}

fn item(rank: u32, panics: &Rc<Cell<bool>>) -> Touchy {
    let panics = Rc::clone(panics);
    Touchy { rank, panics }
}

/// Does something during which comparisons panic.
fn panicking<T>(panics: &Cell<bool>, act: impl FnOnce() -> T) {
    panics.set(true);
    assert!(catch_unwind(AssertUnwindSafe(act)).is_err());
    panics.set(false);
}

#[test]
fn an_item_whose_put_panicked_is_in_and_counts_and_wakes_a_getter() {
    let stage = Stage::new();
    let (queue, panics) = filled(0, 0);
    let getters = [(); 2].map(|()| {
        let queue = queue.clone();
        stage.task(|_| async move { queue.get().await.map(|item| item.rank) })
    });
    stage.turn();
    assert!(queue.put_nowait(item(2, &panics)).is_ok());
    panicking(&panics, || queue.put_nowait(item(1, &panics)));
    assert_eq!(queue.qsize(), 2);
    stage.settle();
    let mut got = getters.map(take);
    got.sort_unstable_by_key(|rank| *rank.as_ref().unwrap());
    assert_eq!(got, [Ok(1), Ok(2)]);
    assert_eq!(
        [(); 3].map(|()| queue.task_done()),
        [Ok(()), Ok(()), Err(TaskDoneError)]
    );
}

#[test]
fn an_item_that_a_panic_lost_is_nobodys_work_and_leaves_room() {
    let stage = Stage::new();
    let (queue, panics) = filled(3, 3);
    let putter = stage.task(|_| {
        let (queue, item) = (queue.clone(), item(4, &panics));
        async move { queue.put(item).await.is_ok() }
    });
    stage.turn();
    panicking(&panics, || queue.get_nowait().is_ok());
    let lost = 3 - queue.qsize();
    stage.settle();
    assert_eq!(
        putter.done(),
        lost == 1,
        "it waits as long as there is no room"
    );
    let joined = stage.task(|_| {
        let queue = queue.clone();
        async move { queue.join().await }
    });
    stage.settle();
    while queue.get_nowait().is_ok() {
        queue.task_done().unwrap();
        stage.settle();
    }
    assert!(putter.done() && joined.done());
    assert_eq!(queue.task_done(), Err(TaskDoneError));
}

#[test]
fn a_shutdown_whose_order_panics_tells_everybody() {
    let stage = Stage::new();
    let (queue, panics) = filled(3, 3);
    let putter = stage.task(|_| {
        let (queue, item) = (queue.clone(), item(4, &panics));
        async move { queue.put(item).await.is_ok() }
    });
    let joined = stage.task(|_| {
        let queue = queue.clone();
        async move { queue.join().await }
    });
    stage.turn();
    panicking(&panics, || queue.shutdown(true));
    stage.settle();
    assert!(!take(putter));
    while queue.get_nowait().is_ok() {
        queue.task_done().unwrap();
    }
    stage.settle();
    assert!(joined.done());
    assert_eq!(queue.task_done(), Err(TaskDoneError));
}
