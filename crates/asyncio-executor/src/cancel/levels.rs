//! Levels: scopes in their first poll, which have no node yet.
//!
//! Facts: most of what is put under a timeout is ready at once, and so is most of what has a
//! clean-up. Making a node and taking it out again costs more than all the rest of such a scope.
//! Consequence: the first poll of a scope only counts a level. When somebody below asks where he is,
//! because he opens a scope that waits, passes a request on or makes one, the levels become nodes, the
//! outermost first, and each scope takes its own when its poll ends. A body that has to wait without
//! that is given its node then. So the order is what it would be if all had been opened at once; and
//! a request that is handed to the scope around them meanwhile is taken over, as by any new scope.
//!
//! That holds as long as there is nothing to look at: no mark that a new scope would take over, and
//! no waker but the task's. Else a scope is opened before its first poll.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

use crate::cancel::open::Open;
use crate::cancel::{Kind, NodeId, Tree};
use crate::local::Local;

/// The scopes of the innermost poll that have no node yet.
#[derive(Default)]
pub(crate) struct Levels {
    /// How many there are, inside the scope that is the current one.
    unopened: Cell<u32>,
    /// The nodes of those that were opened and are still in that poll, the innermost last.
    opened: RefCell<Vec<NodeId>>,
}

/// A scope in its first poll. When it is dropped, `place` is the scope's node if it got one.
pub(super) struct Level<'a> {
    local: &'a Rc<Local>,
    place: &'a mut Option<Open>,
    /// How many levels there are around it.
    around: u32,
}

impl<'a> Level<'a> {
    /// Whether a plain scope may go without a node in its first poll, with this waker.
    #[inline]
    pub(super) fn suffices(local: &Local, waker: &Waker) -> bool {
        local.tree.is_quiet() && local.is_polled_with(waker)
    }

    /// Begins the first poll of a scope.
    #[inline]
    pub(super) fn begin(local: &'a Rc<Local>, place: &'a mut Option<Open>) -> Self {
        let tree = &local.tree;
        let around = tree.levels.unopened.get();
        tree.levels.unopened.set(around + 1);
        Self {
            local,
            place,
            around,
        }
    }
}

impl Drop for Level<'_> {
    #[inline]
    fn drop(&mut self) {
        let unopened = &self.local.tree.levels.unopened;
        if unopened.get() > self.around {
            unopened.set(self.around);
        } else {
            // Its fields, not `self`: a reference would keep them out of registers.
            *self.place = take_node(self.local);
        }
    }
}

/// Takes the node that was made of a level meanwhile.
#[cold]
fn take_node(local: &Rc<Local>) -> Option<Open> {
    let tree = &local.tree;
    let node = tree.levels.opened.borrow_mut().pop()?;
    // It was opened under the scope that was the current one, and nobody moves or closes a scope whose
    // body is being polled.
    debug_assert!(tree.key(node).is_some());
    tree.current.set(tree.scope_around(node));
    Some(Open::new(local, tree.key(node)?))
}

impl Tree {
    /// Whether scopes are being polled that have no node yet.
    #[inline]
    pub(crate) fn has_levels(&self) -> bool {
        self.levels.unopened.get() != 0
    }

    /// Makes nodes of the levels: for whoever looks at the tree, or changes it, below the scope that
    /// is the current one.
    #[inline]
    pub(crate) fn open_levels(&self, local: &Local) {
        if self.has_levels() {
            self.open_all(local);
        }
    }

    #[cold]
    fn open_all(&self, local: &Local) {
        for _ in 0..self.levels.unopened.replace(0) {
            let node = self.open(local, Kind::Plain(None));
            self.current.set(node);
            self.levels.opened.borrow_mut().push(node);
        }
    }
}
