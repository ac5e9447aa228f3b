//! Making a request: which scopes it marks, and what it is passed on to.
//!
//! One operation may go far: a task awaits a task that awaits a task, and a request goes down the
//! whole chain at once, as in asyncio. It is a loop over a stack, so that a chain of a million
//! tasks needs no stack of the machine's, and a visited mark on the roots ends a cycle.

use std::fmt;
use std::rc::Rc;

use crate::cancel::claim::Target;
use crate::cancel::nodes::NodeKey;
use crate::cancel::{ClaimRef, Kind, NodeId};
use crate::caught;
use crate::error::Message;
use crate::local::Local;
use crate::registry::Key;
use crate::spawner::Spawner;
use crate::task::{TaskAddress, TaskRef};

/// A request on its way. [`Claimed::pass_on`](crate::Claimed::pass_on) gets it, to send it on to
/// tasks.
pub struct Cancellation {
    message: Option<Message>,
    /// The number of the whole operation, which roots remember.
    operation: u64,
    /// What is still to be done, the next at the end.
    stack: Vec<Step>,
    /// What `pass_on` asked for, in its order.
    passed: Vec<Step>,
    /// The claim that it is being passed on by.
    claim: Option<ClaimRef>,
    /// What is marked is polled right after, by the task that is being polled: that need not be woken.
    is_polled_next: bool,
}

/// Each names a node by its key: waking a foreign waker may end tasks and close scopes that
/// are still to come, and open others under their numbers.
enum Step {
    /// The root of a task.
    Task(Rc<Local>, NodeKey),
    /// The request has gone on from this task as far as it goes.
    Left(Rc<Local>, NodeKey),
    /// A scope or leaf, and the number of the request.
    Mark(Rc<Local>, NodeKey, u64),
}

impl Step {
    /// Whether the node is still that one.
    fn is_due(&self) -> bool {
        let (Self::Task(local, node) | Self::Left(local, node) | Self::Mark(local, node, _)) = self;
        local.tree.is_open(*node)
    }
}

impl Cancellation {
    /// Makes a request: `f` sends it to whom it is meant for, all of whom get the same one.
    ///
    /// What is claimed by a handle of your own is cancelled with this, through the same
    /// [`pass_on`](crate::Claimed::pass_on) that a claim uses.
    pub fn request<R>(message: Option<Message>, f: impl FnOnce(&mut Self) -> R) -> R {
        let mut cancellation = Self::new(message);
        let result = f(&mut cancellation);
        cancellation.run();
        result
    }

    /// The message of the request.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    /// The wait that the request has come through, if it has: for what is claimed by that, to tell it
    /// of its end. There once, so that of a group in a group only the outer one has it.
    pub fn take_claim(&mut self) -> Option<ClaimRef> {
        self.claim.take()
    }

    /// Sends the request on to a task. Returns whether the task takes it: not when it has ended,
    /// nor when this very request has come here through it (a cycle). One to which it was sent
    /// another way already takes it as well, and is not sent it twice.
    pub fn task(&mut self, task: &TaskRef) -> bool {
        match task.target() {
            Some((local, key)) => self.pass_to(local, key),
            None => false,
        }
    }

    /// Sends the request on to the task at an address of this executor; as [`task`](Self::task).
    pub fn task_at(&mut self, spawner: &Spawner, address: TaskAddress) -> bool {
        let local = spawner.local();
        match address.key(local) {
            Some(key) => self.pass_to(local, key),
            None => false,
        }
    }

    fn pass_to(&mut self, local: &Rc<Local>, key: Key) -> bool {
        let id = local.tree.root(local, key);
        let before = local.tree.with(id, |root| {
            let before = root.visited;
            if before != self.passing() && before != self.sent() {
                root.visited = self.sent();
            }
            (before, root.key(id))
        });
        match before {
            None => false,
            Some((before, _)) if before == self.passing() => false,
            Some((before, _)) if before == self.sent() => {
                // One more request, of which this is the whole effect.
                local.tree.count_request(id);
                true
            }
            Some((_, root)) => {
                self.passed.push(Step::Task(Rc::clone(local), root));
                true
            }
        }
    }

