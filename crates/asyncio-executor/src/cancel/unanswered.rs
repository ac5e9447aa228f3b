//! Marks that wait for their scope to be polled, and where they go if it never is.

use crate::cancel::nodes::{Node, NodeKey};
use crate::cancel::{NodeId, Tree};
use crate::caught::wake;
use crate::local::Local;

/// A mark that waits for its scope to be polled; or the request of a claim that has come back.
pub(crate) struct Unanswered {
    key: NodeKey,
    request: u64,
    turns: u8,
    /// The polls that there had been.
    since: u64,
}

impl Unanswered {
    /// Whether it still waits there.
    fn is_at(&self, node: &Node) -> bool {
        let returned = node.returned && node.passed_on == self.request;
        node.key(self.key.id()) == self.key && (node.marks.pending() == self.request || returned)
    }
}

impl Tree {
    /// Notes a mark whose scope may never be polled again.
    pub(crate) fn watch(&self, node: NodeId, request: u64) {
        if let Some(key) = self.key(node) {
            self.unanswered.borrow_mut().push(Unanswered {
                key,
                request,
                turns: 0,
                since: self.polls.get(),
            });
        }
    }

    /// The task with this root has ended as cancelled: the claim that had passed the request on to
    /// it goes on with that, unless it is never polled again.
    pub(crate) fn watch_claim(&self, root: NodeId) {
        if let Some(claim) = self.look(root, |root| root.claim)
            && self.is_open(claim)
        {
            self.watch_returned(claim.id());
        }
    }

    /// The request that this claim has passed on has come back: its next poll deals with it.
    pub(super) fn watch_returned(&self, claim: NodeId) {
        let passed_on = self.with(claim, |claim| {
            claim.returned = true;
            claim.passed_on
        });
        if let Some(request @ 1..) = passed_on {
            self.watch(claim, request);
        }
    }

    /// Whether what this claim has passed on has come back since its last poll.
    /// Without a mark nobody need know, and it is `false`.
    #[inline]
    pub(super) fn has_come_back(&self, claim: NodeId) -> bool {
        self.is_marked() && self.look(claim, |claim| claim.returned) == Some(true)
    }

    /// Whether marks wait for an answer: the executor must not sleep then.
    #[inline]
    pub(crate) fn has_unanswered(&self) -> bool {
        !self.unanswered.borrow().is_empty()
    }

    /// The executor is closed: nothing will answer.
    pub(crate) fn forget_unanswered(&self) {
        self.unanswered.take();
    }

    /// After a turn: a mark that has waited for two further turns (its scope is kept, but no
    /// longer polled) goes to the scope's parent, if the request was made there or further out.
    /// It waits on while its task was not polled at all.
    pub(crate) fn settle(&self, local: &Local) {
        for mut mark in self.unanswered.take() {
            let node = mark.key.id();
            let found = self.look(node, |node| {
                mark.is_at(node)
                    .then(|| (node.parent, node.message.clone()))
            });
            let Some(Some((parent, message))) = found else {
                continue;
            };
            if mark.turns < 2 {
                mark.turns += 1;
                self.unanswered.borrow_mut().push(mark);
                continue;
            }
            let is_marked = self.pending(node) == mark.request;
            if is_marked && self.wake_unpolled(local, node, mark.since) {
                self.unanswered.borrow_mut().push(mark);
                continue;
            }
            if !self.concerns(parent, mark.request) {
                continue;
            }
            self.set_pending(node, 0);
            self.with(node, |node| {
                node.answered = mark.request;
                node.passed_on = 0;
            });
            self.hand_over(parent, mark.request, message, true);
            if self.is_shield(parent) {
                continue;
            }
            self.watch(parent, self.pending(parent));
            if let Some(waker) = self.waker(local, parent) {
                wake(local, waker);
            }
        }
    }
}
