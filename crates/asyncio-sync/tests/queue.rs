//! Items go in and come out, each once, in the queue's order; who waits is woken in its own.

mod stage;

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use asyncio_executor::Task;
use asyncio_sync::{
    BaseQueue, GetNowaitError, LifoQueue, PriorityQueue, PutNowaitError, Queue, QueueEmpty,
    QueueFull, QueueShutDown, Store, TaskDoneError,
};
use stage::{Stage, take};

fn getter(
    stage: &Stage,
    queue: &Rc<Queue<i32>>,
    name: &'static str,
) -> Task<Result<i32, QueueShutDown>> {
    let queue = Rc::clone(queue);
    stage.task(|stage| async move {
        let item = queue.get().await;
        stage.tell(format!("{name} {item:?}"));
        item
    })
}

fn putter(
    stage: &Stage,
    queue: &Rc<Queue<i32>>,
    item: i32,
) -> Task<Result<(), QueueShutDown<i32>>> {
    let queue = Rc::clone(queue);
    stage.task(move |stage| async move {
        let put = queue.put(item).await;
        stage.tell(format!("{item} {put:?}"));
        put
    })
}

#[test]
fn what_need_not_wait_does_not_give_way() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(1));
    let _put = putter(&stage, &queue, 1);
    let _get = getter(&stage, &queue, "a");
    stage.settle();
    assert_eq!(stage.log(), ["1 1 Ok(())", "1 a Ok(1)"]);
}

#[test]
fn getters_are_served_in_order_a_turn_after_the_put_h2() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(0));
    let _tasks = ["a", "b", "c"].map(|name| getter(&stage, &queue, name));
    stage.turn();
    queue.put_nowait(1).unwrap();
    queue.put_nowait(2).unwrap();
    stage.settle();
    assert_eq!(stage.log(), ["2 a Ok(1)", "2 b Ok(2)"]);
}

#[test]
fn putters_are_served_in_order_a_turn_after_there_is_room_h2() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(1));
    queue.put_nowait(0).unwrap();
    let _tasks = [1, 2].map(|item| putter(&stage, &queue, item));
    stage.turn();
    assert!(queue.full());
    assert_eq!(queue.get_nowait(), Ok(0));
    stage.settle();
    assert_eq!(stage.log(), ["2 1 Ok(())"]);
    assert_eq!(queue.get_nowait(), Ok(1));
    stage.settle();
    assert_eq!(stage.log(), ["3 2 Ok(())"]);
}

#[test]
fn an_item_may_be_taken_before_the_woken_one_runs_which_waits_again() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(0));
    let _tasks = ["a", "b"].map(|name| getter(&stage, &queue, name));
    stage.turn();
    queue.put_nowait(1).unwrap();
    assert_eq!(queue.get_nowait(), Ok(1));
    stage.settle();
    queue.put_nowait(2).unwrap();
    queue.put_nowait(3).unwrap();
    stage.settle();
    // a went to the tail, as in asyncio.
    assert_eq!(stage.log(), ["3 b Ok(2)", "3 a Ok(3)"]);
}

#[test]
fn a_getter_that_is_cancelled_loses_no_item_h6() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(0));
    let tasks = ["a", "b", "c"].map(|name| getter(&stage, &queue, name));
    stage.turn();
    queue.put_nowait(1).unwrap();
    tasks[0].cancel(); // it was woken
    stage.settle();
    assert_eq!(stage.log(), ["3 b Ok(1)"]);

    tasks[2].cancel(); // it was not
    queue.put_nowait(2).unwrap();
    stage.settle();
    assert_eq!(queue.get_nowait(), Ok(2));
    assert!(format!("{queue:?}").contains("getters: 0"));
}

#[test]
fn a_getter_that_is_being_cancelled_is_passed_over_h1() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(0));
    let tasks = ["a", "b"].map(|name| getter(&stage, &queue, name));
    stage.turn();
    tasks[0].cancel();
    queue.put_nowait(1).unwrap();
    stage.settle();
    assert_eq!(stage.log(), ["2 b Ok(1)"]);
}

#[test]
fn a_getter_that_was_passed_over_and_goes_on_has_its_item_h6() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(0));
    let task = getter(&stage, &queue, "a");
    stage.turn();
    task.cancel();
    queue.put_nowait(1).unwrap();
    task.uncancel();
    stage.settle();
    assert_eq!(stage.log(), ["2 a Ok(1)"]);
}

#[test]
fn a_putter_that_is_cancelled_passes_its_room_on_h1() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(1));
    queue.put_nowait(0).unwrap();
    let tasks = [1, 2, 3].map(|item| putter(&stage, &queue, item));
    stage.turn();
    queue.get_nowait().unwrap();
    tasks[0].cancel();
    stage.settle();
    assert_eq!(stage.log(), ["3 2 Ok(())"]);
    tasks[2].cancel();
    stage.settle();
    assert_eq!(queue.get_nowait(), Ok(2));
    assert!(queue.empty(), "a put that was dropped has put nothing");
}

