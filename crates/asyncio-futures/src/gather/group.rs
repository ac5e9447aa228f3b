//! A group's state, which its handle and the observers of its children share.

use std::any::Any;
use std::cell::{Cell, RefCell};

use asyncio_executor::{Cancellation, ClaimRef, Claimed, End, Message};

use crate::completion::Completion;
use crate::gather::targets::Targets;
use crate::inbox::{Inbox, Sink};

/// How a group has ended.
#[derive(Debug)]
pub enum Verdict {
    /// Every child has ended.
    AllEnded,
    /// This child has ended as the group does.
    Failed(usize),
    /// Every child has ended, and the group was cancelled before.
    Cancelled(Option<Message>),
}

/// Which ends of children end the whole group, and what a group's own end counts as.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub(super) stops_at: fn(End) -> bool,
    pub(super) is_failure: fn(&dyn Any) -> bool,
    /// What the group tells its own observer.
    pub(super) told_as: fn(End) -> End,
}

/// A request to cancel a group.
struct Request {
    message: Option<Message>,
    /// The wait for the group that it has come through.
    claim: Option<ClaimRef>,
}

pub(crate) struct Group {
    rules: Cell<Rules>,
    total: Cell<usize>,
    ended: Cell<usize>,
    /// The child that ended the group.
    failed: Cell<Option<u32>>,
    /// The last request that children have taken over.
    request: RefCell<Option<Request>>,
    /// Where requests go. Empty once the group has ended.
    targets: RefCell<Targets>,
    pub(super) completion: Completion,
}

impl Group {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules: Cell::new(rules),
            total: Cell::new(0),
            ended: Cell::new(0),
            failed: Cell::new(None),
            request: RefCell::default(),
            targets: RefCell::default(),
            completion: Completion::default(),
        }
    }

    /// Names the children, before any end of theirs is told.
    pub(super) fn begin(&self, targets: Targets) {
        self.total.set(targets.len());
        drop(self.targets.replace(targets));
        if self.total.get() == 0 {
            self.complete(End::Returned);
        }
    }

    /// Changes the rules. An end that only the old ones asked for is taken back; `true` then:
    /// the targets have to be named again.
    pub(super) fn change_rules(&self, rules: Rules) -> bool {
        self.rules.set(rules);
        let reopen = self.failed.take().is_some() && !self.all_ended();
        if reopen {
            self.completion.reopen();
        }
        reopen
    }

    pub(super) fn name_targets(&self, targets: Targets) {
        drop(self.targets.replace(targets));
    }

    pub(super) fn all_ended(&self) -> bool {
        self.ended.get() == self.total.get()
    }

    pub(super) fn verdict(&self) -> Verdict {
        match (self.failed.get(), &*self.request.borrow()) {
            (Some(index), _) => Verdict::Failed(index as usize),
            (None, Some(request)) => Verdict::Cancelled(request.message.clone()),
            (None, None) => Verdict::AllEnded,
        }
    }

    fn complete(&self, end: End) {
        drop(self.targets.take());
        if end == End::Cancelled
            && let Some(Request {
                claim: Some(claim), ..
            }) = &*self.request.borrow()
        {
            claim.came_back();
        }
        self.completion.complete((self.rules.get().told_as)(end));
    }
}

impl Sink for Group {
    /// Only that of a failure.
    const ORDER_MATTERS: bool = false;

    fn child_ended(&self, index: u32, end: End) {
        self.ended.set(self.ended.get() + 1);
        if self.completion.is_done() {
            return;
        }
        if (self.rules.get().stops_at)(end) {
            self.failed.set(Some(index));
            self.complete(end);
        } else if self.all_ended() {
            let cancelled = self.request.borrow().is_some();
            self.complete(if cancelled {
                End::Cancelled
            } else {
                End::Returned
            });
        }
    }

    fn is_failure(&self, value: &dyn Any) -> bool {
        (self.rules.get().is_failure)(value)
    }
}

/// The request goes to every child. A group is cancelled if any of them takes it.
impl Claimed for Inbox<Group> {
    fn pass_on(&self, cancellation: &mut Cancellation) -> bool {
        let group = &self.sink;
        if group.completion.is_done() {
            return false;
        }
        // First of all: the children are to find none.
        let claim = cancellation.take_claim();
        let taken = group.targets.borrow().pass_on(self.spawner(), cancellation);
        if taken {
            let message = cancellation.message().cloned();
            drop(group.request.replace(Some(Request { message, claim })));
        }
        taken
    }
}
