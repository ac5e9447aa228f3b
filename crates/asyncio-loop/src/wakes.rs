//! Wakes that expired sleeps are waiting for.
//!
//! An expired sleep is an entry of the ready queue like any other: running it wakes the task,
//! which runs in the next turn. A million sleeps that expire at once need no million entries,
//! though: those that follow each other share one, and their wakers wait here.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::task::Waker;

use asyncio_executor::{Dispatch, Spawner};

pub(crate) struct Wakes {
    spawner: Spawner,
    queue: RefCell<Queue>,
}

#[derive(Default)]
struct Queue {
    wakers: VecDeque<Waker>,
    /// How many wakers belong to each entry that is in the ready queue.
    batches: VecDeque<usize>,
}

impl Wakes {
    pub(crate) fn new(spawner: &Spawner) -> Self {
        Self {
            spawner: spawner.clone(),
            queue: RefCell::default(),
        }
    }

    /// Adds a waker. Returns whether it needs an entry of its own: not if `joins` the one before.
    pub(crate) fn push(&self, waker: Waker, joins: bool) -> bool {
        let mut queue = self.queue.borrow_mut();
        queue.wakers.push_back(waker);
        match queue.batches.back_mut() {
            Some(batch) if joins => {
                *batch += 1;
                false
            }
            _ => {
                queue.batches.push_back(1);
                true
            }
        }
    }

    /// Takes all wakers out.
    pub(crate) fn take(&self) -> VecDeque<Waker> {
        self.queue.take().wakers
    }
}

impl Dispatch for Wakes {
    fn run(self: Rc<Self>) {
        let batch = self.queue.borrow_mut().batches.pop_front().unwrap_or(0);
        for _ in 0..batch {
            let waker = self.queue.borrow_mut().wakers.pop_front();
            let Some(waker) = waker else { break };
            // A foreign waker that panics must not cost the others their turn.
            self.spawner
                .catch_panic("panic in a waker", || waker.wake());
        }
        let mut queue = self.queue.borrow_mut();
        if queue.wakers.is_empty() && queue.wakers.capacity() > 4096 {
            queue.wakers.shrink_to(1024);
        }
    }

    fn describe(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("wake-up of sleeping tasks")
    }
}
