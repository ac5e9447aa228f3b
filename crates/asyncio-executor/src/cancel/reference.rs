//! A node as it is known outside the tree: it may have closed since.

use std::fmt;
use std::rc::{Rc, Weak};

use crate::cancel::nodes::NodeKey;
use crate::cancel::{NodeId, request};
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

/// A scope, for who knows its executor: a [`ScopeRef`] in eight bytes, with nothing counted.
///
/// [`Scope::key_in`](crate::Scope::key_in) gives it, and [`Spawner::scope_ref`](crate::Spawner::scope_ref)
/// makes a handle of it. In another executor it names nothing, or a scope that has nothing to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeKey(pub(super) NodeKey);

impl ScopeKey {
    pub(crate) fn reference(self, local: &Rc<Local>) -> ScopeRef {
        ScopeRef(NodeRef::new(local, self.0))
    }
}

/// What [`ScopeRef`] and [`ClaimRef`](crate::ClaimRef) are made of.
#[derive(Clone)]
pub(super) struct NodeRef {
    local: Weak<Local>,
    key: NodeKey,
}

impl NodeRef {
    pub(super) fn new(local: &Rc<Local>, key: NodeKey) -> Self {
        Self {
            local: Rc::downgrade(local),
            key,
        }
    }

    /// The node, if it is still that one.
    pub(super) fn find(&self) -> Option<(Rc<Local>, NodeId)> {
        let local = self.local.upgrade()?;
        let is_open = local.tree.is_open(self.key);
        is_open.then(|| (local, self.key.id()))
    }
}
