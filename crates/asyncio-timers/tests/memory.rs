//! What the queue keeps: room, but no values; and what it does when destructors misbehave.

use asyncio_timers::{TimerKey, TimerQueue};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

const MANY: usize = 1_000_000;

/// Counts how many of it are alive.
struct Counted(Rc<Cell<usize>>);

impl Counted {
    fn new(alive: &Rc<Cell<usize>>) -> Self {
        alive.set(alive.get() + 1);
        Self(Rc::clone(alive))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

fn ns(count: usize) -> Duration {
    Duration::from_nanos(count as u64)
}

/// A million timers with deadlines all over a second, far apart from one to the next.
fn million(start: Instant, alive: &Rc<Cell<usize>>) -> (TimerQueue<Counted>, Vec<TimerKey>) {
    let mut timers = TimerQueue::new(start);
    let keys = (0..MANY)
        .map(|number| {
            let deadline = start + ns(number * 7919 % MANY * 1000);
            timers.insert(Some(deadline), Counted::new(alive))
        })
        .collect();
    (timers, keys)
}

/// Each cancelled value is freed by its own `remove`, and the room of all is used again or given
/// back: nothing waits for a deadline or for a clean-up pass.
#[test]
fn cancelled_timers_free_memory_c2() {
    let start = Instant::now();
    let alive = Rc::new(Cell::new(0));
    let (mut timers, keys) = million(start, &alive);
    let capacity = timers.capacity();
    assert!((MANY..=2 * MANY).contains(&capacity));

    for (cancelled, key) in keys.iter().enumerate() {
        assert!(timers.remove(*key).is_some());
        assert_eq!(alive.get(), MANY - cancelled - 1);
    }
    assert_eq!((timers.len(), timers.next_deadline()), (0, None));
    assert_eq!(timers.capacity(), capacity, "kept for the next peak");

    for number in 0..MANY {
        timers.insert(Some(start + ns(number)), Counted::new(&alive));
    }
    assert_eq!(timers.capacity(), capacity, "used again, nothing allocated");

    timers.clear();
    timers.shrink_to_fit();
    assert_eq!((alive.get(), timers.capacity()), (0, 0));
    assert!(keys.iter().all(|&key| !timers.contains(key)));
}

/// Cancelling is not recursive and not quadratic: a million on a small stack, in any order.
#[test]
fn a_million_cancelled_timers_need_no_stack_w12() {
    let cancel_all = || {
        let start = Instant::now();
        let alive = Rc::new(Cell::new(0));
        let (mut timers, keys) = million(start, &alive);
        for key in keys.iter().step_by(2).chain(keys.iter().rev().step_by(2)) {
            drop(timers.remove(*key));
        }
        assert_eq!((timers.len(), alive.get()), (0, 0));
        let (timers, _) = million(start, &alive);
        drop(timers);
        alive.get()
    };
    let small_stack = std::thread::Builder::new()
        .stack_size(256 * 1024)
        .spawn(cancel_all)
        .expect("a thread starts");
    assert_eq!(small_stack.join().expect("no overflow, no panic"), 0);
}

#[test]
fn nothing_is_allocated_before_the_first_timer_or_within_the_capacity() {
    let start = Instant::now();
    assert_eq!(TimerQueue::<u64>::new(start).capacity(), 0);
    for room in [1, 2, 5, 100, 1000] {
        let mut timers = TimerQueue::with_capacity(start, room);
        let capacity = timers.capacity();
        assert!(capacity >= room);
        for number in 0..capacity {
            timers.insert(Some(start + ns(number)), number);
        }
        assert_eq!(timers.capacity(), capacity);
    }
}

/// A peak is over but for some timers: they stay as they are, with their keys.
#[test]
fn shrinking_keeps_the_timers_that_are_left() {
    let start = Instant::now();
    let mut timers = TimerQueue::new(start);
    let keys: Vec<TimerKey> = (0..1000)
        .map(|number| timers.insert(Some(start + ns(number)), number))
        .collect();
    for (number, key) in keys.iter().enumerate() {
        if number != 20 && number != 40 {
            timers.remove(*key);
        }
    }
    timers.shrink_to_fit();
    assert!((41..100).contains(&timers.capacity()));
    assert_eq!(
        (timers.get(keys[20]), timers.get(keys[40])),
        (Some(&20), Some(&40))
    );
    let mut new: Vec<TimerKey> = Vec::new();
    for number in 0..100 {
        new.push(timers.insert(Some(start + ns(30)), 2000 + number));
    }
    assert!(new.iter().all(|key| !keys.contains(key)));
    assert_eq!(timers.pop_expired(start + ns(1000)), Some((keys[20], 20)));
    assert_eq!(timers.pop_expired(start + ns(1000)), Some((new[0], 2000)));
    assert_eq!(timers.len(), 100);
}

#[test]
fn each_value_is_dropped_once() {
    let start = Instant::now();
    let alive = Rc::new(Cell::new(0));
    let mut timers = TimerQueue::new(start);
    let mut keys = Vec::new();
    for number in 0..100 {
        let deadline = (number % 10 != 0).then_some(start + ns(number));
        keys.push(timers.insert(deadline, Counted::new(&alive)));
    }
    drop(timers.remove(keys[0]));
    drop(timers.remove(keys[0]));
    assert_eq!(alive.get(), 99);
    drop(timers.pop_expired(start + ns(50)));
    assert_eq!(alive.get(), 98);
    assert!(timers.reschedule(keys[50], None));
    assert!(timers.reschedule(keys[51], Some(start + ns(5000))));
    assert_eq!(alive.get(), 98);

    let taken = timers.take_all();
    assert_eq!((taken.len(), alive.get(), timers.len()), (98, 98, 0));
    assert!(keys.iter().all(|&key| timers.get(key).is_none()));
    drop(taken);
    assert_eq!(alive.get(), 0);

    timers.insert(None, Counted::new(&alive));
    timers.insert(Some(start), Counted::new(&alive));
    drop(timers);
    assert_eq!(alive.get(), 0);
}

/// Panics when dropped, the first time.
struct Bomb {
    armed: Rc<Cell<bool>>,
    _counted: Counted,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.armed.replace(false), "boom");
    }
}

