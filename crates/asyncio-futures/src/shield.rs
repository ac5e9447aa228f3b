//! Keeping a cancellation away from what goes on.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::future::IntoFuture;
use std::rc::Rc;
use std::task::{Context, Poll};

use asyncio_executor::{
    Cancellation, Claim, Claimed, End, IntoTask, InvalidStateError, MainFuture, Message, Observer,
    RunError, Settled, Spawner, TaskError,
};

use crate::awaited::{Awaited, AwaitedMut, Handle};
use crate::child::{Child, Target, assert_may_watch};
use crate::completion::Completion;
use crate::inbox::{Inbox, Sink};
use crate::running::running_spawner;

/// Waits for a task, and keeps from it what cancels the one who waits. asyncio's `shield`.
///
/// A future becomes a task at once. When the awaiting side is cancelled, the shield ends as
/// cancelled and the task goes on. Given `&mut task`, the handle is left to wait for the task
/// later; otherwise dropping the shield detaches it. A task that is cancelled itself ends the
/// shield as cancelled.
///
/// # Panics
/// Outside a running event loop. When what it protects belongs to another one and has not ended;
/// when it is itself awaited in another one.
///
/// # Cancel safety
/// Yes: what is shielded goes on, whatever becomes of the shield.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, yield_now};
/// use asyncio_futures::shield;
///
/// let executor = Executor::new();
/// let saved = executor.run_until_complete(async {
///     let mut save = asyncio_executor::Spawner::current().unwrap().create_task(async {
///         yield_now().await;
///         "saved"
///     });
///     let outer = shield(&mut save);
///     outer.cancel();
///     assert!(outer.await.is_err());
///     save.await
/// });
/// assert_eq!(saved.unwrap().unwrap(), "saved");
/// ```
#[track_caller]
pub fn shield<C>(child: C) -> Shield<C::Handle>
where
    C: IntoTask<Handle: Child>,
{
    let spawner = running_spawner(None);
    let child = child.into_task(&spawner);
    assert_may_watch(&child, &spawner);
    let inner = Inbox::new(&spawner, Shielding::default());
    let starting = inner.start();
    child.observe(inner.as_observer(), 0);
    drop(starting);
    Shield {
        inner,
        child: Cell::new(Some(child)),
        outcome: OnceCell::new(),
        claim: Claim::new(),
    }
}

/// The handle that [`shield`](shield()) returns. Awaited by value or as `&mut shield`.
///
/// # Panics
/// When awaited again after the result was taken.
#[must_use = "a shield protects while it is awaited"]
pub struct Shield<C: Child> {
    inner: Rc<Inbox<Shielding>>,
    /// Until the outcome is made of it.
    child: Cell<Option<C>>,
    outcome: OnceCell<Result<C::Output, TaskError>>,
    claim: Claim,
}

#[derive(Default)]
struct Shielding {
    /// The shield's own cancellation.
    cancelled: RefCell<Option<Option<Message>>>,
    completion: Completion,
}

impl Sink for Shielding {
    fn child_ended(&self, _: u32, end: End) {
        self.completion.complete(end);
    }

    /// What is a failure to the combinator that the shield is in, is one behind it.
    fn is_failure(&self, value: &dyn Any) -> bool {
        self.completion.is_failure(value)
    }
}

/// The request ends here.
impl Claimed for Inbox<Shielding> {
    fn pass_on(&self, cancellation: &mut Cancellation) -> bool {
        if self.sink.completion.is_done() {
            return false;
        }
        let message = cancellation.message().cloned();
        drop(self.sink.cancelled.replace(Some(message)));
        // Who asks for the cancellation is not to meet the panic of a foreign waker.
        self.spawner().catch_panic("panic in a waker", || {
            self.sink.completion.complete(End::Cancelled);
        });
        if let Some(claim) = cancellation.take_claim() {
            claim.came_back();
        }
        true
    }
}

impl<C: Child> Unpin for Shield<C> {}

impl<C: Child> Shield<C> {
    /// Whether what is shielded has ended, or the shield was cancelled.
    #[must_use]
    pub fn done(&self) -> bool {
        self.inner.sink.completion.is_done()
    }

    /// Cancels the shield, not what it protects. Returns `false` when it is done.
    pub fn cancel(&self) -> bool {
        Cancellation::request(None, |cancellation| self.inner.pass_on(cancellation))
    }

    /// [`cancel`](Self::cancel) with a message, which the outcome shows.
    pub fn cancel_with(&self, message: impl AsRef<str>) -> bool {
        let message = Some(Message::from(message.as_ref()));
        Cancellation::request(message, |cancellation| self.inner.pass_on(cancellation))
    }

