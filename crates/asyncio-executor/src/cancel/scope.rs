//! The plain scope: a body that a request drops, and code after it that goes on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::cancel::{Cancelled, Here, Kind, NodeId, request};
use crate::caught::wake;
use crate::error::Message;
use crate::home;
use crate::local::Local;
use crate::task::Observer;

/// Runs `body` in a scope of its own. When a cancellation reaches it, the body is dropped where
/// it waits, and the code after goes on with `Err`: asyncio's `except CancelledError`.
///
/// The request is then answered: `task.cancel()` was a request, not an order. To let it go on
/// after some clean-up, use [`Cancelled::reraise`].
///
/// Outside an executor of this crate there is nobody to make a request, and the body just runs.
///
/// # Cancel safety
/// Yes. Dropping it drops the body; a request that was made and not answered goes to the scope
/// around.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, catch_cancelled};
///
/// let executor = Executor::new();
/// let task = executor.create_task(async {
///     let caught = catch_cancelled(std::future::pending::<()>()).await;
///     caught.is_err()
/// });
/// executor.run_until_stalled();
/// task.cancel_with("enough");
/// assert!(executor.run_until_complete(task).unwrap().unwrap());
/// ```
pub fn catch_cancelled<F: Future>(body: F) -> CatchCancelled<F> {
    CatchCancelled {
        body: Some(body),
        scope: Scope::new(),
    }
}

pin_project! {
    /// Future of [`catch_cancelled`].
    #[must_use = "futures do nothing unless polled"]
    pub struct CatchCancelled<F> {
        // Dropped before the scope closes.
        #[pin]
        body: Option<F>,
        scope: Scope,
    }
}

impl<F: Future> Future for CatchCancelled<F> {
    type Output = Result<F::Output, Cancelled>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.scope.poll(this.body, cx)
    }
}

impl<F> fmt::Debug for CatchCancelled<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CatchCancelled")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// A scope as part of a future of your own: what [`catch_cancelled`] is made of.
///
/// It is open from the first pending poll to the end of its body. Where a deadline or a group
/// has to cancel just this scope, [`Scope::reference`] gives the handle to do so.
#[derive(Default)]
pub struct Scope {
    /// The executor and the node, while the scope is open.
    open: Option<(Rc<Local>, NodeId)>,
}

impl Scope {
    /// A scope that is not open yet. Costs nothing until it is polled.
    #[must_use]
    pub const fn new() -> Self {
        Self { open: None }
    }

