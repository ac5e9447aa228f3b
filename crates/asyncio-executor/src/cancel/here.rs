//! Which scope is being polled.

use crate::cancel::{NodeId, Tree};

/// While it lives, `scope` is the one that is being polled.
pub(crate) struct Here<'a> {
    tree: &'a Tree,
    before: NodeId,
}

impl<'a> Here<'a> {
    #[inline]
    pub(crate) fn new(tree: &'a Tree, scope: NodeId) -> Self {
        let before = tree.current.replace(scope);
        Self { tree, before }
    }
}

impl Drop for Here<'_> {
    #[inline]
    fn drop(&mut self) {
        self.tree.current.set(self.before);
    }
}
