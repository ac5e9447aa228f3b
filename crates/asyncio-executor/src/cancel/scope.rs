//! A scope around what a future polls: opened, come back to, left and closed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::cancel::around::{requests_around, sum_around};
use crate::cancel::levels::Level;
use crate::cancel::open::Open;
use crate::cancel::{Cancelled, Here, Kind, NodeId, ScopeKey, ScopeRef, request};
use crate::caught::wake;
use crate::home;
use crate::local::Local;
use crate::spawner::Spawner;
use crate::task::Observer;

/// A scope as part of a future of your own: what [`catch_cancelled`](crate::catch_cancelled()) is made
/// of.
///
/// It is open from the first pending poll to the end of its body. Where a deadline or a group
/// has to cancel just this scope, [`Scope::reference`] gives the handle to do so.
#[derive(Default)]
pub struct Scope {
    /// The node, while the scope is open.
    open: Option<Open>,
    /// A request was made on the node that was closed.
    was_requested: bool,
    /// The sum of the requests around it when its body was polled first.
    around: u32,
}

impl Scope {
    /// A scope that is not open yet. Costs nothing until it is polled.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            open: None,
            was_requested: false,
            around: 0,
        }
    }

    /// Polls `body` inside the scope. `Ready` empties `body`: with its output, or with the
    /// cancellation that was answered by dropping it.
    ///
    /// # Panics
    /// When polled again after it was ready.
    #[inline]
    pub fn poll<F: Future>(
        &mut self,
        mut body: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Cancelled>> {
        if self.open.is_none()
            && let Some(polled) = self.poll_level(cx, |cx| inner(body.as_mut()).poll(cx))
        {
            // The two common cases, in a few instructions.
            match polled {
                Poll::Ready(output) if self.open.is_none() => {
                    body.set(None);
                    return Poll::Ready(Ok(output));
                }
                Poll::Pending if self.open_calm(cx) => return Poll::Pending,
                _ => {}
            }
            return self.left(polled, body, cx);
        }
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
                let _here = Here::new(tree, open.node());
                inner(body.as_mut()).poll(cx)
            };
            if tree.is_marked() {
                return self.left(polled, body, cx);
            }
            if let Poll::Ready(output) = polled {
                self.inside(|| body.set(None));
                self.close();
                return Poll::Ready(Ok(output));
            }
            return Poll::Pending;
        }
        self.poll_anew(kind, body, cx)
    }

    #[cold]
    #[inline(never)]
    fn poll_anew<F: Future>(
        &mut self,
        kind: impl FnOnce() -> Kind,
        mut body: Pin<&mut Option<F>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Cancelled>> {
        if self.open.is_none() {
            self.around = requests_around();
        }
        let polled = match self.answer(cx) {
            Some(cancelled) => Poll::Ready(Err(cancelled)),
            None => self.poll_open(kind, cx, |cx| inner(body.as_mut()).poll(cx)),
        };
        self.ended(polled, body)
    }

    /// What follows from a poll of the body, if there are marks or the scope got its node in it.
    #[cold]
    fn left<F: Future>(
        &mut self,
        polled: Poll<F::Output>,
        body: Pin<&mut Option<F>>,
        cx: &Context<'_>,
    ) -> Poll<Result<F::Output, Cancelled>> {
        let polled = self.leave(polled, cx);
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
        let request = local.tree.resume(local, open.node(), Some(cx.waker()));
        open.moved();
        request
    }

    /// Polls what is inside a plain scope, which is open while that is pending. Outside an executor
    /// there is none.
    #[inline]
    pub(super) fn poll_inside<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, Cancelled>> {
        if self.open.is_none()
            && let Some(polled) = self.poll_level(cx, &mut poll)
        {
            if polled.is_pending() {
                self.open_calm(cx);
            }
            return self.leave(polled, cx);
        }
        self.poll_open(|| Kind::Plain(None), cx, poll)
    }

    /// The first poll of what is inside a plain scope, without a node. `None`, and nothing is polled,
    /// if the scope has to be open for that.
    #[inline]
    fn poll_level<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Option<Poll<T>> {
        home::with(|local| {
            let local = local.filter(|local| Level::suffices(local, cx.waker()))?;
            self.around = match local.tree.is_counted() {
                true => sum_around(local),
                false => 0,
            };
            let _level = Level::begin(local, &mut self.open);
            Some(poll(cx))
        })
    }

    /// Opens a plain scope whose body is pending after its first poll, unless it got a node meanwhile.
    /// Returns whether there are no marks.
    fn open_calm(&mut self, cx: &Context<'_>) -> bool {
        home::with(|local| {
            let Some(local) = local else { return false };
            if self.open.is_none()
                && let Some(key) = local.tree.open_only(local)
            {
                self.open = Some(Open::new(local, key));
                return true;
            }
            self.open_among_others(local, cx)
        })
    }

    #[cold]
    #[inline(never)]
    fn open_among_others(&mut self, local: &Rc<Local>, cx: &Context<'_>) -> bool {
        if self.open.is_none() {
            self.open_in(local, Kind::Plain(None), cx);
        }
        !local.tree.is_marked()
    }

    /// Polls what is inside the scope, which is opened before if it is not.
    #[inline]
    fn poll_open<T>(
        &mut self,
        kind: impl FnOnce() -> Kind,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, Cancelled>> {
        if self.open.is_none() {
            home::with(|local| {
                if let Some(local) = local {
                    self.open_in(local, kind(), cx);
                }
            });
        }
        let polled = self.inside(|| poll(cx));
        self.leave(polled, cx)
    }

    /// What follows from the marks that are there after a poll of what is inside.
    #[inline]
    fn leave<T>(&mut self, polled: Poll<T>, cx: &Context<'_>) -> Poll<Result<T, Cancelled>> {
        if let Some((local, node)) = self.place()
            && local.tree.is_marked()
        {
            let (cancelled, again) = local.tree.leave(node, polled.is_ready());
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

    /// Opens the scope under the one that is being polled.
    #[inline]
    fn open_in(&mut self, local: &Rc<Local>, kind: Kind, cx: &Context<'_>) {
        let tree = &local.tree;
        let node = tree.open(local, kind);
        self.open = tree.key(node).map(|key| Open::new(local, key));
        // Foreign code, which may panic: last of all, so that the node is closed then.
        tree.keep_waker(local, node, cx.waker());
    }

    /// Calls `f` with this scope as the one that is being polled.
    #[inline]
    pub(super) fn inside<R>(&self, f: impl FnOnce() -> R) -> R {
        let _here = self
            .open
            .as_ref()
            .map(|open| Here::new(&open.local.tree, open.node()));
        f()
    }

    /// Where the scope is, while it is open.
    pub(super) fn place(&self) -> Option<(&Rc<Local>, NodeId)> {
        self.open.as_ref().map(|open| (&open.local, open.node()))
    }

    /// Whether it was its own cancellation that has ended it, requested through its
    /// [`reference`](Self::reference): not that of the task, or of a scope around.
    #[must_use]
    pub fn was_requested(&self) -> bool {
        self.was_requested
    }

    /// The sum of the requests around the scope when its body was polled first, before the scope was open:
    /// of its task and of the scopes around. If there are more when a cancellation comes out of it, somebody else made one.
    #[inline]
    #[must_use]
    pub fn requests_at_entry(&self) -> u32 {
        self.around
    }

    /// The handle that cancels this scope; `None` while it is not open.
    #[must_use]
    pub fn reference(&self) -> Option<ScopeRef> {
        self.open.as_ref().map(Open::reference)
    }

    /// The same for who knows the executor; `None` also when the scope is open in another.
    #[inline]
    #[must_use]
    pub fn key_in(&self, spawner: &Spawner) -> Option<ScopeKey> {
        self.open.as_ref()?.scope_key(spawner.local())
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
        if let Some(open) = &self.open
            && open.local.tree.close_quiet(open.node())
        {
            self.open = None;
        } else {
            self.close_changed();
        }
    }

    #[cold]
    #[inline(never)]
    fn close_changed(&mut self) {
        if let Some(open) = self.open.take() {
            let closed = open.local.tree.close(&open.local, open.node());
            self.was_requested |= closed.was_requested;
            if let Some(waker) = closed.waker {
                wake(&open.local, waker);
            }
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
