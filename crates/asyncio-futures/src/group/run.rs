//! The block: the body, the wait for the children, and what comes out of it.

use std::future::{Future, poll_fn};
use std::rc::Rc;

use asyncio_executor::{catch_cancelled, renew_requests, requests_around};

use crate::group::error::{ErrorGroup, GroupError};
use crate::group::handle::TaskGroup;
use crate::group::state::{Group, Phase};
use crate::inbox::Inbox;
use crate::owned::Owned;
use crate::panics::CatchPanic;

impl<E: 'static> TaskGroup<E> {
    /// Runs `body` in this group; see [`task_group`](crate::task_group()). `None` when
    /// [`cancel`](Self::cancel) has ended the body before it had a value.
    ///
    /// # Errors
    /// [`ErrorGroup`], never an empty one.
    ///
    /// # Panics
    /// When polled while, or after, another body ran in it. A panic of the body goes on when every
    /// child has ended.
    ///
    /// # Cancel safety
    /// As [`task_group`](crate::task_group()).
    ///
    /// # Examples
    /// ```
    /// # asyncio_executor::Executor::new().run_until_complete(async {
    /// # use asyncio_futures::TaskGroup;
    /// let group = TaskGroup::<std::io::Error>::new();
    /// let stop = group.clone();
    /// let outcome = group.run(async |group| {
    ///     group.start_soon(async move {
    ///         stop.cancel();
    ///         Ok(())
    ///     }).unwrap();
    ///     std::future::pending().await // serves
    /// });
    /// assert_eq!(outcome.await.unwrap(), None::<()>);
    /// # }).unwrap();
    /// ```
    pub fn run<T, F>(&self, body: F) -> impl Future<Output = Result<Option<T>, ErrorGroup<E>>>
    where
        F: AsyncFnOnce(Self) -> Result<T, E>,
    {
        Self::run_in(|| self.clone(), body)
    }

    /// [`run`](Self::run) in a group that `make` gives at the first poll.
    ///
    /// This future has room for what the body has captured twice: as its argument, and where it is
    /// awaited. An `async fn` around it would add as much again.
    pub(super) async fn run_in<T, F>(
        make: impl FnOnce() -> Self,
        body: F,
    ) -> Result<Option<T>, ErrorGroup<E>>
    where
        F: AsyncFnOnce(Self) -> Result<T, E>,
    {
        let this = make();
        let group = &this.0.sink;
        group.enter();
        // Last of all dropped, when this is.
        let _leaving = Leaving(&this.0);
        let around = requests_around();
        let body = CatchPanic::new(body(this.clone()));
        let body = Owned::new(Rc::clone(&group.body), body).adopting(this.0.as_observer());
        let (outcome, panic, mut cancelled) = match body.await {
            Ok(Ok(outcome)) => (Some(outcome), None, None),
            Ok(Err(payload)) => (None, Some(payload), None),
            Err(request) => (None, None, Some(request)),
        };
        group.exit();
        if !matches!(outcome, Some(Ok(_))) {
            group.abort();
        }
        let mut interrupted = None;
        while !group.is_empty() {
            if let Err(request) = catch_cancelled(poll_fn(|cx| group.poll_empty(cx))).await {
                if cancelled.is_none() && group.is_aborting() {
                    // The group ends with an error already, which is not to be lost to this.
                    interrupted = Some(request);
                } else {
                    group.abort();
                    cancelled = Some(request);
                }
            }
        }
        let mut errors = group.finish();
        if let Some(payload) = panic {
            // The children's failures have lost against it.
            for failure in &errors {
                group.report_lost(failure, "a panic of the group's body goes on in its stead");
            }
            payload.resume();
        }
        let cancelled = cancelled.filter(|_| group.body.is_foreign(around));
        if let Some(request) = &cancelled
            && errors.is_empty()
        {
            request.clone().reraise().await;
        }
        let value = match outcome {
            Some(Err(error)) => {
                errors.push(GroupError::Error(error));
                None
            }
            Some(Ok(value)) => Some(value),
            None => None,
        };
        let request = cancelled.or(interrupted);
        if errors.is_empty() {
            return match request {
                Some(request) => request.reraise().await,
                None => Ok(value),
            };
        }
        // What has no count, `raise_cancelled`, is replaced by the errors; what has one is made
        // anew, also if it was answered before there was a group.
        match request {
            Some(request) if requests_around() > 0 => request.renew(),
            _ => renew_requests(),
        }
        Err(ErrorGroup::new(errors))
    }
}

/// Cancels what is left when nobody waits for the group any more.
struct Leaving<'a, E: 'static>(&'a Rc<Inbox<Group<E>>>);

impl<E> Drop for Leaving<'_, E> {
    fn drop(&mut self) {
        let group = &self.0.sink;
        if group.phase() != Phase::Over {
            group.abandon();
        }
    }
}
