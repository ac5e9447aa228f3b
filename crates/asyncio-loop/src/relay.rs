//! Tasks that other threads wait for: the outcome is carried over to them, and a cancellation back.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use asyncio_blocking::{ConcurrentPromise, JobError};
use asyncio_executor::{Door, Task, TaskError, TaskRef};

use crate::current::get_running_loop;
use crate::inner::Inner;

/// The tasks that other threads may cancel. A reference to a task stays on its thread, so what
/// goes to the other one and comes back is a number, which is never given twice.
#[derive(Default)]
pub(crate) struct Relayed {
    tasks: RefCell<HashMap<u64, TaskRef>>,
    last: Cell<u64>,
}

impl Relayed {
    fn add(&self, task: TaskRef) -> u64 {
        let number = self.last.get() + 1;
        self.last.set(number);
        self.tasks.borrow_mut().insert(number, task);
        number
    }

    fn remove(&self, number: u64) {
        let task = self.tasks.borrow_mut().remove(&number);
        drop(task);
    }

    fn cancel(&self, number: u64) {
        let task = self.tasks.borrow().get(&number).cloned();
        if let Some(task) = task {
            task.cancel();
        }
    }
}

/// The place of a task in [`Relayed`], until this is dropped: by the callback of its end, or with
/// that when the loop closes.
struct Place {
    inner: Weak<Inner>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.upgrade() {
            inner.relayed.remove(self.number);
        }
    }
}

/// Has `promise` kept by the end of `task`, and `task` cancelled when nobody waits for it any more.
pub(crate) fn relay<T: Send + 'static>(
    inner: &Rc<Inner>,
    door: Door,
    task: Task<T>,
    promise: ConcurrentPromise<T>,
) {
    let reference = task.task_ref();
    let number = inner.relayed.add(reference.clone());
    let place = Place {
        inner: Rc::downgrade(inner),
        number,
    };
    promise.reference().add_done_callback(move |future| {
        if future.cancelled() {
            // On a closed loop there is nothing left to cancel.
            let cancel = move || get_running_loop().inner().relayed.cancel(number);
            let _ = door.call_soon_threadsafe(cancel);
        }
    });
    // A closed loop drops the callback, and with it the promise, which says cancelled then.
    reference.add_done_callback(move |_| {
        drop(place);
        if let Ok(outcome) = task.into_result() {
            keep(promise, outcome);
        }
    });
}

fn keep<T: Send + 'static>(promise: ConcurrentPromise<T>, outcome: Result<T, TaskError>) {
    // Refused if the future was cancelled: nobody waits for the outcome then.
    let _ = match outcome {
        Ok(value) => promise.set_result(value).map_err(drop),
        Err(TaskError::Cancelled(_)) => promise.set_error(JobError::Cancelled).map_err(drop),
        Err(TaskError::Panicked(payload)) => promise.set_panic(payload.into_inner()).map_err(drop),
    };
}
