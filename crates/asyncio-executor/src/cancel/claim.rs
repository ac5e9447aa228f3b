//! The claim: a leaf that waits for something that can be cancelled itself, and that passes a
//! request on to it instead of answering.

use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::cancel::reference::NodeRef;
use crate::cancel::{Cancellation, Kind, NodeId, request};
use crate::caught::wake;
use crate::error::Message;
use crate::home;
use crate::local::Local;
use crate::task::TaskAddress;

/// What a claim can be laid to: a future that completes, a group of tasks.
pub trait Claimed {
    /// Takes a request over: cancels itself, or sends the request on to its tasks through
    /// `cancellation`. Returns whether it did; `false` when it is done already, and then the one
    /// who waits for it answers at its next poll.
    ///
    /// It is called in the middle of a cancel operation and must not run user code: completing
    /// a future means to push callbacks and wakers into the ready queue.
    ///
    /// What takes a request also takes the wait that it came through
    /// ([`Cancellation::take_claim`]), and tells it when it has ended as cancelled.
    fn pass_on(&self, cancellation: &mut Cancellation) -> bool;
}

/// A wait that has passed a request on to what it waits for, as that knows it.
#[derive(Clone)]
pub struct ClaimRef(NodeRef);

impl ClaimRef {
    pub(super) fn new(local: &Rc<Local>, node: NodeId) -> Option<Self> {
        let key = local.tree.key(node)?;
        Some(Self(NodeRef::new(local, key)))
    }

    /// What is waited for has ended as cancelled, or leaves the answer to the next poll of the wait.
    /// If that does not come for two turns, since a combinator keeps the wait and no longer polls it,
    /// the request goes to the scope around, and is not lost.
    ///
    /// It runs no user code. On a wait that is over it does nothing.
    pub fn came_back(&self) {
        if let Some((local, node)) = self.0.find() {
            local.tree.watch_returned(node);
        }
    }
}

impl fmt::Debug for ClaimRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ClaimRef").finish_non_exhaustive()
    }
}

/// How what a claim waits for has ended.
#[derive(Debug)]
pub struct Settled<T> {
    /// What the waiting side gets, unless the end is a cancellation that it passed on itself.
    pub value: T,
    /// The message, if the end was a cancellation.
    pub cancelled: Option<Option<Message>>,
}

/// Whom a claim passes requests to.
#[derive(Clone)]
pub(crate) enum Target {
    /// A task of the same executor. It may have ended, and its number be another's.
    Task(TaskAddress),
    Other(Rc<dyn Claimed>),
}

/// The waiting side of a future of your own that passes cancellation on: `await` of a task, of
/// a `Future`, of a group.
///
/// It is a part of such a future: [`poll`](Self::poll) does the waiting. Dropping it ends the
/// claim; a request that it has passed on, and that has not come back, goes to the scope around.
#[derive(Default)]
pub struct Claim {
    state: State,
}

#[derive(Default)]
enum State {
    /// Not pending yet.
    #[default]
    Fresh,
    /// Waiting, with a node in the tree of an executor.
    Open(Rc<Local>, NodeId),
    /// The cancellation has gone on outwards: pending for ever.
    Unwound,
}

