//! The table of nodes, which name each other by number.
//!
//! Facts: a node has twenty fields, and most scopes open and close without a request, so that they
//! change a handful of those. To move a node into a table and out again costs more than all the rest.
//! Consequence: a closed node stays where it is, blank, until its number is given to the next one; and
//! one that nobody has changed while it was open, which a byte says, is blank again by its place alone.

use std::rc::Rc;
use std::task::Waker;

use crate::cancel::claim::Target;
use crate::cancel::marks::Marks;
use crate::error::Message;
use crate::registry::Key;
use crate::task::Observer;

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

/// The number of a node, and its generation, which tells it from earlier and later ones of that number.
// One number, so that it stays in a register on its way: two that are stored side by side and loaded
// together wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeKey(u64);

impl NodeKey {
    pub(super) const NONE: Self = Self(u64::MAX);

    #[inline]
    fn new(id: NodeId, generation: u32) -> Self {
        Self(u64::from(generation) << 32 | u64::from(id.0))
    }

    #[inline]
    pub(super) fn id(self) -> NodeId {
        NodeId(self.0 as u32)
    }
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
    /// A request was made on this very scope, through a handle to it.
    pub(super) requested: bool,
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
    /// When the task of this root was polled last while there were marks, in polls of that kind.
    pub(super) polled: u64,
    /// Tells this node from earlier ones of its number.
    generation: u32,
    state: State,
    /// The claim that has passed a request on to this root.
    pub(super) claim: NodeKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    /// Open, and different from a closed one in nothing but its place and what it has answered.
    Quiet,
    /// Open, and of another kind than the commonest, or changed since.
    Changed,
}

impl Node {
    #[inline]
    fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    /// What a quiet node is: whoever changes more than its place goes through `get_mut`.
    fn is_blank_but_for_its_place(&self) -> bool {
        matches!(self.kind, Kind::Plain(None))
            && self.last.is_none()
            && self.waker.is_none()
            && self.message.is_none()
            && self.unwinding_message.is_none()
            && self.marks.pending() == 0
            && !self.marks.is_unwinding()
            && (self.passed_on, self.visited, self.count) == (0, 0, 0)
            && self.claim == NodeKey::NONE
            && !(self.requested || self.message_stays || self.yields || self.returned)
    }

    /// The key of this node, whose number is `id`.
    #[inline]
    pub(super) fn key(&self, id: NodeId) -> NodeKey {
        NodeKey::new(id, self.generation)
    }

    /// The last request that was answered here, above, or inside.
    pub(super) fn answered_at_all(&self) -> u64 {
        self.answered.max(self.answered_below)
    }
}

/// The nodes of one tree.
pub(crate) struct Nodes {
    list: Vec<Node>,
    /// The closed node whose number is given next, which names the one after it as its `next`.
    closed: NodeId,
    open: usize,
    last_generation: u32,
}

