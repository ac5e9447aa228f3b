//! Orphaned clean-ups: what is left of a `finally` that was dropped, and who waits for it.
//!
//! A foreign `select` drops the branches that lose; a task that a combinator no longer polls is
//! dropped in the end, too. Clean-up that awaits cannot run in a destructor. So it becomes a task of
//! its own, and somebody adopts it: the innermost scope around that has an adopter (a task group's),
//! or who observes the task (a task group, too). All of them stand in the executor's list until they
//! have ended, for whoever ends a run.

use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;

use crate::cancel::finally::CleanUp;
use crate::cancel::{Cancelled, Kind, NodeId, Tree};
use crate::caught::or_report;
use crate::error::ErrorContext;
use crate::local::Local;
use crate::registry::Key;
use crate::task::{Observer, TaskBuilder, TaskRef};

/// The clean-ups of an executor that run as tasks.
#[derive(Default)]
pub(crate) struct CleanUps(RefCell<Vec<TaskRef>>);

impl CleanUps {
    fn push(&self, task: TaskRef) {
        let mut list = self.0.borrow_mut();
        if list.len() == list.capacity() {
            list.retain(|task| !task.done());
            // At least as much room as there are entries, so that this is done now and then only.
            let live = list.len();
            list.reserve(live.max(4));
        }
        list.push(task);
    }

    /// Those that have not ended, oldest first.
    pub(crate) fn live(&self) -> Vec<TaskRef> {
        let list = self.0.borrow();
        list.iter().filter(|task| !task.done()).cloned().collect()
    }

    /// Takes those that have not ended, and forgets them.
    pub(crate) fn take(&self) -> Vec<TaskRef> {
        let mut list = self.0.take();
        list.retain(|task| !task.done());
        list
    }

    /// Gives memory back when there is nothing in it.
    pub(crate) fn shrink(&self) {
        let mut list = self.0.borrow_mut();
        if !list.is_empty() && list.iter().all(TaskRef::done) {
            *list = Vec::new();
        }
    }
}

/// Hands a clean-up, whose `finally` in the scope `from` is being dropped, to the executor; a closed
/// one gives it up.
pub(super) fn orphan(
    local: &Rc<Local>,
    from: NodeId,
    location: &'static Location<'static>,
    clean_up: CleanUp,
) {
    let owner = local.tree.owner(from);
    let task = owner.and_then(|owner| local.tasks.state(local, owner));
    let task = task.map(TaskRef::new);
    if local.closed.get() {
        give_up(local, task, location);
        let message = "panic in the destructor of a clean-up";
        return or_report(local, message, || drop(clean_up));
    }
    let name = name_after(task.as_ref());
    let builder = TaskBuilder::new(Rc::clone(local)).name(name);
    let task = builder.spawn_clean_up(location, clean_up);
    local.clean_ups.push(task.clone());
    let mut adopters = local.tree.adopters(from);
    if let Some(owner) = owner {
        adopters.extend(local.tasks.observers(owner));
    }
    for adopter in adopters {
        if adopter.adopt(&task) {
            return;
        }
    }
}

/// Tells the exception handler of a clean-up that cannot run any more.
pub(crate) fn give_up(local: &Local, task: Option<TaskRef>, location: &'static Location<'static>) {
    let mut context = ErrorContext::new("clean-up was given up: its event loop is closed");
    context.task = task;
    context.location = Some(location);
    local.report(&context);
}

fn name_after(task: Option<&TaskRef>) -> String {
    const PREFIX: &str = "clean-up of ";
    match task.map(TaskRef::get_name) {
        None => "clean-up".into(),
        // Of a clean-up's own clean-up: one word for all of them, however deep.
        Some(name) if name.starts_with(PREFIX) => name,
        Some(name) => format!("{PREFIX}{name}"),
    }
}

impl Tree {
    /// The task that the scope is in.
    fn owner(&self, from: NodeId) -> Option<Key> {
        let nodes = self.nodes.borrow();
        let mut at = from;
        while let Some(node) = nodes.get(at) {
            if let Kind::Root(key) = node.kind {
                return Some(key);
            }
            at = node.parent;
        }
        None
    }

    /// The adopters around a scope, the innermost first.
    fn adopters(&self, from: NodeId) -> Vec<Rc<dyn Observer>> {
        let nodes = self.nodes.borrow();
        let mut found = Vec::new();
        let mut at = from;
        while let Some(node) = nodes.get(at) {
            if let Kind::Plain(Some(adopter)) = &node.kind {
                found.push(Rc::clone(adopter));
            }
            at = node.parent;
        }
        found
    }

    /// Makes a request undelivered again that was answered in `scope`, and has not gone on outwards:
    /// closing the scope hands it over. Unless there is a later one.
    pub(super) fn give_back(&self, scope: NodeId, cancelled: Cancelled) {
        if self.pending(scope) == 0 {
            self.set_pending(scope, cancelled.request);
            self.with(scope, |scope| scope.message = cancelled.message);
        }
    }
}