    /// Whether it has ended as cancelled: the shield, or what it protects.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        matches!(self.peek(), Ok(Err(error)) if error.is_cancelled())
    }

    /// The result, which stays in the handle and is lent by it; a failure is a copy, which `?` can
    /// pass on.
    ///
    /// # Errors
    /// [`InvalidStateError`] when it is not done, or an `await` has taken the result.
    pub fn result(&self) -> Result<Result<&C::Output, TaskError>, InvalidStateError> {
        Ok(self.peek()?.map_err(TaskError::clone))
    }

    fn peek(&self) -> Result<Result<&C::Output, &TaskError>, InvalidStateError> {
        self.settle()?;
        let outcome = self.outcome.get().ok_or(InvalidStateError::Taken)?;
        Ok(outcome.as_ref())
    }

    fn settle(&self) -> Result<(), InvalidStateError> {
        if !self.done() {
            return Err(InvalidStateError::NotDone);
        }
        if let Some(child) = self.child.take() {
            let cancelled = self.inner.sink.cancelled.take();
            let outcome = match cancelled {
                Some(message) => {
                    self.leave(&child);
                    Err(TaskError::Cancelled(message))
                }
                None => child.into_outcome(),
            };
            // It was empty as long as there was a child.
            let _ = self.outcome.set(outcome);
        }
        Ok(())
    }

    fn leave(&self, child: &C) {
        self.inner.close();
        child.unobserve(&self.inner.as_observer());
    }
}

impl<C: Child> Drop for Shield<C> {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            self.leave(&child);
        }
    }
}

impl<C: Child> Handle for Shield<C> {
    type Outcome = Result<C::Output, TaskError>;

    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut claim = std::mem::take(&mut self.claim);
        let polled = claim.poll(
            cx,
            || Rc::clone(&self.inner) as Rc<dyn Claimed>,
            |cx| {
                if self.settle().is_err() {
                    let spawner = self.inner.spawner();
                    spawner.assert_may_wait(format_args!("a shield"));
                    self.inner.sink.completion.keep_waker(cx.waker());
                    return Poll::Pending;
                }
                let cancelled = match self.outcome.get() {
                    Some(Err(TaskError::Cancelled(message))) => Some(message.clone()),
                    _ => None,
                };
                Poll::Ready(Settled {
                    value: (),
                    cancelled,
                })
            },
        );
        self.claim = claim;
        polled
    }

    fn stop_waiting(&mut self) {
        drop(std::mem::take(&mut self.claim));
    }

    fn take_outcome(&mut self) -> Self::Outcome {
        let outcome = self.outcome.take();
        outcome.expect("the result of the shield was taken before")
    }
}

impl<C: Child> IntoFuture for Shield<C> {
    type Output = Result<C::Output, TaskError>;
    type IntoFuture = Awaited<Self>;

    fn into_future(self) -> Awaited<Self> {
        Awaited(self)
    }
}

impl<'a, C: Child> IntoFuture for &'a mut Shield<C> {
    type Output = Result<C::Output, TaskError>;
    type IntoFuture = AwaitedMut<'a, Shield<C>>;

    fn into_future(self) -> AwaitedMut<'a, Shield<C>> {
        AwaitedMut(self)
    }
}

impl<C: Child> MainFuture for Shield<C> {
    type Output = Result<C::Output, TaskError>;
    type Future = Awaited<Self>;

    const IS_HANDLE: bool = true;

    fn into_main(self) -> Awaited<Self> {
        Awaited(self)
    }

    fn output(output: Self::Output) -> Result<Self::Output, RunError> {
        Ok(output)
    }
}

impl<C: Child> IntoTask for Shield<C> {
    type Handle = Self;

    fn into_task(self, _: &Spawner) -> Self {
        self
    }
}

impl<C: Child> Child for Shield<C> {
    type Output = C::Output;
    type List = Vec<Self>;

    fn done(&self) -> bool {
        Self::done(self)
    }

    fn cancelled(&self) -> bool {
        Self::cancelled(self)
    }

    fn observe(&self, observer: Rc<dyn Observer>, index: u32) {
        // One that has ended before was not asked then.
        if let Ok(Ok(value)) = self.peek()
            && observer.is_failure(value)
        {
            return observer.ended(index, End::Failed);
        }
        self.inner.sink.completion.observe(observer, index);
    }

    fn unobserve(&self, _: &Rc<dyn Observer>) {
        self.inner.sink.completion.unobserve();
    }

    fn belongs_to(&self, spawner: &Spawner) -> bool {
        self.inner.spawner().same_executor(spawner)
    }

    fn target(&self, _: &Spawner) -> Target {
        Target::Other(Rc::clone(&self.inner) as Rc<dyn Claimed>)
    }

    fn into_outcome(mut self) -> Result<C::Output, TaskError> {
        assert!(self.settle().is_ok(), "the shield has not ended");
        self.take_outcome()
    }
}

impl<C: Child> fmt::Debug for Shield<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Shield")
            .field("done", &self.done())
            .finish_non_exhaustive()
    }
}