#[test]
fn join_waits_for_what_was_put_in_until_it_is_done() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(0));
    let join = |stage: &Stage| {
        let queue = queue.clone();
        stage.task(|stage| async move {
            queue.join().await;
            stage.tell("joined");
        })
    };
    let _empty = join(&stage);
    stage.turn();
    assert_eq!(stage.log(), ["1 joined"]);
    queue.put_nowait(1).unwrap();
    queue.put_nowait(2).unwrap();
    let _waits = [join(&stage), join(&stage)];
    stage.turn();
    queue.get_nowait().unwrap();
    queue.task_done().unwrap();
    stage.settle();
    assert_eq!(stage.log(), [""; 0]);
    queue.get_nowait().unwrap();
    queue.task_done().unwrap();
    queue.put_nowait(3).unwrap(); // too late to hold up who waited
    stage.settle();
    assert_eq!(stage.log(), ["3 joined", "3 joined"]);
    queue.task_done().unwrap();
    assert_eq!(queue.task_done(), Err(TaskDoneError));
}

#[test]
fn a_queue_that_is_shut_down_is_drained_and_then_says_so_h6() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(2));
    queue.put_nowait(1).unwrap();
    queue.put_nowait(2).unwrap();
    let full = putter(&stage, &queue, 3);
    stage.turn();
    queue.shutdown(false);
    queue.shutdown(false);
    stage.settle();
    let Err(QueueShutDown(item)) = take(full) else {
        panic!("nothing can be put any more");
    };
    assert_eq!(item, 3, "the item comes back");
    assert_eq!(
        queue.put_nowait(4).map_err(PutNowaitError::into_item),
        Err(4)
    );
    assert_eq!(queue.get_nowait(), Ok(1));
    let tasks = ["a", "b"].map(|name| getter(&stage, &queue, name));
    stage.settle();
    let [a, b] = tasks.map(take);
    assert_eq!((a, b), (Ok(2), Err(QueueShutDown(()))));
    assert_eq!(
        queue.get_nowait(),
        Err(GetNowaitError::ShutDown(QueueShutDown(())))
    );
}

#[test]
fn a_shutdown_wakes_every_getter() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(0));
    let tasks = ["a", "b", "c"].map(|name| getter(&stage, &queue, name));
    stage.turn();
    queue.shutdown(false);
    stage.settle();
    for task in tasks {
        assert_eq!(take(task), Err(QueueShutDown(())));
    }
}

#[test]
fn an_immediate_shutdown_drops_the_items_and_lets_join_go_h6() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(0));
    let item = Rc::new(());
    for _ in 0..3 {
        queue.put_nowait(item.clone()).unwrap();
    }
    let taken = queue.get_nowait().unwrap();
    let join = stage.task(|_| {
        let queue = queue.clone();
        async move { queue.join().await }
    });
    stage.turn();
    queue.shutdown(true);
    assert!(queue.empty());
    assert_eq!(Rc::strong_count(&item), 2, "but the one that was taken");
    stage.settle();
    assert!(!join.done(), "which is not done");
    drop(taken);
    queue.task_done().unwrap();
    stage.settle();
    assert!(join.done());
    assert!(queue.is_shutdown());
}

#[test]
fn a_done_callback_may_put_h6() {
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(0));
    let _a = getter(&stage, &queue, "a");
    let ends = stage.task(|_| async {});
    ends.add_done_callback(move |_| queue.put_nowait(7).unwrap());
    stage.settle();
    assert_eq!(stage.log(), ["3 a Ok(7)"]);
}

#[test]
fn what_there_is_no_room_for_comes_back() {
    let queue = Queue::new(1);
    queue.put_nowait(1).unwrap();
    let error = queue.put_nowait(2).unwrap_err();
    assert_eq!(error, PutNowaitError::Full(QueueFull(2)));
    assert_eq!(error.to_string(), "queue is full");
    queue.get_nowait().unwrap();
    assert_eq!(queue.get_nowait(), Err(GetNowaitError::Empty(QueueEmpty)));
    assert_eq!((queue.maxsize(), queue.qsize()), (1, 0));
    assert_eq!(Queue::<i32>::default().maxsize(), 0);
}

#[test]
fn the_last_leaves_a_lifo_queue_first() {
    let queue = LifoQueue::new(0);
    for item in 1..=3 {
        queue.put_nowait(item).unwrap();
    }
    assert_eq!([(); 3].map(|()| queue.get_nowait().unwrap()), [3, 2, 1]);
}