    /// What a root remembers to which this operation has sent its request.
    fn sent(&self) -> u64 {
        self.operation * 2
    }

    /// What it remembers while that is passed on.
    fn passing(&self) -> u64 {
        self.operation * 2 + 1
    }

    fn new(message: Option<Message>) -> Self {
        // One number a thread, whichever of its executors: claims may cross from one to another.
        thread_local! {
            static OPERATION: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
        }
        // A value without a destructor can be reached while the thread's locals are destroyed.
        OPERATION.set(OPERATION.get() + 1);
        Self {
            message,
            operation: OPERATION.get(),
            stack: Vec::new(),
            passed: Vec::new(),
            claim: None,
            is_polled_next: false,
        }
    }

    /// Does what was passed on next, in its order.
    fn take_passed(&mut self) {
        self.stack.extend(self.passed.drain(..).rev());
    }

    fn run(mut self) {
        self.take_passed();
        while let Some(step) = self.stack.pop() {
            if !step.is_due() {
                continue;
            }
            match step {
                Step::Task(local, root) => {
                    local.tree.count_request(root.id());
                    let passing = self.passing();
                    local.tree.with(root.id(), |root| root.visited = passing);
                    self.stack.push(Step::Left(Rc::clone(&local), root));
                    self.mark_under(&local, root.id());
                }
                Step::Left(local, root) => {
                    let sent = self.sent();
                    local.tree.with(root.id(), |root| root.visited = sent);
                }
                Step::Mark(local, node, request) => self.mark(&local, node.id(), request),
            }
        }
    }

    /// Makes a request of its own number at `scope`.
    fn mark_under(&mut self, local: &Rc<Local>, scope: NodeId) {
        let request = local.tree.next_request();
        self.resend(local, scope, request);
    }

    fn resend(&mut self, local: &Rc<Local>, scope: NodeId, request: u64) {
        local.tree.open_levels(local);
        let marks = local.tree.innermost(scope, request).into_iter();
        self.stack.extend(
            marks
                .rev()
                .map(|node| Step::Mark(Rc::clone(local), node, request)),
        );
    }

