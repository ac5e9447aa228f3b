//! Which waker wakes a scope: its own where it was polled with another than its parent.

use std::task::Waker;

use crate::cancel::nodes::Node;
use crate::cancel::{Kind, NodeId, Tree};
use crate::caught::or_report;
use crate::local::Local;
use crate::registry::Key;

/// Where the waker of a scope stands.
enum Place {
    Node(NodeId),
    Task(Key),
}

impl Tree {
    /// What wakes a scope: its own waker, or the nearest one outwards, or its task's.
    pub(crate) fn waker(&self, local: &Local, id: NodeId) -> Option<Waker> {
        let at = match self.find_waker(id)? {
            Place::Task(key) => return local.tasks.waker(key),
            Place::Node(at) => at,
        };
        let (mut kept, key) = self.with(at, |node| (node.waker.take(), node.key(at)))?;
        self.unusual.waker(true, false);
        // Taken out, since cloning it is foreign code, which may come back here, close the scope, or
        // panic.
        let mut waker = None;
        or_report(local, "panic in a waker", || waker.clone_from(&kept));
        self.with(at, |node| {
            if node.key(at) == key && node.waker.is_none() {
                node.waker = kept.take();
                self.unusual.waker(false, true);
            }
        });
        // What is left in `kept` is dropped with nothing borrowed.
        waker
    }

    /// Whether what wakes a scope is `waker`.
    fn is_woken_by(&self, local: &Local, id: NodeId, waker: &Waker) -> bool {
        match self.find_waker(id) {
            Some(Place::Node(at)) => {
                let own = |node: &Node| node.waker.as_ref().map(|own| own.will_wake(waker));
                self.look(at, own).flatten() == Some(true)
            }
            Some(Place::Task(key)) if local.tasks.is_parked(key) => local
                .tasks
                .waker(key)
                .is_some_and(|parked| parked.will_wake(waker)),
            // A root that has never been parked is woken by what it is polled with.
            Some(Place::Task(_)) | None => local.is_polled_with(waker),
        }
    }

    /// The task with this root is polled while there are marks.
    pub(crate) fn note_poll(&self, root: NodeId) {
        let polls = self.polls.get() + 1;
        self.polls.set(polls);
        self.with(root, |root| root.polled = polls);
    }

    /// Whether the scope, which is marked, is woken by its task, and that was not polled since: another
    /// thread may be in the middle of waking it, which no other wake-up overtakes. To be sure, it is
    /// woken.
    pub(super) fn wake_unpolled(&self, local: &Local, id: NodeId, since: u64) -> bool {
        let Some(Place::Task(key)) = self.find_waker(id) else {
            return false;
        };
        let polled = self.look(local.tasks.root(key), |root| root.polled);
        let is_unpolled = polled.is_some_and(|polled| polled <= since);
        if is_unpolled {
            local.tasks.wake(key);
        }
        is_unpolled
    }

    /// Where the waker of a scope stands.
    fn find_waker(&self, id: NodeId) -> Option<Place> {
        let nodes = self.nodes.borrow();
        let mut at = id;
        while let Some(node) = nodes.get(at) {
            if node.waker.is_some() {
                return Some(Place::Node(at));
            }
            if let Kind::Root(key) = node.kind {
                return Some(Place::Task(key));
            }
            at = node.parent;
        }
        None
    }

    /// Whether nothing needs a waker of its own, and what is polled with this one does not either.
    #[inline]
    pub(super) fn is_woken_by_task(&self, local: &Local, waker: &Waker) -> bool {
        !self.has_wakers() && local.is_polled_with(waker)
    }

    /// Keeps `waker` at the scope if what wakes its parent is another.
    #[inline]
    pub(super) fn keep_waker(&self, local: &Local, id: NodeId, waker: &Waker) {
        if !self.is_woken_by_task(local, waker) {
            self.keep_foreign_waker(local, id, waker);
        }
    }

    #[cold]
    fn keep_foreign_waker(&self, local: &Local, id: NodeId, waker: &Waker) {
        let own = |node: &Node| {
            let own = node.waker.as_ref();
            (own.is_some_and(|own| own.will_wake(waker)), node.parent)
        };
        let Some((false, parent)) = self.look(id, own) else {
            return;
        };
        let mut new = match self.is_woken_by(local, parent, waker) {
            true => None,
            false => Some(waker.clone()),
        };
        self.with(id, |node| {
            std::mem::swap(&mut node.waker, &mut new);
            self.unusual.waker(new.is_some(), node.waker.is_some());
        });
        // What is left in `new` is the old one, dropped with nothing borrowed.
    }
}
