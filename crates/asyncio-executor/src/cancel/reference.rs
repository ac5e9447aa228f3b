//! A node as it is known outside the tree: it may have closed since.

use std::fmt;
use std::rc::{Rc, Weak};

use crate::cancel::{NodeId, Tree, request};
use crate::error::Message;
use crate::local::Local;

/// A handle that cancels one scope, and that may outlive it.
#[derive(Clone)]
pub struct ScopeRef(pub(super) NodeRef);

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

/// What [`ScopeRef`] and [`ClaimRef`](crate::ClaimRef) are made of.
#[derive(Clone)]
pub(super) struct NodeRef {
    local: Weak<Local>,
    node: NodeId,
    generation: u32,
}

impl NodeRef {
    /// `None` when the node has closed.
    #[inline]
    pub(super) fn new(local: &Rc<Local>, node: NodeId) -> Option<Self> {
        let generation = local.tree.look(node, |node| node.generation)?;
        Some(Self::of_open(local, node, generation))
    }

    /// The same for a node that is open, by its generation.
    #[inline]
    pub(super) fn of_open(local: &Rc<Local>, node: NodeId, generation: u32) -> Self {
        Self {
            local: Rc::downgrade(local),
            node,
            generation,
        }
    }

    /// The node, if it is still that one.
    pub(super) fn find(&self) -> Option<(Rc<Local>, NodeId)> {
        let local = self.local.upgrade()?;
        let is_open = local.tree.is_generation(self.node, self.generation);
        is_open.then_some((local, self.node))
    }
}

impl Tree {
    /// Whether the node of this number is the one that had this generation.
    pub(super) fn is_generation(&self, node: NodeId, generation: u32) -> bool {
        self.look(node, |node| node.generation) == Some(generation)
    }
}