    fn mark(&mut self, local: &Rc<Local>, node: NodeId, request: u64) {
        let tree = &local.tree;
        // Of several requests before the answer, a wait is told the message of the first, which has
        // ended it; and what does not wait (it runs, is about to, or has not started) that of the
        // last, as in asyncio.
        let target = tree.with(node, |node| {
            if node.marks.pending() == 0 {
                node.message_stays = false;
                node.yields = false;
            }
            if !node.message_stays {
                node.message.clone_from(&self.message);
            }
            match &node.kind {
                Kind::Claim(target) => {
                    node.answered = request;
                    node.passed_on = request;
                    Some(target.clone())
                }
                Kind::Root(_) | Kind::Plain(_) | Kind::Shield => None,
            }
        });
        let Some(target) = target else { return };
        let mut wake = true;
        if let Some(target) = target {
            let taken = match target {
                Target::Task(task) => {
                    let live = task.key(local);
                    let taken = live.is_some_and(|key| self.pass_to(local, key));
                    if taken && let Some(key) = live {
                        tree.note_claim(local.tasks.root(key), node);
                    }
                    // A cycle: nobody else will wake the one that waits.
                    wake = !taken && live.is_some();
                    taken
                }
                Target::Other(target) => {
                    wake = false;
                    self.claim = ClaimRef::new(local, node);
                    let taken = target.pass_on(self);
                    self.claim = None;
                    taken
                }
            };
            self.take_passed();
            if taken {
                return;
            }
        }
        tree.set_pending(node, request);
        // A shield keeps it until its body ends, however long that takes. A scope that is being
        // polled looks for marks when its poll ends.
        if tree.in_poll(local, node) {
            return;
        }
        if tree.is_shield(node) {
            tree.with(node, |node| node.message_stays = true);
            return;
        }
        tree.watch(node, request);
        // A refused claim's target is done, so its waker is on the way already.
        if wake
            && let Some(waker) = tree.waker(local, node)
            && !(self.is_polled_next && local.is_polled_with(&waker))
        {
            let key = tree.key(node);
            let before = local.ready_len();
            caught::wake(local, waker);
            if local.ready_len() > before {
                // A foreign waker may have closed the node, and opened another of its number.
                if tree.key(node) == key {
                    tree.with(node, |node| node.message_stays = true);
                }
            }
        }
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cancellation")
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

/// Requests the cancellation of a task that has not ended.
pub(crate) fn cancel_task(local: &Rc<Local>, key: Key, message: Option<Message>) -> bool {
    let mut cancellation = Cancellation::new(message);
    let live = cancellation.pass_to(local, key);
    cancellation.run();
    live
}

/// Requests the cancellation of one scope.
pub(crate) fn cancel_scope(local: &Rc<Local>, scope: NodeId, message: Option<Message>) {
    request_under(local, scope, Cancellation::new(message));
}

/// The same for a scope that is polled right after, in the poll in which this is called.
pub(crate) fn cancel_before_poll(local: &Rc<Local>, scope: NodeId) {
    let mut cancellation = Cancellation::new(None);
    cancellation.is_polled_next = true;
    request_under(local, scope, cancellation);
}

fn request_under(local: &Rc<Local>, scope: NodeId, mut cancellation: Cancellation) {
    local.tree.count_request(scope);
    local.tree.with(scope, |scope| scope.requested = true);
    cancellation.mark_under(local, scope);
    cancellation.run();
}

/// Passes the request that a new claim took over from its parent on to the claim's target.
pub(crate) fn pass_taken(local: &Rc<Local>, claim: NodeId, request: u64) {
    local.tree.set_pending(claim, 0);
    let message = local
        .tree
        .look(claim, |claim| claim.message.clone())
        .flatten();
    let mut cancellation = Cancellation::new(message);
    cancellation.mark(local, claim, request);
    cancellation.run();
}

/// Lets a cancellation go on outwards, into `scope`: the siblings that are still pending get the
/// same request, unless they have answered it.
pub(crate) fn unwind_into(
    local: &Rc<Local>,
    scope: NodeId,
    request: u64,
    message: Option<Message>,
) {
    if scope.is_none() {
        return;
    }
    local
        .tree
        .with(scope, |scope| scope.unwinding_message.clone_from(&message));
    local.tree.set_unwinding(scope, request);
    let mut cancellation = Cancellation::new(message);
    for child in local.tree.children(scope).into_iter().rev() {
        cancellation.resend(local, child, request);
    }
    cancellation.run();
}

/// The requests on a task that were not withdrawn.
pub(crate) fn cancelling(local: &Local, key: Key) -> u32 {
    let scopes = local.tree.subtree(local.tasks.root(key));
    sum(local, &scopes)
}

fn sum(local: &Local, scopes: &[NodeId]) -> u32 {
    let counts = scopes.iter().map(|&scope| local.tree.count(scope));
    let sum = counts.fold(0, i32::saturating_add);
    u32::try_from(sum).unwrap_or(0)
}

/// Withdraws one request; at none left also the marks that were not delivered. Returns how many
/// are left.
pub(crate) fn uncancel(local: &Local, key: Key) -> u32 {
    let tree = &local.tree;
    let root = local.tasks.root(key);
    let scopes = tree.subtree(root);
    let before = sum(local, &scopes);
    if before > 0 {
        // Whichever scope it was made on: asyncio has one count a task, and a timeout that takes its
        // own request back, and finds that withdrawn, takes the next one's for it.
        tree.add_to_count(root, -1);
    }
    let left = before.saturating_sub(1);
    if left == 0 {
        for scope in scopes {
            tree.set_pending(scope, 0);
        }
    }
    left
}
