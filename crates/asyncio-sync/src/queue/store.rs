//! In what order items leave a queue: asyncio's `_put` and `_get`, which subclasses override.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;

/// The items of a queue, and their order.
pub trait Store<T> {
    /// Takes an item in.
    fn put(&mut self, item: T);

    /// Gives the next item out; `None` when there is none.
    fn get(&mut self) -> Option<T>;

    /// How many items there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// First in, first out: [`Queue`](crate::Queue).
#[derive(Clone, Debug)]
pub struct Fifo<T>(VecDeque<T>);

/// Last in, first out: [`LifoQueue`](crate::LifoQueue).
#[derive(Clone, Debug)]
pub struct Lifo<T>(Vec<T>);

/// Lowest first, and of equals the one that came first: [`PriorityQueue`](crate::PriorityQueue).
#[derive(Clone)]
pub struct Priority<T> {
    heap: BinaryHeap<Ranked<T>>,
    arrivals: u64,
}

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Store<T> for Fifo<T> {
    #[inline]
    fn put(&mut self, item: T) {
        self.0.push_back(item);
    }

    #[inline]
    fn get(&mut self) -> Option<T> {
        self.0.pop_front()
    }

    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T> Default for Lifo<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Store<T> for Lifo<T> {
    #[inline]
    fn put(&mut self, item: T) {
        self.0.push(item);
    }

    #[inline]
    fn get(&mut self) -> Option<T> {
        self.0.pop()
    }

    #[inline]
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T: Ord> Default for Priority<T> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            arrivals: 0,
        }
    }
}

impl<T: Ord> Store<T> for Priority<T> {
    fn put(&mut self, item: T) {
        self.arrivals += 1;
        self.heap.push(Ranked {
            item,
            arrival: self.arrivals,
        });
    }

    fn get(&mut self) -> Option<T> {
        self.heap.pop().map(|ranked| ranked.item)
    }

    fn len(&self) -> usize {
        self.heap.len()
    }
}

impl<T> fmt::Debug for Priority<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Priority")
            .field("len", &self.heap.len())
            .finish()
    }
}

/// An item of a heap that gives the greatest out first.
#[derive(Clone)]
struct Ranked<T> {
    item: T,
    arrival: u64,
}

impl<T: Ord> Ord for Ranked<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_item = other.item.cmp(&self.item);
        by_item.then_with(|| other.arrival.cmp(&self.arrival))
    }
}

impl<T: Ord> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T: Ord> Eq for Ranked<T> {}
