//! A handle in its parts: what a list keeps of many.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use async_task::FallibleTask;

use crate::error::TaskError;
use crate::home::Home;
use crate::local::Local;
use crate::registry::Key;
use crate::task::join::Wait;
use crate::task::{Failure, Outcome, Task, TaskRef};

/// What a handle knows of its task: all that there is to one that has not been used.
#[derive(Clone, Copy)]
pub(super) struct Own<'a, T> {
    pub(super) local: &'a Rc<Local>,
    pub(super) key: Key,
    pub(super) id: u32,
    pub(super) location: &'static Location<'static>,
    pub(super) unclaimed: Unclaimed<T>,
}

/// async-task's handle.
pub(super) type Live<T> = FallibleTask<Outcome<T>, Home>;

pub(super) type Unclaimed<T> =
    fn(&Rc<Local>, Outcome<T>, Option<&dyn Fn() -> Option<TaskRef>>) -> Outcome<T>;

impl<T> Task<T> {
    pub(super) fn of_parts(own: Own<'_, T>, inner: Live<T>) -> Self {
        let (key, location, unclaimed) = ((own.key, own.id), own.location, own.unclaimed);
        Self::assemble(Rc::clone(own.local), key, location, unclaimed, Some(inner))
    }

    pub(super) fn own(&self) -> Own<'_, T> {
        Own {
            local: &self.local,
            key: self.key,
            id: self.id,
            location: self.location,
            unclaimed: self.unclaimed,
        }
    }

    /// Takes what a handle is made of again, and leaves a husk to be dropped. `None` from a handle
    /// that has been awaited or looked at, or whose task has ended.
    pub(super) fn take_live(&self) -> Option<Live<T>> {
        let untouched = matches!(self.wait.get(), Wait::None) && self.waker.get() == 0;
        let inner = self.inner.take();
        let pending = inner.as_ref().is_some_and(|inner| !inner.is_finished());
        if untouched && pending {
            return inner;
        }
        self.inner.set(inner);
        None
    }
}

/// Takes the outcome of a task that has ended; gives the handle back otherwise.
#[inline]
pub(super) fn outcome_of<T>(mut inner: Live<T>) -> Result<Result<T, TaskError>, Live<T>> {
    if !inner.is_finished() {
        return Err(inner);
    }
    let polled = Pin::new(&mut inner).poll(&mut Context::from_waker(Waker::noop()));
    Ok(match polled {
        Poll::Ready(Some(Ok(value))) => Ok(value),
        Poll::Ready(Some(Err(failure))) => Err(match *failure {
            Failure::Error(error) => error,
            // Only a task without a handle discards its outcome.
            Failure::Discarded => TaskError::Cancelled(None),
        }),
        // Finished without an outcome: closing the executor has dropped the future, or is in the
        // middle of that.
        Poll::Ready(None) | Poll::Pending => Err(TaskError::closed()),
    })
}
