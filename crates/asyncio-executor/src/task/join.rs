//! Waiting for a task, by value and through `&mut`.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::cancel::{BareClaim, Claim, Settled, Target};
use crate::error::TaskError;
use crate::home;
use crate::local::Local;
use crate::registry::Key;
use crate::task::handle::TAKEN;
use crate::task::{Task, TaskAddress};

/// How the handle is being awaited.
#[derive(Clone, Copy)]
pub(super) enum Wait {
    None,
    /// By this task of the same executor, which has no scopes: see [`BareClaim`].
    Bare(Key),
    /// Through `claim`.
    Claimed,
}

impl<T> Task<T> {
    /// Waits for the end, without taking the outcome.
    fn poll_done(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.done() {
            return Poll::Ready(());
        }
        let waiter = home::with(|here| {
            let here = here?;
            (Rc::ptr_eq(here, &self.local) && here.is_polled_with(cx.waker()))
                .then(|| here.current.get())
        });
        let tasks = &self.local.tasks;
        if waiter.is_some_and(|waiter| tasks.set_waiter(self.key, waiter)) {
            return Poll::Pending;
        }
        if let Some(state) = tasks.state(&self.local, self.key) {
            let number = state.watchers.keep_waker(self.waker.get(), cx.waker());
            self.waker.set(number);
        }
        // Cloning a waker may be foreign code, which may have ended the task.
        if self.done() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Ends a wait, perhaps before the task has ended.
    pub(super) fn stop_waiting(&self) {
        if let Wait::Bare(waiter) = self.wait.replace(Wait::None) {
            self.claim.set(self.end_bare(waiter));
        }
        self.claim.take();
        let tasks = &self.local.tasks;
        let number = self.waker.take();
        if self.done() {
            return;
        }
        tasks.set_waiter(self.key, Key::NONE);
        if number != 0
            && let Some(state) = tasks.existing_state(self.key)
        {
            state.watchers.drop_waker(number);
        }
    }

    /// Waits for the end as a claim. The outcome is in `outcome` then.
    #[inline]
    pub(super) fn poll_join(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self.wait.get() {
            // Nothing was waited for, so there was nothing to claim.
            Wait::None if self.settle().is_ok() => Poll::Ready(()),
            Wait::None if self.begin_bare(cx) => Poll::Pending,
            Wait::Bare(waiter) if self.is_bare(waiter, cx) => {
                if self.settle().is_err() {
                    return Poll::Pending;
                }
                self.local.tree.forget_claim(waiter);
                self.wait.set(Wait::None);
                Poll::Ready(())
            }
            wait => self.poll_claim(wait, cx),
        }
    }

    /// Begins the commonest wait, if this is one: a task that has no scopes awaits a task of the
    /// same executor.
    #[inline]
    fn begin_bare(&self, cx: &Context<'_>) -> bool {
        home::with(|here| {
            let local = &self.local;
            let is_here =
                |here: &Rc<Local>| Rc::ptr_eq(here, local) && here.is_polled_with(cx.waker());
            if !here.is_some_and(is_here) || local.current.get() == self.key {
                return false;
            }
            let Some(waiter) = local.tree.claim_bare(local, self.target()) else {
                return false;
            };
            if !local.tasks.set_waiter(self.key, waiter) {
                local.tree.forget_claim(waiter);
                return false;
            }
            self.wait.set(Wait::Bare(waiter));
            true
        })
    }

    /// Whether the wait that `waiter` began can go on as it is: no request came, and it is polled
    /// from the same place.
    #[inline]
    fn is_bare(&self, waiter: Key, cx: &Context<'_>) -> bool {
        let local = &self.local;
        local.tree.is_bare(waiter, self.target())
            && home::with(|here| {
                here.is_some_and(|here| {
                    Rc::ptr_eq(here, local)
                        && here.is_polled_with(cx.waker())
                        && here.tree.is_right_under(here, waiter)
                })
            })
    }

    /// What a claim on this task is laid to.
    fn target(&self) -> TaskAddress {
        TaskAddress::new(self.key, self.id)
    }

    /// Ends a bare wait; what is left of it as a claim with a node.
    fn end_bare(&self, waiter: Key) -> Claim {
        match self.local.tree.take_claim(waiter, self.target()) {
            BareClaim::Node(node) => Claim::on_node(&self.local, node),
            BareClaim::On(_) | BareClaim::None => Claim::new(),
        }
    }

    fn poll_claim(&self, wait: Wait, cx: &mut Context<'_>) -> Poll<()> {
        if !self.done() {
            let what = || self.task_ref().described();
            self.local.assert_may_wait_for(self.key, what);
        }
        self.wait.set(Wait::Claimed);
        let mut claim = match wait {
            Wait::Bare(waiter) => self.end_bare(waiter),
            Wait::None | Wait::Claimed => self.claim.take(),
        };
        let polled = claim.poll_target(
            cx,
            |_| Target::Task(self.target()),
            |cx| {
                ready!(self.poll_done(cx));
                let cancelled = match self.peek() {
                    Ok(Err(TaskError::Cancelled(message))) => Some(message.clone()),
                    _ => None,
                };
                Poll::Ready(Settled {
                    value: (),
                    cancelled,
                })
            },
        );
        self.claim.set(claim);
        polled
    }
}

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
