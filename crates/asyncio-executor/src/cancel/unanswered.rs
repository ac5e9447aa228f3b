//! Marks that wait for their scope to be polled, and where they go if it never is.

use crate::cancel::{NodeId, Tree};
use crate::caught::wake;
use crate::local::Local;

/// A mark that waits for its scope to be polled.
pub(crate) struct Unanswered {
    node: NodeId,
    request: u64,
    turns: u8,
}

impl Tree {
    /// Notes a mark whose scope may never be polled again.
    pub(crate) fn watch(&self, node: NodeId, request: u64) {
        self.unanswered.borrow_mut().push(Unanswered {
            node,
            request,
            turns: 0,
        });
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
    pub(crate) fn settle(&self, local: &Local) {
        for mut mark in self.unanswered.take() {
            if self.pending(mark.node) != mark.request {
                continue;
            }
            if mark.turns < 2 {
                mark.turns += 1;
                self.unanswered.borrow_mut().push(mark);
                continue;
            }
            let found = self.with(mark.node, |node| (node.parent, node.message.clone()));
            let Some((parent, message)) = found else {
                continue;
            };
            if parent.is_none() || !self.has_requests(parent) {
                continue;
            }
            self.set_pending(mark.node, 0);
            self.with(mark.node, |node| node.answered = mark.request);
            self.set_pending(parent, mark.request);
            self.with(parent, |parent| parent.message = message);
            if self.is_shield(parent) {
                continue;
            }
            self.watch(parent, mark.request);
            if let Some(waker) = self.waker(local, parent) {
                wake(local, waker);
            }
        }
    }
}
