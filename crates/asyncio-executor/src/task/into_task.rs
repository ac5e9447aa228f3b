//! What can be given where a task is wanted.

use std::future::Future;

use crate::spawner::Spawner;
use crate::task::{Task, TaskRef};

/// What can be given where a task is wanted: a future becomes one, a handle stays what it is.
///
/// Crates that have handles of their own (a group of tasks, a shared future) implement it for
/// those. A type cannot be both a future and a handle, which is why [`Task`] is awaited through
/// [`IntoFuture`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a `'static` future nor a handle to a task",
    note = "a handle is given by value or as `&mut`; a future has to be `'static`, since it becomes a task"
)]
pub trait IntoTask {
    /// The handle.
    type Handle;

    /// Makes a task of a future; leaves a handle alone.
    fn into_task(self, spawner: &Spawner) -> Self::Handle;
}

impl<F> IntoTask for F
where
    F: Future + 'static,
    F::Output: 'static,
{
    type Handle = Task<F::Output>;

    #[track_caller]
    fn into_task(self, spawner: &Spawner) -> Task<F::Output> {
        spawner.create_task(self)
    }
}

impl<T> IntoTask for Task<T> {
    type Handle = Self;

    fn into_task(self, _: &Spawner) -> Self {
        self
    }
}

impl<'a, T> IntoTask for &'a mut Task<T> {
    type Handle = &'a mut Task<T>;

    fn into_task(self, _: &Spawner) -> Self {
        self
    }
}

impl IntoTask for TaskRef {
    type Handle = Self;

    fn into_task(self, _: &Spawner) -> Self {
        self
    }
}
