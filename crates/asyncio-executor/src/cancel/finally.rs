//! `finally`: clean-up that may await, and that is never lost.
//!
//! The body and its clean-up run in one scope, one after the other, so that a request which the
//! body answered is not seen again by the clean-up, and a later one is. What is left of a `finally`
//! that is dropped becomes a task ([`mod@orphan`](crate::cancel::orphan)).

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::cancel::orphan::orphan;
use crate::cancel::{Cancelled, Scope};
use crate::caught::drop_payload;
use crate::error::{ErrorContext, PanicPayload};
use crate::home;

/// Runs `body`, and then its clean-up, however `body` has ended: asyncio's `try: … finally: …`
/// with clean-up that awaits.
///
/// * `body` returns: the clean-up runs, then its value is returned.
/// * `body` is cancelled: it is dropped where it waits, the clean-up runs, then the cancellation
///   goes on outwards.
/// * `body` panics: the clean-up runs, then the panic goes on, as an exception does.
///
/// The request that cancelled the body does not disturb the clean-up. A later one interrupts it,
/// and so does the first one if the body was not cancelled, as in asyncio; use
/// [`shielded`](crate::shielded) inside the clean-up where that must not be.
///
/// Once `body` has been polled, the clean-up is not lost: if the future is dropped before it is done
/// (by a `select` that another branch has won, say), what is left of the clean-up becomes a task of
/// the executor, "clean-up of" the task it was in. A task group around waits for it, and so does the
/// end of a run. That is why it owns what it uses: where it has to borrow, there are
/// [`finally_with`] for what the body uses, too, and
/// [`catch_cancelled`](crate::catch_cancelled) for what cannot be given away.
///
/// If the body was not polled, there is no clean-up; nor is there one to wait for when the executor
/// is closed: then its exception handler is told that it was given up. Outside an executor of this
/// crate a drop is just a drop.
///
/// It costs one allocation, when the clean-up starts.
///
/// # Panics
/// Goes on with a panic of `body` when the clean-up is done. One that the clean-up replaces, by
/// panicking itself or by being interrupted, goes to the exception handler.
///
/// # Cancel safety
/// Yes, as described: dropping it drops `body`, and hands the clean-up to the executor.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, finally, yield_now};
/// use std::{cell::RefCell, future::pending, rc::Rc};
///
/// let executor = Executor::new();
/// let log = Rc::new(RefCell::new(Vec::new()));
/// let task = executor.create_task({
///     let log = log.clone();
///     finally(pending::<()>(), async move || {
///         yield_now().await; // say goodbye
///         log.borrow_mut().push("closed");
///     })
/// });
/// executor.run_until_stalled();
/// task.cancel();
/// assert!(executor.run_until_complete(task).unwrap().is_err());
/// assert_eq!(*log.borrow(), ["closed"]);
/// ```
#[track_caller]
pub fn finally<F, M, C>(body: F, clean_up: M) -> Finally<F, M>
where
    F: Future,
    M: FnOnce() -> C + 'static,
    C: Future<Output = ()> + 'static,
{
    Finally {
        body: Some(body),
        ending: Ending::new(clean_up, |clean_up| Box::pin(clean_up())),
    }
}

/// [`finally`] with a resource that is lent to the body and given to the clean-up: a connection
/// that the body talks on, and that the clean-up closes.
///
/// # Panics
/// As [`finally`].
///
/// # Cancel safety
/// As [`finally`]. Dropped before its first poll, it drops the resource.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, finally_with, yield_now};
/// use std::{cell::RefCell, rc::Rc};
///
/// let executor = Executor::new();
/// let sent = Rc::new(RefCell::new(Vec::new()));
/// let connection = sent.clone();
/// let talk = finally_with(
///     connection,
///     async |connection| {
///         connection.borrow_mut().push("hello");
///         yield_now().await;
///         42
///     },
///     async |connection| {
///         yield_now().await;
///         connection.borrow_mut().push("bye");
///     },
/// );
/// assert_eq!(executor.run_until_complete(talk), Ok(42));
/// assert_eq!(*sent.borrow(), ["hello", "bye"]);
/// ```
#[track_caller]
pub fn finally_with<R, T, B, M, C>(resource: R, body: B, clean_up: M) -> impl Future<Output = T>
where
    R: 'static,
    B: AsyncFnOnce(&mut R) -> T,
    M: FnOnce(R) -> C + 'static,
    C: Future<Output = ()> + 'static,
{
    // A part of the future from the beginning: a local of it would be room for it twice.
    let mut ending = Ending::new((resource, clean_up), |(resource, clean_up)| {
        Box::pin(clean_up(resource))
    });
    async move {
        if let Some((resource, _)) = &mut ending.saved {
            let mut body = pin!(Some(body(resource)));
            let scope = &mut ending.scope;
            let end = poll_fn(|cx| poll_body(scope, body.as_mut(), cx)).await;
            ending.end = Some(end);
        }
        poll_fn(|cx| ending.poll(cx)).await
    }
}

pin_project! {
    /// Future of [`finally`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Finally<F: Future, M: 'static> {
        // Dropped before the scope closes.
        #[pin]
        body: Option<F>,
        ending: Ending<M, F::Output>,
    }
}

impl<F: Future, M> Future for Finally<F, M> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.body.is_some() {
            let end = ready!(poll_body(&mut this.ending.scope, this.body, cx));
            this.ending.end = Some(end);
        }
        this.ending.poll(cx)
    }
}

