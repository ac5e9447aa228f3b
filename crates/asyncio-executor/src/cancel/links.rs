//! Parents and children: the shape of the tree, and walks through it.

use crate::cancel::{Kind, NodeId, Tree};

impl Tree {
    pub(super) fn first_child(&self, id: NodeId) -> Option<NodeId> {
        self.with(id, |node| node.first)
            .filter(|first| !first.is_none())
    }

    /// Appends `id` to the children of `parent`.
    pub(super) fn link(&self, id: NodeId, parent: NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        let Some(last) = nodes.get_mut(parent.index()).map(|parent| {
            if parent.first.is_none() {
                parent.first = id;
            }
            std::mem::replace(&mut parent.last, id)
        }) else {
            return;
        };
        if let Some(last) = nodes.get_mut(last.index()) {
            last.next = id;
        }
        if let Some(node) = nodes.get_mut(id.index()) {
            node.parent = parent;
            node.previous = last;
        }
    }

    pub(super) fn unlink(&self, id: NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        let Some(node) = nodes.get_mut(id.index()) else {
            return;
        };
        let (parent, previous, next) = (
            std::mem::replace(&mut node.parent, NodeId::NONE),
            std::mem::replace(&mut node.previous, NodeId::NONE),
            std::mem::replace(&mut node.next, NodeId::NONE),
        );
        if let Some(node) = nodes.get_mut(previous.index()) {
            node.next = next;
        } else if let Some(parent) = nodes.get_mut(parent.index()) {
            parent.first = next;
        }
        if let Some(node) = nodes.get_mut(next.index()) {
            node.previous = previous;
        } else if let Some(parent) = nodes.get_mut(parent.index()) {
            parent.last = previous;
        }
    }

    /// The innermost scopes under `start` that have not answered `request`, in the order in
    /// which they were opened, each with its generation. A shield counts as one.
    pub(crate) fn innermost(&self, start: NodeId, request: u64) -> Vec<(NodeId, u32)> {
        let nodes = self.nodes.borrow();
        let mut found = Vec::new();
        let mut stack = vec![start];
        while let Some(id) = stack.pop() {
            let Some(node) = nodes.get(id.index()) else {
                continue;
            };
            if node.answered >= request {
                continue;
            }
            if node.first.is_none() || matches!(node.kind, Kind::Shield) {
                if node.answered_below < request {
                    found.push((id, node.generation));
                }
                continue;
            }
            let mut child = node.last;
            while let Some(node) = nodes.get(child.index()) {
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
            let Some(node) = nodes.get(id.index()) else {
                continue;
            };
            found.push(id);
            let mut child = node.first;
            while let Some(node) = nodes.get(child.index()) {
                stack.push(child);
                child = node.next;
            }
        }
        found
    }

    pub(crate) fn children(&self, id: NodeId) -> Vec<NodeId> {
        let nodes = self.nodes.borrow();
        let mut child = nodes
            .get(id.index())
            .map_or(NodeId::NONE, |node| node.first);
        let mut found = vec![];
        while let Some(node) = nodes.get(child.index()) {
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
        while let Some(node) = nodes.get(at.index()) {
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
