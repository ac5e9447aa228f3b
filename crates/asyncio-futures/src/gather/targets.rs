//! Where requests to cancel a group go: to its children, in their order.

use std::rc::Rc;

use asyncio_executor::{Cancellation, Observer, Spawner, TaskAddress};

use crate::child::{Child, Target, assert_may_watch};
use crate::gather::children::Visitor;

/// Where requests go, in the order of the children. Nearly always to tasks of one executor, of
/// which there may be many.
#[derive(Default)]
pub(super) struct Targets {
    tasks: Vec<TaskAddress>,
    /// What else, and before which of the tasks.
    others: Vec<(usize, Target)>,
}

impl Targets {
    fn reserve(&mut self, count: usize) {
        self.tasks.reserve_exact(count);
    }

    pub(super) fn push(&mut self, target: Target) {
        match target {
            Target::Task(address) => self.tasks.push(address),
            other => self.others.push((self.tasks.len(), other)),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len() + self.others.len()
    }

    pub(super) fn pass_on(&self, spawner: &Spawner, cancellation: &mut Cancellation) -> bool {
        let mut taken = false;
        let mut others = self.others.iter().peekable();
        for before in 0..=self.tasks.len() {
            while let Some((_, other)) = others.next_if(|(at, _)| *at == before) {
                taken |= other.pass_on(spawner, cancellation);
            }
            if let Some(task) = self.tasks.get(before) {
                taken |= cancellation.task_at(spawner, *task);
            }
        }
        taken
    }
}

/// Observes the children of a group as they are made, and notes where requests to them go.
pub(super) struct StartWatching<'a> {
    spawner: &'a Spawner,
    observer: Rc<dyn Observer>,
    targets: Targets,
}

impl<'a> StartWatching<'a> {
    pub(super) fn new(spawner: &'a Spawner, observer: Rc<dyn Observer>) -> Self {
        Self {
            spawner,
            observer,
            targets: Targets::default(),
        }
    }

    pub(super) fn into_targets(self) -> Targets {
        self.targets
    }
}

impl Visitor for StartWatching<'_> {
    fn expect(&mut self, count: usize) {
        self.targets.reserve(count);
    }

    fn visit<C: Child>(&mut self, child: &C) {
        // Each child takes dozens of bytes, so memory ends before the numbers do.
        let index = u32::try_from(self.targets.len()).expect("fewer than 2^32 children");
        assert_may_watch(child, self.spawner);
        self.targets.push(child.target(self.spawner));
        child.observe(Rc::clone(&self.observer), index);
    }
}