impl<F: Future, M> fmt::Debug for Finally<F, M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Finally")
            .field("scope", &self.ending.scope)
            .field("cleaning_up", &self.ending.running.is_some())
            .finish_non_exhaustive()
    }
}

/// A clean-up that has started.
pub(super) type CleanUp = Pin<Box<dyn Future<Output = ()>>>;

/// How a body has ended: what goes on after its clean-up.
enum End<T> {
    Value(T),
    Cancelled(Cancelled),
    Panicked(PanicPayload),
}

/// All of a `finally` but its body.
struct Ending<S: 'static, T> {
    scope: Scope,
    /// What the clean-up is made of, until it starts.
    saved: Option<S>,
    start: fn(S) -> CleanUp,
    running: Option<CleanUp>,
    /// There when the body has ended, until this has.
    end: Option<End<T>>,
    location: &'static Location<'static>,
}

/// Polls the body in the scope, which stays open. Whatever the end, the body is dropped then.
fn poll_body<F: Future>(
    scope: &mut Scope,
    mut body: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<End<F::Output>> {
    let poll = || match scope.answer(cx) {
        Some(cancelled) => Poll::Ready(Err(cancelled)),
        None => scope.poll_inside(cx, |cx| match body.as_mut().as_pin_mut() {
            Some(body) => body.poll(cx),
            None => Poll::Pending,
        }),
    };
    let mut end = match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(Poll::Pending) => return Poll::Pending,
        Ok(Poll::Ready(Ok(value))) => End::Value(value),
        Ok(Poll::Ready(Err(cancelled))) => End::Cancelled(cancelled),
        Err(payload) => End::Panicked(PanicPayload::new(payload)),
    };
    let dropping = || scope.inside(|| body.set(None));
    if let Err(payload) = catch_unwind(AssertUnwindSafe(dropping)) {
        match end {
            End::Panicked(_) => drop_payload(payload),
            _ => end = End::Panicked(PanicPayload::new(payload)),
        }
    }
    Poll::Ready(end)
}

impl<S: 'static, T> Ending<S, T> {
    #[track_caller]
    fn new(saved: S, start: fn(S) -> CleanUp) -> Self {
        Self {
            scope: Scope::new(),
            saved: Some(saved),
            start,
            running: None,
            end: None,
            location: Location::caller(),
        }
    }

    /// Polls the clean-up of a body that has ended, and then goes on as that did.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        if self.end.is_none() {
            // A cancellation has gone on outwards.
            return Poll::Pending;
        }
        let (scope, saved, start) = (&mut self.scope, &mut self.saved, self.start);
        let answered = self.running.as_ref().and_then(|_| scope.answer(cx));
        // Taken out: a clean-up that panics is dropped by that, and has been.
        let mut running = self.running.take();
        let polled = match answered {
            Some(cancelled) => Poll::Ready(Err(cancelled)),
            // When it starts, no request is answered: one that came during the body's last poll
            // interrupts the clean-up where it first waits.
            None => scope.poll_inside(cx, |cx| {
                if let Some(saved) = saved.take() {
                    running = Some(start(saved));
                }
                match &mut running {
                    Some(clean_up) => clean_up.as_mut().poll(cx),
                    None => Poll::Pending,
                }
            }),
        };
        let Poll::Ready(polled) = polled else {
            self.running = running;
            return Poll::Pending;
        };
        scope.inside(|| drop(running));
        if polled.is_err() {
            self.report_panic();
        }
        self.scope.close();
        match (polled, self.end.take()) {
            (Err(cancelled), _) | (Ok(()), Some(End::Cancelled(cancelled))) => {
                cancelled.go_on();
                Poll::Pending
            }
            (Ok(()), Some(End::Panicked(payload))) => payload.resume(),
            (Ok(()), Some(End::Value(value))) => Poll::Ready(value),
            (Ok(()), None) => Poll::Pending,
        }
    }

    /// Reports a panic of the body that will not go on.
    fn report_panic(&mut self) {
        let Some(End::Panicked(payload)) = self.end.take_if(End::is_panic) else {
            return;
        };
        // A scope that has not waited yet is not open.
        let local = match self.scope.place() {
            Some((local, _)) => Some(Rc::clone(local)),
            None => home::with(|local| local.cloned()),
        };
        if let Some(local) = local {
            let mut context = ErrorContext::new("panic in the body of a `finally` was replaced");
            context.cause = Some(format!("panicked: {payload}"));
            context.location = Some(self.location);
            local.report(&context);
        }
        drop_payload(payload.into_inner());
    }
}

impl<T> End<T> {
    fn is_panic(&mut self) -> bool {
        matches!(self, Self::Panicked(_))
    }
}

/// What is left of the clean-up becomes a task. (Nothing is left of one that has panicked.)
impl<S: 'static, T> Drop for Ending<S, T> {
    fn drop(&mut self) {
        self.report_panic();
        let clean_up = match (self.running.take(), self.saved.take()) {
            (Some(running), _) => running,
            (None, Some(saved)) if self.scope.place().is_some() => {
                let start = self.start;
                Box::pin(async move { start(saved).await })
            }
            _ => return,
        };
        let Some((local, node)) = self.scope.place() else {
            return;
        };
        if let Some(End::Cancelled(cancelled)) = self.end.take() {
            local.tree.give_back(node, cancelled);
        }
        orphan(local, node, self.location, clean_up);
    }
}
