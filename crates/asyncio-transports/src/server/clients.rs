//! The connections of a server.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use crate::Transport;

/// The connections that are open, in the order in which they were accepted.
#[derive(Default)]
pub(super) struct Clients {
    next: Cell<u64>,
    /// Not held: a transport is its reactor's, and goes when the connection is over. `None` until
    /// there is a transport.
    open: RefCell<BTreeMap<u64, Option<Weak<dyn Transport>>>>,
}

impl Clients {
    /// One more, by this number.
    pub(super) fn enter(&self) -> u64 {
        let number = self.next.get();
        self.next.set(number + 1);
        self.open.borrow_mut().insert(number, None);
        number
    }

    /// Its transport. It may be gone already.
    pub(super) fn set(&self, number: u64, transport: &Rc<dyn Transport>) {
        if let Some(place) = self.open.borrow_mut().get_mut(&number) {
            *place = Some(Rc::downgrade(transport));
        }
    }

    pub(super) fn leave(&self, number: u64) {
        let left = self.open.borrow_mut().remove(&number);
        drop(left);
    }

    pub(super) fn len(&self) -> usize {
        self.open.borrow().len()
    }

    /// Those that have a transport now: what is done with them may change the list.
    pub(super) fn transports(&self) -> Vec<Rc<dyn Transport>> {
        let open = self.open.borrow();
        open.values().flatten().filter_map(Weak::upgrade).collect()
    }
}
