//! What a group knows: its children, how they ended, and where requests to the body go.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use asyncio_executor::{Cancellation, End, ErrorContext, Spawner, TaskAddress, TaskRef};
use slab::Slab;

use crate::group::error::{GroupError, TaskGroupClosed};
use crate::group::limit::Limit;
use crate::inbox::{Inbox, Sink};
use crate::owned::Owner;

/// Where a group is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing runs in it yet.
    Created,
    /// The body is pending.
    Body,
    /// The body has ended, and children are waited for.
    Exiting,
    /// Everything has ended, or nobody waits any more.
    Over,
}

pub(crate) struct Group<E> {
    spawner: Spawner,
    phase: Cell<Phase>,
    /// The children have been cancelled, and no more are taken.
    aborting: Cell<bool>,
    /// Cancels the body.
    pub(super) body: Rc<Owner>,
    members: RefCell<Slab<Member>>,
    /// How often the last child has ended, and its turn in the ready queue has not come.
    leaving: Cell<u32>,
    /// The number of the last child.
    last: Cell<u64>,
    /// Failures of children whose ends are on their way through the ready queue.
    noted: RefCell<VecDeque<(u32, GroupError<E>)>>,
    errors: RefCell<Vec<GroupError<E>>>,
    /// Who waits for the last child.
    waker: RefCell<Option<Waker>>,
    pub(super) limit: Limit,
}

/// A child that has not ended, or whose end is on its way.
struct Member {
    /// Children are cancelled in the order of these.
    number: u64,
    target: Target,
    /// It has failed: `noted` has the failure, and its end is on its way.
    failed: bool,
}

/// Where requests to a child go.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// Its first step may be running, inside `create_task`.
    Starting,
    Task(TaskAddress),
    /// A clean-up that was adopted; or a child that has failed in its first step.
    None,
}

