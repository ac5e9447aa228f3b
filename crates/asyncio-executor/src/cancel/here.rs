//! Which scope is being polled.

use std::rc::Rc;

use crate::cancel::NodeId;
use crate::local::Local;

/// While it lives, `scope` is the one that is being polled.
pub(crate) struct Here {
    local: Rc<Local>,
    before: NodeId,
}

impl Here {
    pub(crate) fn new(local: &Rc<Local>, scope: NodeId) -> Self {
        Self {
            before: local.tree.current.replace(scope),
            local: Rc::clone(local),
        }
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        self.local.tree.current.set(self.before);
    }
}
