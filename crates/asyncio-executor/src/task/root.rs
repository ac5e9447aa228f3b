//! The future around the user's: the task's root scope, its context, and the cell that catches
//! its panics.

use std::fmt::Display;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::needs_drop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::cancel::{Cancelled, NodeId};
use crate::caught::or_report;
use crate::context;
use crate::error::{ErrorContext, TaskError};
use crate::flat::drop_flat;
use crate::home;
use crate::local::Local;
use crate::registry::Key;
use crate::task::{Status, TaskRef};

/// What async-task stores when a task has ended. The rare ends are boxed, so that a task of `()`
/// stays small.
pub(crate) type Outcome<T> = Result<T, Box<Failure>>;

pub(crate) enum Failure {
    Error(TaskError),
    /// Nobody is left to take the outcome: it was dropped here.
    Discarded,
}

/// What to say of a value that nobody took: its error, if that is worth a report.
pub(crate) trait Report<T> {
    fn error(value: &T) -> Option<String>;

    /// Whether the value is asyncio's exception.
    fn is_error(value: &T) -> bool;
}

/// The values are nobody's business.
pub(crate) struct Silent;

impl<T> Report<T> for Silent {
    fn error(_: &T) -> Option<String> {
        None
    }

    fn is_error(_: &T) -> bool {
        false
    }
}

/// A task built with `report_errors`.
pub(crate) struct Errors;

impl<T, E: Display> Report<Result<T, E>> for Errors {
    fn error(value: &Result<T, E>) -> Option<String> {
        value.as_ref().err().map(ToString::to_string)
    }

    fn is_error(value: &Result<T, E>) -> bool {
        value.is_err()
    }
}

/// A task that belongs to somebody, who has the error already.
pub(crate) struct Owned;

impl<T, E> Report<Result<T, E>> for Owned {
    fn error(_: &Result<T, E>) -> Option<String> {
        None
    }

    fn is_error(value: &Result<T, E>) -> bool {
        value.is_err()
    }
}

