//! Where a wait stands: whether a request is about to end it, and which task to wake for it.

use std::fmt;
use std::rc::Rc;
use std::task::Waker;

use crate::cancel::Kind;
use crate::cancel::nodes::NodeKey;
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
/// It also wakes the task that waits, where that is all that is needed: see
/// [`is_woken_by`](Self::is_woken_by).
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
#[derive(Clone)]
pub struct WaitPlace {
    /// `None` is nowhere.
    local: Option<Rc<Local>>,
    /// The task that waits. Its number may be another's since, which is harmless in a hint, and one
    /// wake-up too many otherwise: the wait itself has gone elsewhere then.
    task: Key,
    /// The scope right around the wait. `NONE` for the task's root, which may have no node yet.
    scope: NodeKey,
}

/// Nowhere, as outside an executor.
impl Default for WaitPlace {
    #[inline]
    fn default() -> Self {
        Self {
            local: None,
            task: Key::NONE,
            scope: NodeKey::NONE,
        }
    }
}

impl WaitPlace {
    /// The place of what is being polled now. Outside an executor it is nowhere, which nobody
    /// can make a request of.
    #[inline]
    #[must_use]
    pub fn here() -> Self {
        home::with(|local| match local {
            Some(local) => Self::in_executor(local),
            None => Self::default(),
        })
    }

    #[inline]
    fn in_executor(local: &Rc<Local>) -> Self {
        local.tree.open_levels(local);
        let scope = local.tree.current.get();
        let scope = match scope.is_none() {
            true => NodeKey::NONE,
            // The current scope is open.
            false => local.tree.key(scope).unwrap_or(NodeKey::NONE),
        };
        Self {
            local: Some(Rc::clone(local)),
            task: local.current.get(),
            scope,
        }
    }

    /// Whether [`wake`](Self::wake) does what `waker` would, with which what is here is being polled
    /// now. Then a wait need not clone it, and costs an atomic operation less. It is so in a task
    /// that has waited before, unless something in between polls with wakers of its own.
    #[inline]
    #[must_use]
    pub fn is_woken_by(&self, waker: &Waker) -> bool {
        self.local
            .as_ref()
            .is_some_and(|local| local.is_polled_with(waker) && local.tasks.is_parked(self.task))
    }

    /// Wakes the task that waits here. No foreign waker is called.
    #[inline]
    pub fn wake(&self) {
        if let Some(local) = &self.local {
            local.tasks.wake(self.task);
        }
    }

    /// Whether the scope right around the wait has a request to answer, which it does at its next
    /// poll by dropping the wait.
    #[inline]
    #[must_use]
    pub fn is_requested(&self) -> bool {
        match &self.local {
            Some(local) if local.tree.is_marked() => self.is_marked(local),
            _ => false,
        }
    }

    fn is_marked(&self, local: &Local) -> bool {
        let is_root = self.scope == NodeKey::NONE;
        let id = match is_root {
            true => local.tasks.root(self.task),
            false => self.scope.id(),
        };
        let answers = local.tree.look(id, |node| match node.kind {
            Kind::Root(_) | Kind::Plain(_) => is_root || node.key(id) == self.scope,
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
