//! A body in a scope that a deadline cancels.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use asyncio_executor::{Scope, requests_around};
use asyncio_loop::{AlarmPlace, get_running_loop};
use pin_project_lite::pin_project;

use crate::error::TimeoutError;
use crate::timeout::deadline::Deadline;

pin_project! {
    /// Future of [`timeout`](crate::timeout()), [`timeout_at`](crate::timeout_at) and
    /// [`Timeout::run`](crate::Timeout::run).
    #[must_use = "futures do nothing unless polled"]
    pub struct Timed<F> {
        // Dropped before the scope closes.
        #[pin]
        body: Option<F>,
        scope: Scope,
        stage: Stage,
    }

    impl<F> PinnedDrop for Timed<F> {
        fn drop(this: Pin<&mut Self>) {
            match this.project().stage {
                Stage::Waiting { deadline, .. } => _ = deadline.finish(),
                // The body's first step may have panicked.
                Stage::Fresh(Limit::Entered(deadline)) => _ = deadline.finish(),
                Stage::Fresh(_) | Stage::Over => {}
            }
        }
    }
}

enum Stage {
    /// Not polled yet.
    Fresh(Limit),
    /// The body waits. The number is that of the requests around at entry.
    Waiting { deadline: Rc<Deadline>, around: u32 },
    /// It has ended; or a cancellation has gone on outwards, and it is pending for ever.
    Over,
}

enum Limit {
    After(Duration),
    At(Instant),
    /// Already over when the body has to wait.
    Expiring,
    /// That of a handle, under which another body may run.
    Handle(Rc<Deadline>),
    /// That of a handle, under which this body runs.
    Entered(Rc<Deadline>),
}

impl<F> Timed<F> {
    fn new(limit: Limit, body: F) -> Self {
        Self {
            body: Some(body),
            scope: Scope::new(),
            stage: Stage::Fresh(limit),
        }
    }

    pub(super) fn after(delay: Duration, body: F) -> Self {
        Self::new(Limit::After(delay), body)
    }

    pub(super) fn at(when: Instant, body: F) -> Self {
        Self::new(Limit::At(when), body)
    }

    /// Cancels a body that has to wait, in the poll in which it does.
    pub(super) fn expiring(body: F) -> Self {
        Self::new(Limit::Expiring, body)
    }

    pub(super) fn until(deadline: Rc<Deadline>, body: F) -> Self {
        Self::new(Limit::Handle(deadline), body)
    }
}

impl<F: Future> Future for Timed<F> {
    type Output = Result<F::Output, TimeoutError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (around, place) = match this.stage {
            Stage::Fresh(limit) => {
                // Its place among timers and callbacks is before everything that the body sets up, as
                // in asyncio.
                let place = if let Limit::Handle(deadline) = limit {
                    deadline.enter();
                    *limit = Limit::Entered(Rc::clone(deadline));
                    None
                } else {
                    AlarmPlace::reserve()
                };
                (requests_around(), place)
            }
            Stage::Waiting { around, .. } => (*around, None),
            Stage::Over => return Poll::Pending,
        };
        let polled = this.scope.poll(this.body, cx);
        if polled.is_pending()
            && let Stage::Waiting { deadline, .. } = this.stage
        {
            deadline.assert_may_wait();
            return Poll::Pending;
        }
        let deadline = match std::mem::replace(this.stage, Stage::Over) {
            Stage::Fresh(limit) if polled.is_pending() => {
                let deadline = start(limit, place, this.scope, cx);
                *this.stage = Stage::Waiting { deadline, around };
                return Poll::Pending;
            }
            Stage::Fresh(Limit::Entered(deadline)) | Stage::Waiting { deadline, .. } => {
                Some(deadline)
            }
            Stage::Fresh(_) | Stage::Over => None,
        };
        let expired = deadline.is_some_and(|deadline| deadline.finish());
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(output)) => Poll::Ready(Ok(output)),
            // Its own request and no other: the number of those around is what it was.
            Poll::Ready(Err(_)) if expired && requests_around() <= around => {
                Poll::Ready(Err(TimeoutError))
            }
            Poll::Ready(Err(cancelled)) => {
                cancelled.go_on();
                Poll::Pending
            }
        }
    }
}

/// Sets the timer of a body that has to wait, in a scope that is open.
fn start(limit: Limit, place: Option<AlarmPlace>, scope: &Scope, cx: &Context<'_>) -> Rc<Deadline> {
    let event_loop = get_running_loop();
    let is_over = matches!(limit, Limit::Expiring);
    let deadline = match limit {
        Limit::After(delay) => {
            let when = event_loop.time().checked_add(delay);
            Deadline::of_waiting(event_loop, when, delay.is_zero(), place)
        }
        Limit::At(when) => {
            let is_overdue = when <= event_loop.time();
            Deadline::of_waiting(event_loop, Some(when), is_overdue, place)
        }
        Limit::Expiring => Deadline::of_waiting(event_loop, None, false, place),
        Limit::Handle(deadline) | Limit::Entered(deadline) => deadline,
    };
    // A scope is open as long as its body is pending in a running executor.
    if let Some(scope) = scope.reference() {
        deadline.arm(scope);
    }
    if is_over {
        deadline.expire();
        // A task in its first step cannot be woken by the scope yet.
        cx.waker().wake_by_ref();
    }
    deadline
}

impl<F> fmt::Debug for Timed<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Timed")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
