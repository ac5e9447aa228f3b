//! The unique handle to a group.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::rc::Rc;
use std::task::{Context, Poll};

use asyncio_executor::{
    Cancellation, Claim, Claimed, InvalidStateError, MainFuture, Message, RunError, Settled,
    Spawner, TaskError,
};

use crate::awaited::{Awaited, AwaitedMut, Handle, Watch};
use crate::gather::children::{Children, IntoChildren};
use crate::gather::group::Group;
use crate::gather::mode::{Mode, Plain, ReturnExceptions};
use crate::gather::targets::{StartWatching, Targets};
use crate::inbox::Inbox;

/// A group of tasks: what [`gather`](crate::gather()) returns.
///
/// Awaited by value or as `&mut group`; or asked for its [`result`](Self::result) after
/// `run_until_complete(&mut group)`. `C` are the handles of the children,
/// [`TaskList<T>`](asyncio_executor::TaskList) for tasks and futures.
///
/// # Cancel safety
/// Yes; see [`gather`](crate::gather()).
///
/// # Panics
/// When awaited again after the result was taken, or when awaited in another event loop.
#[must_use = "the tasks run, but nobody will see what they return"]
pub struct Gather<C, M = Plain>
where
    C: Children,
    M: Mode<C>,
{
    pub(super) group: Rc<Inbox<Group>>,
    /// Until the outcome is made of them.
    children: Cell<Option<C>>,
    outcome: OnceCell<Result<M::Value, M::Error>>,
    claim: Claim,
    mode: PhantomData<fn() -> M>,
}

/// Neither the children nor the values are pinned by the handle.
impl<C: Children, M: Mode<C>> Unpin for Gather<C, M> {}

impl<C: Children, M: Mode<C>> Gather<C, M> {
    #[track_caller]
    pub(super) fn new<Kind>(
        spawner: &Spawner,
        children: impl IntoChildren<Kind, Children = C>,
    ) -> Self {
        let group = Inbox::new(spawner, Group::new(M::rules()));
        let starting = group.start();
        let mut watch = StartWatching::new(spawner, group.as_observer());
        let children = children.into_children(spawner, &mut watch);
        group.sink.begin(watch.into_targets());
        drop(starting);
        Self {
            group,
            children: Cell::new(Some(children)),
            outcome: OnceCell::new(),
            claim: Claim::new(),
            mode: PhantomData,
        }
    }

    /// Whether the group has ended.
    #[must_use]
    pub fn done(&self) -> bool {
        self.group.sink.completion.is_done()
    }

    /// Requests the cancellation of every child. Returns `false` when there is none left, or the
    /// group has ended.
    ///
    /// The group ends with the first child that ends as cancelled; when all children have ended,
    /// if none does, or with [`return_exceptions`](Gather::return_exceptions). It ends as
    /// cancelled in each case.
    pub fn cancel(&self) -> bool {
        self.request(None)
    }

    /// [`cancel`](Self::cancel) with a message, which the children's clean-up and the outcome see.
    pub fn cancel_with(&self, message: impl AsRef<str>) -> bool {
        self.request(Some(Message::from(message.as_ref())))
    }

    fn request(&self, message: Option<Message>) -> bool {
        Cancellation::request(message, |cancellation| self.group.pass_on(cancellation))
    }

    /// Whether the group has ended as cancelled: because a child was, or as a whole.
    ///
    /// asyncio has this cancellation as the group's *exception*, and says `False` here.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        matches!(self.peek(), Ok(Err(error)) if M::cancellation(error).is_some())
    }

    /// The result, which stays in the handle and is lent by it. A failure is a copy, so that
    /// `group.result()??` also leaves a function that owns the group; that of a
    /// [`try_gather`](crate::try_gather) is lent too, since a child's own error is part of it.
    ///
    /// # Errors
    /// [`InvalidStateError`] when the group has not ended, or an `await` has taken the result.
    pub fn result(&self) -> Result<Result<&M::Value, M::Shown<'_>>, InvalidStateError> {
        Ok(self.peek()?.map_err(M::show))
    }

    fn peek(&self) -> Result<Result<&M::Value, &M::Error>, InvalidStateError> {
        self.settle()?;
        let outcome = self.outcome.get().ok_or(InvalidStateError::Taken)?;
        Ok(outcome.as_ref())
    }

    /// Takes the result.
    ///
    /// # Errors
    /// Gives the handle back when the group has not ended.
    ///
    /// # Panics
    /// When an `await` has taken the result before.
    pub fn into_result(mut self) -> Result<Result<M::Value, M::Error>, Self> {
        if self.settle().is_err() {
            return Err(self);
        }
        Ok(self.take_outcome())
    }

    /// The failure, if the group has ended with one: asyncio's `exception()`.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub fn exception(&self) -> Result<Option<&M::Error>, InvalidStateError> {
        Ok(self.peek()?.err())
    }

    /// Makes the outcome of the children, when the group has ended.
    pub(super) fn settle(&self) -> Result<(), InvalidStateError> {
        if !self.done() {
            return Err(InvalidStateError::NotDone);
        }
        if let Some(children) = self.children.take() {
            self.leave(&children);
            let outcome = M::finish(children, self.group.sink.verdict());
            // It was empty as long as there were children.
            let _ = self.outcome.set(outcome);
        }
        Ok(())
    }

    /// The children that have not ended need not tell us any more.
    fn leave(&self, children: &C) {
        self.group.close();
        if !self.group.sink.all_ended() {
            children.unobserve(&self.group.as_observer());
        }
    }
}

