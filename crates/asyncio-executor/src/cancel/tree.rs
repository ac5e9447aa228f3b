//! The scope tree: opening a scope, coming back to it, closing it.
//!
//! Nothing here calls out: what is to be woken or asked is returned to the caller, who does it with no
//! borrow held.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use crate::cancel::bare::BareClaims;
use crate::cancel::claim::Target;
use crate::cancel::levels::Levels;
use crate::cancel::nodes::{Node, NodeKey, Nodes};
use crate::cancel::unanswered::Unanswered;
use crate::cancel::unusual::Unusual;
use crate::cancel::{Cancelled, Kind, NodeId};
use crate::local::{ENTRIES_KEPT, Local};
use crate::registry::Key;
use crate::task::TaskAddress;

/// What a node has left when it was closed.
#[derive(Default)]
pub(crate) struct Closed {
    /// Whether a request was made on this very scope.
    pub(crate) was_requested: bool,
    /// What is to be woken for what the node has handed to its parent.
    pub(crate) waker: Option<Waker>,
}

/// The scope tree of one executor.
pub(crate) struct Tree {
    pub(super) nodes: RefCell<Nodes>,
    /// The scope that is being polled; `NONE` directly under a task's root, and outside tasks.
    pub(crate) current: Cell<NodeId>,
    pub(super) unusual: Unusual,
    /// How often scopes were left without their parent.
    pub(super) moves: Cell<u64>,
    last_request: Cell<u64>,
    /// How often a task was polled while there were marks.
    pub(super) polls: Cell<u64>,
    /// The task whose root was asked for last, and that.
    last_root: Cell<(Key, NodeId)>,
    pub(super) levels: Levels,
    pub(super) bare: BareClaims,
    pub(super) unanswered: RefCell<Vec<Unanswered>>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            nodes: RefCell::new(Nodes::new()),
            current: Cell::new(NodeId::NONE),
            unusual: Unusual::default(),
            moves: Cell::new(0),
            last_request: Cell::new(0),
            polls: Cell::new(0),
            last_root: Cell::new((Key::NONE, NodeId::NONE)),
            levels: Levels::default(),
            bare: BareClaims::default(),
            unanswered: RefCell::default(),
        }
    }

    /// The requests that were made on a scope, less what was withdrawn there.
    pub(super) fn count(&self, scope: NodeId) -> i32 {
        self.look(scope, |scope| scope.count).unwrap_or(0)
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
        if let Some((before, after)) = counts {
            self.unusual.count(before != 0, after != 0);
        }
    }

    pub(crate) fn next_request(&self) -> u64 {
        let request = self.last_request.get() + 1;
        self.last_request.set(request);
        request
    }

    /// Gives memory back when there is nothing in it.
    pub(crate) fn shrink(&self) {
        self.nodes.borrow_mut().shrink(ENTRIES_KEPT);
        self.bare.shrink();
    }

    /// Nodes alive; for tests and metrics.
    pub(crate) fn len(&self) -> usize {
        self.nodes.borrow().len()
    }

    /// Looks at a node.
    #[inline]
    pub(crate) fn look<R>(&self, id: NodeId, f: impl FnOnce(&Node) -> R) -> Option<R> {
        self.nodes.borrow().get(id).map(f)
    }

    /// Changes a node; not its marks, which are counted.
    pub(crate) fn with<R>(&self, id: NodeId, f: impl FnOnce(&mut Node) -> R) -> Option<R> {
        self.nodes.borrow_mut().get_mut(id).map(f)
    }

    /// The key of a node that is open.
    #[inline]
    pub(super) fn key(&self, id: NodeId) -> Option<NodeKey> {
        self.nodes.borrow().key(id)
    }

    /// Whether the node is open: still the one of this key.
    pub(super) fn is_open(&self, key: NodeKey) -> bool {
        self.nodes.borrow().is_open(key)
    }

    /// Opens a scope or leaf under the one that is being polled, and takes over the mark of its
    /// parent. A scope that is polled with another waker than its task's has that to keep.
    pub(crate) fn open(&self, local: &Local, kind: Kind) -> NodeId {
        let parent = self.here(local);
        let id = self.nodes.borrow_mut().open(kind, parent);
        if self.is_marked() {
            self.take_over(id, parent);
        }
        id
    }

    /// [`open`](Self::open) for a plain scope that is woken by its task, as it nearly always is: with no
    /// sibling, and nothing to take over. `None`, and nothing is done, if there is more to it.
    #[inline]
    pub(super) fn open_only(&self, local: &Local) -> Option<NodeKey> {
        if !self.is_quiet() || self.has_levels() {
            return None;
        }
        let mut parent = self.current.get();
        if parent.is_none() {
            let (task, root) = self.last_root.get();
            if task != local.current.get() {
                return None;
            }
            // `NONE` outside tasks, which is no node.
            parent = root;
        }
        self.nodes.borrow_mut().open_only(parent)
    }

    /// A scope that is opened takes over the request that waits at its parent, with its message.
    fn take_over(&self, id: NodeId, parent: NodeId) {
        if self.is_shield(parent) {
            return;
        }
        let request = self.set_pending(parent, 0);
        if request != 0 {
            let message = self.look(parent, |parent| parent.message.clone());
            self.with(id, |node| node.message = message.flatten());
            self.set_pending(id, request);
        }
    }

    /// The node of a task's root scope, made if need be; `NONE` when the task has ended.
    #[inline]
    pub(crate) fn root(&self, local: &Local, key: Key) -> NodeId {
        let (last, root) = self.last_root.get();
        if last == key && !key.is_none() {
            return root;
        }
        self.find_root(local, key)
    }

    fn find_root(&self, local: &Local, key: Key) -> NodeId {
        let root = local.tasks.root(key);
        if !root.is_none() {
            self.last_root.set((key, root));
            return root;
        }
        if local.tasks.id(key).is_none() {
            return NodeId::NONE;
        }
        let root = self.insert(Kind::Root(key));
        local.tasks.set_root(key, root);
        self.promote(key, root);
        root
    }

    /// Closes the root of a task that has ended, whose key is another task's from now on.
    pub(crate) fn close_root(&self, local: &Local, root: NodeId) {
        self.last_root.set((Key::NONE, NodeId::NONE));
        // It has no parent that could be woken.
        let _ = self.close(local, root);
    }

    /// A claim on a task, as a child of `parent`.
    pub(super) fn insert_claim(&self, target: TaskAddress, parent: NodeId) -> NodeId {
        let node = self.insert(Kind::Claim(Target::Task(target)));
        self.link(node, parent);
        node
    }

    /// Notes that a claim has passed a request on to a task, whose root this is.
    pub(super) fn note_claim(&self, root: NodeId, claim: NodeId) {
        if let Some(claim) = self.key(claim) {
            self.with(root, |root| root.claim = claim);
        }
    }

    pub(super) fn is_claim_on(&self, node: NodeId, target: TaskAddress) -> bool {
        let is_it =
            |node: &Node| matches!(node.kind, Kind::Claim(Target::Task(on)) if on == target);
        self.look(node, is_it) == Some(true)
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
        while let Some(node) = nodes.get(at) {
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
        let before = self.look(id, |node| (node.returned, node.parent));
        if matches!(before, Some((true, _))) {
            self.with(id, |node| node.returned = false);
        }
        if before.is_some_and(|(_, parent)| parent != here) {
            self.unlink(id);
            self.link(id, here);
        }
        if let Some(waker) = waker {
            self.keep_waker(local, id, waker);
        }
        self.answer(id)
    }

    /// Takes a node out of the tree, if it is one that leaves nothing behind.
    #[inline]
    pub(super) fn close_quiet(&self, id: NodeId) -> bool {
        !self.is_marked() && self.nodes.borrow_mut().close_quiet(id)
    }

    /// Takes a node out of the tree. What it had not answered goes to its parent.
    pub(crate) fn close(&self, local: &Local, id: NodeId) -> Closed {
        let Some(parent) = self.look(id, |node| node.parent) else {
            return Closed::default();
        };
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
        let last = self.look(id, |node| {
            let answered = node.answered_at_all();
            (node.count, node.requested, answered, node.message_stays)
        });
        let held = self.nodes.borrow_mut().close(id);
        let Some(((count, was_requested, answered, stays), held)) = last.zip(held) else {
            return Closed::default();
        };
        if count != 0 {
            self.unusual.count(true, false);
            self.settle_counts(parent);
        }
        self.unusual.waker(held.waker.is_some(), false);
        if let Some(parent) = self.nodes.borrow_mut().place_mut(parent) {
            parent.answered_below = parent.answered_below.max(answered);
        }
        let mut waker = None;
        if !parent.is_none() && (request != 0 || self.is_marked()) {
            if request != 0 {
                self.hand_over(parent, request, held.message, stays);
            }
            waker = self.wake_after(local, parent, request != 0);
        }
        Closed {
            was_requested,
            waker,
        }
    }

    /// A scope under `parent` has closed, and has handed a request over (`requested`) or not. Returns
    /// what is to be woken for that, or for what unwinds there.
    fn wake_after(&self, local: &Local, parent: NodeId, requested: bool) -> Option<Waker> {
        let unwound = self.look(parent, |parent| {
            parent.marks.is_unwinding() && parent.first.is_none()
        });
        let requested = requested && !self.is_shield(parent);
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
        self.look(id, |node| matches!(node.kind, Kind::Shield)) == Some(true)
    }

    fn insert(&self, kind: Kind) -> NodeId {
        self.nodes.borrow_mut().open(kind, NodeId::NONE)
    }
}
