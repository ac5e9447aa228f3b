//! The body of a group, in a scope that the group's own request and any other can reach.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use asyncio_executor::{Cancelled, PanicPayload, Scope};
use pin_project_lite::pin_project;

use crate::group::state::Group;
use crate::inbox::Inbox;
use crate::panics::CatchPanic;

pin_project! {
    pub(super) struct Body<F, E: 'static> {
        // Dropped before the scope closes.
        #[pin]
        body: Option<CatchPanic<F>>,
        scope: Scope,
        group: Rc<Inbox<Group<E>>>,
    }
}

/// How a body has ended.
pub(super) enum BodyEnd<T> {
    Returned(T),
    /// A request was answered by dropping it: the group's own, or somebody else's.
    Cancelled(Cancelled),
    Panicked(PanicPayload),
}

impl<F, E> Body<F, E> {
    pub(super) fn new(group: &Rc<Inbox<Group<E>>>, body: F) -> Self {
        Self {
            body: Some(CatchPanic::new(body)),
            scope: Scope::new(),
            group: Rc::clone(group),
        }
    }
}

impl<F: Future, E: 'static> Future for Body<F, E> {
    type Output = BodyEnd<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let group = &this.group.sink;
        // A request of the group's own that is made in this poll is kept until its end: a body
        // that returns in it takes no harm, and leaves none behind.
        let asked = group.asked();
        let parked = group.take_body();
        let was_open = parked.is_some();
        let polled = this
            .scope
            .poll_adopting(this.body, cx, || this.group.as_observer());
        match polled {
            Poll::Pending => {
                let scope = parked.or_else(|| this.scope.reference());
                group.set_body(scope.clone());
                if group.asked()
                    && !(asked && was_open)
                    && let Some(scope) = scope
                {
                    scope.cancel(None);
                    // A task in its first step cannot be woken by the scope yet.
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
            Poll::Ready(end) => Poll::Ready(match end {
                Ok(Ok(output)) => BodyEnd::Returned(output),
                Ok(Err(payload)) => BodyEnd::Panicked(payload),
                Err(cancelled) => BodyEnd::Cancelled(cancelled),
            }),
        }
    }
}