/// What a node held that may have been made by somebody else: to be dropped with nothing borrowed.
pub(super) struct Held {
    _kind: Kind,
    pub(super) waker: Option<Waker>,
    pub(super) message: Option<Message>,
    _unwinding_message: Option<Message>,
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self {
            list: Vec::new(),
            closed: NodeId::NONE,
            open: 0,
            last_generation: 0,
        }
    }

    /// How many are open.
    pub(crate) fn len(&self) -> usize {
        self.open
    }

    /// Gives memory back when there is nothing in it, but for so many nodes.
    pub(crate) fn shrink(&mut self, kept: usize) {
        if self.open == 0 && self.list.capacity() > kept {
            self.list = Vec::new();
            self.closed = NodeId::NONE;
        }
    }

    #[inline]
    pub(crate) fn get(&self, id: NodeId) -> Option<&Node> {
        self.list.get(id.index()).filter(|node| node.is_open())
    }

    /// The key of a node that is open.
    #[inline]
    pub(super) fn key(&self, id: NodeId) -> Option<NodeKey> {
        Some(self.get(id)?.key(id))
    }

    /// Whether the node is open: still the one of this key.
    pub(super) fn is_open(&self, key: NodeKey) -> bool {
        self.key(key.id()) == Some(key)
    }

    /// A node, to be changed in whatever way.
    #[inline]
    pub(crate) fn get_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        let node = self.place_mut(id)?;
        node.state = State::Changed;
        Some(node)
    }

    /// A node, to be changed in its place among the others, or in what it has answered.
    #[inline]
    pub(super) fn place_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.list.get_mut(id.index()).filter(|node| node.is_open())
    }

    /// Opens a node, as the last child of `parent` if there is such a node. It inherits what was answered
    /// there.
    pub(crate) fn open(&mut self, kind: Kind, parent: NodeId) -> NodeId {
        let mut id = self.closed;
        if id.is_none() {
            id = self.add();
        }
        let place = self.append(id, parent);
        self.occupy(id, place);
        // Blank, it is that already.
        if !matches!(kind, Kind::Plain(None))
            && let Some(node) = self.get_mut(id)
        {
            node.kind = kind;
        }
        id
    }

    /// [`open`](Self::open) for a plain node that is the only child of its parent, and finds room: so
    /// it nearly always is. `None`, and nothing is done, if it is not.
    #[inline]
    pub(super) fn open_only(&mut self, parent: NodeId) -> Option<NodeKey> {
        let id = self.closed;
        let above = self.place_mut(parent)?;
        if id.is_none() || !above.last.is_none() {
            return None;
        }
        above.first = id;
        above.last = id;
        let place = (parent, NodeId::NONE, above.answered_at_all());
        Some(self.occupy(id, place))
    }

    /// Makes the first closed node an open one, at this place.
    #[inline]
    fn occupy(&mut self, id: NodeId, place: (NodeId, NodeId, u64)) -> NodeKey {
        let generation = self.last_generation.wrapping_add(1);
        self.last_generation = generation;
        self.open += 1;
        if let Some(node) = self.list.get_mut(id.index()) {
            self.closed = std::mem::replace(&mut node.next, NodeId::NONE);
            node.generation = generation;
            node.state = State::Quiet;
            (node.parent, node.previous, node.answered) = place;
        }
        NodeKey::new(id, generation)
    }

    #[cold]
    fn add(&mut self) -> NodeId {
        // Every node is part of a future of its own, so memory ends before the numbers do.
        let id = u32::try_from(self.list.len()).expect("fewer than 2^32 scopes");
        self.list.push(Node::blank());
        NodeId(id)
    }

    /// Closes any node, which stands nowhere any more.
    pub(crate) fn close(&mut self, id: NodeId) -> Option<Held> {
        let closed = self.closed;
        let node = self.get_mut(id)?;
        let Node {
            kind,
            waker,
            message,
            unwinding_message,
            ..
        } = std::mem::replace(node, Node::blank());
        node.next = closed;
        self.closed = id;
        self.open -= 1;
        Some(Held {
            _kind: kind,
            waker,
            message,
            _unwinding_message: unwinding_message,
        })
    }

    /// Takes a plain scope out of the tree if nobody has ever asked anything of it. Its parent keeps
    /// what was answered there. There must be no marks.
    #[inline]
    pub(super) fn close_quiet(&mut self, id: NodeId) -> bool {
        let closed = self.closed;
        let Some(node) = self.list.get_mut(id.index()) else {
            return false;
        };
        if node.state != State::Quiet || !node.first.is_none() {
            return false;
        }
        debug_assert!(node.is_blank_but_for_its_place());
        let (parent, gap, answered) = (node.parent, node.gap(), node.answered_at_all());
        node.parent = NodeId::NONE;
        node.previous = NodeId::NONE;
        node.next = closed;
        node.answered = 0;
        node.answered_below = 0;
        node.state = State::Closed;
        self.closed = id;
        self.open -= 1;
        if let Some(parent) = self.place_mut(parent) {
            parent.answered_below = parent.answered_below.max(answered);
            if gap.is_whole() {
                parent.first = NodeId::NONE;
                parent.last = NodeId::NONE;
                return true;
            }
        }
        gap.close(self);
        true
    }
}

impl Node {
    /// A closed node.
    #[inline]
    fn blank() -> Self {
        Self {
            // Of all kinds the commonest.
            kind: Kind::Plain(None),
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
            requested: false,
            yields: false,
            message: None,
            unwinding_message: None,
            count: 0,
            visited: 0,
            polled: 0,
            generation: 0,
            state: State::Closed,
            claim: NodeKey::NONE,
        }
    }
}
