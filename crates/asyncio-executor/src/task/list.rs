//! Many tasks of one kind, in sixteen bytes each.
//!
//! Most of a handle is for awaiting it and for looking at its result. A group of a hundred
//! thousand tasks does neither: it keeps its handles until all tasks have ended and takes the
//! results then. A list keeps what the handles of its tasks have in common once, and of each only
//! what is its own, which it turns back into a handle for everything else.

use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use crate::error::TaskError;
use crate::local::Local;
use crate::registry::Key;
use crate::spawner::Spawner;
use crate::task::observe::TaskAddress;
use crate::task::parts::{Live, Own, Unclaimed, outcome_of};
use crate::task::{Task, TaskRef};

/// A list of tasks, for combinators: `Vec<Task<T>>` in a sixth of its memory.
///
/// Dropping it drops the handles, and so detaches the tasks.
pub struct TaskList<T> {
    /// What the small ones have in common: those of the first.
    common: Option<Common<T>>,
    small: Vec<Small<T>>,
    /// Those that have something of their own: where, and the handle.
    whole: Vec<(usize, Task<T>)>,
}

struct Common<T> {
    local: Rc<Local>,
    location: &'static Location<'static>,
    unclaimed: Unclaimed<T>,
}

struct Small<T> {
    /// `None` for one that is whole.
    inner: Option<Live<T>>,
    key: Key,
    id: u32,
}

impl<T: 'static> TaskList<T> {
    /// An empty list with room for this many tasks.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self {
            common: None,
            small: Vec::with_capacity(count),
            whole: Vec::new(),
        }
    }

    /// Appends a task.
    pub fn push(&mut self, task: Task<T>) {
        let own = task.own();
        let common = self.common.get_or_insert_with(|| Common {
            local: Rc::clone(own.local),
            location: own.location,
            unclaimed: own.unclaimed,
        });
        let fits = Rc::ptr_eq(&common.local, own.local)
            && std::ptr::eq(common.location, own.location)
            && std::ptr::fn_addr_eq(common.unclaimed, own.unclaimed);
        let (key, id) = (own.key, own.id);
        let inner = if fits { task.take_live() } else { None };
        if inner.is_none() {
            self.whole.push((self.small.len(), task));
        }
        self.small.push(Small { inner, key, id });
    }

    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.small.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.small.is_empty()
    }

    /// Tells where requests to each task can be sent, in order: its address, or a reference to a
    /// task of another executor than this one.
    pub fn targets(&self, spawner: &Spawner, mut each: impl FnMut(Result<TaskAddress, TaskRef>)) {
        let mut whole = self.whole.iter();
        for small in &self.small {
            let target = match (&small.inner, &self.common) {
                (Some(_), Some(common)) if Rc::ptr_eq(&common.local, spawner.local()) => {
                    Ok(TaskAddress::new(small.key, small.id))
                }
                (Some(_), Some(common)) => match common.local.tasks.state(&common.local, small.key)
                {
                    Some(state) => Err(TaskRef::new(state)),
                    None => continue,
                },
                _ => match whole.next() {
                    Some((_, task)) => task.address(spawner).ok_or_else(|| task.task_ref()),
                    None => continue,
                },
            };
            each(target);
        }
    }

    /// Takes the observer of every task away; see [`Task::unobserve`].
    pub fn unobserve(&self) {
        for small in &self.small {
            if let (Some(inner), Some(common)) = (&small.inner, &self.common)
                && !inner.is_finished()
            {
                drop(common.local.tasks.set_observer(small.key, None));
            }
        }
        for (_, task) in &self.whole {
            task.unobserve();
        }
    }

    /// The handle of one task; the others are dropped.
    #[must_use]
    pub fn into_task(mut self, index: usize) -> Option<Task<T>> {
        let small = self.small.get_mut(index)?;
        if let Some(inner) = small.inner.take() {
            let common = self.common.as_ref()?;
            return Some(common.handle(inner, (small.key, small.id)));
        }
        let at = self.whole.iter().position(|(at, _)| *at == index)?;
        Some(self.whole.swap_remove(at).1)
    }

    /// The outcomes, in order.
    #[must_use]
    pub fn into_outcomes(mut self) -> TaskOutcomes<T> {
        TaskOutcomes {
            whole: std::mem::take(&mut self.whole).into_iter(),
            small: self,
            next: 0,
        }
    }
}

/// Iterator of [`TaskList::into_outcomes`].
///
/// # Panics
/// At a task that has not ended, or whose result was taken before.
#[derive(Debug)]
pub struct TaskOutcomes<T> {
    small: TaskList<T>,
    whole: std::vec::IntoIter<(usize, Task<T>)>,
    next: usize,
}

impl<T> Iterator for TaskOutcomes<T> {
    type Item = Result<T, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let small = self.small.small.get_mut(self.next)?;
        self.next += 1;
        let outcome = match (small.inner.take(), &self.small.common) {
            (Some(inner), Some(common)) => match outcome_of(inner) {
                Ok(outcome) => {
                    common.local.tasks.forget_ended(small.id);
                    Some(outcome)
                }
                Err(inner) => {
                    small.inner = Some(inner);
                    None
                }
            },
            _ => self.whole.next()?.1.into_result().ok(),
        };
        Some(outcome.expect("the task has ended"))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.small.small.len() - self.next;
        (left, Some(left))
    }
}

impl<T> Common<T> {
    fn handle(&self, inner: Live<T>, (key, id): (Key, u32)) -> Task<T> {
        let own = Own {
            local: &self.local,
            key,
            id,
            location: self.location,
            unclaimed: self.unclaimed,
        };
        Task::of_parts(own, inner)
    }
}

impl<T> Drop for TaskList<T> {
    fn drop(&mut self) {
        for small in self.small.drain(..) {
            if let (Some(inner), Some(common)) = (small.inner, &self.common) {
                drop(common.handle(inner, (small.key, small.id)));
            }
        }
    }
}

impl<T> fmt::Debug for TaskList<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TaskList")
            .field("len", &self.small.len())
            .finish_non_exhaustive()
    }
}
