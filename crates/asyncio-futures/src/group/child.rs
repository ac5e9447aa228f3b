//! The future around a child's: it waits for its turn to begin, and hands a failure to the group.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::group::error::{ChildFailed, GroupError};
use crate::group::limit::Turn;
use crate::group::state::Group;
use crate::inbox::Inbox;
use crate::panics::CatchPanic;

pin_project! {
    pub(super) struct Child<F, E: 'static> {
        #[pin]
        body: CatchPanic<F>,
        group: Rc<Inbox<Group<E>>>,
        index: u32,
        turn: Turn,
    }

    impl<F, E: 'static> PinnedDrop for Child<F, E> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.turn.give_back(&this.group.sink.limit);
        }
    }
}

impl<F, E> Child<F, E> {
    pub(super) fn new(group: &Rc<Inbox<Group<E>>>, index: u32, body: F) -> Self {
        Self {
            body: CatchPanic::new(body),
            group: Rc::clone(group),
            index,
            turn: Turn::default(),
        }
    }
}

impl<F, T, E> Future for Child<F, E>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, ChildFailed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let group = &this.group.sink;
        ready!(this.turn.poll(&group.limit, cx));
        let failure = match ready!(this.body.poll(cx)) {
            Ok(Ok(value)) => return Poll::Ready(Ok(value)),
            Ok(Err(error)) => GroupError::Error(error),
            Err(payload) => GroupError::Panicked(payload),
        };
        group.note(*this.index, failure);
        Poll::Ready(Err(ChildFailed))
    }
}
