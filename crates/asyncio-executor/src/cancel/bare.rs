//! Claims that need no node: a task that awaits a task, and has no scope.
//!
//! That is by far the commonest wait, and a node for it (and one for the root above it) would
//! cost as much as the rest of the wait. So it is a number in a list: which task the task awaits.
//! The moment the awaiting task's root gets a node, for a request or for a scope beside the
//! claim, the claim gets one, too ([`Tree::root`]), and the list says which.

use std::cell::RefCell;

use crate::cancel::{NodeId, Tree};
use crate::local::{ENTRIES_KEPT, Local};
use crate::registry::Key;
use crate::task::TaskAddress;

/// For each awaiting task, by its number, what it awaits.
#[derive(Default)]
pub(crate) struct BareClaims {
    claims: RefCell<Vec<BareClaim>>,
}

/// What a list entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BareClaim {
    None,
    /// The task awaits this one, which may have ended since.
    On(TaskAddress),
    /// The claim has become this node.
    Node(NodeId),
}

impl BareClaims {
    #[inline]
    fn get(&self, waiter: Key) -> BareClaim {
        let claims = self.claims.borrow();
        claims
            .get(waiter.index())
            .copied()
            .unwrap_or(BareClaim::None)
    }

    fn set(&self, waiter: Key, claim: BareClaim) {
        let mut claims = self.claims.borrow_mut();
        let index = waiter.index();
        if index >= claims.len() {
            claims.resize(index + 1, BareClaim::None);
        }
        claims[index] = claim;
    }

    /// Gives memory back, as far as the last claims need none.
    pub(super) fn shrink(&self) {
        let mut claims = self.claims.borrow_mut();
        if claims.capacity() > ENTRIES_KEPT && claims.last() == Some(&BareClaim::None) {
            let used = claims.iter().rposition(|claim| *claim != BareClaim::None);
            claims.truncate(used.map_or(0, |last| last + 1));
            claims.shrink_to(ENTRIES_KEPT);
        }
    }

    /// The task has ended: its number may be another task's next.
    #[inline]
    fn forget(&self, waiter: Key) {
        if let Some(claim) = self.claims.borrow_mut().get_mut(waiter.index()) {
            *claim = BareClaim::None;
        }
    }
}

impl Tree {
    /// Notes that the task that is being polled awaits `target`, if that can be done without a
    /// node. Returns the awaiting task then.
    #[inline]
    pub(crate) fn claim_bare(&self, local: &Local, target: TaskAddress) -> Option<Key> {
        let waiter = local.current.get();
        let plain = !waiter.is_none()
            && self.current.get().is_none()
            && !self.has_levels()
            && self.bare.get(waiter) == BareClaim::None
            && local.tasks.root(waiter).is_none();
        plain.then(|| {
            self.bare.set(waiter, BareClaim::On(target));
            waiter
        })
    }

    /// Whether `waiter` has a claim on `target` that is still bare.
    #[inline]
    pub(crate) fn is_bare(&self, waiter: Key, target: TaskAddress) -> bool {
        self.bare.get(waiter) == BareClaim::On(target)
    }

    /// Whether what is being polled is `waiter` itself, and none of its scopes.
    #[inline]
    pub(crate) fn is_right_under(&self, local: &Local, waiter: Key) -> bool {
        local.current.get() == waiter && self.current.get().is_none() && !self.has_levels()
    }

    /// Takes the claim of `waiter` on `target` out of the list: it may have become a node.
    pub(crate) fn take_claim(&self, waiter: Key, target: TaskAddress) -> BareClaim {
        let claim = self.bare.get(waiter);
        let is_asked_for = match claim {
            BareClaim::None => true,
            BareClaim::On(other) => other == target,
            BareClaim::Node(node) => self.is_claim_on(node, target),
        };
        // The task that waited may have ended, and this be the claim of a later one.
        if !is_asked_for {
            return BareClaim::None;
        }
        self.bare.forget(waiter);
        claim
    }

    /// The wait, or the task that waited, has ended.
    #[inline]
    pub(crate) fn forget_claim(&self, waiter: Key) {
        self.bare.forget(waiter);
    }

    /// Gives the bare claim of a task, if it has one, a node under its new root.
    pub(super) fn promote(&self, waiter: Key, root: NodeId) {
        if let BareClaim::On(target) = self.bare.get(waiter) {
            let node = self.insert_claim(target, root);
            self.bare.set(waiter, BareClaim::Node(node));
        }
    }
}
