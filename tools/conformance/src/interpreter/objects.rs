//! What a scenario declares: locks, semaphores, events, conditions, barriers and queues.

use std::cmp::Ordering;
use std::rc::Rc;

use asyncio::locks::{Barrier, BoundedSemaphore, Condition, Event, Lock, Semaphore};
use asyncio::queues::{
    GetNowaitError, LifoQueue, PriorityQueue, PutNowaitError, Queue, QueueEmpty,
};
use serde_json::Value;

use super::evaluate::no_attribute;
use super::exception::{Exception, Raised};
use crate::scenario::{Object, Property};
use crate::trace::{equal, number};

/// One of them. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) enum Primitive {
    Lock(Rc<Lock>),
    Semaphore(Rc<Semaphore>),
    BoundedSemaphore(Rc<BoundedSemaphore>),
    Event(Rc<Event>),
    Condition(Rc<Condition>),
    Barrier(Rc<Barrier>),
    Queue(Rc<Queue<Item>>),
    LifoQueue(Rc<LifoQueue<Item>>),
    PriorityQueue(Rc<PriorityQueue<Item>>),
}

/// What is in a queue: ordered as Python orders it.
#[derive(Clone, Debug)]
pub(crate) struct Item(pub(crate) Value);

impl Ord for Item {
    fn cmp(&self, other: &Self) -> Ordering {
        in_order(&self.0, &other.0)
    }
}

fn in_order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().zip(other);
            let differs = pairs.find(|(one, other)| !equal(one, other));
            differs.map_or(one.len().cmp(&other.len()), |(one, other)| {
                in_order(one, other)
            })
        }
        _ => match (number(one), number(other)) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => Ordering::Equal,
        },
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Item {}

/// The same for each kind of queue.
macro_rules! with_queue {
    ($primitive:expr, $queue:ident => $then:expr) => {
        match $primitive {
            Self::Queue($queue) => $then,
            Self::LifoQueue($queue) => $then,
            Self::PriorityQueue($queue) => $then,
            _ => return no_attribute(),
        }
    };
}

impl Primitive {
    /// Makes one; `None` for a variable. `lock` is that of a condition, if it shares one.
    pub(crate) fn new(object: &Object, lock: Option<Rc<Lock>>) -> Option<Self> {
        let count = |number: i64| usize::try_from(number).unwrap_or(0);
        Some(match *object {
            Object::Lock => Self::Lock(Rc::default()),
            Object::Semaphore(value) => Self::Semaphore(Rc::new(Semaphore::new(count(value)))),
            Object::BoundedSemaphore(value) => {
                Self::BoundedSemaphore(Rc::new(BoundedSemaphore::new(count(value))))
            }
            Object::Event => Self::Event(Rc::default()),
            Object::Condition(_) => {
                Self::Condition(Rc::new(Condition::with_lock(lock.unwrap_or_default())))
            }
            Object::Barrier(parties) => Self::Barrier(Rc::new(Barrier::new(count(parties).max(1)))),
            Object::Queue(maxsize) => Self::Queue(Rc::new(Queue::new(count(maxsize)))),
            Object::LifoQueue(maxsize) => Self::LifoQueue(Rc::new(LifoQueue::new(count(maxsize)))),
            Object::PriorityQueue(maxsize) => {
                Self::PriorityQueue(Rc::new(PriorityQueue::new(count(maxsize))))
            }
            Object::Variable(_) => return None,
        })
    }

    pub(crate) fn property(&self, property: Property) -> Result<Value, Raised> {
        Ok(match (property, self) {
            (Property::Locked, Self::Lock(lock)) => lock.locked().into(),
            (Property::Locked, Self::Semaphore(semaphore)) => semaphore.locked().into(),
            (Property::Locked, Self::BoundedSemaphore(semaphore)) => semaphore.locked().into(),
            (Property::Locked, Self::Condition(condition)) => condition.locked().into(),
            (Property::IsSet, Self::Event(event)) => event.is_set().into(),
            (Property::NWaiting, Self::Barrier(barrier)) => barrier.n_waiting().into(),
            (Property::Broken, Self::Barrier(barrier)) => barrier.broken().into(),
            (Property::Parties, Self::Barrier(barrier)) => barrier.parties().into(),
            (Property::QSize, _) => with_queue!(self, queue => queue.qsize().into()),
            (Property::Empty, _) => with_queue!(self, queue => queue.empty().into()),
            (Property::Full, _) => with_queue!(self, queue => queue.full().into()),
            _ => return no_attribute(),
        })
    }

