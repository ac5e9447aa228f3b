//! What is kept of one task: a few words that every task has, and what only some have.

use std::panic::Location;
use std::rc::Rc;
use std::task::Waker;

use crate::cancel::NodeId;
use crate::task::{Observer, TaskState};

/// Who is told of the end of a task, and the number under which they know it.
pub(crate) type Told = (Rc<dyn Observer>, u32);

/// The number of a slot. Reused after the task's end: only what dies with the task, or checks
/// that it has not ended, may hold one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(super) u32);

impl Key {
    pub(crate) const NONE: Self = Self(u32::MAX);

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// For lists that are kept beside the tasks.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What every task has. 32 bytes.
pub(super) struct Slot {
    /// Wakes the task. Stored when a poll first returns pending: before that the task stands in
    /// the ready queue.
    pub(super) waker: Option<Waker>,
    pub(super) location: &'static Location<'static>,
    /// The task's number, for people, which wraps after two thousand million tasks; and in the
    /// highest bit whether its handle has been dropped.
    pub(super) id: u32,
    pub(super) link: Link,
}

pub(super) const DETACHED: u32 = 1 << 31;

/// Either the task that awaits this one, or the number of its [`Extra`], or nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(pub(super) u32);

impl Link {
    pub(super) const NONE: Self = Self(u32::MAX);
    pub(super) const EXTRA: u32 = 1 << 31;

    pub(super) fn extra(self) -> Option<usize> {
        (self != Self::NONE && self.0 & Self::EXTRA != 0)
            .then_some((self.0 & !Self::EXTRA) as usize)
    }

    pub(super) fn to_extra(index: usize) -> Option<Self> {
        Some(Self(u32::try_from(index).ok()? | Self::EXTRA))
    }

    pub(super) fn waiter(self) -> Key {
        if self.0 & Self::EXTRA == 0 {
            Key(self.0)
        } else {
            Key::NONE
        }
    }
}

/// What only some tasks have.
pub(crate) struct Extra {
    /// The task that awaits this one through its handle.
    pub(super) waiter: Key,
    /// The node of the task's root scope, once it has an inner scope or a request.
    pub(crate) root: NodeId,
    /// What a `TaskRef` shares.
    pub(crate) state: Option<Rc<TaskState>>,
    pub(crate) observer: Option<Told>,
    /// The task group that the task is of: told of the end before everybody else.
    pub(crate) owner: Option<Told>,
    /// The observer was there before any callback or other watcher.
    pub(crate) observer_first: bool,
}

impl Extra {
    pub(super) fn new(waiter: Key, owner: Option<Told>) -> Self {
        Self {
            waiter,
            root: NodeId::NONE,
            state: None,
            observer: None,
            owner,
            observer_first: true,
        }
    }
}

const _: () = assert!(size_of::<Slot>() == 32 || size_of::<usize>() != 8);
