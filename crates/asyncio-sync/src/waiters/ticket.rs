//! One wait, and how far it has come.

use crate::waiters::entries::{Id, NONE};

/// How far a wait has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has not had to wait yet.
    Fresh,
    /// It waits in the chain.
    Waiting,
    /// It waits, and was taken from the chain because it was about to be dropped.
    PassedOver,
    /// It was woken, and owns what it was woken for.
    Woken,
    /// It was woken like everybody else, and owns nothing.
    Told,
}

/// One wait's entry in a list, if it has one.
///
/// It is inert: the future that owns it must [`leave`](crate::waiters::Waiters::leave) the list when
/// it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket(pub(super) Id);

impl Default for Ticket {
    fn default() -> Self {
        Self(NONE)
    }
}

impl Ticket {
    /// Whether it has not had to wait.
    #[inline]
    pub(crate) fn is_fresh(&self) -> bool {
        self.0 == NONE
    }
}
