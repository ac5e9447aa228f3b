//! A body in a scope that a deadline cancels.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use asyncio_executor::{Cancelled, Scope, requests_around};
use asyncio_loop::{Alarm, AlarmPlace, get_running_loop};
use pin_project_lite::pin_project;

use crate::error::TimeoutError;
use crate::timeout::deadline::Deadline;

pin_project! {
    /// Future of [`timeout`](crate::timeout()), [`timeout_at`](crate::timeout_at) and
    /// [`Timeout::run`](crate::Timeout::run).
    #[must_use = "futures do nothing unless polled"]
    pub struct Timed<F> {
        // Dropped first: the time is over for whatever the body's destructors look at.
        stage: Stage,
        // Dropped before the scope closes.
        #[pin]
        body: Option<F>,
        scope: Scope,
    }
}

enum Stage {
    Idle(Idle),
    /// Not polled yet, and under a handle, under which another body may run.
    Offered(Rc<Deadline>),
    /// The body waits, or is in its first poll. The number is that of the requests around at entry.
    Waiting {
        until: Until,
        around: u32,
    },
}

/// Nothing waits, so that there is nothing to drop.
#[derive(Clone, Copy)]
enum Idle {
    /// Not polled yet.
    Fresh(Limit),
    /// It has ended; or a cancellation has gone on outwards, and it is pending for ever.
    Over,
}

#[derive(Clone, Copy)]
enum Limit {
    After(Duration),
    At(Instant),
    /// Already over when the body has to wait.
    Expiring,
}

/// What ends the wait.
enum Until {
    /// The loop cancels the scope.
    Alarm(Alarm),
    /// The handle does, under which this body runs.
    Handle(Entered),
}

/// A deadline with a handle, under which a body runs, until it is dropped.
struct Entered(Rc<Deadline>);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.finish();
    }
}

impl<F> Timed<F> {
    fn new(stage: Stage, body: F) -> Self {
        Self {
            stage,
            body: Some(body),
            scope: Scope::new(),
        }
    }

    pub(super) fn after(delay: Duration, body: F) -> Self {
        Self::new(Stage::Idle(Idle::Fresh(Limit::After(delay))), body)
    }

    pub(super) fn at(when: Instant, body: F) -> Self {
        Self::new(Stage::Idle(Idle::Fresh(Limit::At(when))), body)
    }

    /// Cancels a body that has to wait, in the poll in which it does.
    pub(super) fn expiring(body: F) -> Self {
        Self::new(Stage::Idle(Idle::Fresh(Limit::Expiring)), body)
    }

    pub(super) fn until(deadline: Rc<Deadline>, body: F) -> Self {
        Self::new(Stage::Offered(deadline), body)
    }
}

impl<F: Future> Future for Timed<F> {
    type Output = Result<F::Output, TimeoutError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (place, around) = match this.stage {
            // Its place among timers and callbacks is before everything that the body sets up, as
            // in asyncio.
            Stage::Idle(Idle::Fresh(_)) => (AlarmPlace::reserve(), requests_around()),
            Stage::Waiting { around, .. } => (None, *around),
            Stage::Offered(_) => (None, this.stage.enter()),
            Stage::Idle(Idle::Over) => return Poll::Pending,
        };
        match this.scope.poll(this.body, cx) {
            Poll::Ready(Ok(output)) => {
                this.stage.finish();
                Poll::Ready(Ok(output))
            }
            Poll::Pending => {
                this.stage.wait(place, around, this.scope, cx);
                Poll::Pending
            }
            Poll::Ready(Err(cancelled)) => this.stage.end(this.scope, around, cancelled).map(Err),
        }
    }
}

impl Stage {
    /// Begins under a handle. Returns the requests around.
    #[cold]
    fn enter(&mut self) -> u32 {
        let around = requests_around();
        if let Self::Offered(deadline) = self {
            deadline.enter();
            // From now on it is finished by dropping it: the body's first step may panic.
            let until = Until::Handle(Entered(Rc::clone(deadline)));
            *self = Self::Waiting { until, around };
        }
        around
    }

    /// The body has to wait, in a scope that is open.
    #[inline]
    fn wait(&mut self, place: Option<AlarmPlace>, around: u32, scope: &Scope, cx: &Context<'_>) {
        match self {
            Self::Waiting { until, .. } => until.wait(scope),
            Self::Idle(Idle::Fresh(limit)) => {
                let until = Until::Alarm(start(*limit, place, scope, cx));
                // It was `Idle`: an assignment would look for something to drop.
                std::mem::forget(std::mem::replace(self, Self::Waiting { until, around }));
            }
            Self::Idle(Idle::Over) | Self::Offered(_) => {}
        }
    }

    /// The body has ended.
    #[inline]
    fn finish(&mut self) {
        match self {
            // At once, as most do.
            Self::Idle(idle) => *idle = Idle::Over,
            Self::Offered(_) | Self::Waiting { .. } => *self = Self::Idle(Idle::Over),
        }
    }

    /// The body was cancelled: by its deadline and by nobody else, if the number of the requests around
    /// is what it was; or else by another, whose request goes on.
    #[cold]
    fn end(&mut self, scope: &Scope, around: u32, cancelled: Cancelled) -> Poll<TimeoutError> {
        let expired = match std::mem::replace(self, Self::Idle(Idle::Over)) {
            Self::Waiting {
                until: Until::Handle(entered),
                ..
            } => entered.0.finish(),
            Self::Waiting {
                until: Until::Alarm(_),
                ..
            } => scope.was_requested(),
            Self::Idle(_) | Self::Offered(_) => false,
        };
        if expired && requests_around() <= around {
            return Poll::Ready(TimeoutError);
        }
        cancelled.go_on();
        Poll::Pending
    }
}

impl Until {
    /// The body waits, for the first time or on.
    #[inline]
    fn wait(&self, scope: &Scope) {
        match self {
            Self::Alarm(alarm) => alarm.assert_may_wait(),
            Self::Handle(Entered(deadline)) => deadline.wait(scope),
        }
    }
}

/// Sets the timer of a body that has to wait, in a scope that is open.
fn start(limit: Limit, place: Option<AlarmPlace>, scope: &Scope, cx: &Context<'_>) -> Alarm {
    let place = place.unwrap_or_else(|| get_running_loop().reserve_alarm());
    // A scope is open as long as its body is pending in a running executor.
    let scope = scope.reference().expect("an open scope");
    let when = match limit {
        Limit::After(delay) if !delay.is_zero() => place.time().checked_add(delay),
        Limit::At(when) if when > place.time() => Some(when),
        // Before what the body makes ready from now on, as asyncio does it with `call_soon`.
        Limit::After(_) | Limit::At(_) => return place.cancel_scope_soon(scope),
        Limit::Expiring => {
            scope.cancel();
            // A task in its first step cannot be woken by the scope yet.
            cx.waker().wake_by_ref();
            None
        }
    };
    place.cancel_scope_at(when, scope)
}

impl<F> fmt::Debug for Timed<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Timed")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