    pub(crate) fn release(&self) -> Result<(), Raised> {
        let not_held = Exception::Named("RuntimeError");
        let released = match self {
            Self::Lock(lock) => lock.release().map_err(|_| not_held),
            Self::Condition(condition) => condition.release().map_err(|_| not_held),
            Self::Semaphore(semaphore) => semaphore.release().map_err(|_| not_held),
            Self::BoundedSemaphore(semaphore) => {
                let too_many = Exception::Named("ValueError");
                semaphore.release().map_err(|_| too_many)
            }
            _ => return no_attribute(),
        };
        Ok(released?)
    }

    /// `await acquire()`: what is acquired is released by hand.
    pub(crate) async fn acquire(&self) -> Result<(), Raised> {
        // Nobody closes a semaphore in asyncio.
        let closed = |_| Exception::Named("RuntimeError");
        match self {
            Self::Lock(lock) => lock.acquire().await.forget(),
            Self::Condition(condition) => condition.acquire().await.forget(),
            Self::Semaphore(semaphore) => semaphore.acquire().await.map_err(closed)?.forget(),
            Self::BoundedSemaphore(semaphore) => {
                semaphore.acquire().await.map_err(closed)?.forget();
            }
            _ => return no_attribute(),
        }
        Ok(())
    }

    pub(crate) fn event(&self) -> Result<&Event, Raised> {
        match self {
            Self::Event(event) => Ok(event),
            _ => no_attribute(),
        }
    }

    pub(crate) fn condition(&self) -> Result<&Condition, Raised> {
        match self {
            Self::Condition(condition) => Ok(condition),
            _ => no_attribute(),
        }
    }

    pub(crate) fn barrier(&self) -> Result<&Barrier, Raised> {
        match self {
            Self::Barrier(barrier) => Ok(barrier),
            _ => no_attribute(),
        }
    }

    pub(crate) fn notify(&self, n: Option<i64>) -> Result<(), Raised> {
        let condition = self.condition()?;
        let notified = match n {
            Some(n) => condition.notify(usize::try_from(n).unwrap_or(0)),
            None => condition.notify_all(),
        };
        Ok(notified.map_err(|_| Exception::Named("RuntimeError"))?)
    }

    pub(crate) fn put_nowait(&self, value: Value) -> Result<(), Raised> {
        let put = with_queue!(self, queue => queue.put_nowait(Item(value)));
        Ok(put.map_err(|error| match error {
            PutNowaitError::Full(_) => Exception::Named("QueueFull"),
            PutNowaitError::ShutDown(_) => SHUT_DOWN,
        })?)
    }

    pub(crate) fn get_nowait(&self) -> Result<Value, Raised> {
        let got = with_queue!(self, queue => queue.get_nowait());
        let Item(value) = got.map_err(|error| match error {
            GetNowaitError::Empty(QueueEmpty) => Exception::Named("QueueEmpty"),
            GetNowaitError::ShutDown(_) => SHUT_DOWN,
        })?;
        Ok(value)
    }

    pub(crate) fn task_done(&self) -> Result<(), Raised> {
        let done = with_queue!(self, queue => queue.task_done());
        Ok(done.map_err(|_| Exception::Named("ValueError"))?)
    }

    pub(crate) fn shut_down(&self, immediate: bool) -> Result<(), Raised> {
        with_queue!(self, queue => queue.shutdown(immediate));
        Ok(())
    }

    pub(crate) async fn put(&self, value: Value) -> Result<(), Raised> {
        let put = with_queue!(self, queue => queue.put(Item(value)).await);
        Ok(put.map_err(|_| SHUT_DOWN)?)
    }

    pub(crate) async fn get(&self) -> Result<Value, Raised> {
        let got = with_queue!(self, queue => queue.get().await);
        let Item(value) = got.map_err(|_| SHUT_DOWN)?;
        Ok(value)
    }

    pub(crate) async fn join(&self) -> Result<(), Raised> {
        with_queue!(self, queue => queue.join().await);
        Ok(())
    }
}

const SHUT_DOWN: Exception = Exception::Named("QueueShutDown");
