//! A body in a scope that a deadline cancels.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use asyncio_executor::{Cancelled, Scope, requests_around};
use asyncio_loop::{Alarm, AlarmPlace, get_running_loop, try_running_loop};
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

// The tag is a number of its own, and not hidden in a field: what a poll asks is one comparison.
#[repr(u8)]
enum Stage {
    /// Not polled yet.
    After(Duration),
    /// Not polled yet; its time is over when the body has to wait.
    Expiring,
    /// The body waits, and the loop cancels the scope.
    Alarm(Alarm),
    /// The handle does, under which this body runs, or will.
    Handle(Handle),
    /// Not polled yet.
    At(Instant),
    /// Not polled yet; after no time at all.
    Soon,
    /// It has ended; or a cancellation has gone on outwards, and it is pending for ever.
    Over,
}

/// A deadline with a handle. Another body may run under it before this one is polled.
struct Handle {
    deadline: Rc<Deadline>,
    is_entered: bool,
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
        let stage = match delay.is_zero() {
            true => Stage::Soon,
            false => Stage::After(delay),
        };
        Self::new(stage, body)
    }

    pub(super) fn at(when: Instant, body: F) -> Self {
        Self::new(Stage::At(when), body)
    }

    /// Cancels a body that has to wait, in the poll in which it does.
    pub(super) fn expiring(body: F) -> Self {
        Self::new(Stage::Expiring, body)
    }

    pub(super) fn until(deadline: Rc<Deadline>, body: F) -> Self {
        let handle = Handle {
            deadline,
            is_entered: false,
        };
        Self::new(Stage::Handle(handle), body)
    }
}

impl<F: Future> Future for Timed<F> {
    type Output = Result<F::Output, TimeoutError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let place = match this.stage {
            // Before everything that the body sets up, as in asyncio.
            Stage::After(_) | Stage::Expiring => Some(AlarmPlace::reserve()),
            Stage::Alarm(_) => None,
            _ => match this.stage.begin() {
                Some(place) => place,
                None => return Poll::Pending,
            },
        };
        match this.scope.poll(this.body, cx) {
            Poll::Ready(Ok(output)) => {
                *this.stage = Stage::Over;
                Poll::Ready(Ok(output))
            }
            Poll::Pending => {
                this.stage.wait(place, this.scope, cx);
                Poll::Pending
            }
            Poll::Ready(Err(cancelled)) => this.stage.end(this.scope, cancelled).map(Err),
        }
    }
}

impl Stage {
    /// What is done before the body is polled, for the less common stages. Returns its place among the
    /// timers, if it may need one; `None` when there is nothing to poll.
    #[cold]
    #[inline(never)]
    fn begin(&mut self) -> Option<Option<AlarmPlace>> {
        let mut when = try_running_loop().map(|event_loop| event_loop.time());
        match self {
            Self::Over => return None,
            Self::Handle(handle) => {
                handle.enter();
                return Some(None);
            }
            Self::At(at) if when.is_none_or(|now| *at > now) => {
                return Some(Some(AlarmPlace::reserve()));
            }
            Self::At(at) => when = Some(*at),
            _ => {}
        }
        // Its time is over, as that of a handle would be: the loop is told before the body's first step,
        // and cancels before what that makes ready, as asyncio does it with `call_soon`.
        let mut handle = Handle {
            deadline: Deadline::new(when),
            is_entered: false,
        };
        handle.enter();
        *self = Self::Handle(handle);
        Some(None)
    }

    /// The body has to wait, in a scope that is open. In its first poll it had this place.
    #[inline]
    fn wait(&mut self, place: Option<AlarmPlace>, scope: &Scope, cx: &Context<'_>) {
        match (&*self, place) {
            (Self::Alarm(alarm), _) => alarm.assert_may_wait(),
            (Self::Handle(handle), _) => handle.wait(scope),
            (_, Some(place)) => self.start(place, scope, cx),
            (_, None) => {}
        }
    }

    /// Sets the timer of a body that has to wait.
    fn start(&mut self, place: AlarmPlace, scope: &Scope, cx: &Context<'_>) {
        let event_loop = get_running_loop();
        let when = match *self {
            Self::After(delay) => event_loop.time().checked_add(delay),
            Self::At(when) => Some(when),
            _ => {
                expire(scope, cx);
                None
            }
        };
        let alarm = event_loop.cancel_scope_at(place, when, scope);
        // It has nothing to drop, which an assignment would look for.
        std::mem::forget(std::mem::replace(self, Self::Alarm(alarm)));
    }

    /// The body was cancelled: by its deadline and by nobody else, if the number of the requests around
    /// is what it was; or else by another, whose request goes on.
    #[cold]
    fn end(&mut self, scope: &Scope, cancelled: Cancelled) -> Poll<TimeoutError> {
        let expired = match std::mem::replace(self, Self::Over) {
            Self::Alarm(_) => scope.was_requested(),
            Self::Handle(handle) => handle.finish(),
            _ => false,
        };
        if expired && requests_around() <= scope.requests_at_entry() {
            return Poll::Ready(TimeoutError);
        }
        cancelled.go_on();
        Poll::Pending
    }
}

/// Cancels the scope at once.
#[cold]
#[inline(never)]
fn expire(scope: &Scope, cx: &Context<'_>) {
    if let Some(scope) = scope.reference() {
        scope.cancel();
    }
    // A task in its first step cannot be woken by the scope yet.
    cx.waker().wake_by_ref();
}

impl Handle {
    /// Begins under it, if that has not been done. From now on it is finished by dropping it: the body's
    /// first step may panic.
    fn enter(&mut self) {
        if !self.is_entered {
            self.deadline.enter();
            self.is_entered = true;
        }
    }

    fn wait(&self, scope: &Scope) {
        self.deadline.wait(scope);
    }

    /// The body has ended. Whether the time was over.
    #[inline(never)]
    fn finish(&self) -> bool {
        self.is_entered && self.deadline.finish()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.finish();
    }
}

impl<F> fmt::Debug for Timed<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Timed")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