pin_project! {
    pub(crate) struct Root<F: Future, R = Silent> {
        #[pin]
        body: Option<F>,
        // The task's context between its polls; the executor holds it during one.
        context: Option<context::Context>,
        key: Key,
        flags: Flags,
        report: PhantomData<R>,
    }

    impl<F: Future, R> PinnedDrop for Root<F, R> {
        // A task that did not end: its executor is closing, or it never got its first poll.
        fn drop(this: Pin<&mut Self>) {
            home::with(|local| {
                if let Some(local) = local {
                    this.abandon(local);
                }
            });
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Flags {
    /// The registry has our waker.
    parked: bool,
    ended: bool,
}

impl<F: Future, R> Root<F, R> {
    pub(crate) fn new(body: F, key: Key, context: Option<context::Context>) -> Self {
        Self {
            body: Some(body),
            context,
            key,
            flags: Flags::default(),
            report: PhantomData,
        }
    }

    /// Drops the body of a task that has not ended, which is its end.
    pub(crate) fn abandon(self: Pin<&mut Self>, local: &Local) {
        let mut this = self.project();
        if std::mem::replace(&mut this.flags.ended, true) {
            return;
        }
        let outer = local.context.replace(this.context.take());
        drop_body(local, this.body.as_mut());
        drop_context(local, local.context.replace(outer));
        local.ended(*this.key, Status::Cancelled);
    }

    /// One step. A value that is a failure is not lost to a request that was not delivered. `Ready`
    /// says how the task has ended; the registry is told by the caller.
    #[inline]
    pub(crate) fn step(
        self: Pin<&mut Self>,
        local: &Local,
        cx: &mut Context<'_>,
        is_failure: impl FnOnce(&F::Output) -> bool,
    ) -> Poll<(Outcome<F::Output>, Status)> {
        let mut this = self.project();
        let key = *this.key;
        let _polled = local.begin_poll(key, cx.waker());
        let outer = local.context.replace(this.context.take());
        let end = poll_body(local, key, this.body.as_mut(), cx, is_failure);
        *this.context = local.context.replace(outer);
        match end {
            None => {
                if !this.flags.parked {
                    this.flags.parked = true;
                    local.tasks.park(key, cx.waker());
                }
                Poll::Pending
            }
            Some(end) => {
                this.flags.ended = true;
                drop_context(local, this.context.take());
                Poll::Ready(end)
            }
        }
    }
}

impl<F, R: Report<F::Output>> Future for Root<F, R>
where
    F: Future,
    F::Output: 'static,
{
    type Output = Outcome<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        home::with(|local| {
            // Only an executor's own run polls its tasks, and it is current then.
            let Some(local) = local else {
                return Poll::Pending;
            };
            let key = self.key;
            let (outcome, mut status) = std::task::ready!(self.step(local, cx, |value| {
                let (_, observer) = local.tasks.interest(key);
                R::is_error(value) || observer.is_some_and(|observer| observer.is_failure(value))
            }));
            let (detached, observer) = local.tasks.interest(key);
            if let (Some(observer), Ok(value)) = (observer, &outcome)
                && observer.is_failure(value)
            {
                status = Status::Failed;
            }
            if !detached
                && local.tree.len() != 0
                && local.tree.requests_from(local.tasks.root(key)) != 0
            {
                // The number of requests outlives the scopes: it goes to the shared state.
                drop(local.tasks.state(local, key));
            }
            local.set_finished(key, status);
            if detached {
                let task = || Some(TaskRef::new(local.tasks.state(local, key)?));
                return Poll::Ready(nobody_waits::<R, _>(local, outcome, Some(&task)));
            }
            Poll::Ready(outcome)
        })
    }
}

/// Polls the body in its root scope; `Some` when the task has ended.
#[inline]
fn poll_body<F: Future>(
    local: &Local,
    key: Key,
    mut body: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
    is_failure: impl FnOnce(&F::Output) -> bool,
) -> Option<(Outcome<F::Output>, Status)> {
    if local.tree.is_marked() {
        let root = local.tasks.root(key);
        local.tree.note_poll(root);
        if let Some(cancelled) = local.tree.answer(root) {
            return Some(end_cancelled(local, body, cancelled));
        }
    }
    let polled = catch_unwind(AssertUnwindSafe(|| match body.as_mut().as_pin_mut() {
        Some(body) => body.poll(cx),
        None => Poll::Pending,
    }));
    let polled = match polled {
        Ok(polled) => polled,
        Err(payload) => {
            drop_body(local, body);
            let error = TaskError::Panicked(crate::error::PanicPayload::new(payload));
            return Some((Err(Box::new(Failure::Error(error))), Status::Panicked));
        }
    };
    if local.tree.is_marked() {
        let root = local.tasks.root(key);
        let (cancelled, again) = local.tree.leave(root, polled.is_ready());
        // A task that returns while a request is undelivered ends as cancelled; one that fails has
        // failed.
        let undelivered = || match &polled {
            Poll::Ready(value) if !is_failure(value) => local.tree.answer(root),
            Poll::Ready(_) | Poll::Pending => None,
        };
        if let Some(cancelled) = cancelled.or_else(undelivered) {
            if let Poll::Ready(value) = polled {
                discard(local, value);
            }
            return Some(end_cancelled(local, body, cancelled));
        }
        if again {
            cx.waker().wake_by_ref();
        }
    }
    match polled {
        Poll::Pending => None,
        Poll::Ready(value) => {
            drop_body(local, body);
            Some((Ok(value), Status::Returned))
        }
    }
}

#[cold]
fn end_cancelled<F: Future>(
    local: &Local,
    body: Pin<&mut Option<F>>,
    cancelled: Cancelled,
) -> (Outcome<F::Output>, Status) {
    drop_body(local, body);
    let error = TaskError::Cancelled(cancelled.message);
    (Err(Box::new(Failure::Error(error))), Status::Cancelled)
}

/// Drops the body where it stands. A panic of a destructor would abort in async-task's hands.
fn drop_body<F>(local: &Local, mut body: Pin<&mut Option<F>>) {
    if !needs_drop::<F>() {
        return body.set(None);
    }
    // Scopes of the body close in the order of their drop, with no scope current.
    let scope = local.tree.current.replace(NodeId::NONE);
    or_report(local, "panic in a task's destructor", || body.set(None));
    local.tree.current.set(scope);
}

/// Drops the context of a task, and with it perhaps the last of a variable's values.
#[inline]
fn drop_context(local: &Local, context: Option<context::Context>) {
    if context.is_some() {
        let message = "panic in the destructor of a context variable's value";
        or_report(local, message, || drop(context));
    }
}

/// Drops a value that nobody gets.
pub(crate) fn discard<T>(local: &Local, value: T) {
    if needs_drop::<T>() {
        or_report(local, RESULT, || drop(value));
    }
}

/// Does with the outcome of a task what is left to do when nobody takes it: reports it, unless
/// `task` is `None` because somebody has looked at it, and drops it here, where a panic of its
/// destructor is caught, and where a result that holds the handle of a task whose result holds
/// the next one makes no recursion.
pub(crate) fn nobody_waits<R: Report<T>, T: 'static>(
    local: &Rc<Local>,
    outcome: Outcome<T>,
    task: Option<&dyn Fn() -> Option<TaskRef>>,
) -> Outcome<T> {
    if let Some(task) = task {
        match &outcome {
            Ok(value) => or_report(local, "panic in the `Display` of a task's error", || {
                if let Some(error) = R::error(value) {
                    report_task(local, task(), "error of a task was never retrieved", error);
                }
            }),
            Err(failure) => {
                if let Failure::Error(TaskError::Panicked(payload)) = &**failure {
                    let cause = format!("panicked: {payload}");
                    report_task(local, task(), "panic of a task was never retrieved", cause);
                }
            }
        }
    }
    match outcome {
        Ok(value) if !needs_drop::<T>() => return Ok(value),
        outcome => or_report(local, RESULT, || drop_flat(outcome)),
    }
    Err(Box::new(Failure::Discarded))
}

const RESULT: &str = "panic in the destructor of a task's result";

#[cold]
fn report_task(local: &Rc<Local>, task: Option<TaskRef>, message: &str, cause: String) {
    let mut context = ErrorContext::new(message);
    context.cause = Some(cause);
    context.location = task.as_ref().map(TaskRef::spawn_location);
    context.task = task;
    local.report(&context);
}