    /// Polls `body` inside the scope. `Ready` empties `body`: with its output, or with the
    /// cancellation that was answered by dropping it.
    ///
    /// # Panics
    /// When polled again after it was ready.
    #[inline]
    pub fn poll<F: Future>(
        &mut self,
        body: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Cancelled>> {
        self.poll_as(|| Kind::Plain(None), body, cx)
    }

    /// [`poll`](Self::poll) for who waits for the clean-ups that are orphaned in the body: those of
    /// a [`finally`](crate::finally()) that is dropped by something else than a cancellation. The
    /// `adopter` is asked when the scope is opened, and then told by [`Observer::adopt`] of each
    /// clean-up that nobody further in adopts.
    ///
    /// # Panics
    /// As [`poll`](Self::poll).
    pub fn poll_adopting<F: Future>(
        &mut self,
        body: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
        adopter: impl FnOnce() -> Rc<dyn Observer>,
    ) -> Poll<Result<F::Output, Cancelled>> {
        self.poll_as(|| Kind::Plain(Some(adopter())), body, cx)
    }

    #[inline]
    pub(super) fn poll_as<F: Future>(
        &mut self,
        kind: impl FnOnce() -> Kind,
        mut body: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Cancelled>> {
        let polled = match self.answer(cx) {
            Some(cancelled) => Poll::Ready(Err(cancelled)),
            None => {
                let body = body.as_mut().as_pin_mut().expect("polled after completion");
                self.poll_inside(kind, cx, |cx| body.poll(cx))
            }
        };
        if polled.is_ready() {
            self.inside(|| body.set(None));
            self.close();
        }
        polled
    }

    /// Comes back to the scope, if it is open, for another poll. Returns the request that it has to
    /// answer: then what is inside is not to be polled again.
    #[inline]
    pub(super) fn answer(&mut self, cx: &mut Context<'_>) -> Option<Cancelled> {
        home::with(|local| {
            let local = local?;
            let node = self.node_in(local)?;
            local.tree.resume(local, node, Some(cx.waker()))
        })
    }

    /// Polls what is inside the scope, which is opened for that if need be, and stays open.
    /// Outside an executor there is none.
    #[inline]
    pub(super) fn poll_inside<T>(
        &mut self,
        kind: impl FnOnce() -> Kind,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, Cancelled>> {
        home::with(|local| {
            let Some(local) = local else {
                return poll(cx).map(Ok);
            };
            let tree = &local.tree;
            let node = match &self.open {
                Some((_, node)) => *node,
                None => {
                    let node = tree.open(local, kind(), Some(cx.waker()));
                    self.open = Some((Rc::clone(local), node));
                    node
                }
            };
            let polled = {
                let _here = Here::new(local, node);
                poll(cx)
            };
            let (cancelled, again) = tree.leave(node, polled.is_ready());
            if let Some(cancelled) = cancelled {
                return Poll::Ready(Err(cancelled));
            }
            if again {
                // Not the tree's waker: a task in its first step has none there yet.
                cx.waker().wake_by_ref();
            }
            polled.map(Ok)
        })
    }

    /// Calls `f` with this scope as the one that is being polled.
    #[inline]
    pub(super) fn inside<R>(&self, f: impl FnOnce() -> R) -> R {
        let _here = self
            .open
            .as_ref()
            .map(|(local, node)| Here::new(local, *node));
        f()
    }

    /// Where the scope is, while it is open.
    pub(super) fn place(&self) -> Option<(&Rc<Local>, NodeId)> {
        self.open.as_ref().map(|(local, node)| (local, *node))
    }

    /// The handle that cancels this scope; `None` while it is not open.
    #[must_use]
    pub fn reference(&self) -> Option<ScopeRef> {
        let (local, node) = self.open.as_ref()?;
        let generation = local.tree.with(*node, |node| node.generation)?;
        Some(ScopeRef {
            local: Rc::downgrade(local),
            node: *node,
            generation,
        })
    }

    /// The node, if the scope is open in this executor. A future that was moved to another
    /// executor of the thread opens its scope anew there.
    fn node_in(&mut self, local: &Rc<Local>) -> Option<NodeId> {
        match &self.open {
            Some((home, node)) if Rc::ptr_eq(home, local) => Some(*node),
            Some(_) => {
                self.close();
                None
            }
            None => None,
        }
    }

    pub(super) fn close(&mut self) {
        if let Some((local, node)) = self.open.take()
            && let Some(waker) = local.tree.close(&local, node)
        {
            wake(&local, waker);
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Scope")
            .field("open", &self.open.is_some())
            .finish()
    }
}

/// A handle that cancels one scope, and that may outlive it.
#[derive(Clone)]
pub struct ScopeRef {
    local: Weak<Local>,
    node: NodeId,
    generation: u32,
}

impl ScopeRef {
    /// Requests the cancellation of the scope; innermost scopes answer first. Returns `false`
    /// when it has been closed.
    pub fn cancel(&self, message: Option<&str>) -> bool {
        let Some(local) = self.local.upgrade() else {
            return false;
        };
        if !self.is_open(&local) {
            return false;
        }
        request::cancel_scope(&local, self.node, message.map(Message::from));
        true
    }

    fn is_open(&self, local: &Local) -> bool {
        local.tree.with(self.node, |node| node.generation) == Some(self.generation)
    }
}

impl fmt::Debug for ScopeRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ScopeRef").finish_non_exhaustive()
    }
}

/// The sum of the requests on the scope that is being polled and on those around it.
///
/// Whoever makes a request of its own (a timeout, a group) compares it at entry and exit, to
/// convert its own request and never somebody else's. 0 outside an executor.
#[must_use]
pub fn requests_around() -> u32 {
    home::with(|local| {
        let Some(local) = local else { return 0 };
        let current = local.tree.current.get();
        let here = if current.is_none() {
            local.tasks.root(local.current.get())
        } else {
            current
        };
        local.tree.requests_from(here)
    })
}
