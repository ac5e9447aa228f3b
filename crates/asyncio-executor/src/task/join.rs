//! Waiting for a task, by value and through `&mut`.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::error::TaskError;
use crate::task::Task;
use crate::task::handle::TAKEN;

impl<T> IntoFuture for Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = TaskFuture<T>;

    fn into_future(self) -> TaskFuture<T> {
        TaskFuture(self)
    }
}

/// Future of `task.await`. Dropping it detaches the task.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct TaskFuture<T>(Task<T>);

impl<T> Future for TaskFuture<T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = &mut self.get_mut().0;
        ready!(task.poll_join(cx));
        Poll::Ready(task.outcome.take().expect(TAKEN))
    }
}

impl<'a, T> IntoFuture for &'a mut Task<T> {
    type Output = Result<T, TaskError>;
    type IntoFuture = Join<'a, T>;

    fn into_future(self) -> Join<'a, T> {
        Join(self)
    }
}

/// Future of `(&mut task).await`.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Join<'a, T>(&'a mut Task<T>);

impl<T> Future for Join<'_, T> {
    type Output = Result<T, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = &mut self.get_mut().0;
        ready!(task.poll_join(cx));
        Poll::Ready(task.outcome.take().expect(TAKEN))
    }
}

impl<T> Drop for Join<'_, T> {
    fn drop(&mut self) {
        self.0.stop_waiting();
    }
}

/// Waits for the end of the main task of a run and leaves the result in its handle.
#[derive(Debug)]
pub struct Watch<'a, T>(Option<&'a mut Task<T>>);

impl<'a, T> Watch<'a, T> {
    pub(crate) fn new(task: &'a mut Task<T>) -> Self {
        Self(Some(task))
    }
}

impl<'a, T> Future for Watch<'a, T> {
    type Output = &'a Task<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(task) = &self.0 {
            ready!(task.poll_join(cx));
        }
        Poll::Ready(self.0.take().expect("polled after completion"))
    }
}

impl<T> Drop for Watch<'_, T> {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.stop_waiting();
        }
    }
}