impl Claim {
    /// A claim that has not been polled. Costs nothing until it has to wait.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Fresh,
        }
    }

    /// Waits for `poll` to be ready. While it is pending, a request that reaches this place is
    /// passed on to `target` at once. When what is waited for then ends as cancelled, the
    /// cancellation goes on outwards from here and this stays pending; any other end is the
    /// value. Cancelled by somebody else, it is a value too.
    pub fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        target: impl FnOnce() -> Rc<dyn Claimed>,
        poll: impl FnMut(&mut Context<'_>) -> Poll<Settled<T>>,
    ) -> Poll<T> {
        self.poll_target(cx, |_| Target::Other(target()), poll)
    }

    /// The claim that `node` stands for.
    pub(crate) fn on_node(local: &Rc<Local>, node: NodeId) -> Self {
        Self {
            state: State::Open(Rc::clone(local), node),
        }
    }

    /// Whether it has not had to wait.
    #[inline]
    fn is_fresh(&self) -> bool {
        matches!(self.state, State::Fresh)
    }

    pub(crate) fn poll_target<T>(
        &mut self,
        cx: &mut Context<'_>,
        target: impl FnOnce(&Rc<Local>) -> Target,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<Settled<T>>,
    ) -> Poll<T> {
        home::with(|local| {
            if let (State::Open(home, _), Some(local)) = (&self.state, local)
                && !Rc::ptr_eq(home, local)
            {
                self.close();
            }
            match (&self.state, local) {
                (State::Unwound, _) => Poll::Pending,
                (State::Fresh, Some(local)) => {
                    if let Poll::Ready(settled) = poll(cx) {
                        return Poll::Ready(settled.value);
                    }
                    let node = local.tree.open(local, Kind::Claim(target(local)));
                    self.state = State::Open(Rc::clone(local), node);
                    let request = local.tree.pending(node);
                    if request != 0 {
                        request::pass_taken(local, node, request);
                    }
                    Poll::Pending
                }
                (State::Open(_, node), Some(local)) => {
                    let node = *node;
                    let has_come_back = local.tree.has_come_back(node);
                    if let Some(cancelled) = local.tree.resume(local, node, None) {
                        // What was passed on has ended the wait: a request after it found nothing
                        // to end, and its message is nobody's.
                        let ended = has_come_back.then(|| poll(cx));
                        let message = match ended {
                            Some(Poll::Ready(Settled {
                                cancelled: Some(first),
                                ..
                            })) => first,
                            _ => cancelled.message,
                        };
                        self.unwind(local, node, cancelled.request, message);
                        return Poll::Pending;
                    }
                    let Poll::Ready(settled) = poll(cx) else {
                        return Poll::Pending;
                    };
                    match (settled.cancelled, passed_on(local, node)) {
                        (Some(message), Some(request)) => {
                            self.unwind(local, node, request, message);
                            Poll::Pending
                        }
                        _ => {
                            self.close_quietly();
                            Poll::Ready(settled.value)
                        }
                    }
                }
                // Outside every executor of ours nobody can make a request.
                (State::Fresh | State::Open(..), None) => poll(cx).map(|settled| settled.value),
            }
        })
    }

    /// The end of the wait: what was passed on and came back goes outwards.
    fn unwind(&mut self, local: &Rc<Local>, node: NodeId, request: u64, message: Option<Message>) {
        self.state = State::Unwound;
        let parent = local
            .tree
            .look(node, |node| node.parent)
            .unwrap_or(NodeId::NONE);
        let _ = local.tree.close(local, node);
        request::unwind_into(local, parent, request, message);
    }

    /// Closes a claim that has its value: a request that it passed on is settled by that.
    fn close_quietly(&mut self) {
        if let State::Open(local, node) = std::mem::take(&mut self.state)
            && let Some(waker) = local.tree.close(&local, node).waker
        {
            wake(&local, waker);
        }
    }

    /// Closes a claim in the middle: its parent answers the request that it had passed on.
    fn close(&mut self) {
        if let State::Open(local, node) = &self.state
            && local.tree.pending(*node) == 0
            && let Some(request) = passed_on(local, *node)
        {
            local.tree.set_pending(*node, request);
        }
        self.close_quietly();
    }
}

/// The request that the claim has passed on, if its parent has not answered it.
fn passed_on(local: &Local, node: NodeId) -> Option<u64> {
    let (passed_on, parent) = local
        .tree
        .look(node, |node| (node.passed_on, node.parent))?;
    let answered = local.tree.look(parent, |parent| parent.answered);
    (passed_on > answered.unwrap_or(0)).then_some(passed_on)
}

impl Drop for Claim {
    #[inline]
    fn drop(&mut self) {
        if !self.is_fresh() {
            self.close();
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Claim").finish_non_exhaustive()
    }
}
