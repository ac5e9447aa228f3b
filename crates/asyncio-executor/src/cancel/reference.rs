//! A node as it is known outside the tree: it may have closed since.

use std::rc::{Rc, Weak};

use crate::cancel::{NodeId, Tree};
use crate::local::Local;

/// What [`ScopeRef`](crate::ScopeRef) and [`ClaimRef`](crate::ClaimRef) are made of.
#[derive(Clone)]
pub(super) struct NodeRef {
    local: Weak<Local>,
    node: NodeId,
    generation: u32,
}

impl NodeRef {
    /// `None` when the node has closed.
    pub(super) fn new(local: &Rc<Local>, node: NodeId) -> Option<Self> {
        let generation = local.tree.with(node, |node| node.generation)?;
        Some(Self {
            local: Rc::downgrade(local),
            node,
            generation,
        })
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
        self.with(node, |node| node.generation) == Some(generation)
    }
}
