//! The connections of a server.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use slab::Slab;

use crate::Transport;

/// The connections that are open, in no order.
#[derive(Default)]
pub(super) struct Clients {
    /// Not held: a transport is its reactor's, and goes when the connection is over. `None` until
    /// there is a transport.
    open: RefCell<Slab<Option<Weak<dyn Transport>>>>,
}

impl Clients {
    /// One more, by this number, which is another's when the connection has left.
    pub(super) fn enter(&self) -> usize {
        self.open.borrow_mut().insert(None)
    }

    /// Its transport. It may be gone already.
    pub(super) fn set(&self, number: usize, transport: &Rc<dyn Transport>) {
        // It cannot have left, and its number be another's: it leaves in a turn to come.
        if let Some(place) = self.open.borrow_mut().get_mut(number) {
            *place = Some(Rc::downgrade(transport));
        }
    }

    pub(super) fn leave(&self, number: usize) {
        let left = self.open.borrow_mut().try_remove(number);
        drop(left);
    }

    pub(super) fn len(&self) -> usize {
        self.open.borrow().len()
    }

    /// Those that have a transport now: what is done with them may change the list.
    pub(super) fn transports(&self) -> Vec<Rc<dyn Transport>> {
        let open = self.open.borrow();
        open.iter()
            .filter_map(|(_, client)| client.as_ref()?.upgrade())
            .collect()
    }
}
