//! An open scope, as its future knows it: the node, and where it was polled last.

use std::rc::Rc;
use std::task::Waker;

use crate::cancel::nodes::NodeKey;
use crate::cancel::reference::NodeRef;
use crate::cancel::{NodeId, ScopeKey, ScopeRef};
use crate::local::Local;
use crate::registry::Key;

/// A scope's node in the tree of an executor.
pub(super) struct Open {
    pub(super) local: Rc<Local>,
    key: NodeKey,
    /// The scope and the task around it in its last poll, and how many moves there had been.
    scope: NodeId,
    task: Key,
    moves: u64,
}

impl Open {
    /// The scope of this node, in which nothing is being polled.
    #[inline]
    pub(super) fn new(local: &Rc<Local>, key: NodeKey) -> Self {
        Self {
            local: Rc::clone(local),
            key,
            scope: local.tree.current.get(),
            task: local.current.get(),
            moves: local.tree.moves.get(),
        }
    }

    #[inline]
    pub(super) fn node(&self) -> NodeId {
        self.key.id()
    }

    /// The node as it is known outside the tree.
    pub(super) fn reference(&self) -> ScopeRef {
        ScopeRef(NodeRef::new(&self.local, self.key))
    }

    /// The same for who knows the executor.
    #[inline]
    pub(super) fn scope_key(&self, local: &Rc<Local>) -> Option<ScopeKey> {
        Rc::ptr_eq(&self.local, local).then_some(ScopeKey(self.key))
    }

    /// Notes where the scope has been put.
    pub(super) fn moved(&mut self) {
        self.scope = self.local.tree.current.get();
        self.task = self.local.current.get();
        self.moves = self.local.tree.moves.get();
    }

    /// Whether the scope, which is polled again, stands where it stood, is woken as it was, and has
    /// nothing to answer. That is the common case, to be found out without a look at the nodes.
    ///
    /// (Its executor is the one that runs, since that is polling a task with this waker. And a
    /// parent's number may be another's by now, but then the scope has lost that parent, which
    /// counts as a move.)
    #[inline]
    pub(super) fn is_calm(&self, waker: &Waker) -> bool {
        let tree = &self.local.tree;
        tree.is_quiet()
            && self.local.is_polled_with(waker)
            && !tree.has_levels()
            && tree.moves.get() == self.moves
            && tree.current.get() == self.scope
            && self.local.current.get() == self.task
    }
}
