//! The plain scope: a body that a request drops, and code after it that goes on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::cancel::levels::Level;
use crate::cancel::open::Open;
use crate::cancel::reference::NodeRef;
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
    /// The node, while the scope is open.
    open: Option<Open>,
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
        // The common case, in a few instructions.
        if let Some(open) = &self.open
            && open.is_calm(cx.waker())
        {
            let tree = &open.local.tree;
            let polled = {
                let _here = Here::new(tree, open.node);
                inner(body.as_mut()).poll(cx)
            };
            if polled.is_pending() && !tree.is_marked() {
                return Poll::Pending;
            }
            let polled = self.leave(polled, cx);
            return self.ended(polled, body);
        }
        self.poll_anew(kind, body, cx)
    }

    #[inline(never)]
    fn poll_anew<F: Future>(
        &mut self,
        kind: impl FnOnce() -> Kind,
        mut body: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Cancelled>> {
        let polled = match self.answer(cx) {
            Some(cancelled) => Poll::Ready(Err(cancelled)),
            None => self.poll_inside(kind, cx, |cx| inner(body.as_mut()).poll(cx)),
        };
        self.ended(polled, body)
    }

    /// If that is ready, drops the body inside the scope, and closes it.
    fn ended<F: Future>(
        &mut self,
        polled: Poll<Result<F::Output, Cancelled>>,
        mut body: Pin<&mut Option<F>>,
    ) -> Poll<Result<F::Output, Cancelled>> {
        if polled.is_ready() {
            self.inside(|| body.set(None));
            if self.open.is_some() {
                self.close();
            }
        }
        polled
    }

    /// Comes back to the scope, if it is open, for another poll. Returns the request that it has to
    /// answer: then what is inside is not to be polled again.
    #[inline]
    pub(super) fn answer(&mut self, cx: &mut Context<'_>) -> Option<Cancelled> {
        match &self.open {
            None => None,
            Some(open) if open.is_calm(cx.waker()) => None,
            Some(_) => home::with(|local| self.come_back(local?, cx)),
        }
    }

    fn come_back(&mut self, local: &Rc<Local>, cx: &mut Context<'_>) -> Option<Cancelled> {
        if let Some(elsewhere) = &self.open
            && !Rc::ptr_eq(&elsewhere.local, local)
        {
            // Moved to another executor of the thread, a future opens its scope anew there.
            self.close();
        }
        let open = self.open.as_mut()?;
        let request = local.tree.resume(local, open.node, Some(cx.waker()));
        open.moved();
        request
    }

    /// Polls what is inside the scope, which is opened for that if need be, and stays open while
    /// that is pending. Outside an executor there is none.
    #[inline]
    pub(super) fn poll_inside<T>(
        &mut self,
        kind: impl FnOnce() -> Kind,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, Cancelled>> {
        home::with(|local| match local {
            Some(local) => self.poll_in(local, kind, cx, poll),
            None => poll(cx).map(Ok),
        })
    }

    #[inline]
    fn poll_in<T>(
        &mut self,
        local: &Rc<Local>,
        kind: impl FnOnce() -> Kind,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, Cancelled>> {
        if self.open.is_none() {
            let kind = kind();
            if Level::suffices(local, &kind, cx.waker()) {
                let polled = {
                    let _level = Level::begin(local, &mut self.open);
                    poll(cx)
                };
                if self.open.is_none() {
                    if polled.is_ready() {
                        return polled.map(Ok);
                    }
                    self.open_in(local, kind, cx);
                }
                return self.leave(polled, cx);
            }
            self.open_in(local, kind, cx);
        }
        let polled = self.inside(|| poll(cx));
        self.leave(polled, cx)
    }

    /// What follows from the marks that are there after a poll of what is inside.
    #[inline]
    fn leave<T>(&mut self, polled: Poll<T>, cx: &Context<'_>) -> Poll<Result<T, Cancelled>> {
        if let Some(Open { local, node, .. }) = &self.open
            && local.tree.is_marked()
        {
            let (cancelled, again) = local.tree.leave(*node, polled.is_ready());
            if let Some(cancelled) = cancelled {
                return Poll::Ready(Err(cancelled));
            }
            if again {
                // Not the tree's waker: a task in its first step has none there yet.
                cx.waker().wake_by_ref();
            }
        }
        polled.map(Ok)
    }

    fn open_in(&mut self, local: &Rc<Local>, kind: Kind, cx: &Context<'_>) {
        let node = local.tree.open(local, kind);
        self.open = Some(Open::new(local, node));
        // Foreign code, which may panic: last of all, so that the node is closed then.
        local.tree.keep_waker(local, node, cx.waker());
    }

    /// Calls `f` with this scope as the one that is being polled.
    #[inline]
    pub(super) fn inside<R>(&self, f: impl FnOnce() -> R) -> R {
        let _here = self
            .open
            .as_ref()
            .map(|open| Here::new(&open.local.tree, open.node));
        f()
    }

    /// Where the scope is, while it is open.
    pub(super) fn place(&self) -> Option<(&Rc<Local>, NodeId)> {
        self.open.as_ref().map(|open| (&open.local, open.node))
    }

    /// The handle that cancels this scope; `None` while it is not open.
    #[must_use]
    pub fn reference(&self) -> Option<ScopeRef> {
        let (local, node) = self.place()?;
        NodeRef::new(local, node).map(ScopeRef)
    }

    /// Requests the cancellation of the scope, for a future that polls it right after, in the same
    /// poll: unlike [`ScopeRef::cancel`] this does not wake the task for it. Returns `false` when the
    /// scope is not open.
    pub fn cancel_before_poll(&self) -> bool {
        let place = self.place();
        place.is_some_and(|(local, node)| {
            request::cancel_before_poll(local, node);
            true
        })
    }

    pub(super) fn close(&mut self) {
        if let Some(Open { local, node, .. }) = self.open.take()
            && let Some(waker) = local.tree.close(&local, node)
        {
            wake(&local, waker);
        }
    }
}

/// The body of a scope that is polled.
#[inline]
fn inner<F>(body: Pin<&mut Option<F>>) -> Pin<&mut F> {
    body.as_pin_mut().expect("polled after completion")
}

impl Drop for Scope {
    #[inline]
    fn drop(&mut self) {
        if self.open.is_some() {
            self.close();
        }
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
pub struct ScopeRef(NodeRef);

impl ScopeRef {
    /// Whether it is still open: its body waits, and has not moved to another executor, where it is
    /// in a new scope.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.find().is_some()
    }

    /// Requests the cancellation of the scope; innermost scopes answer first. Returns `false`
    /// when it has been closed.
    pub fn cancel(&self) -> bool {
        self.request(None)
    }

    /// [`cancel`](Self::cancel) with a message, which whoever answers sees.
    pub fn cancel_with(&self, message: impl AsRef<str>) -> bool {
        self.request(Some(message.as_ref().into()))
    }

    fn request(&self, message: Option<Message>) -> bool {
        let Some((local, node)) = self.0.find() else {
            return false;
        };
        request::cancel_scope(&local, node, message);
        true
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
#[inline]
#[must_use]
pub fn requests_around() -> u32 {
    home::with(|local| match local {
        Some(local) if local.tree.is_counted() => sum_around(local),
        _ => 0,
    })
}

fn sum_around(local: &Local) -> u32 {
    let current = local.tree.current.get();
    let here = if current.is_none() {
        local.tasks.root(local.current.get())
    } else {
        current
    };
    local.tree.requests_from(here)
}