impl<C: Children> Gather<C> {
    /// Waits for every child, however it ends, and returns all outcomes: asyncio's
    /// `return_exceptions=True`.
    ///
    /// When the group was cancelled, it ends as cancelled all the same.
    ///
    /// # Panics
    /// When the result was taken or looked at before.
    ///
    /// # Examples
    /// ```
    /// use asyncio_executor::{Executor, TaskError};
    /// use asyncio_futures::gather;
    ///
    /// let executor = Executor::new();
    /// let outcomes = executor
    ///     .run_until_complete(async {
    ///         let numbers = [1, 0].map(|n: i32| async move { 7 / n });
    ///         gather(numbers).return_exceptions().await.unwrap()
    ///     })
    ///     .unwrap();
    /// assert!(matches!(outcomes[..], [Ok(7), Err(TaskError::Panicked(_))]));
    /// ```
    pub fn return_exceptions(self) -> Gather<C, ReturnExceptions> {
        let children = self.children.take();
        let children = children.expect("the result of the group was looked at before");
        let group = Rc::clone(&self.group);
        if group
            .sink
            .change_rules(<ReturnExceptions as Mode<C>>::rules())
        {
            let mut targets = Targets::default();
            children.targets(group.spawner(), &mut |target| targets.push(target));
            group.sink.name_targets(targets);
        }
        Gather {
            group,
            children: Cell::new(Some(children)),
            outcome: OnceCell::new(),
            claim: Claim::new(),
            mode: PhantomData,
        }
    }
}

impl<C: Children, M: Mode<C>> Drop for Gather<C, M> {
    fn drop(&mut self) {
        if let Some(children) = self.children.take() {
            self.leave(&children);
        }
    }
}

impl<C: Children, M: Mode<C>> Handle for Gather<C, M> {
    type Outcome = Result<M::Value, M::Error>;

    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut claim = std::mem::take(&mut self.claim);
        let polled = claim.poll(
            cx,
            || Rc::clone(&self.group) as Rc<dyn Claimed>,
            |cx| {
                if self.settle().is_err() {
                    let spawner = self.group.spawner();
                    spawner.assert_may_wait(format_args!("a group"));
                    self.group.sink.completion.keep_waker(cx.waker());
                    return Poll::Pending;
                }
                let cancelled = match self.outcome.get() {
                    Some(Err(error)) => M::cancellation(error),
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
        outcome.expect("the result of the group was taken before")
    }
}

impl<C: Children, M: Mode<C>> IntoFuture for Gather<C, M> {
    type Output = Result<M::Value, M::Error>;
    type IntoFuture = Awaited<Self>;

    fn into_future(self) -> Awaited<Self> {
        Awaited(self)
    }
}

impl<'a, C: Children, M: Mode<C>> IntoFuture for &'a mut Gather<C, M> {
    type Output = Result<M::Value, M::Error>;
    type IntoFuture = AwaitedMut<'a, Gather<C, M>>;

    fn into_future(self) -> AwaitedMut<'a, Gather<C, M>> {
        AwaitedMut(self)
    }
}

impl<C: Children, M: Mode<C>> MainFuture for Gather<C, M> {
    type Output = Result<M::Value, M::Error>;
    type Future = Awaited<Self>;

    const IS_HANDLE: bool = true;

    fn into_main(self) -> Awaited<Self> {
        Awaited(self)
    }

    fn output(output: Self::Output) -> Result<Self::Output, RunError> {
        Ok(output)
    }
}

impl<'a, C, M> MainFuture for &'a mut Gather<C, M>
where
    C: Children,
    M: Mode<C, Error = TaskError>,
{
    type Output = &'a M::Value;
    type Future = Watch<'a, Gather<C, M>>;

    const IS_HANDLE: bool = true;

    fn into_main(self) -> Self::Future {
        Watch(Some(self))
    }

    fn output(group: &'a Gather<C, M>) -> Result<&'a M::Value, RunError> {
        let result = group.peek().map_err(RunError::InvalidState)?;
        result.map_err(|error| error.clone().into())
    }
}

impl<C: Children, M: Mode<C>> fmt::Debug for Gather<C, M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Gather")
            .field("done", &self.done())
            .finish_non_exhaustive()
    }
}