impl<E> Group<E> {
    pub(super) fn new(spawner: Spawner) -> Self {
        Self {
            spawner,
            phase: Cell::new(Phase::Created),
            aborting: Cell::new(false),
            body: Rc::default(),
            members: RefCell::default(),
            leaving: Cell::new(0),
            last: Cell::new(0),
            noted: RefCell::default(),
            errors: RefCell::default(),
            waker: RefCell::default(),
            limit: Limit::default(),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(super) fn is_aborting(&self) -> bool {
        self.aborting.get()
    }

    /// Whether it takes children: also while it waits for others.
    pub(super) fn is_open(&self) -> bool {
        let runs = match self.phase.get() {
            Phase::Body => true,
            Phase::Exiting => !self.is_empty(),
            Phase::Created | Phase::Over => false,
        };
        runs && !self.aborting.get()
    }

    pub(super) fn len(&self) -> usize {
        self.members.borrow().len()
    }

    /// Whether no child is left, and the turn of the last one's end has come.
    pub(super) fn is_empty(&self) -> bool {
        self.leaving.get() == 0 && self.members.borrow().is_empty()
    }

    /// Takes a child that is about to be made, if the group takes any, and returns its index.
    pub(super) fn admit(&self) -> Result<u32, TaskGroupClosed> {
        if self.is_open() {
            Ok(self.expect_child())
        } else {
            Err(TaskGroupClosed)
        }
    }

    /// Makes room for a child, and returns its index.
    fn expect_child(&self) -> u32 {
        self.last.set(self.last.get() + 1);
        let index = self.members.borrow_mut().insert(Member {
            number: self.last.get(),
            target: Target::Starting,
            failed: false,
        });
        // Each child takes dozens of bytes, so memory ends before the numbers do.
        let index = u32::try_from(index).ok().filter(|index| *index != LAST);
        index.expect("fewer than 2^32 children")
    }

    /// The child has been made: from now on it can be cancelled.
    pub(super) fn name_child(&self, index: u32, task: Option<TaskAddress>) {
        // There is none there if it has ended in an eager first step.
        if let Some(member) = self.members.borrow_mut().get_mut(index as usize) {
            member.target = task.map_or(Target::None, Target::Task);
        }
        if self.aborting.get()
            && let Some(task) = task
        {
            // Its eager first step has cancelled the group, which did not know it yet.
            self.request(task);
        }
    }

    /// Cancels a child. Each gets a request of its own, so that one which awaits another, and
    /// passes its own on to it, does not make that one's a repetition.
    fn request(&self, task: TaskAddress) {
        Cancellation::request(None, |request| request.task_at(&self.spawner, task));
    }

    fn forget_child(&self, index: u32) {
        self.members.borrow_mut().try_remove(index as usize);
    }

    /// A child has failed, and is about to end.
    pub(super) fn note(&self, index: u32, failure: GroupError<E>) {
        if let Some(member) = self.members.borrow_mut().get_mut(index as usize) {
            member.failed = true;
        }
        self.noted.borrow_mut().push_back((index, failure));
    }

    fn take_noted(&self, index: u32) -> Option<GroupError<E>> {
        let mut noted = self.noted.borrow_mut();
        // Ends come in the order of the failures, so nearly always it is the first.
        let at = noted.iter().position(|(of, _)| *of == index)?;
        Some(noted.remove(at)?.1)
    }

    /// The body begins.
    pub(super) fn enter(&self) {
        // A body that is refused changes nothing for the one that runs, or ran.
        assert!(
            self.phase.get() == Phase::Created,
            "a task group can be run once only"
        );
        self.phase.set(Phase::Body);
    }

    /// The body has ended.
    pub(super) fn exit(&self) {
        self.phase.set(Phase::Exiting);
    }

    /// Everything has ended. Returns what went wrong.
    pub(super) fn finish(&self) -> Vec<GroupError<E>> {
        self.phase.set(Phase::Over);
        self.errors.take()
    }

    /// Nobody waits for the group any more.
    pub(super) fn abandon(&self) {
        self.phase.set(Phase::Over);
        self.abort();
        for failure in self.errors.take() {
            self.report_lost(&failure, NOBODY_WAITS);
        }
        drop(self.waker.take());
    }

    /// Cancels the children, in the order in which they were made, and takes no more.
    pub(super) fn abort(&self) {
        if self.aborting.replace(true) {
            return;
        }
        let mut tasks: Vec<_> = {
            let members = self.members.borrow();
            let tasks = members
                .iter()
                .filter_map(|(_, member)| match member.target {
                    Target::Task(task) => Some((member.number, task)),
                    Target::Starting | Target::None => None,
                });
            tasks.collect()
        };
        tasks.sort_unstable_by_key(|(number, _)| *number);
        for (_, task) in tasks {
            self.request(task);
        }
    }

    /// Cancels the children, and the body if it has not ended.
    pub(super) fn cancel(&self) {
        if self.aborting.get() || self.phase.get() == Phase::Over {
            return;
        }
        self.abort();
        if matches!(self.phase.get(), Phase::Created | Phase::Body) {
            self.body.cancel(None);
        } else if let Some(waker) = self.waker.take() {
            // asyncio requests the parent's cancellation here, and takes it back: what remains is
            // that it looks in its next turn whether the last child has ended.
            waker.wake();
        }
    }

    /// Waits until there are no children.
    pub(super) fn poll_empty(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_empty() {
            return Poll::Ready(());
        }
        let same = matches!(&*self.waker.borrow(), Some(kept) if kept.will_wake(cx.waker()));
        if !same {
            // A foreign waker's clone and drop are foreign code: with no borrow held.
            let new = Some(cx.waker().clone());
            let old = self.waker.replace(new);
            drop(old);
        }
        Poll::Pending
    }

    /// A failure that no `ErrorGroup` will hold; `why` ends the sentence.
    pub(super) fn report_lost(&self, failure: &GroupError<E>, why: &str) {
        let message = format!("a child of a task group failed, and {why}");
        let mut context = ErrorContext::new(&message);
        context.cause = Some(match failure {
            GroupError::Panicked(payload) => format!("panicked: {payload}"),
            GroupError::Error(_) => {
                format!("an error of type `{}`", std::any::type_name::<E>())
            }
        });
        self.spawner.call_exception_handler(&context);
    }
}

const NOBODY_WAITS: &str = "nobody waits for the group any more";

/// The index under which is told that the last child has ended.
const LAST: u32 = u32::MAX;

impl<E: 'static> Sink for Group<E> {
    /// Of a thousand children that end well, only the last one's end makes a difference: that one
    /// and each failure has its place in the ready queue. The last is the one after which nobody
    /// runs; failures whose turn has not come do not, and may have theirs before it.
    fn told_as(&self, index: u32, _: End) -> Option<u32> {
        let mut members = self.members.borrow_mut();
        if members.get(index as usize)?.failed {
            return Some(index);
        }
        let gone = members.try_remove(index as usize)?;
        // One that has ended in an eager first step leaves nothing to wait for.
        let nobody_runs = members.len() == self.noted.borrow().len();
        let is_last = nobody_runs && !matches!(gone.target, Target::Starting);
        self.leaving.set(self.leaving.get() + u32::from(is_last));
        is_last.then_some(LAST)
    }

    fn child_ended(&self, index: u32, _: End) {
        let failure = match index {
            LAST => {
                self.leaving.set(self.leaving.get() - 1);
                None
            }
            index => {
                self.forget_child(index);
                self.take_noted(index)
            }
        };
        if let Some(failure) = failure {
            if self.phase.get() == Phase::Over {
                self.report_lost(&failure, NOBODY_WAITS);
                return;
            }
            self.errors.borrow_mut().push(failure);
            self.cancel();
        }
        if self.is_empty() {
            // A foreign waker may panic: last of all.
            let waker = self.waker.take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Orphaned in the body or in a child: the group waits for it, and does not cancel it.
    fn adopt(inbox: &Rc<Inbox<Self>>, clean_up: &TaskRef) -> bool {
        let group = &inbox.sink;
        if group.phase.get() == Phase::Over {
            return false;
        }
        let index = group.expect_child();
        group.name_child(index, None);
        clean_up.observe(inbox.as_observer(), index);
        true
    }
}

impl<E> fmt::Debug for Group<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Group")
            .field("phase", &self.phase.get())
            .field("aborting", &self.aborting.get())
            .field("children", &self.len())
            .finish_non_exhaustive()
    }
}