#[test]
fn the_lowest_leaves_a_priority_queue_first_and_equals_in_order() {
    #[derive(Debug)]
    struct Job(u32, &'static str);
    impl PartialEq for Job {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    impl Eq for Job {}
    impl PartialOrd for Job {
        fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
            Some(self.cmp(other))
        }
    }
    impl Ord for Job {
        fn cmp(&self, other: &Self) -> std::cmp::Ordering {
            self.0.cmp(&other.0)
        }
    }
    let queue = PriorityQueue::new(0);
    let jobs = [
        Job(2, "c"),
        Job(1, "a"),
        Job(2, "d"),
        Job(1, "b"),
        Job(2, "e"),
    ];
    for job in jobs {
        queue.put_nowait(job).unwrap();
    }
    let order: String = std::iter::from_fn(|| queue.get_nowait().ok())
        .map(|job| job.1)
        .collect();
    assert_eq!(order, "abcde");
}

/// A store of one's own, as a subclass of asyncio's has; this one lies about its length.
#[test]
fn a_store_of_ones_own_cannot_make_the_queue_hang() {
    #[derive(Default)]
    struct Liar(Vec<i32>);
    impl Store<i32> for Liar {
        fn put(&mut self, item: i32) {
            self.0.push(item);
        }
        fn get(&mut self) -> Option<i32> {
            self.0.pop()
        }
        fn len(&self) -> usize {
            self.0.len() + 1
        }
    }
    let stage = Stage::new();
    let queue: Rc<BaseQueue<i32, Liar>> = Rc::new(BaseQueue::with_store(0, Liar::default()));
    let task = stage.task(|_| {
        let queue = queue.clone();
        async move { queue.get().await }
    });
    stage.settle();
    assert!(!task.done());
    queue.put_nowait(5).unwrap();
    stage.settle();
    assert_eq!(take(task), Ok(5));
    queue.shutdown(true);
}

#[test]
fn an_item_whose_destructor_uses_the_queue_is_dropped_by_a_shutdown() {
    struct Item(std::rc::Weak<Queue<Item>>);
    impl Drop for Item {
        fn drop(&mut self) {
            if let Some(queue) = self.0.upgrade() {
                assert!(queue.is_shutdown());
                let _ = queue.get_nowait();
            }
        }
    }
    let queue = Rc::new(Queue::new(0));
    for _ in 0..3 {
        let _ = queue.put_nowait(Item(Rc::downgrade(&queue)));
    }
    queue.shutdown(true);
    assert!(queue.empty());
}

#[test]
fn an_item_whose_destructor_panics_keeps_no_shutdown_from_anybody_h6() {
    struct Item(bool);
    impl Drop for Item {
        fn drop(&mut self) {
            if self.0 {
                std::panic::resume_unwind(Box::new("an item"));
            }
        }
    }
    let stage = Stage::new();
    let queue = Rc::new(Queue::new(2));
    assert!(queue.put_nowait(Item(true)).is_ok() && queue.put_nowait(Item(false)).is_ok());
    let join = stage.task(|_| {
        let queue = queue.clone();
        async move { queue.join().await }
    });
    let put = stage.task(|_| {
        let queue = queue.clone();
        async move { queue.put(Item(false)).await.is_err() }
    });
    stage.turn();
    let shutdown = std::panic::AssertUnwindSafe(|| queue.shutdown(true));
    assert!(std::panic::catch_unwind(shutdown).is_err());
    stage.settle();
    assert!(queue.empty() && join.done());
    assert!(take(put), "nothing can be put any more");
}

/// What is taken while a shutdown drops the rest is not done before it is said to be.
#[test]
fn a_shutdown_counts_as_done_what_it_dropped_and_no_more_h6() {
    struct Item(Option<Rc<dyn Fn()>>);
    impl Drop for Item {
        fn drop(&mut self) {
            self.0.iter().for_each(|act| act());
        }
    }
    let queue = Rc::new(Queue::new(0));
    let taken = Rc::new(std::cell::RefCell::new(Vec::new()));
    let act: Rc<dyn Fn()> = Rc::new({
        let (queue, taken) = (Rc::downgrade(&queue), taken.clone());
        move || {
            let queue: Rc<Queue<Item>> = queue.upgrade().unwrap();
            taken.borrow_mut().extend(queue.get_nowait().ok());
        }
    });
    for item in [Item(Some(act)), Item(None), Item(None)] {
        assert!(queue.put_nowait(item).is_ok());
    }
    queue.shutdown(true);
    for _ in 0..taken.borrow().len() {
        assert_eq!(queue.task_done(), Ok(()));
    }
    assert_eq!(queue.task_done(), Err(TaskDoneError));
}

#[test]
#[should_panic(expected = "polled after completion")]
fn a_put_that_is_over_is_not_polled_again() {
    let queue = Queue::new(1);
    let mut put = pin!(queue.put(1));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(put.as_mut().poll(&mut cx).is_ready());
    let _ = put.as_mut().poll(&mut cx);
}