#[test]
fn a_destructor_that_panics_leaves_the_queue_usable() {
    let start = Instant::now();
    let alive = Rc::new(Cell::new(0));
    let armed = Rc::new(Cell::new(true));
    let bomb = || Bomb {
        armed: Rc::clone(&armed),
        _counted: Counted::new(&alive),
    };
    let mut timers = TimerQueue::new(start);
    let old: Vec<TimerKey> = (0..10)
        .map(|number| timers.insert(Some(start + ns(number)), bomb()))
        .collect();

    let cleared = catch_unwind(AssertUnwindSafe(|| timers.clear()));
    assert!(cleared.is_err(), "the panic goes on");
    assert_eq!(alive.get(), 0, "the others were dropped all the same");
    assert_eq!((timers.len(), timers.next_deadline()), (0, None));
    assert!(old.iter().all(|&key| !timers.contains(key)));

    let keys: Vec<TimerKey> = (0..10)
        .map(|number| timers.insert(Some(start + ns(10 - number)), bomb()))
        .collect();
    armed.set(true);
    let removed = catch_unwind(AssertUnwindSafe(|| drop(timers.remove(keys[3]))));
    assert!(removed.is_err());
    armed.set(true);
    let popped = catch_unwind(AssertUnwindSafe(|| drop(timers.pop_expired(start + ns(1)))));
    assert!(popped.is_err());
    assert_eq!((timers.len(), alive.get()), (8, 8));
    let order: Vec<TimerKey> = std::iter::from_fn(|| timers.pop_expired(start + ns(10)))
        .map(|(key, _)| key)
        .collect();
    let expected: Vec<TimerKey> = [8, 7, 6, 5, 4, 2, 1, 0].map(|number| keys[number]).into();
    assert_eq!(order, expected);
}

/// The destructors run on values that are out of the queue, which an owner may use meanwhile.
#[test]
fn taking_all_lets_destructors_use_the_queue() {
    use std::cell::RefCell;

    type Shared = Rc<RefCell<TimerQueue<Inserting>>>;
    struct Inserting(Option<Shared>);
    impl Drop for Inserting {
        fn drop(&mut self) {
            if let Some(timers) = self.0.take() {
                timers.borrow_mut().insert(None, Self(None));
            }
        }
    }

    let timers: Shared = Rc::new(RefCell::new(TimerQueue::new(Instant::now())));
    for _ in 0..5 {
        let value = Inserting(Some(Rc::clone(&timers)));
        timers.borrow_mut().insert(None, value);
    }
    let all = timers.borrow_mut().take_all();
    drop(all);
    assert_eq!(timers.borrow().len(), 5);
    timers.borrow_mut().clear();
}
