//! The nodes of the scope tree.
//!
//! Nodes stand in a slab and name each other by number. Nothing here calls out: what is to be
//! woken or asked is returned to the caller, who does it with no borrow held.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

use slab::Slab;

use crate::cancel::Cancelled;
use crate::cancel::bare::BareClaims;
use crate::cancel::claim::Target;
use crate::cancel::levels::Levels;
use crate::cancel::marks::{Marked, Marks};
use crate::cancel::unanswered::Unanswered;
use crate::error::Message;
use crate::local::{ENTRIES_KEPT, Local};
use crate::registry::Key;
use crate::task::{Observer, TaskAddress};

/// The number of a node; reused after it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NodeId(u32);

impl NodeId {
    pub(crate) const NONE: Self = Self(u32::MAX);

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node stands for, and so how it answers.
pub(crate) enum Kind {
    /// A task: answering drops its future.
    Root(Key),
    /// A scope around a body: answering drops the body. What adopts clean-ups that are orphaned
    /// in it, if anything does.
    Plain(Option<Rc<dyn Observer>>),
    /// A scope around a body that no request goes into: it keeps a request until the body ends.
    Shield,
    /// A leaf that waits for something that can be cancelled itself: it passes the request on.
    Claim(Target),
}

pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) parent: NodeId,
    pub(super) first: NodeId,
    pub(super) last: NodeId,
    pub(super) next: NodeId,
    pub(super) previous: NodeId,
    /// Wakes this scope, where that is not what wakes its parent.
    pub(super) waker: Option<Waker>,
    pub(super) marks: Marks,
    /// The last request that was answered here or above, or was passed on.
    pub(crate) answered: u64,
    /// The last request that was answered by a scope inside that has closed since: what goes on
    /// here is the clean-up, which the same request does not disturb when a sibling lets it through.
    pub(super) answered_below: u64,
    /// The last request that a claim has passed on; 0 for none.
    pub(super) passed_on: u64,
    /// That has come back, and the claim was not polled since.
    pub(super) returned: bool,
    /// It is the first one's, and stays: that one has ended the wait. See `Cancellation::mark`.
    pub(super) message_stays: bool,
    /// The poll that is to meet the request has been asked for, by a body that yields.
    pub(super) yields: bool,
    /// The message of the request that waits for an answer.
    pub(crate) message: Option<Message>,
    /// The message of what unwinds, which may be something else: `raise_cancelled` while a request is
    /// undelivered.
    pub(super) unwinding_message: Option<Message>,
    /// The requests made on this very scope. Those that `uncancel` has withdrawn are taken off the
    /// root's, which is negative where they were made on scopes further in.
    pub(super) count: i32,
    /// The last cancel operation that came by, and whether it still passes its request on from here
    /// (roots only): finds cycles of claims.
    pub(crate) visited: u64,
    /// Tells this node from earlier ones of its number.
    pub(crate) generation: u32,
    /// The claim that has passed a request on to this root, and its generation.
    pub(super) claim: (NodeId, u32),
}

