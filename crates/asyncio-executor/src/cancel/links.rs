//! Parents and children: the shape of the tree, and walks through it.

use crate::cancel::nodes::{Node, NodeKey, Nodes};
use crate::cancel::{Kind, NodeId, Tree};

/// What a node leaves among its siblings.
pub(super) struct Gap {
    parent: NodeId,
    previous: NodeId,
    next: NodeId,
}

impl Node {
    #[inline]
    pub(super) fn gap(&self) -> Gap {
        Gap {
            parent: self.parent,
            previous: self.previous,
            next: self.next,
        }
    }
}

impl Gap {
    /// Whether there is nobody beside it.
    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        self.previous.is_none() && self.next.is_none()
    }

    /// Makes those beside it neighbours.
    pub(super) fn close(self, nodes: &mut Nodes) {
        if let Some(node) = nodes.place_mut(self.previous) {
            node.next = self.next;
        } else if let Some(parent) = nodes.place_mut(self.parent) {
            parent.first = self.next;
        }
        if let Some(node) = nodes.place_mut(self.next) {
            node.previous = self.previous;
        } else if let Some(parent) = nodes.place_mut(self.parent) {
            parent.last = self.previous;
        }
    }
}

impl Nodes {
    /// Makes `id` the last child of `parent`, if there is such a node. Returns what the child has to
    /// know: its parent, the child before it, and the last request that was answered there.
    pub(super) fn append(&mut self, id: NodeId, parent: NodeId) -> (NodeId, NodeId, u64) {
        let Some(above) = self.place_mut(parent) else {
            return (NodeId::NONE, NodeId::NONE, 0);
        };
        let answered = above.answered_at_all();
        let last = std::mem::replace(&mut above.last, id);
        if last.is_none() {
            above.first = id;
        } else if let Some(last) = self.place_mut(last) {
            last.next = id;
        }
        (parent, last, answered)
    }
}

impl Tree {
    pub(super) fn first_child(&self, id: NodeId) -> Option<NodeId> {
        self.look(id, |node| node.first)
            .filter(|first| !first.is_none())
    }

    /// The scope around `id`; `NONE` right under its task's root.
    pub(super) fn scope_around(&self, id: NodeId) -> NodeId {
        let parent = self.look(id, |node| node.parent).unwrap_or(NodeId::NONE);
        let is_root = self.look(parent, |node| matches!(node.kind, Kind::Root(_)));
        match is_root {
            Some(true) => NodeId::NONE,
            _ => parent,
        }
    }

    /// Appends `id` to the children of `parent`.
    pub(super) fn link(&self, id: NodeId, parent: NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        let (parent, previous, _) = nodes.append(id, parent);
        if let Some(node) = nodes.place_mut(id) {
            (node.parent, node.previous) = (parent, previous);
        }
    }

    pub(super) fn unlink(&self, id: NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        let Some(node) = nodes.place_mut(id) else {
            return;
        };
        let gap = node.gap();
        (node.parent, node.previous, node.next) = (NodeId::NONE, NodeId::NONE, NodeId::NONE);
        gap.close(&mut nodes);
    }

    /// The innermost scopes under `start` that have not answered `request`, in the order in
    /// which they were opened. A shield counts as one.
    pub(super) fn innermost(&self, start: NodeId, request: u64) -> Vec<NodeKey> {
        let nodes = self.nodes.borrow();
        let mut found = Vec::new();
        let mut stack = vec![start];
        while let Some(id) = stack.pop() {
            let Some(node) = nodes.get(id) else {
                continue;
            };
            if node.answered >= request {
                continue;
            }
            if node.first.is_none() || matches!(node.kind, Kind::Shield) {
                if node.answered_below < request {
                    found.push(node.key(id));
                }
                continue;
            }
            let mut child = node.last;
            while let Some(node) = nodes.get(child) {
                stack.push(child);
                child = node.previous;
            }
        }
        found
    }

    /// The scopes under `id`, itself included.
    pub(crate) fn subtree(&self, id: NodeId) -> Vec<NodeId> {
        let nodes = self.nodes.borrow();
        let mut found = vec![];
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let Some(node) = nodes.get(id) else {
                continue;
            };
            found.push(id);
            let mut child = node.first;
            while let Some(node) = nodes.get(child) {
                stack.push(child);
                child = node.next;
            }
        }
        found
    }

    pub(crate) fn children(&self, id: NodeId) -> Vec<NodeId> {
        let nodes = self.nodes.borrow();
        let mut child = nodes.get(id).map_or(NodeId::NONE, |node| node.first);
        let mut found = vec![];
        while let Some(node) = nodes.get(child) {
            found.push(child);
            child = node.next;
        }
        found
    }

    /// The sum of the requests on `id` and the scopes around it.
    #[inline]
    pub(crate) fn requests_from(&self, id: NodeId) -> u32 {
        if self.is_counted() {
            u32::try_from(self.sum_requests(id).0).unwrap_or(0)
        } else {
            0
        }
    }

    /// The sum of the counts of `id` and the scopes around it, and the outermost of those.
    fn sum_requests(&self, id: NodeId) -> (i32, NodeId) {
        let nodes = self.nodes.borrow();
        let (mut at, mut outermost) = (id, id);
        let mut sum: i32 = 0;
        while let Some(node) = nodes.get(at) {
            sum = sum.saturating_add(node.count);
            outermost = at;
            at = node.parent;
        }
        (sum, outermost)
    }

    /// A scope that was requested has closed: what was withdrawn of its requests is withdrawn no more.
    /// asyncio's count stays at zero there.
    pub(super) fn settle_counts(&self, parent: NodeId) {
        let (sum, root) = self.sum_requests(parent);
        if sum < 0 {
            self.add_to_count(root, sum.saturating_neg());
        }
    }
}
