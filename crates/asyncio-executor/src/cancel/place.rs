//! Where a wait stands in the tree: whether a request is about to end it.

use std::fmt;
use std::rc::Rc;

use crate::cancel::{Kind, NodeId};
use crate::home;
use crate::local::Local;
use crate::registry::Key;

/// Where a wait stands, for those who choose whom of many waiting to wake: a lock, a queue.
///
/// One that was requested to cancel and has not run since is not worth a wake-up: its scope will
/// drop it. asyncio knows it by `future.cancelled()`. It is a hint, for the order in which others
/// are woken: the wait may also go on, if the request is withdrawn, so one that was passed over
/// looks again whenever it is polled.
///
/// Costs a few words and no node of the tree.
///
/// # Examples
/// ```
/// use asyncio_executor::{Executor, WaitPlace};
/// use std::cell::RefCell;
/// use std::rc::Rc;
///
/// let executor = Executor::new();
/// let place = Rc::new(RefCell::new(WaitPlace::default()));
/// let task = executor.create_task({
///     let place = place.clone();
///     std::future::poll_fn(move |_| {
///         *place.borrow_mut() = WaitPlace::here();
///         std::task::Poll::<()>::Pending
///     })
/// });
/// executor.run_until_stalled();
/// assert!(!place.borrow().is_requested());
/// task.cancel();
/// assert!(place.borrow().is_requested()); // until the task runs
/// executor.run_until_stalled();
/// assert!(!place.borrow().is_requested());
/// ```
#[derive(Clone, Default)]
pub struct WaitPlace(Option<(Rc<Local>, Around)>);

/// What is around a wait.
#[derive(Clone, Copy)]
enum Around {
    /// No scope but the task's root, which may have no node yet.
    Task(Key),
    Scope(NodeId, u32),
}

impl WaitPlace {
    /// The place of what is being polled now. Outside an executor it is nowhere, which nobody
    /// can make a request of.
    #[inline]
    #[must_use]
    pub fn here() -> Self {
        home::with(|local| {
            let local = local?;
            local.tree.open_levels(local);
            let current = local.tree.current.get();
            let around = if !current.is_none() {
                let generation = local.tree.with(current, |node| node.generation)?;
                Around::Scope(current, generation)
            } else if !local.current.get().is_none() {
                Around::Task(local.current.get())
            } else {
                return None;
            };
            Some((Rc::clone(local), around))
        })
        .map_or_else(Self::default, |place| Self(Some(place)))
    }

    /// Whether the scope right around the wait has a request to answer, which it does at its next
    /// poll by dropping the wait.
    #[inline]
    #[must_use]
    pub fn is_requested(&self) -> bool {
        match &self.0 {
            Some((local, around)) if local.tree.is_marked() => around.is_requested(local),
            _ => false,
        }
    }
}

impl Around {
    fn is_requested(self, local: &Local) -> bool {
        let (id, generation) = match self {
            Self::Task(key) => (local.tasks.root(key), None),
            Self::Scope(id, generation) => (id, Some(generation)),
        };
        let answers = local.tree.with(id, |node| match node.kind {
            Kind::Root(_) | Kind::Plain(_) => {
                generation.is_none_or(|generation| generation == node.generation)
            }
            // No request goes through a shield, and no wait stands under a leaf.
            Kind::Shield | Kind::Claim(_) => false,
        });
        answers == Some(true) && local.tree.pending(id) != 0
    }
}

impl fmt::Debug for WaitPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WaitPlace")
            .field("requested", &self.is_requested())
            .finish()
    }
}