/// The scope tree of one executor.
pub(crate) struct Tree {
    pub(super) nodes: RefCell<Slab<Node>>,
    /// The scope that is being polled; `NONE` directly under a task's root, and outside tasks.
    pub(crate) current: Cell<NodeId>,
    pub(super) marked: Marked,
    /// How many scopes have a count of requests: while it is 0, sums need no walk.
    counted: Cell<usize>,
    /// How often scopes were left without their parent.
    pub(super) moves: Cell<u64>,
    /// How many nodes have a waker of their own: while it is 0, wakers need no search.
    pub(super) wakers: Cell<usize>,
    last_request: Cell<u64>,
    last_generation: Cell<u32>,
    pub(super) levels: Levels,
    pub(super) bare: BareClaims,
    pub(super) unanswered: RefCell<Vec<Unanswered>>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            nodes: RefCell::default(),
            current: Cell::new(NodeId::NONE),
            marked: Marked::default(),
            counted: Cell::new(0),
            moves: Cell::new(0),
            wakers: Cell::new(0),
            last_request: Cell::new(0),
            last_generation: Cell::new(0),
            levels: Levels::default(),
            bare: BareClaims::default(),
            unanswered: RefCell::default(),
        }
    }

    /// Whether any scope has a count of requests at all.
    #[inline]
    pub(super) fn is_counted(&self) -> bool {
        self.counted.get() != 0
    }

    /// The requests that were made on a scope, less what was withdrawn there.
    pub(super) fn count(&self, scope: NodeId) -> i32 {
        self.with(scope, |scope| scope.count).unwrap_or(0)
    }

    /// Counts a request that is made on a scope.
    pub(super) fn count_request(&self, scope: NodeId) {
        self.add_to_count(scope, 1);
    }

    pub(super) fn add_to_count(&self, scope: NodeId, requests: i32) {
        let counts = self.with(scope, |scope| {
            let before = scope.count;
            scope.count = before.saturating_add(requests);
            (before, scope.count)
        });
        match counts {
            Some((0, 1.. | ..=-1)) => self.counted.set(self.counted.get() + 1),
            Some((1.. | ..=-1, 0)) => self.counted.set(self.counted.get() - 1),
            _ => {}
        }
    }

    pub(crate) fn next_request(&self) -> u64 {
        let request = self.last_request.get() + 1;
        self.last_request.set(request);
        request
    }

    /// Gives memory back when there is nothing in it.
    pub(crate) fn shrink(&self) {
        let mut nodes = self.nodes.borrow_mut();
        if nodes.is_empty() && nodes.capacity() > ENTRIES_KEPT {
            *nodes = Slab::new();
        }
        drop(nodes);
        self.bare.shrink();
    }

    /// Nodes alive; for tests and metrics.
    pub(crate) fn len(&self) -> usize {
        self.nodes.borrow().len()
    }

    /// Looks at a node, or changes it; not its marks, which are counted.
    pub(crate) fn with<R>(&self, id: NodeId, f: impl FnOnce(&mut Node) -> R) -> Option<R> {
        self.nodes.borrow_mut().get_mut(id.index()).map(f)
    }

    /// Opens a scope or leaf under the one that is being polled, and takes over the mark of its
    /// parent. A scope that is polled with another waker than its task's has that to keep.
    pub(crate) fn open(&self, local: &Local, kind: Kind) -> NodeId {
        let parent = self.here(local);
        let (pending, answered, message) = if parent.is_none() {
            (0, 0, None)
        } else {
            let pending = if self.is_marked() && !self.is_shield(parent) {
                self.set_pending(parent, 0)
            } else {
                0
            };
            self.with(parent, |node| {
                let answered = node.answered.max(node.answered_below);
                (pending, answered, node.message.clone())
            })
            .unwrap_or((0, 0, None))
        };
        let id = self.insert(kind);
        self.link(id, parent);
        self.with(id, |node| {
            node.answered = answered;
            if pending != 0 {
                node.message = message;
            }
        });
        if pending != 0 {
            self.set_pending(id, pending);
        }
        id
    }

    /// The node of a task's root scope, made if need be; `NONE` when the task has ended.
    pub(crate) fn root(&self, local: &Local, key: Key) -> NodeId {
        let root = local.tasks.root(key);
        if !root.is_none() || local.tasks.id(key).is_none() {
            return root;
        }
        let root = self.insert(Kind::Root(key));
        local.tasks.set_root(key, root);
        self.promote(key, root);
        root
    }

    /// A claim on a task, as a child of `parent`.
    pub(super) fn insert_claim(&self, target: TaskAddress, parent: NodeId) -> NodeId {
        let node = self.insert(Kind::Claim(Target::Task(target)));
        self.link(node, parent);
        node
    }

    /// Notes that a claim has passed a request on to a task, whose root this is.
    pub(super) fn note_claim(&self, root: NodeId, claim: NodeId) {
        let generation = self.with(claim, |claim| claim.generation);
        self.with(root, |root| root.claim = (claim, generation.unwrap_or(0)));
    }

    pub(super) fn is_claim_on(&self, node: NodeId, target: TaskAddress) -> bool {
        let is_it =
            |node: &mut Node| matches!(node.kind, Kind::Claim(Target::Task(on)) if on == target);
        self.with(node, is_it) == Some(true)
    }

    /// The scope that is being polled, or the root of the task that is; `NONE` outside tasks.
    pub(crate) fn here(&self, local: &Local) -> NodeId {
        self.open_levels(local);
        let current = self.current.get();
        if current.is_none() && !local.current.get().is_none() {
            return self.root(local, local.current.get());
        }
        current
    }

    /// Whether `id` is among the scopes that are being polled.
    pub(crate) fn in_poll(&self, local: &Local, id: NodeId) -> bool {
        let mut at = self.current.get();
        if at.is_none() {
            return !id.is_none() && local.tasks.root(local.current.get()) == id;
        }
        let nodes = self.nodes.borrow();
        while let Some(node) = nodes.get(at.index()) {
            if at == id {
                return true;
            }
            at = node.parent;
        }
        false
    }

    /// Comes back to an open scope for another poll: it may have a new parent and a new waker.
    /// Returns the request that it has to answer.
    pub(crate) fn resume(
        &self,
        local: &Local,
        id: NodeId,
        waker: Option<&Waker>,
    ) -> Option<Cancelled> {
        // A scope right under its task's root, which is what `NONE` stands for, has not moved.
        let here = self.here(local);
        let has_moved = self.with(id, |node| {
            node.returned = false;
            node.parent != here
        });
        if has_moved == Some(true) {
            self.unlink(id);
            self.link(id, here);
        }
        if let Some(waker) = waker {
            self.keep_waker(local, id, waker);
        }
        self.answer(id)
    }

    /// Takes a node out of the tree. What it had not answered goes to its parent; returned is
    /// what is to be woken for that.
    pub(crate) fn close(&self, local: &Local, id: NodeId) -> Option<Waker> {
        let parent = self.with(id, |node| node.parent)?;
        // A body drops its own scopes before its scope closes; one that was moved out of the
        // body, and is kept elsewhere, goes on under the parent.
        if self.first_child(id).is_some() {
            self.moves.set(self.moves.get() + 1);
        }
        while let Some(child) = self.first_child(id) {
            self.unlink(child);
            self.link(child, parent);
        }
        self.unlink(id);
        let request = self.take_outwards(id, parent);
        let node = self.nodes.borrow_mut().try_remove(id.index())?;
        if node.count != 0 {
            self.counted.set(self.counted.get() - 1);
            self.settle_counts(parent);
        }
        if node.waker.is_some() {
            self.wakers.set(self.wakers.get() - 1);
        }
        self.with(parent, |parent| {
            let answered = node.answered.max(node.answered_below);
            parent.answered_below = parent.answered_below.max(answered);
        });
        if parent.is_none() || !(request != 0 || self.is_marked()) {
            return None;
        }
        if request != 0 {
            self.hand_over(parent, request, node.message, node.message_stays);
        }
        let unwound = self.with(parent, |parent| {
            parent.marks.is_unwinding() && parent.first.is_none()
        });
        let requested = request != 0 && !self.is_shield(parent);
        let wake = (requested || unwound == Some(true)) && !self.in_poll(local, parent);
        if !wake {
            return None;
        }
        if requested {
            self.watch(parent, self.pending(parent));
        }
        self.waker(local, parent)
    }

    pub(super) fn is_shield(&self, id: NodeId) -> bool {
        self.with(id, |node| matches!(node.kind, Kind::Shield)) == Some(true)
    }

    fn insert(&self, kind: Kind) -> NodeId {
        let generation = self.last_generation.get().wrapping_add(1);
        self.last_generation.set(generation);
        let index = self.nodes.borrow_mut().insert(Node {
            kind,
            parent: NodeId::NONE,
            first: NodeId::NONE,
            last: NodeId::NONE,
            next: NodeId::NONE,
            previous: NodeId::NONE,
            waker: None,
            marks: Marks::default(),
            answered: 0,
            answered_below: 0,
            passed_on: 0,
            returned: false,
            message_stays: false,
            yields: false,
            message: None,
            unwinding_message: None,
            count: 0,
            visited: 0,
            generation,
            claim: (NodeId::NONE, 0),
        });
        // Every node is part of a future of its own, so memory ends before the numbers do.
        NodeId(u32::try_from(index).expect("fewer than 2^32 scopes"))
    }
}
