//! The marks on the nodes: how a request is answered, and what becomes of one that was not.

use crate::cancel::{Cancelled, NodeId, Tree};
use crate::error::Message;
use crate::home;

/// The marks on one node.
#[derive(Default)]
pub(super) struct Marks {
    /// A request that waits for an answer; 0 for none.
    pending: u64,
    /// A request that a child let through; 0 for none.
    unwinding: u64,
}

impl Marks {
    /// The request that waits for an answer; 0 for none.
    pub(super) fn pending(&self) -> u64 {
        self.pending
    }

    pub(super) fn is_unwinding(&self) -> bool {
        self.unwinding != 0
    }
}

/// A body that only gives the others a turn waits for nothing that a request could end: of those
/// that meet before it runs, the last one's message is delivered, as everywhere else where a task is
/// about to run.
#[inline]
pub(crate) fn note_yield() {
    home::with(|local| {
        if let Some(local) = local
            && local.tree.is_marked()
        {
            let here = local.tree.here(local);
            local.tree.with(here, |here| here.yields = true);
        }
    });
}

impl Tree {
    pub(crate) fn pending(&self, id: NodeId) -> u64 {
        self.look(id, |node| node.marks.pending).unwrap_or(0)
    }

    /// Sets the mark of a request; 0 takes it away. Returns the one before.
    pub(crate) fn set_pending(&self, id: NodeId, request: u64) -> u64 {
        self.set_mark(id, request, |marks| &mut marks.pending)
    }

    /// The same for the mark of unwinding.
    pub(crate) fn set_unwinding(&self, id: NodeId, request: u64) -> u64 {
        self.set_mark(id, request, |marks| &mut marks.unwinding)
    }

    fn set_mark(&self, id: NodeId, request: u64, mark: impl FnOnce(&mut Marks) -> &mut u64) -> u64 {
        let set = |old: &mut u64| std::mem::replace(old, request);
        let Some(old) = self.with(id, |node| set(mark(&mut node.marks))) else {
            return 0;
        };
        self.unusual.mark(old != 0, request != 0);
        old
    }

    /// Takes the request that waits at `id`, which is answered by that. A shield answers none.
    pub(crate) fn answer(&self, id: NodeId) -> Option<Cancelled> {
        if !self.is_marked() || self.is_shield(id) {
            return None;
        }
        let request = self.set_pending(id, 0);
        if request == 0 {
            return None;
        }
        self.with(id, |node| {
            node.answered = request;
            Cancelled {
                request,
                message: node.message.clone(),
            }
        })
    }

    /// After the body's poll: what unwinds through here, if nothing below is still pending or
    /// the body has ended. A request that was made during the poll is left; the scope is to be
    /// woken for it (`true`).
    pub(crate) fn leave(&self, id: NodeId, ready: bool) -> (Option<Cancelled>, bool) {
        if !self.is_marked() {
            return (None, false);
        }
        let state = self.look(id, |node| {
            let Marks { pending, unwinding } = node.marks;
            (unwinding, node.first, pending)
        });
        let Some((unwinding, first, pending)) = state else {
            return (None, false);
        };
        if unwinding != 0 && (first.is_none() || ready) {
            self.set_unwinding(id, 0);
            if pending == unwinding {
                // The same one, which a shield among the siblings kept.
                self.set_pending(id, 0);
            } else if pending != 0 && pending < unwinding {
                // What was raised here is not an answer to the request that waits, and must not
                // make it look like one that was answered.
                self.set_pending(id, self.next_request());
            }
            let cancelled = self.with(id, |node| {
                node.answered = node.answered.max(unwinding);
                Cancelled {
                    request: unwinding,
                    message: node.unwinding_message.take(),
                }
            });
            return (cancelled, false);
        }
        let again = !ready && pending != 0 && !self.is_shield(id);
        if again {
            self.with(id, |node| node.message_stays = !node.yields);
            self.watch(id, pending);
        }
        (None, again)
    }

    /// Takes the marks of a scope that goes; returned is the request that those around have to
    /// answer in its stead: one that it has not answered, or that was on its way through it.
    pub(super) fn take_outwards(&self, id: NodeId, parent: NodeId) -> u64 {
        if !self.is_marked() {
            return 0;
        }
        let pending = self.set_pending(id, 0);
        let unwinding = self.set_unwinding(id, 0);
        let below = self.look(id, |node| node.answered_below).unwrap_or(0);
        // What a child has raised of its own accord is nobody's request.
        let through = if unwinding <= below { unwinding } else { 0 };
        if through > pending {
            self.with(id, |node| {
                node.message = node.unwinding_message.take();
                node.message_stays = true;
            });
        }
        let request = pending.max(through);
        if request != 0 && self.concerns(parent, request) {
            request
        } else {
            0
        }
    }

    /// Whether a request that a scope further in has not answered is one for `scope`. Not if it was
    /// answered there, or by another scope inside: what goes on then may be clean-up, which the same
    /// request does not disturb. And not if none was made there or around it, or all are withdrawn:
    /// then the request was for the scope further in; asyncio's `uncancel`, with which a timeout
    /// ends, takes the mark away at zero.
    ///
    /// A walk to the root, so a request that goes outwards through n scopes as they close takes n²/2
    /// steps. Each scope stands in the poll of the one around it, so a stack ends long before that
    /// hurts: 8 MiB hold some twenty thousand.
    pub(super) fn concerns(&self, scope: NodeId, request: u64) -> bool {
        let answered = self.look(scope, |scope| scope.answered.max(scope.answered_below));
        answered.is_some_and(|answered| answered < request) && self.requests_from(scope) != 0
    }

    /// Marks `scope` with a request that was not answered further in. Of two that wait there it is
    /// the later one that is answered, with which a sibling may come yet, and who waits is told the
    /// message of the earlier one.
    pub(super) fn hand_over(
        &self,
        scope: NodeId,
        request: u64,
        message: Option<Message>,
        stays: bool,
    ) {
        let before = self.pending(scope);
        self.set_pending(scope, before.max(request));
        if before == 0 || request < before {
            self.with(scope, |scope| {
                scope.message = message;
                scope.message_stays = stays;
            });
        }
    }
}
